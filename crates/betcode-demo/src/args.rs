//! Claude Code's flags as far as they mean something here. Lenient by design: a driver for the
//! real program must be able to drive this one, so unknown flags and values are ignored.

use std::ffi::OsString;

/// What the command line asked for.
#[derive(Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct Options {
    pub(crate) version: bool,
    /// `--session-id` or `--resume`.
    pub(crate) session_id: Option<String>,
    /// `--resume`: the session may have a turn that died.
    pub(crate) resumed: bool,
    pub(crate) model: Option<String>,
    pub(crate) permission_mode: Option<String>,
    pub(crate) max_turns: Option<u32>,
    /// `--include-partial-messages`: without it there are no `stream_event` lines.
    pub(crate) partial_messages: bool,
    /// `--permission-prompt-tool stdio`: without it every question is denied by itself.
    pub(crate) can_ask: bool,
    /// `--replay-user-messages`.
    pub(crate) replay: bool,
    pub(crate) bypass_permitted: bool,
    pub(crate) allowed_tools: Vec<String>,
    pub(crate) disallowed_tools: Vec<String>,
}

impl Options {
    pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Self {
        let mut options = Self::default();
        let mut fork = false;
        let mut args = args
            .map(|arg| arg.to_string_lossy().into_owned())
            .peekable();
        while let Some(arg) = args.next() {
            let (flag, attached) = match arg.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => {
                    (flag.to_owned(), Some(value.to_owned()))
                }
                _ => (arg, None),
            };
            let mut value = || {
                attached
                    .clone()
                    .or_else(|| args.next_if(|next| !is_flag(next)))
            };
            match flag.as_str() {
                "--version" | "-v" => options.version = true,
                "--session-id" => options.session_id = value().or(options.session_id),
                "--resume" | "-r" => {
                    options.session_id = value().or(options.session_id);
                    options.resumed = true;
                }
                "--fork-session" => fork = true,
                "--model" => options.model = value(),
                "--permission-mode" => options.permission_mode = value(),
                "--max-turns" => options.max_turns = value().and_then(|n| n.parse().ok()),
                "--include-partial-messages" => options.partial_messages = true,
                "--permission-prompt-tool" => options.can_ask = value().as_deref() == Some("stdio"),
                "--replay-user-messages" => options.replay = true,
                "--dangerously-skip-permissions" => {
                    options.bypass_permitted = true;
                    options.permission_mode = Some("bypassPermissions".to_owned());
                }
                "--allow-dangerously-skip-permissions" => options.bypass_permitted = true,
                "--allowedTools" | "--allowed-tools" => {
                    while let Some(list) = value() {
                        split_tools(&list, &mut options.allowed_tools);
                        if attached.is_some() {
                            break;
                        }
                    }
                }
                "--disallowedTools" | "--disallowed-tools" => {
                    while let Some(list) = value() {
                        split_tools(&list, &mut options.disallowed_tools);
                        if attached.is_some() {
                            break;
                        }
                    }
                }
                // Flags whose values could be mistaken for flags of their own.
                "--append-system-prompt" | "--system-prompt" | "--settings" | "--mcp-config" => {
                    drop(attached.or_else(|| args.next()));
                }
                _ => {}
            }
        }
        if options.permission_mode.as_deref() == Some("bypassPermissions") {
            options.bypass_permitted = true;
        }
        if fork {
            options.session_id = None;
            options.resumed = false;
        }
        options
    }
}

fn is_flag(word: &str) -> bool {
    word.starts_with("--")
}

/// Splits `Bash(git log:*),Edit Write` at commas and blanks that are outside parentheses.
fn split_tools(list: &str, into: &mut Vec<String>) {
    let mut depth = 0_u32;
    let mut word = String::new();
    for c in list.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (c == ',' || c.is_whitespace()) {
            into.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
        } else {
            word.push(c);
        }
    }
    into.extend(Some(word).filter(|word| !word.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[&str]) -> Options {
        Options::parse(line.iter().map(OsString::from))
    }

    #[test]
    fn a_drivers_usual_command_line_is_understood() {
        let options = parse(&[
            "--output-format",
            "stream-json",
            "--input-format",
            "stream-json",
            "--verbose",
            "--permission-prompt-tool",
            "stdio",
            "--include-partial-messages",
            "--session-id",
            "abc",
            "--model=demo",
            "--append-system-prompt",
            "--max-turns 9",
            "--max-turns",
            "3",
            "--allowedTools",
            "Bash(git log:*),Edit",
            "Write",
            "--no-such-flag",
            "x",
            "--settings",
            "{}",
        ]);
        assert_eq!(
            options,
            Options {
                session_id: Some("abc".to_owned()),
                model: Some("demo".to_owned()),
                max_turns: Some(3),
                partial_messages: true,
                can_ask: true,
                allowed_tools: vec!["Bash(git log:*)".into(), "Edit".into(), "Write".into()],
                ..Options::default()
            }
        );
    }

    #[test]
    fn a_forked_session_does_not_keep_the_id_it_resumes() {
        assert_eq!(
            parse(&["--resume", "abc", "--fork-session"]).session_id,
            None
        );
        assert_eq!(
            parse(&["--resume", "abc"]).session_id.as_deref(),
            Some("abc")
        );
    }
}
