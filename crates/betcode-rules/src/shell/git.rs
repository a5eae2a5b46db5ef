//! What git runs beside itself: configuration, hooks of transports, commands that take commands; and what it writes.
//!
//! Only what a command line says is looked at; what is configured already is the project's and the user's.

use super::programs::is_option;
use super::{Access, File, Simple, UNKNOWN, Word, hidden};

/// Git's command, with what stands in front of it.
pub(super) struct Git<'a> {
    words: &'a [Word],
    /// Where the command stands.
    at: usize,
    /// What a rule has to spell out, because of git's own options.
    guard: Option<(usize, &'static str)>,
    /// The directory it is told to work in.
    directory: Option<&'a Word>,
}

const UNKNOWN_COMMAND: &str = "the git command is not known";
const CONFIGURES: &str = "it configures git, which can make it run any program";

/// Commands of git that talk to another repository.
const TRANSPORTS: &[&str] = &[
    "fetch",
    "pull",
    "push",
    "ls-remote",
    "fetch-pack",
    "send-pack",
    "archive",
    "clone",
    "remote",
    "worktree",
    "submodule",
];

impl<'a> Git<'a> {
    pub(super) fn new(words: &'a [Word]) -> Self {
        let mut git = Self {
            words,
            at: 1,
            guard: None,
            directory: None,
        };
        while let Some(word) = words.get(git.at) {
            let text = word.text.as_str();
            if !word.is_known() {
                git.guard = Some((git.at + 1, UNKNOWN_COMMAND));
                return git;
            }
            match text {
                "-C" => {
                    if git.directory.is_some() {
                        git.guard = Some((git.at + 2, "it changes the directory twice"));
                    }
                    git.directory = words.get(git.at + 1);
                    git.at += 2;
                }
                "-c" | "--config-env" | "--git-dir" | "--work-tree" | "--namespace"
                | "--exec-path" => {
                    git.at += if text == "--exec-path" { 1 } else { 2 };
                    git.guard = Some((git.at, CONFIGURES));
                }
                _ if text.starts_with("-c")
                    || [
                        "--config-env=",
                        "--git-dir=",
                        "--work-tree=",
                        "--exec-path=",
                    ]
                    .iter()
                    .any(|option| text.starts_with(option)) =>
                {
                    git.at += 1;
                    git.guard = Some((git.at, CONFIGURES));
                }
                _ if text.starts_with('-') => git.at += 1,
                _ => break,
            }
        }
        if let Some(unknown) = words.iter().take(git.at).position(|word| !word.is_known()) {
            git.guard = Some((unknown + 1, UNKNOWN_COMMAND));
        }
        git
    }

