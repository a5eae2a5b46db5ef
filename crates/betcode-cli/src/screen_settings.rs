//! What the settings say of the interactive screen (`tui.*`): read from the user's own file and the flags, because a project
//! may not set them. Names and keys that do not exist, and keys that are wanted twice, are errors that name the file.

use std::collections::BTreeMap;

use betcode_core::config::{
    self, ConfigError, Key, Layer, Place, Reason, Resolution, Source, TuiConfig,
};
use betcode_tui::keymap::{ACTIONS, Conflict, Keymap};
use betcode_tui::model::Taste;
use betcode_tui::theme::Chosen;

use crate::cli::config::user_file;
use crate::context::Context;
use crate::error::Failure;
use crate::nearest::nearest;
use crate::output::say;

/// What the screen is to be like.
#[derive(Debug)]
pub(crate) struct ScreenSettings {
    /// Which key does what.
    pub(crate) keymap: Keymap,
    /// What the colours are for: this time, and by the file.
    pub(crate) theme: Chosen,
    /// What the user prefers.
    pub(crate) taste: Taste,
    /// Lines instead of a screen.
    pub(crate) lines: bool,
    /// The other keys, as they are written.
    pub(crate) others: BTreeMap<String, Vec<String>>,
}

/// Reads them. All that is wrong is told; the first is the error.
pub(crate) fn read(
    context: &Context,
    flags: &[(&str, &str, &str)],
) -> Result<ScreenSettings, Failure> {
    let path = context.profile()?.config_dir.join(config::USER_FILE);
    let text = user_file(&path)?;
    let file = Source::file(Layer::User, path.display().to_string(), text);
    let by_file = config::resolve(std::slice::from_ref(&file), false)
        .config
        .tui
        .theme;
    let name = Key::ScreenReader.variable().unwrap_or_default();
    let variable = context.environment.text(&name).map(str::to_owned);
    let sources = [
        file,
        Source::environment(variable.map(|value| (name, value))),
        Source::flags(flags.iter().copied()),
    ];
    let resolution = config::resolve(&sources, false);
    let mut problems: Vec<Problem> = resolution
        .errors
        .iter()
        .filter(|error| is_about_the_screen(error))
        .map(Problem::from)
        .collect();
    let TuiConfig {
        keys,
        theme,
        mouse,
        reduced_motion,
        screen_reader,
        notify,
        vim,
        progress,
        history,
    } = resolution.config.tui.clone();
    let keymap = Keymap::new(&keys).unwrap_or_else(|_| {
        problems.extend(conflicts(&resolution));
        Keymap::default()
    });
    if let Some(failure) = told(problems) {
        return Err(failure);
    }
    Ok(ScreenSettings {
        keymap,
        theme: Chosen {
            now: theme,
            setting: by_file,
        },
        taste: Taste {
            mouse,
            reduced_motion,
            notify,
            vim,
            progress,
            history,
        },
        lines: screen_reader,
        others: keys,
    })
}

/// Something that is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The actions it is about.
    pub(crate) actions: Vec<String>,
    /// What is wrong, and where.
    pub(crate) message: String,
    hint: Option<String>,
}

impl Problem {
    /// As an error.
    pub(crate) fn failure(self) -> Failure {
        let failure = Failure::invalid("CONFIG", self.message);
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<&ConfigError> for Problem {
    fn from(error: &ConfigError) -> Self {
        Self {
            actions: Vec::new(),
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
        }
    }
}

/// Says all but the first, which is the error.
pub(crate) fn told(problems: Vec<Problem>) -> Option<Failure> {
    let mut problems = problems.into_iter();
    let first = problems.next()?;
    for problem in problems {
        say(&format!("warning: {}", problem.message));
    }
    Some(first.failure())
}

/// Whether the screen would not be as it was asked for. What else is wrong is the daemon's to tell.
fn is_about_the_screen(error: &ConfigError) -> bool {
    let flag = matches!(error.place, Some(Place::Flag(_) | Place::Variable(_)));
    flag || match &error.reason {
        Reason::Syntax { .. } => true,
        Reason::UnknownKey { key, .. }
        | Reason::Section { key, .. }
        | Reason::BadValue { key, .. } => key == "tui" || key.starts_with("tui."),
        Reason::BadName { .. } | Reason::UntrustedAgent { .. } => false,
    }
}

/// What is wrong with the keys in the settings.
pub(crate) fn conflicts(resolution: &Resolution) -> Vec<Problem> {
    let Err(conflicts) = Keymap::new(&resolution.config.tui.keys) else {
        return Vec::new();
    };
    let problem = |conflict: Conflict| {
        let actions: Vec<String> = conflict
            .actions()
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let set = actions.iter().find_map(|name| {
            let row = resolution.origin(&Key::ScreenKeys(name.clone()))?;
            Some(format!("{}: ", row.place))
        });
        Problem {
            message: format!("{}tui.keys: {conflict}", set.unwrap_or_default()),
            hint: hint(&conflict, resolution),
            actions,
        }
    };
    conflicts.into_iter().map(problem).collect()
}

fn hint(conflict: &Conflict, resolution: &Resolution) -> Option<String> {
    match conflict {
        Conflict::NoAction(name) => {
            let meant = nearest(name, ACTIONS.iter().map(|entry| entry.name))?;
            Some(format!("did you mean `{meant}`?"))
        }
        Conflict::Twice { one, other, .. } => {
            // The one whose keys nobody chose is the one to give others.
            let usual = [one, other].into_iter().find(|name| {
                let key = Key::ScreenKeys((**name).to_owned());
                resolution.origin(&key).is_none()
            });
            let name = usual.unwrap_or(other);
            Some(format!(
                "give `{name}` other keys, or none: betcode config set tui.keys.{name} \"\""
            ))
        }
        Conflict::NoKey { .. } => {
            Some("betcode keys --watch shows what a key is called".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<Problem> {
        let file = Source::file(Layer::User, "config.toml", text);
        conflicts(&config::resolve(&[file], false))
    }

    #[test]
    fn every_conflict_names_its_place_and_what_to_do() {
        let found = problems(
            "[tui.keys]\nsnd = [\"f5\"]\ncopy = [\"n\"]\ndeny = [\"hyper-n\"]\nhelp = [\"f2\"]\n",
        );
        let lines: Vec<_> = found
            .iter()
            .map(|problem| {
                format!(
                    "{} | {}",
                    problem.message,
                    problem.hint.as_deref().unwrap_or("-")
                )
            })
            .collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with("config.toml:2:1: tui.keys: there is nothing called `snd`"));
        assert!(lines[0].ends_with("did you mean `send`?"), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with(
            "config.toml:3:1: tui.keys: conversation: n is bound to search-next and to copy"
        ) && line.contains("give `search-next` other keys")));
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("config.toml:4:1: tui.keys: deny: `hyper-n`"))
        );
    }

    #[test]
    fn keys_that_swap_their_places_are_no_conflict() {
        assert_eq!(
            problems("[tui.keys]\nsend = [\"ctrl-enter\"]\nnewline = [\"enter\", \"enter\"]\n"),
            []
        );
    }
}
