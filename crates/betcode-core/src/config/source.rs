//! Layers, what stands in them, and places in them. Nothing is parsed here.

use std::fmt;

/// Layers, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// Built in.
    Default,
    /// The user's file.
    User,
    /// The project's file.
    Project,
    /// The user's own file for the project.
    ProjectLocal,
    /// A `BETCODE_*` variable.
    Environment,
    /// A flag of this command.
    Flags,
}

impl Layer {
    /// Whether it comes with the project's directory, and so perhaps from somebody else.
    pub const fn is_project(self) -> bool {
        match self {
            Self::Project | Self::ProjectLocal => true,
            Self::Default | Self::User | Self::Environment | Self::Flags => false,
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Default => "default",
            Self::User => "user",
            Self::Project => "project",
            Self::ProjectLocal => "project-local",
            Self::Environment => "environment",
            Self::Flags => "flag",
        })
    }
}

/// Where a setting stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// In a file. Lines and columns count from 1, columns in characters.
    File {
        /// The file, as it was given.
        path: String,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// In a variable of the environment.
    Variable(String),
    /// In a flag.
    Flag(String),
    /// Nowhere: the built-in default.
    BuiltIn,
}

impl Place {
    pub(super) fn in_file(path: &str, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::File {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before
                .get(line_start..)
                .map_or(0, |start| start.chars().count())
                + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{path}:{line}:{column}"),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

/// One thing that settings are read from. Printing it for debugging shows no values: they may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    layer: Layer,
    pub(super) content: Content,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Content {
    File { path: String, text: String },
    Variables(Vec<(String, String)>),
    Flags(Vec<Flag>),
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Flag {
    pub(super) name: String,
    pub(super) key: String,
    pub(super) value: String,
}

impl Source {
    /// A TOML file. `path` is how messages name it.
    pub fn file(layer: Layer, path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            layer,
            content: Content::File {
                path: path.into(),
                text: text.into(),
            },
        }
    }

    /// The environment. Variables that are no settings are passed over, and so are empty ones.
    pub fn environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours =
            |(name, value): &(String, String)| name.starts_with("BETCODE_") && !value.is_empty();
        Self {
            layer: Layer::Environment,
            content: Content::Variables(variables.into_iter().filter(ours).collect()),
        }
    }

    /// Flags that were given, as (name for messages, key, value): `("--model", "model", "opus")`.
    pub fn flags<'a>(flags: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Self {
        let flag = |(name, key, value): (&str, &str, &str)| Flag {
            name: name.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
        };
        Self {
            layer: Layer::Flags,
            content: Content::Flags(flags.into_iter().map(flag).collect()),
        }
    }

    /// Its layer.
    pub const fn layer(&self) -> Layer {
        self.layer
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = match &self.content {
            Content::File { path, .. } => path.clone(),
            Content::Variables(variables) => format!("{} variables", variables.len()),
            Content::Flags(flags) => format!("{} flags", flags.len()),
        };
        f.debug_tuple("Source")
            .field(&self.layer)
            .field(&content)
            .finish()
    }
}
