//! The process environment, read once by `main` and passed down. Nothing else in this crate reads it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The environment variables and the working directory with which the process was started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
    cwd: Option<PathBuf>,
}

impl Environment {
    /// Reads both.
    pub(crate) fn read() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            cwd: std::env::current_dir().ok(),
        }
    }

    /// A variable; an empty one counts as absent.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables
            .get(std::ffi::OsStr::new(name))
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    }

    /// A variable as text; an empty one, or one that is not UTF-8, counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.variables
            .get(std::ffi::OsStr::new(name))
            .and_then(|value| value.to_str())
            .filter(|value| !value.is_empty())
    }

    /// The same with other variables: those of ours are taken away but for these names, then some are set.
    pub(crate) fn elsewhere(&self, kept: &[&str], set: &[(&str, &std::path::Path)]) -> Self {
        let mut variables = self.variables.clone();
        variables.retain(|name, _| {
            let name = name.to_string_lossy();
            !name.starts_with("BETCODE_") || kept.contains(&&*name)
        });
        let set = set.iter();
        variables
            .extend(set.map(|(name, path)| (OsString::from(name), path.as_os_str().to_owned())));
        Self {
            variables,
            cwd: self.cwd.clone(),
        }
    }

    /// Everything, as a daemon that is started chooses from it.
    pub(crate) fn all(&self) -> BTreeMap<OsString, OsString> {
        self.variables.clone()
    }

    /// The working directory; none when it no longer exists.
    pub(crate) fn cwd(&self) -> Option<PathBuf> {
        self.cwd.clone()
    }

    /// Every variable that is UTF-8, as agents get them; the names of the others.
    pub(crate) fn for_agents(&self) -> (BTreeMap<String, String>, Vec<String>) {
        let mut variables = BTreeMap::new();
        let mut left_out = Vec::new();
        for (name, value) in &self.variables {
            match (name.to_str(), value.to_str()) {
                (Some(name), Some(value)) => {
                    variables.insert(name.to_owned(), value.to_owned());
                }
                _ => left_out.push(name.to_string_lossy().into_owned()),
            }
        }
        (variables, left_out)
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)], cwd: &str) -> Self {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        Self {
            variables,
            cwd: Some(cwd.into()),
        }
    }
}
