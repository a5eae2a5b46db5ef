//! What is known of programs: which variables change what runs, which options start something, which operands are files
//! that are read or written.
//!
//! None of these lists can be complete. A program that is missing is an ordinary program: it needs a rule that names it.

use super::{Access, Assignment, File, Simple, UNKNOWN, Word};

/// Variables by their whole name.
const VARIABLES: &[&str] = &[
    "AR",
    "AS",
    "BROWSER",
    "CC",
    "CDPATH",
    "CFLAGS",
    "CLASSPATH",
    "CPATH",
    "CPP",
    "CXX",
    "CXXFLAGS",
    "EDITOR",
    "ENV",
    "EXINIT",
    "FC",
    "FCEDIT",
    "FPATH",
    "GCONV_PATH",
    "GLOBIGNORE",
    "GREP_OPTIONS",
    "HISTFILE",
    "HOME",
    "IFS",
    "INFOPATH",
    "INPUTRC",
    "JAVA_HOME",
    "KUBECONFIG",
    "LD",
    "LESS",
    "LESSCLOSE",
    "LESSOPEN",
    "LESSKEY",
    "LIBRARY_PATH",
    "LDFLAGS",
    "LOCPATH",
    "LUA_INIT",
    "LUA_PATH",
    "MAIL",
    "MAILPATH",
    "MAKEFLAGS",
    "MAKEFILES",
    "MANPATH",
    "MANOPT",
    "MFLAGS",
    "MORE",
    "NLSPATH",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "OLDPWD",
    "PATH",
    "PATHEXT",
    "PSMODULEPATH",
    "PWD",
    "RES_OPTIONS",
    "RIPGREP_CONFIG_PATH",
    "RSYNC_RSH",
    "SHELL",
    "SHELLOPTS",
    "SUDO_ASKPASS",
    "TAR_OPTIONS",
    "TERMCAP",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TMPDIR",
    "TZDIR",
    "VIMINIT",
    "VISUAL",
    "WGETRC",
    "CURL_HOME",
    "ZDOTDIR",
    "BASHOPTS",
    "PAGER",
    "PROMPT_COMMAND",
    "EXECIGNORE",
    "HOSTALIASES",
    "ARGV0",
    "READNULLCMD",
    "NULLCMD",
    "MODULE_PATH",
    "GOFLAGS",
    "GOROOT",
    "GOENV",
    "MYVIMRC",
];

/// Variables by how they begin.
const BEGINNINGS: &[&str] = &[
    "BASH_",
    "CARGO_",
    "COMP_",
    "DOCKER_",
    "DYLD_",
    "GCC_",
    "GEM_",
    "GIT_",
    "GLIBC_",
    "GTK_",
    "JAVA_TOOL",
    "JDK_JAVA",
    "_JAVA",
    "LD_",
    "LUA_",
    "MALLOC_",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REPL",
    "NPM_CONFIG_",
    "PERL",
    "PHP",
    "PIP_",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PYTHON",
    "QT_",
    "RUBY",
    "RUSTC",
    "RUSTDOC",
    "RUSTUP_",
    "SSH_",
    "SSLKEY",
    "SVN_",
    "UV_",
    "VIM",
    "XDG_",
    "YARN_",
    "BUNDLE_",
    "HG",
    "LESS",
    "MAVEN_",
    "GRADLE_",
    "ANSIBLE_",
    "AWS_",
    "CMAKE_",
    "CCACHE_",
    "DEBUGINFOD_",
    "ELECTRON_",
    "DENO_",
    "BUN_",
];

/// Variables by how they end.
const ENDS: &[&str] = &[
    "_ASKPASS", "_COMMAND", "_EDITOR", "_OPTIONS", "_OPTS", "_PAGER", "_PATH", "_PRELOAD",
    "_PROXY", "_RUNNER", "_SHELL", "_WRAPPER", "FLAGS",
];

