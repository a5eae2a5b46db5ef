//! The flags of a run without subcommand. Same names as Claude Code's where the thing is the same.

mod handed_on;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use uuid::Uuid;

use super::refused::Refused;
use crate::error::Failure;
use crate::interactive::ScreenArgs;
use crate::rule_lists;

use handed_on::HandedOn;

/// What is printed on stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// The assistant's text
    #[default]
    Text,
    /// One JSON object at the end
    Json,
    /// Claude Code's line types as they happen, each with a sequence
    StreamJson,
    /// BetCode's own events, one JSON object a line
    Events,
}

/// What is read from stdin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// A prompt
    #[default]
    Text,
    /// One message a line, as JSON; the session stays open until the input ends
    StreamJson,
}

/// Whose exit codes to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExitCodes {
    /// 0 success, 1 agent error, 2 no connection, 3 denied, 4 rate limited, 64 usage, 124 timeout, 130 SIGINT, 143 SIGTERM
    #[default]
    Betcode,
    /// 0 when there is an answer, else 1
    Claude,
}

// Headings of the help.
const FORMATS: &str = "Input and output";
const SESSION: &str = "Session";
const AGENT: &str = "Agent";
const PERMISSIONS: &str = "Permissions";
const RUN: &str = "Run and daemon";

const ALLOWED: &str = "--allowed-tools";
const DISALLOWED: &str = "--disallowed-tools";

/// The words of Claude Code for `--permission-mode`.
pub(crate) const MODES: [&str; 7] = [
    "default",
    "acceptEdits",
    "plan",
    "auto",
    "dontAsk",
    "manual",
    BYPASS,
];
const BYPASS: &str = "bypassPermissions";

/// How long requests wait for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// As long as the settings say.
    AsSet,
    /// At most so long.
    AtMost(Duration),
}

fn wait(text: &str) -> Result<Wait, String> {
    if text.is_empty() {
        return Ok(Wait::AsSet);
    }
    crate::duration::parse(text).map(Wait::AtMost)
}

