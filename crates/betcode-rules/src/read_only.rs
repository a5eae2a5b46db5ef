//! Commands that only read: a short table, for what a person would never want to be asked about. A command is in it only with
//! words that are all known, with options that are known to do nothing else, and with files in the working directory.

use crate::request::Request;
use crate::shell::{Simple, Word};

/// How a program may be called.
struct Reader {
    names: &'static [&'static str],
    /// Letters that must not be among the options.
    letters: &'static str,
    /// Long options that must not be there.
    long: &'static [&'static str],
    /// Whether what follows are names of files.
    files: bool,
    /// Most operands; a second one may be where the result is written to.
    operands: usize,
    /// Whether words may be unknown.
    unknown: bool,
    /// What every operand begins with.
    begins: &'static str,
}

const PLAIN: Reader = Reader {
    names: &[],
    letters: "",
    long: &[],
    files: true,
    operands: usize::MAX,
    unknown: false,
    begins: "",
};

const READERS: &[Reader] = &[
    Reader {
        names: &[
            "ls", "cat", "head", "tail", "wc", "stat", "du", "cut", "nl", "tac", "rev", "comm",
            "cmp", "readlink", "realpath",
        ],
        long: &["--files0-from", "--file"],
        ..PLAIN
    },
    Reader {
        names: &["egrep", "fgrep", "grep"],
        // Links that a search follows lead anywhere.
        letters: "R",
        long: &["--file", "--dereference-recursive"],
        ..PLAIN
    },
    Reader {
        names: &["diff"],
        letters: "r",
        long: &["--output", "--recursive"],
        ..PLAIN
    },
    Reader {
        names: &["sort"],
        letters: "oTS",
        long: &[
            "--output",
            "--compress-program",
            "--temporary-directory",
            "--files0-from",
        ],
        ..PLAIN
    },
    Reader {
        names: &["uniq"],
        operands: 1,
        ..PLAIN
    },
    Reader {
        names: &["rg"],
        letters: "fzL",
        long: &[
            "--pre",
            "--hostname-bin",
            "--file",
            "--ignore-file",
            "--search-zip",
            "--follow",
        ],
        ..PLAIN
    },
    Reader {
        names: &["file"],
        letters: "CmfzZ",
        long: &["--compile", "--magic-file", "--files-from"],
        ..PLAIN
    },
    Reader {
        names: &["echo"],
        files: false,
        unknown: true,
        ..PLAIN
    },
    Reader {
        names: &["tr", "pwd", "uname", "whoami", "which", "type"],
        files: false,
        ..PLAIN
    },
    Reader {
        names: &[
            "basename", "dirname", "true", "false", ":", "seq", "sleep", "exit",
        ],
        files: false,
        unknown: true,
        ..PLAIN
    },
    Reader {
        names: &["md5sum", "sha1sum", "sha256sum", "sha512sum"],
        letters: "c",
        long: &["--check"],
        ..PLAIN
    },
    Reader {
        names: &["tree"],
        letters: "olR",
        long: &["--fromfile", "--gitfile", "--infofile", "--output"],
        ..PLAIN
    },
    Reader {
        names: &["printf"],
        letters: "v",
        files: false,
        ..PLAIN
    },
    Reader {
        names: &["date"],
        letters: "sfr",
        long: &["--set", "--file", "--reference"],
        files: false,
        begins: "+",
        ..PLAIN
    },
];

const GIT: &[&str] = &[
    "status",
    "log",
    "diff",
    "show",
    "rev-parse",
    "ls-files",
    "ls-tree",
    "blame",
    "shortlog",
    "describe",
    "rev-list",
    "cat-file",
    "merge-base",
    "name-rev",
    "diff-tree",
    "show-ref",
    "branch",
    "tag",
    "remote",
    "stash",
    "reflog",
    "worktree",
];

/// Options of git that write, run a program or read elsewhere.
const GIT_OPTIONS: &[&str] = &[
    "--output",
    "--output-directory",
    "--ext-diff",
    "--textconv",
    "--no-index",
    "--open-files-in-pager",
    "--exec",
    "--contents",
    "--ignore-revs-file",
    "--filters",
    "--path-format",
    "--resolve-git-dir",
    "--paginate",
    "--edit-description",
    "--exclude-from",
];