/// Whether a variable can change which program runs, or what a program runs in turn.
pub(crate) fn changes_what_runs(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    VARIABLES.contains(&name.as_str())
        || BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
        || ENDS.iter().any(|end| name.ends_with(end))
}

/// The name of a program without its directory, for rules that deny.
pub(super) fn base_name(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    name.strip_suffix(".exe").unwrap_or(name)
}

/// Whether the program can be nothing but the system's own of that name.
pub(super) fn is_standard(word: &str) -> bool {
    let directory = word.strip_suffix(base_name(word)).unwrap_or(word);
    matches!(directory, "" | "/bin/" | "/usr/bin/")
}

/// Whether `word` is the long option `option`, perhaps shortened, perhaps with a value.
pub(crate) fn is_option(word: &str, option: &str) -> bool {
    let name = word.split('=').next().unwrap_or(word);
    word == option || (name.len() > 3 && name.starts_with("--") && option.starts_with(name))
}

/// Options that start another program: program, letters, long options.
const STARTERS: &[(&str, &str, &[&str])] = &[
    (
        "tar",
        "IF",
        &[
            "--to-command",
            "--checkpoint-action",
            "--use-compress-program",
            "--rsh-command",
            "--info-script",
            "--new-volume-script",
        ],
    ),
    ("rsync", "e", &["--rsh", "--rsync-path"]),
    ("ssh", "oF", &[]),
    ("scp", "oSF", &[]),
    ("sftp", "oSF", &[]),
    ("sort", "", &["--compress-program"]),
    ("man", "PH", &["--pager", "--html"]),
    ("rg", "", &["--pre", "--hostname-bin"]),
    ("bat", "", &["--pager"]),
    ("split", "", &["--filter"]),
    ("zip", "T", &["--unzip-command"]),
    ("tcpdump", "z", &[]),
    ("gcc", "B", &["-wrapper"]),
    ("go", "", &["-exec", "-toolexec", "-vettool"]),
    ("curl", "K", &["--config"]),
    ("wget", "", &["--use-askpass", "--execute"]),
    ("cargo", "", &["--config"]),
    ("date", "", &[]),
];

/// The place behind the last option that starts another program.
pub(super) fn starter(name: &str, words: &[Word]) -> Option<usize> {
    let (_, letters, long) = STARTERS.iter().find(|(program, ..)| *program == name)?;
    let starts = |word: &Word| {
        let text = word.text.as_str();
        let short = text.strip_prefix('-').is_some_and(|cluster| {
            !cluster.starts_with('-') && cluster.contains(|letter| letters.contains(letter))
        });
        // The old style of `tar` has its options without a dash; only in front.
        // What is not known may be such an option.
        short || text.starts_with(UNKNOWN) || long.iter().any(|option| is_option(text, option))
    };
    let last = words.iter().skip(1).rposition(starts)?;
    // With the value that follows it.
    Some((last + 3).min(words.len()))
}