    fn rest(&self) -> &'a [Word] {
        self.words.get(self.at + 1..).unwrap_or_default()
    }

    /// Whether there is an option of these letters or names, or what may be one.
    fn has(&self, letters: &[char], long: &[&str]) -> bool {
        self.rest().iter().any(|word| {
            let text = word.text.as_str();
            text.starts_with(UNKNOWN)
                || long.iter().any(|option| is_option(text, option))
                || (text.starts_with('-') && !text.starts_with("--") && text.contains(letters))
        })
    }

    /// Whether the first operand is this one, or may be.
    fn operand(&self, expected: &str) -> bool {
        let mut operands = self
            .rest()
            .iter()
            .filter(|word| !word.text.starts_with('-'));
        operands
            .next()
            .is_some_and(|word| word.text == expected || !word.is_known())
    }

    /// How many words a rule has to spell out, and why.
    pub(super) fn guard(&self) -> Option<(usize, &'static str)> {
        let Some(command) = self.words.get(self.at).filter(|word| word.is_known()) else {
            return self.guard;
        };
        let text = command.text.as_str();
        let remote = TRANSPORTS.contains(&text)
            && self.rest().iter().any(|word| word.text.contains("ext::"));
        let runs = remote
            || match text {
                "config" => self.writes_configuration(),
                "rebase" => self.has(&['x'], &["--exec"]),
                "submodule" => self.operand("foreach"),
                "bisect" => self.operand("run"),
                "difftool" | "mergetool" => self.has(&['x', 't'], &["--extcmd", "--tool"]),
                "grep" => self.has(&['O'], &["--open-files-in-pager"]),
                "filter-branch" | "for-each-repo" | "send-email" | "daemon" | "http-backend"
                | "shell" | "hook" | "credential" | "instaweb" | "remote-ext" | "remote-fd"
                | "upload-pack" | "receive-pack" => true,
                "clone" => self.has(&['u', 'c'], &["--upload-pack", "--config", "--template"]),
                "fetch" | "pull" | "push" | "ls-remote" | "fetch-pack" | "send-pack"
                | "archive" => self.has(&[], &["--upload-pack", "--receive-pack", "--exec"]),
                "init" => self.has(&[], &["--template"]),
                _ => false,
            };
        if runs {
            Some((self.words.len(), "this git command runs other programs"))
        } else {
            self.guard
        }
    }

    /// Whether it runs what stands in its arguments.
    pub(super) fn starts(&self) -> bool {
        self.guard().is_some_and(|(_, why)| why != UNKNOWN_COMMAND)
    }

    /// Commands of git that it stands for or may stand for.
    pub(super) fn others(&self) -> Option<Simple> {
        let command = self.words.get(self.at)?.text.as_str();
        let first = self.operand("push");
        let pushes = match command {
            "send-pack" | "http-push" => true,
            "subtree" | "lfs" => first,
            _ => false,
        };
        if pushes {
            return Some(hidden::of_words(&["git", "push", &UNKNOWN.to_string()]));
        }
        let gives_name = |word: &Word| {
            let text = word.text.to_ascii_lowercase();
            !word.is_known() || text.contains("alias") || text.contains("include")
        };
        let renamed = command == "config"
            && self.writes_configuration()
            && self.rest().iter().any(gives_name);
        renamed.then(hidden::git_anything)
    }

    fn writes_configuration(&self) -> bool {
        const READS: &[&str] = &[
            "--get",
            "--get-all",
            "--get-regexp",
            "--get-urlmatch",
            "--list",
            "-l",
        ];
        let mut reads = false;
        let mut words = self.rest().iter();
        // Options end where the first operand stands; what looks like one behind it is a value.
        let first = loop {
            match words.next() {
                Some(word)
                    if matches!(word.text.as_str(), "-f" | "--file" | "--type" | "--default") =>
                {
                    words.next();
                }
                Some(word) if word.text.starts_with('-') && word.is_known() => {
                    reads |= READS.contains(&word.text.as_str());
                    if matches!(word.text.as_str(), "-e" | "--edit") {
                        return true;
                    }
                }
                other => break other,
            }
        };
        let Some(first) = first else {
            return false;
        };
        if !first.is_known() {
            return true;
        }
        !reads && !matches!(first.text.as_str(), "get" | "list") && words.next().is_some()
    }

    /// The directory it works in, and files that it writes because of an option.
    pub(super) fn files(&self, files: &mut Vec<File>) {
        if let Some(directory) = self.directory {
            files.push(File {
                name: directory.clone(),
                access: Access::Read,
                own_part: true,
                whole: false,
            });
            // What follows is meant from there.
            for word in self.rest().iter().filter(|word| {
                !word.text.starts_with(['-', '/']) && !word.tilde && !word.text.is_empty()
            }) {
                files.push(File {
                    name: Word {
                        text: format!("{}/{}", directory.text, word.text),
                        ..directory.clone()
                    },
                    access: Access::Mention,
                    own_part: false,
                    whole: false,
                });
            }
        }
        let short = self
            .words
            .get(self.at)
            .is_some_and(|command| matches!(command.text.as_str(), "archive" | "format-patch"));
        let letters = if short { "o" } else { "" };
        super::operands::written(
            self.rest(),
            letters,
            &["--output", "--output-directory"],
            files,
        );
    }
}

/// Whether a call of git can do nothing to the files that it names but read them.
pub(super) fn only_reads(words: &[Word]) -> bool {
    const READS: &[&str] = &[
        "blame",
        "cat-file",
        "diff",
        "diff-tree",
        "grep",
        "log",
        "ls-files",
        "ls-tree",
        "rev-list",
        "rev-parse",
        "shortlog",
        "show",
        "status",
    ];
    let mut rest = words.iter().skip(1);
    let command = rest.find(|word| word.text != "--no-pager");
    command.is_some_and(|command| READS.contains(&command.text.as_str()))
        && Git::new(words).guard().is_none()
        && rest.all(|word| !is_option(&word.text, "--output") && word.is_known())
}

/// The file that git's own pattern describes, with unknowns for its wildcards.
pub(super) fn described(text: &str) -> Option<String> {
    let path = match text.strip_prefix(":(") {
        Some(magic) => magic.split_once(')')?.1,
        None => text
            .strip_prefix(':')
            .unwrap_or(text)
            .trim_start_matches(['/', '!', '^']),
    };
    let magic = text.starts_with(':');
    let open = path.contains(['*', '?', '[']);
    if path.is_empty() || text.contains(char::is_whitespace) || !(magic || open) {
        return None;
    }
    let mut name = String::new();
    let mut set = false;
    for character in path.chars() {
        match character {
            '[' if !set => {
                set = true;
                name.push(UNKNOWN);
            }
            ']' if set => set = false,
            _ if set => {}
            '*' | '?' => name.push(UNKNOWN),
            '\\' => {}
            character => name.push(character),
        }
    }
    Some(name)
}