/// Whether a command can do nothing but read in the working directory.
pub(crate) fn is_read_only(command: &Simple, request: &Request) -> bool {
    let Some(first) = command.words.first() else {
        return false;
    };
    if command.guard.is_some()
        || !command.inner.is_empty()
        || !command
            .assignments
            .iter()
            .all(|set| set.is_harmless() && set.value.is_known())
    {
        return false;
    }
    let rest = command.words.get(1..).unwrap_or_default();
    let places = [
        "echo", "printf", "true", "false", ":", "pwd", "export", "command", "set", "seq", "sleep",
        "exit", "basename", "dirname",
    ];
    if request.wanders() && !places.contains(&first.text.as_str()) {
        return false;
    }
    match first.text.as_str() {
        // A repository below may have a configuration of its own.
        "git" if request.leaves_root() => false,
        "git" => git(rest, request),
        // Every directory in which commands may run was looked at already.
        "cd" => rest.iter().all(Word::is_known),
        "find" => find(rest, request),
        "jq" => jq(command, request),
        "awk" => crate::shell::awk_only_prints(&command.words) && files_of(command, request),
        "set" => options_of_shell(rest),
        "sed" => crate::shell::sed_only_prints(&command.words) && files_of(command, request),
        "test" | "[" => {
            rest.iter()
                .all(|word| word.is_known() && !matches!(word.text.as_str(), "-v" | "-R"))
                && files(rest, request)
        }
        "command" => {
            rest.first()
                .is_some_and(|word| matches!(word.text.as_str(), "-v" | "-V"))
                && rest.iter().all(Word::is_known)
        }
        "export" => rest.iter().all(|word| {
            word.is_known()
                && word.text.split_once('=').is_some_and(|(name, _)| {
                    name.chars()
                        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
                        && !crate::shell::changes_what_runs(name)
                })
        }),
        name => READERS
            .iter()
            .find(|reader| reader.names.contains(&name))
            .is_some_and(|reader| reader.fits(rest, crate::shell::pattern_place(command), request)),
    }
}

impl Reader {
    fn fits(&self, rest: &[Word], pattern: Option<usize>, request: &Request) -> bool {
        let mut operands = 0;
        let mut date = false;
        let mut only_operands = false;
        for (at, word) in rest.iter().enumerate() {
            let text = word.text.as_str();
            let told = std::mem::replace(&mut date, matches!(text, "-d" | "--date"));
            if !word.is_known() && !self.unknown {
                return false;
            }
            if !only_operands && text == "--" {
                only_operands = true;
            } else if !only_operands && text.starts_with('-') && text.len() > 1 {
                let bad = if text.starts_with("--") {
                    self.long
                        .iter()
                        .any(|option| option.starts_with(text.split('=').next().unwrap_or(text)))
                } else {
                    text.contains(|letter| self.letters.contains(letter))
                };
                if bad || (self.files && text.contains(['/', '~'])) {
                    return false;
                }
            } else {
                operands += 1;
                if !told && !text.starts_with(self.begins) {
                    return false;
                }
                if self.files && pattern != Some(at + 1) && !inside(word, request) {
                    return false;
                }
            }
        }
        operands <= self.operands
    }
}

fn inside(word: &Word, request: &Request) -> bool {
    if word.text.is_empty() || word.text == "-" {
        return word.text == "-" || word.quoted;
    }
    let mut paths = request.paths_of(&word.path()).peekable();
    paths.peek().is_some() && paths.all(|path| path.is_inside(&request.place))
}

/// Whether all words that name files of this program are inside; one may be a pattern or a script.
fn files_of(command: &Simple, request: &Request) -> bool {
    let pattern = crate::shell::pattern_place(command);
    let mut words = command.words.iter().enumerate().skip(1);
    words.all(|(at, word)| {
        pattern == Some(at) || word.text.starts_with('-') || inside(word, request)
    })
}

/// `jq` with a filter and files. Its options can read further files, and a filter can take in modules.
fn jq(command: &Simple, request: &Request) -> bool {
    command.words.iter().skip(1).all(|word| {
        let mut letters = word.text.chars().skip(1);
        word.is_known()
            && (!word.text.starts_with('-') || letters.all(|letter| "rcesnjaSMC".contains(letter)))
            && !word.text.contains("import")
            && !word.text.contains("include")
    }) && files_of(command, request)
}

