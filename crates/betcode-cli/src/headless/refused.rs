//! Flags of Claude Code that cannot be honoured here, each with the reason and with what to use instead. To ignore them
//! silently would be worse than to say so.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, error::Error};

use crate::error::Failure;

/// A flag that is refused.
struct Flag {
    name: &'static str,
    /// How many values it has in Claude Code, at least and at most.
    values: (usize, usize),
    /// Why.
    why: &'static str,
    /// What to do instead.
    instead: &'static str,
}

/// All of them.
const FLAGS: &[Flag] = &[
    Flag {
        name: "bare",
        values: (0, 0),
        why: "in that mode Claude Code does not ask before it uses a tool, so no rule would hold",
        instead: "--system-prompt, --tools and --strict-mcp-config leave things out one by one",
    },
    Flag {
        name: "fork-session",
        values: (0, 0),
        why: "a session has one log, and that of a fork would not begin where it began",
        instead: "without --resume, a new session is started",
    },
    Flag {
        name: "forward-subagent-text",
        values: (0, 0),
        why: "the text of sub-agents is not recorded; what their tools do is",
        instead: "lines with parent_tool_use_id tell what sub-agents do",
    },
    Flag {
        name: "include-hook-events",
        values: (0, 0),
        why: "what hooks do is not recorded, unless they fail or say no",
        instead: "system/informational tells of hooks that fail or say no",
    },
    Flag {
        name: "machine",
        values: (1, 1),
        why: "other machines cannot be reached yet",
        instead: "run betcode on that machine",
    },
    Flag {
        name: "no-session-persistence",
        values: (0, 0),
        why: "every session is recorded, so that nothing of it is lost",
        instead: "betcode session delete ID removes it afterwards",
    },
    Flag {
        name: "remote",
        values: (0, 0),
        why: "other machines cannot be reached yet",
        instead: "run betcode on that machine",
    },
    Flag {
        name: "setting-sources",
        values: (1, 1),
        why: "which settings count is decided by trust, for rules and for the agent alike",
        instead: "betcode trust and betcode untrust; betcode rules list shows what counts",
    },
    Flag {
        name: "settings",
        values: (1, 1),
        why: "it would take the place of the settings by which the agent is told the rules",
        instead: "--allowed-tools and --disallowed-tools for rules, .claude/settings.local.json for the rest",
    },
    Flag {
        name: "worktree",
        values: (0, 1),
        why: "the agent would work in another directory than the rules are about",
        instead: "git worktree add DIR, then betcode -p --cwd DIR",
    },
];

/// The short form of `--worktree`.
const WORKTREE: (&str, char) = ("worktree", 'w');

/// Those that were given.
#[derive(Debug, Default)]
pub(crate) struct Refused(Vec<usize>);

impl Refused {
    /// The first one, as an error.
    pub(crate) fn first(&self) -> Option<Failure> {
        let flag = FLAGS.get(*self.0.first()?)?;
        let Flag {
            name, why, instead, ..
        } = flag;
        Some(Failure::usage(format!("--{name} is not supported: {why}")).hint(*instead))
    }
}

impl Args for Refused {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(|flag| {
            let (least, most) = flag.values;
            let mut arg = Arg::new(flag.name).long(flag.name).hide(true);
            if flag.name == WORKTREE.0 {
                arg = arg.short(WORKTREE.1);
            }
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
        let given = |(_, flag): &(usize, &Flag)| {
            if flag.values.1 == 0 {
                matches.get_flag(flag.name)
            } else {
                matches.contains_id(flag.name)
            }
        };
        let given = FLAGS.iter().enumerate().filter(given);
        Ok(Self(given.map(|(index, _)| index).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