/// Git's options and commands that run something else than git: the number of words a rule has to spell out.
pub(super) fn git_guard(words: &[Word]) -> (Option<(usize, &'static str)>, Option<usize>, bool) {
    let mut guard = None;
    let mut moves = false;
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        if !word.is_known() {
            return (Some((at + 1, "the git command is not known")), None, moves);
        }
        match text {
            "-C" => {
                moves = true;
                at += 2;
            }
            "-c" | "--config-env" | "--git-dir" | "--work-tree" | "--namespace" | "--exec-path" => {
                at += if text == "--exec-path" { 1 } else { 2 };
                guard = Some((at, "it configures git, which can make it run any program"));
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
                at += 1;
                guard = Some((at, "it configures git, which can make it run any program"));
            }
            _ if text.starts_with('-') => at += 1,
            _ => break,
        }
    }
    if let Some(unknown) = words.iter().take(at).position(|word| !word.is_known()) {
        return (
            Some((unknown + 1, "the git command is not known")),
            None,
            moves,
        );
    }
    let Some(command) = words.get(at) else {
        return (guard, None, moves);
    };
    let rest = words.get(at + 1..).unwrap_or_default();
    let has = |options: &[&str]| {
        rest.iter().any(|word| {
            // What is not known may be such an option.
            word.text.starts_with(UNKNOWN)
                || options.iter().any(|option| {
                    is_option(&word.text, option)
                        || (option.len() == 2
                            && word.text.starts_with(option)
                            && !word.text.starts_with("--"))
                })
        })
    };
    let operand = |text: &str| {
        rest.iter()
            .find(|word| !word.text.starts_with('-'))
            .is_some_and(|word| word.text == text || !word.is_known())
    };
    let runs = match command.text.as_str() {
        "config" => {
            let reads = has(&[
                "--get",
                "--get-all",
                "--get-regexp",
                "--get-urlmatch",
                "--list",
                "-l",
            ]) || operand("get")
                || operand("list");
            let operands = rest
                .iter()
                .filter(|word| !word.text.starts_with('-'))
                .count();
            (!reads && operands > 1) || has(&["-e", "--edit"])
        }
        "rebase" => has(&["-x", "--exec"]),
        "submodule" => operand("foreach"),
        "bisect" => operand("run"),
        "remote" | "worktree" => rest.iter().any(|word| word.text.contains("ext::")),
        "difftool" | "mergetool" => has(&["-x", "--extcmd", "-t", "--tool"]),
        "grep" => has(&["-O", "--open-files-in-pager"]),
        "filter-branch" | "for-each-repo" | "send-email" | "daemon" | "http-backend" | "shell"
        | "hook" | "credential" | "instaweb" => true,
        "fetch" | "pull" | "push" | "ls-remote" | "fetch-pack" | "send-pack" | "archive"
        | "clone" => {
            has(&["--upload-pack", "--receive-pack", "--exec"])
                || (command.text == "clone" && has(&["-u", "-c", "--config", "--template"]))
                || rest.iter().any(|word| word.text.contains("ext::"))
        }
        "init" => has(&["--template"]),
        _ => false,
    };
    if runs {
        guard = Some((words.len(), "this git command runs other programs"));
    }
    (guard, Some(at), moves)
}

/// Programs whose operands are created, changed or removed.
const WRITERS: &[&str] = &[
    "rm", "rmdir", "unlink", "shred", "touch", "mkdir", "truncate", "tee", "chmod", "chown",
    "chgrp", "mv", "cp", "ln", "install", "rsync", "dd", "patch", "mkfifo", "mknod", "setfacl",
    "chattr", "sponge", "trash",
];

/// Programs whose operands are read.
const READERS: &[&str] = &[
    ".",
    "awk",
    "base32",
    "base64",
    "basename",
    "bat",
    "cat",
    "cd",
    "cksum",
    "cmp",
    "column",
    "comm",
    "cut",
    "diff",
    "dirname",
    "du",
    "egrep",
    "fgrep",
    "file",
    "find",
    "fold",
    "grep",
    "head",
    "hexdump",
    "jq",
    "less",
    "ls",
    "md5sum",
    "more",
    "nl",
    "od",
    "paste",
    "pushd",
    "readlink",
    "realpath",
    "rev",
    "rg",
    "sed",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "sort",
    "source",
    "stat",
    "strings",
    "tac",
    "tail",
    "test",
    "tr",
    "tree",
    "uniq",
    "wc",
    "xxd",
    "yq",
    "zcat",
    "[",
];

/// How many files of a command are looked at; one that names more is not understood.
const MOST_FILES: usize = 2000;

