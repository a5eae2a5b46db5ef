//! From the process's arguments to a command line, or to one line that says what is wrong with them.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _};

use super::Cli;
use crate::error::Failure;
use crate::nearest::nearest;
use crate::output::{ErrorForm, Output};

/// Reads the command line; none when help or version was asked for and printed.
pub(crate) fn parse(arguments: &[OsString], output: &mut Output) -> Result<Option<Cli>, Failure> {
    let parsed = super::groups::grouped(Cli::command())
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let error = match parsed {
        Ok(cli) => return Ok(Some(cli)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = error.render();
            let text = if output.colours() {
                text.ansi().to_string()
            } else {
                text.to_string()
            };
            output.write(text.as_bytes())?;
            Ok(None)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            let command = command_words(arguments);
            Err(Failure::usage(format!("`{command}` needs a subcommand"))
                .hint(format!("{command} --help shows them")))
        }
        _ => {
            Err(one_word_too_many(&error, arguments).unwrap_or_else(|| explain(&error, arguments)))
        }
    }
}

/// A word beside the prompt: a command with a slip in it, or a prompt that should be quoted.
fn one_word_too_many(error: &clap::Error, arguments: &[OsString]) -> Option<Failure> {
    // clap takes the word after the prompt for a subcommand, whatever it is.
    let rendered = error.render().to_string();
    let word = rendered
        .strip_prefix("error: the subcommand '")
        .or_else(|| rendered.strip_prefix("error: unexpected argument '"))
        .or_else(|| rendered.strip_prefix("error: unrecognized subcommand '"))
        .and_then(|rest| rest.split('\'').next())
        .filter(|word| !word.starts_with('-'))?;
    let words = words(arguments);
    let command = Cli::command();
    let Some(first) = words.get(1).filter(|first| !first.starts_with('-')) else {
        return Some(unquoted(word, &words));
    };
    if command.find_subcommand(first).is_some() {
        return None;
    }
    let names = command.get_subcommands().map(clap::Command::get_name);
    if let Some(meant) = nearest(first, names) {
        let rest = words.get(2..).unwrap_or_default();
        let line: Vec<&str> = [meant].iter().chain(rest).copied().collect();
        return Some(
            Failure::usage(format!("there is no command `{first}`")).hint(format!(
                "did you mean `betcode {}`?",
                shell_words::join(line)
            )),
        );
    }
    Some(unquoted(word, &words))
}

fn unquoted(word: &str, words: &[&str]) -> Failure {
    let only_print = |word: &&&str| matches!(**word, "-p" | "--print");
    let prompt: Vec<&str> = words
        .iter()
        .skip(1)
        .skip_while(only_print)
        .copied()
        .collect();
    // With other flags among them, which words are the prompt is anybody's guess.
    let whole = !prompt.iter().any(|word| word.starts_with('-'));
    let example = if whole {
        prompt.join(" ")
    } else {
        "what to do".to_owned()
    };
    Failure::usage(format!(
        "`{word}` is one word too many: a prompt of several words is written in quotes"
    ))
    .hint(format!("betcode -p {}", shell_words::quote(&example)))
}

/// How errors are to be told, known even where the command line makes no sense otherwise.
pub(crate) fn error_form(arguments: &[OsString]) -> ErrorForm {
    let words = words(arguments);
    if ["json", "stream-json"]
        .iter()
        .any(|format| option_is(&words, "--output-format", format))
    {
        ErrorForm::Result
    } else if words.contains(&"--json") {
        ErrorForm::Object
    } else {
        ErrorForm::Plain
    }
}

/// Whether `--exit-codes=claude` was given.
pub(crate) fn wants_claude_codes(arguments: &[OsString]) -> bool {
    option_is(&words(arguments), "--exit-codes", "claude")
}

fn words(arguments: &[OsString]) -> Vec<&str> {
    arguments
        .iter()
        .filter_map(|argument| argument.to_str())
        .take_while(|word| *word != "--")
        .collect()
}

fn option_is(words: &[&str], option: &str, value: &str) -> bool {
    words
        .windows(2)
        .any(|pair| matches!(pair, [name, given] if *name == option && *given == value))
        || words.iter().any(|word| {
            word.strip_prefix(option)
                .and_then(|rest| rest.strip_prefix('='))
                == Some(value)
        })
}

/// clap's explanation in one line and a hint.
fn explain(error: &clap::Error, arguments: &[OsString]) -> Failure {
    let rendered = error.render().to_string();
    let message = rendered.split("\n\n").next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let suggestion = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ]
    .into_iter()
    .find_map(|kind| error.get(kind))
    .and_then(|value| match value {
        ContextValue::String(one) => Some(one.clone()),
        ContextValue::Strings(several) => several.last().cloned(),
        _ => None,
    })
    .filter(|suggestion| !is_hidden(suggestion));
    let hint = suggestion.map_or_else(
        || format!("{} --help shows what is possible", command_words(arguments)),
        |suggestion| format!("did you mean `{suggestion}`?"),
    );
    Failure::usage(message).hint(hint)
}

/// A flag that exists only to be refused is no suggestion.
fn is_hidden(suggestion: &str) -> bool {
    let Some(name) = suggestion.strip_prefix("--") else {
        return false;
    };
    let command = Cli::command();
    let mut arguments = command.get_arguments();
    arguments.any(|arg| arg.get_long() == Some(name) && arg.is_hide_set())
}

/// The program and the subcommands that were named, without arguments.
fn command_words(arguments: &[OsString]) -> String {
    let mut command = Cli::command();
    let mut named = vec!["betcode".to_owned()];
    for word in words(arguments).into_iter().skip(1) {
        let Some(next) = command.find_subcommand(word).cloned() else {
            break;
        };
        named.push(word.to_owned());
        command = next;
    }
    named.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(line: &[&str]) -> ErrorForm {
        error_form(&line.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_form_of_errors_is_known_before_the_command_line_is_understood() {
        assert_eq!(form(&["betcode", "-p", "x"]), ErrorForm::Plain);
        assert_eq!(
            form(&["betcode", "session", "list", "--json"]),
            ErrorForm::Object
        );
        assert_eq!(
            form(&["betcode", "--bad", "--output-format", "json"]),
            ErrorForm::Result
        );
        assert_eq!(
            form(&["betcode", "--output-format=stream-json"]),
            ErrorForm::Result
        );
        assert_eq!(form(&["betcode", "-p", "--", "--json"]), ErrorForm::Plain);
    }

    #[test]
    fn the_command_line_is_free_of_contradictions() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_flag_explains_itself() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                assert!(
                    arg.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    arg.get_id()
                );
            }
            command
                .get_subcommands()
                .filter(|sub| !sub.is_hide_set())
                .for_each(check);
        }
        check(&Cli::command());
    }
}