/// Without a subcommand: say something to an agent.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct RunArgs {
    /// What to say to the agent; with -p also read from stdin, or stdin is appended to it
    pub(crate) prompt: Option<String>,

    /// Print the answer and exit, without the interactive screen
    #[arg(short = 'p', long)]
    pub(crate) print: bool,

    /// The interactive screen without a screen of its own: what is finished goes into the terminal's scrollback
    ///
    /// The way that was used last is used again when neither this nor --fullscreen is given.
    #[arg(long, conflicts_with_all = ["print", "fullscreen"])]
    pub(crate) inline: bool,

    /// The interactive screen in all of the terminal, as it is at first
    #[arg(long, conflicts_with = "print")]
    pub(crate) fullscreen: bool,

    /// Show the agent an image: PNG, JPEG, GIF or WebP, at most 5 MiB; may be given several times, at most 20 MiB together
    #[arg(long, value_name = "FILE", help_heading = FORMATS)]
    pub(crate) image: Vec<PathBuf>,

    /// What to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = FORMATS)]
    pub(crate) output_format: OutputFormat,

    /// What to read from stdin
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = FORMATS)]
    pub(crate) input_format: InputFormat,

    /// With stream-json: also print pieces of messages as they come
    #[arg(long, help_heading = FORMATS)]
    pub(crate) include_partial_messages: bool,

    /// With stream-json on both sides: also print the user's own messages
    #[arg(long, help_heading = FORMATS)]
    pub(crate) replay_user_messages: bool,

    /// Also write the agent's last words into this file, or to a pipe that somebody reads
    #[arg(short = 'o', long, value_name = "FILE", help_heading = FORMATS)]
    pub(crate) output_last_message: Option<PathBuf>,

    /// The agent to use: claude, demo, or one that the configuration names
    #[arg(long, value_name = "AGENT", help_heading = AGENT)]
    pub(crate) agent: Option<String>,

    /// The model to use
    #[arg(long, value_name = "MODEL", help_heading = AGENT)]
    pub(crate) model: Option<String>,

    /// Go on with the most recent session of this directory
    #[arg(short = 'c', long = "continue", conflicts_with_all = ["resume", "session_id"], help_heading = SESSION)]
    pub(crate) continue_: bool,

    /// Go on with this session: its id, the beginning of it, or its title; without one, choose it on the screen
    #[arg(short = 'r', long, value_name = "SESSION", num_args = 0..=1, default_missing_value = "", conflicts_with = "session_id", help_heading = SESSION)]
    pub(crate) resume: Option<String>,

    /// The id of the new session
    #[arg(long, value_name = "UUID", help_heading = SESSION)]
    pub(crate) session_id: Option<Uuid>,

    /// A title for the session
    #[arg(short = 'n', long, value_name = "TITLE", help_heading = SESSION)]
    pub(crate) name: Option<String>,

    /// Rules for what may be done without asking: "Edit,Bash(git *)", separated by commas or blanks
    #[arg(long, alias = "allowedTools", value_name = "RULES", num_args = 1.., help_heading = PERMISSIONS)]
    pub(crate) allowed_tools: Vec<String>,

    /// Rules for what may not be done
    #[arg(long, alias = "disallowedTools", value_name = "RULES", num_args = 1.., help_heading = PERMISSIONS)]
    pub(crate) disallowed_tools: Vec<String>,

    /// Deny whatever no rule allows, reading included
    #[arg(long, alias = "onlyAllowedTools", help_heading = PERMISSIONS)]
    pub(crate) only_allowed_tools: bool,

    /// The permission mode that the agent works in
    #[arg(long, value_name = "MODE", value_parser = MODES, help_heading = PERMISSIONS)]
    pub(crate) permission_mode: Option<String>,

    /// Nobody is asked about anything: what no rule denies is done
    #[arg(long, help_heading = PERMISSIONS)]
    pub(crate) dangerously_skip_permissions: bool,

    /// Accepted for scripts written for Claude Code: `none` denies what would be asked, as is done here anyway
    #[arg(long, hide = true, value_parser = ["host", "none"])]
    pub(crate) permission_prompts: Option<String>,

    /// Ask for permissions as `control_request` lines on stdout, answered by `control_response` lines on stdin: `stdio`
    ///
    /// Needs stream-json on both sides. What nobody answers there can be answered from any other terminal as well.
    #[arg(long, value_name = "WHERE", value_parser = ["stdio"], conflicts_with = "wait_for_permissions", help_heading = PERMISSIONS)]
    pub(crate) permission_prompt_tool: Option<String>,

    /// Wait for somebody to answer what the agent asks, at most so long: 90, 90s, 10m, 2h
    ///
    /// stderr says what is asked and which command answers it, from any other terminal. Without this flag, whatever
    /// no rule allows is denied at once.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "", value_parser = wait, help_heading = PERMISSIONS)]
    pub(crate) wait_for_permissions: Option<Wait>,

    /// Most rounds with the model in a turn
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = AGENT)]
    pub(crate) max_turns: Option<u32>,

    /// Add this to the agent's system prompt
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, help_heading = AGENT)]
    pub(crate) append_system_prompt: Option<String>,

    /// Work in this directory instead of the current one
    #[arg(long, value_name = "DIR", help_heading = SESSION)]
    pub(crate) cwd: Option<PathBuf>,

    /// Stop the turn after so long: 90, 90s, 10m, 2h
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, help_heading = RUN)]
    pub(crate) timeout: Option<Duration>,

    /// Start the turn, print the session's id and return
    #[arg(long, conflicts_with = "timeout", help_heading = RUN)]
    pub(crate) detach: bool,

    /// When the model's service asks to wait, or the agent dies, give up at once
    #[arg(long, help_heading = RUN)]
    pub(crate) no_retry: bool,

    /// Fail when no daemon runs, instead of starting one
    #[arg(long, help_heading = RUN)]
    pub(crate) no_daemon_start: bool,

    /// A daemon that is started for this command ends with it
    #[arg(long, conflicts_with = "detach", help_heading = RUN)]
    pub(crate) ephemeral: bool,

    /// Whose exit codes to use
    #[arg(long, value_enum, value_name = "WHOSE", default_value_t, help_heading = FORMATS)]
    pub(crate) exit_codes: ExitCodes,

    /// Accepted for scripts written for Claude Code; stream-json is always complete here
    #[arg(long, hide = true)]
    pub(crate) verbose: bool,

    /// Accepted for scripts written for Claude Code
    #[arg(short = 'd', long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "", value_name = "FILTER")]
    pub(crate) debug: Option<String>,

    #[command(flatten)]
    pub(crate) handed_on: HandedOn,

    #[command(flatten)]
    pub(crate) screen: ScreenArgs,

    #[command(flatten)]
    pub(crate) refused: Refused,
}

