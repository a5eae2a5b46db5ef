//! The list of commands in `betcode --help`, by what they are about.

use std::fmt::Write as _;

use clap::Command;

/// What belongs together. Every command that is not hidden is in one of them.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Sessions", &["session", "lock"]),
    (
        "What agents ask",
        &["permission", "question", "notify", "audit"],
    ),
    ("What agents may do", &["rules", "trust", "untrust"]),
    ("This machine", &["usage", "agent", "daemon", "config"]),
    ("Help", &["keys", "demo", "completions", "man"]),
];

/// The command with its help grouped.
pub(super) fn grouped(command: Command) -> Command {
    let mut listed = String::new();
    let width = GROUPS
        .iter()
        .flat_map(|(_, names)| names.iter())
        .map(|name| name.len())
        .max()
        .unwrap_or(0);
    let (bold, plain) = ("\u{1b}[1m\u{1b}[4m", "\u{1b}[0m");
    for (heading, names) in GROUPS {
        listed.extend([bold, heading, ":", plain, "\n"]);
        for name in names {
            let about = command
                .find_subcommand(name)
                .and_then(Command::get_about)
                .map(ToString::to_string)
                .unwrap_or_default();
            // A `String` takes everything.
            let _ = writeln!(listed, "  \u{1b}[1m{name:<width$}{plain}  {about}");
        }
        listed.push('\n');
    }
    // clap takes the colours out where they are not wanted. It must not list the commands a second time.
    command
        .mut_subcommands(|sub| sub.hide(true))
        .help_template(format!(
            "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n       betcode <COMMAND>\n\n{listed}{{all-args}}{{after-help}}"
        ))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_command_is_in_one_group() {
        let command = Cli::command();
        let mut known: Vec<&str> = command
            .get_subcommands()
            .filter(|sub| !sub.is_hide_set())
            .map(Command::get_name)
            .collect();
        let mut listed: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        known.sort_unstable();
        listed.sort_unstable();
        assert_eq!(known, listed);
    }
}
