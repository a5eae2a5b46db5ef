//! Flags that scripts for Claude Code use, or that BetCode will have, and that this version cannot honour. To ignore them
//! silently would be worse than to say so.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, error::Error};

use crate::error::Failure;

/// Name, number of values at least and at most.
const FLAGS: &[(&str, usize, usize)] = &[
    ("add-dir", 1, usize::MAX),
    ("agents", 1, 1),
    ("bare", 0, 0),
    ("dangerously-skip-permissions", 0, 0),
    ("effort", 1, 1),
    ("fallback-model", 1, 1),
    ("fork-session", 0, 0),
    ("forward-subagent-text", 0, 0),
    ("include-hook-events", 0, 0),
    ("json-schema", 1, 1),
    ("machine", 1, 1),
    ("max-budget-usd", 1, 1),
    ("mcp-config", 1, usize::MAX),
    ("no-session-persistence", 0, 0),
    ("permission-prompt-tool", 1, 1),
    ("permission-prompts", 1, 1),
    ("remote", 0, 0),
    ("setting-sources", 1, 1),
    ("settings", 1, 1),
    ("strict-mcp-config", 0, 0),
    ("system-prompt", 1, 1),
    ("tools", 0, usize::MAX),
    ("worktree", 0, 1),
];

/// Those that were given.
#[derive(Debug, Default)]
pub(crate) struct Refused(Vec<&'static str>);

impl Refused {
    /// The first one, as an error.
    pub(crate) fn first(&self) -> Option<Failure> {
        let name = self.0.first()?;
        let failure = Failure::usage(format!("--{name} is not supported yet"));
        Some(match *name {
            "dangerously-skip-permissions" => {
                failure.hint("--allowed-tools says what may be done without asking")
            }
            "permission-prompts" | "permission-prompt-tool" => {
                failure.hint("--wait-for-permissions lets somebody answer from another terminal")
            }
            "system-prompt" => failure.hint("--append-system-prompt adds to the agent's own"),
            _ => failure,
        })
    }
}

impl Args for Refused {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(|&(name, least, most)| {
            let arg = Arg::new(name).long(name).hide(true);
            if most == 0 {
                arg.action(ArgAction::SetTrue)
            } else {
                arg.action(ArgAction::Append).num_args(least..=most)
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Refused {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |&&(name, _, most): &&(&'static str, usize, usize)| {
            if most == 0 {
                return matches.get_flag(name);
            }
            // That nobody is asked is how it is here anyway.
            let harmless = name == "permission-prompts"
                && matches
                    .get_many::<String>(name)
                    .is_some_and(|mut values| values.all(|value| value == "none"));
            matches.contains_id(name) && !harmless
        };
        Ok(Self(
            FLAGS.iter().filter(given).map(|&(name, ..)| name).collect(),
        ))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