impl RunArgs {
    /// What whoever wrote the rules may not expect of them.
    pub(super) fn remarks(&self) -> Vec<String> {
        let mut remarks = rule_lists::remarks(&self.allowed_tools, ALLOWED);
        remarks.extend(rule_lists::remarks(&self.disallowed_tools, DISALLOWED));
        remarks
    }

    /// What it means that there is no prompt: where a session is to be resumed, it may have been taken for its name.
    pub(super) fn without_prompt(&self, failure: Failure) -> Failure {
        let word = self.resume.as_deref().unwrap_or_default();
        if word.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            return failure;
        }
        Failure::usage(format!(
            "--resume takes `{word}` for a session, and there is no prompt"
        ))
        .hint(format!(
            "betcode -p --resume SESSION {}; betcode session list shows the sessions",
            shell_words::quote(word)
        ))
    }

    /// Whether the session to go on with is to be chosen on the screen.
    pub(crate) fn chooses(&self) -> bool {
        self.resume.as_deref() == Some("")
    }

    /// Whether requests of the agent are printed, to be answered on stdin.
    pub(super) fn asks_on_stdio(&self) -> bool {
        self.permission_prompt_tool.is_some() && self.permission_prompts.as_deref() != Some("none")
    }

    /// Puts right what clap cannot know: a prompt that was taken for the last name of a list of tools. Then checks what
    /// does not go together.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        if let Some(flag) = self.refused.first() {
            return Err(flag);
        }
        if self.prompt.is_none() {
            self.prompt = swallowed(&mut self.allowed_tools)
                .or_else(|| swallowed(&mut self.disallowed_tools))
                .or_else(|| self.handed_on.swallowed());
        }
        if self.dangerously_skip_permissions {
            self.permission_mode = Some(BYPASS.to_owned());
        }
        self.allowed_tools = rule_lists::read(&self.allowed_tools, ALLOWED)?;
        self.disallowed_tools = rule_lists::read(&self.disallowed_tools, DISALLOWED)?;
        if let Some(both) = self
            .allowed_tools
            .iter()
            .find(|tool| self.disallowed_tools.contains(tool))
        {
            return Err(Failure::usage(format!(
                "{both} is both allowed and disallowed"
            )));
        }
        if self.chooses() && self.print {
            return Err(Failure::usage("with -p, --resume needs the id of a session")
                .hint("betcode session list shows them; --continue takes the most recent one of this directory; without -p, one is chosen on the screen"));
        }
        if self.include_partial_messages && self.output_format != OutputFormat::StreamJson {
            return Err(Failure::usage(
                "--include-partial-messages needs --output-format stream-json",
            )
            .hint("--output-format events has every piece"));
        }
        let both = self.input_format == InputFormat::StreamJson
            && self.output_format == OutputFormat::StreamJson;
        if self.replay_user_messages && !both {
            return Err(Failure::usage(
                "--replay-user-messages needs --input-format stream-json and --output-format stream-json",
            )
            .hint("--output-format events has the user's messages"));
        }
        if self.asks_on_stdio() && !both {
            return Err(Failure::usage(
                "--permission-prompt-tool stdio needs --input-format stream-json and --output-format stream-json",
            )
            .hint("--wait-for-permissions lets somebody answer from another terminal"));
        }
        if self.input_format == InputFormat::StreamJson {
            if self.prompt.is_some() {
                return Err(Failure::usage(
                    "with --input-format stream-json the prompt comes on stdin, not as an argument",
                ));
            }
            if !self.image.is_empty() {
                return Err(Failure::usage(
                    "with --input-format stream-json images are blocks of a message, not files",
                ));
            }
            if self.detach {
                return Err(Failure::usage(
                    "--detach does not go with --input-format stream-json",
                ));
            }
        }
        Ok(())
    }
}

/// Claude Code's lists of tools take any number of words, so in `--allowed-tools Bash "do it"` the prompt looks like one.
fn swallowed(words: &mut Vec<String>) -> Option<String> {
    let word = words.last().filter(|_| words.len() > 1)?;
    if rule_lists::looks_like_rules(word) {
        return None;
    }
    words.pop()
}

#[cfg(test)]
mod tests;