/// Adds the files that a command names. False when there are too many.
pub(super) fn files(simple: &Simple, files: &mut Vec<File>) -> bool {
    let Some(first) = simple.words.first() else {
        return true;
    };
    let name = base_name(&first.text);
    let in_place = name == "sed"
        && simple.words.iter().any(|word| {
            is_option(&word.text, "--in-place")
                || (word.text.starts_with('-')
                    && !word.text.starts_with("--")
                    && word.text.contains('i'))
        });
    let writes = in_place || WRITERS.contains(&name);
    let reads =
        READERS.contains(&name) || matches!(name, "cp" | "mv" | "rsync" | "dd" | "install" | "ln");
    for word in simple.words.iter().skip(1) {
        let mut add = |name: Word, access, own_part| {
            files.push(File {
                name,
                access,
                own_part,
            });
        };
        let value = word
            .text
            .split_once('=')
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty());
        if word.text.starts_with('-') || (name == "dd" && value.is_some()) {
            if let Some(value) = value.filter(|value| {
                name == "dd" || value.contains('/') || value.starts_with(['.', '~'])
            }) {
                let access = if writes {
                    Access::Edit
                } else {
                    Access::Mention
                };
                add(
                    Word {
                        tilde: value.starts_with('~'),
                        ..Word::literal(value)
                    },
                    access,
                    false,
                );
            } else if let Some(at) = word.text.find('/').filter(|_| value.is_none()) {
                // `-f/some/where`: the value begins at the second letter, or where the name does.
                add(
                    Word::literal(word.text.get(2.min(at)..).unwrap_or_default()),
                    Access::Mention,
                    false,
                );
            }
            continue;
        }
        if word.text.is_empty() || word.text.contains("://") {
            continue;
        }
        if writes {
            add(word.clone(), Access::Edit, name == "tee" || in_place);
        }
        if reads {
            add(word.clone(), Access::Read, false);
        }
        if !writes && !reads && (word.text.contains('/') || word.text.starts_with(['.', '~'])) {
            add(word.clone(), Access::Mention, false);
        }
    }
    files.len() <= MOST_FILES
}

/// Whether a builtin of the shell calculates with text, or gives a variable a second name.
pub(super) fn calculates(name: &str, words: &[Word]) -> bool {
    let sets = matches!(
        name,
        "declare"
            | "typeset"
            | "local"
            | "readonly"
            | "export"
            | "read"
            | "mapfile"
            | "readarray"
            | "getopts"
            | "printf"
            | "unset"
            | "test"
            | "["
            | "wait"
    );
    let index = |word: &Word| {
        word.text.contains('[') && (word.text.contains('$') || word.text.contains('`'))
    };
    let declares = matches!(name, "declare" | "typeset" | "local");
    let strange = |word: &Word| {
        word.text.starts_with(['-', '+'])
            && word
                .text
                .contains(|letter: char| !"-+rxgpfF".contains(letter))
    };
    name == "let" || (sets && words.iter().any(index)) || (declares && words.iter().any(strange))
}

/// The variables that a command such as `export A=b` or `read A` sets for all that follows.
pub(super) fn exported(name: &str, words: &[Word]) -> Vec<Assignment> {
    let declares = matches!(
        name,
        "export" | "declare" | "typeset" | "local" | "readonly"
    );
    let fills = matches!(
        name,
        "read" | "mapfile" | "readarray" | "getopts" | "unset" | "vared"
    ) || (name == "printf"
        && words
            .get(1)
            .is_some_and(|word| word.text.starts_with("-v") || !word.is_known()));
    if !declares && !fills {
        return Vec::new();
    }
    let unknown = |name: &str| Assignment {
        name: name.to_owned(),
        value: Word::literal(UNKNOWN),
        runs: false,
    };
    words
        .iter()
        .skip(1)
        .filter_map(|word| match word.text.split_once('=') {
            Some((name, value)) if declares && !name.contains(UNKNOWN) => Some(Assignment {
                name: name.trim_end_matches('+').to_owned(),
                value: Word {
                    text: value.to_owned(),
                    ..word.clone()
                },
                runs: false,
            }),
            // Which variable is set is not known; it may be the one that matters most.
            _ if !word.is_known() => Some(unknown("PATH")),
            _ => {
                let name = word.text.strip_prefix("-v").unwrap_or(&word.text);
                (fills && changes_what_runs(name)).then(|| unknown(name))
            }
        })
        .collect()
}