/// `set` with options that only make a shell stricter.
fn options_of_shell(rest: &[Word]) -> bool {
    let strict = |word: &Word| {
        word.text == "pipefail"
            || word.text.strip_prefix(['-', '+']).is_some_and(|letters| {
                !letters.is_empty() && letters.chars().all(|letter| "euo".contains(letter))
            })
    };
    rest.len() > 1 && rest.iter().all(strict)
        || rest.len() == 1
            && rest
                .iter()
                .all(|word| strict(word) && !word.text.ends_with('o'))
}

/// Whether a command only makes files and directories in the working directory; nothing that is there changes.
pub(crate) fn only_creates(command: &Simple, request: &Request) -> bool {
    let Some((first, rest)) = command.words.split_first() else {
        return false;
    };
    let letters = match first.text.as_str() {
        "mkdir" => "pv",
        "touch" => "c",
        _ => return false,
    };
    let option = |word: &Word| {
        word.text
            .strip_prefix('-')
            .is_some_and(|option| option.chars().all(|letter| letters.contains(letter)))
    };
    command.guard.is_none()
        && command
            .assignments
            .iter()
            .all(|set| set.is_harmless() && set.value.is_known())
        && !request.wanders()
        && !rest.is_empty()
        && rest.iter().all(|word| {
            word.is_known()
                && if word.text.starts_with('-') {
                    option(word)
                } else {
                    inside(word, request)
                }
        })
}

fn files(words: &[Word], request: &Request) -> bool {
    words
        .iter()
        .filter(|word| !word.text.starts_with('-'))
        .all(|word| inside(word, request))
}

fn git(rest: &[Word], request: &Request) -> bool {
    let rest = match rest {
        [first, rest @ ..] if first.text == "--no-pager" => rest,
        [first, directory, rest @ ..]
            if first.text == "-C" && directory.is_known() && request.is_root(directory) =>
        {
            rest
        }
        rest => rest,
    };
    let Some((command, rest)) = rest.split_first() else {
        return false;
    };
    if !GIT.contains(&command.text.as_str()) || !rest.iter().all(Word::is_known) {
        return false;
    }
    for word in rest {
        let name = word.text.split('=').next().unwrap_or_default();
        let bad = name.len() > 2 && GIT_OPTIONS.iter().any(|option| option.starts_with(name));
        if word.text.starts_with('-')
            && (bad
                || word.text.contains(['/', '~'])
                || word.text.starts_with("-O")
                || word.text.starts_with("-o"))
        {
            return false;
        }
        // A revision is no path, but looks like one; what leads out of the directory looks like a path only.
        let outside = word.text.starts_with(['/', '~'])
            || word.text.split(['/', ':']).any(|part| part == "..");
        let mut known = request.paths_of(&word.path());
        if outside || known.any(|path| !path.is_inside(&request.place)) {
            return false;
        }
    }
    let listing = |allowed: &[&str]| {
        rest.iter()
            .all(|word| allowed.contains(&word.text.as_str()))
    };
    match command.text.as_str() {
        "branch" => listing(&[
            "-a",
            "-v",
            "-vv",
            "-r",
            "-l",
            "--list",
            "--all",
            "--remotes",
            "--show-current",
            "--verbose",
            "--no-color",
        ]),
        "tag" => listing(&["-l", "--list", "--no-color"]),
        "remote" => listing(&["-v", "--verbose"]),
        "reflog" => rest
            .iter()
            .all(|word| word.text.starts_with('-') || word.text == "show"),
        "worktree" => rest.first().is_some_and(|word| word.text == "list"),
        "stash" => rest.first().is_some_and(|word| word.text == "list") && rest.len() == 1,
        _ => true,
    }
}

fn find(rest: &[Word], request: &Request) -> bool {
    const KNOWN: &[&str] = &[
        "-name",
        "-iname",
        "-type",
        "-maxdepth",
        "-mindepth",
        "-path",
        "-ipath",
        "-size",
        "-mtime",
        "-mmin",
        "-print",
        "-print0",
        "-not",
        "!",
        "-o",
        "-a",
        "-or",
        "-and",
        "(",
        ")",
        "-empty",
        "-prune",
        "-regex",
        "-iregex",
        "-newermt",
        "-depth",
        "-xdev",
    ];
    let mut test = false;
    rest.iter().all(|word| {
        test |= word.text.starts_with('-') || matches!(word.text.as_str(), "(" | "!");
        let option = word.text.starts_with('-');
        word.is_known()
            && if option {
                KNOWN.contains(&word.text.as_str())
            } else {
                test || inside(word, request)
            }
    })
}
