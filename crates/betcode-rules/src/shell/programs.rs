//! What is known of programs: which variables change what runs, and which options start something. Their files are in
//! `operands`.
//!
//! None of these lists can be complete. A program that is missing is an ordinary program: it needs a rule that names it.

use super::{Assignment, UNKNOWN, Word};

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
    "MANPAGER",
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
    "GOBIN",
    "GOPATH",
    "GOPROXY",
    "GOTOOLCHAIN",
    "MAKE",
    "AWKPATH",
    "AWKLIBPATH",
    "PROMPT",
    "RPROMPT",
    "R_PROFILE",
    "R_ENVIRON",
    "KRB5_CONFIG",
    "EMACSLOADPATH",
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
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PYTEST_",
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
    "DOTNET_",
    "CORECLR_",
    "COR_PROFILER",
    "TS_NODE_",
    "JEST_",
    "GIO_",
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
    name == option || (name.len() > 3 && name.starts_with("--") && option.starts_with(name))
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
            "--rmt-command",
        ],
    ),
    ("rsync", "e", &["--rsh", "--rsync-path"]),
    ("ssh", "oFI", &[]),
    ("scp", "oSF", &[]),
    ("sftp", "oSF", &[]),
    ("sort", "", &["--compress-program"]),
    ("man", "PH", &["--pager", "--html"]),
    ("rg", "", &["--pre", "--hostname-bin"]),
    ("bat", "", &["--pager"]),
    ("split", "", &["--filter"]),
    ("zip", "T", &["--unzip-command"]),
    ("tcpdump", "z", &[]),
    ("gcc", "B", &["-wrapper", "-fplugin", "-specs"]),
    ("less", "kT", &["--lesskey-file", "--lesskey-src"]),
    ("vim", "cSsu", &["--cmd"]),
    ("vi", "cSsu", &["--cmd"]),
    ("nvim", "clSsu", &["--cmd"]),
    ("npm", "", &["--script-shell", "--node-options", "--shell"]),
    ("pnpm", "", &["--script-shell", "--node-options", "--shell"]),
    (
        "go",
        "",
        &[
            "-exec",
            "-toolexec",
            "-vettool",
            "--exec",
            "--toolexec",
            "--vettool",
        ],
    ),
    ("curl", "K", &["--config"]),
    ("wget", "e", &["--use-askpass", "--execute"]),
    ("cargo", "", &["--config"]),
    ("date", "", &[]),
];

/// Programs that take what follows two dashes for others.
const PASSING: &[&str] = &["npm", "pnpm", "cargo"];

/// The place behind the last option that starts another program.
pub(super) fn starter(name: &str, words: &[Word]) -> Option<usize> {
    let (_, letters, long) = STARTERS.iter().find(|(program, ..)| *program == name)?;
    let starts = |word: &Word| {
        let text = word.text.as_str();
        let short = text.strip_prefix('-').is_some_and(|cluster| {
            !cluster.starts_with('-') && cluster.contains(|letter| letters.contains(letter))
        });
        // These run what stands behind a plus sign when they begin.
        let begins = matches!(name, "less" | "vim" | "vi" | "nvim") && text.starts_with('+');
        // What is not known may be such an option.
        short
            || begins
            || text.starts_with(UNKNOWN)
            || long.iter().any(|option| is_option(text, option))
    };
    // The old style of `tar` has its options without a dash, in front.
    if name == "tar"
        && words
            .get(1)
            .is_some_and(|word| !word.text.starts_with('-') && word.text.contains(['I', 'F']))
    {
        return Some(words.len());
    }
    let own = words
        .iter()
        .take_while(|word| !PASSING.contains(&name) || word.text != "--")
        .count();
    let last = words.get(1..own)?.iter().rposition(starts)?;
    // With the value that follows it.
    Some((last + 3).min(words.len()))
}

/// Whether names in a call of `tar` are meant from another directory.
pub(super) fn tar_moves(words: &[Word]) -> bool {
    words.iter().any(|word| {
        is_option(&word.text, "--directory")
            || word.text == "--cd"
            || (word.text.starts_with('-')
                && !word.text.starts_with("--")
                && word.text.contains('C'))
    })
}

/// Whether a builtin of the shell runs what it is told to in a way of its own, or changes what a name stands for.
pub(super) fn redefines(name: &str, words: &[Word]) -> bool {
    let options = |letters: &[char]| {
        words.iter().skip(1).any(|word| {
            (word.text.starts_with('-') && word.text.contains(letters)) || !word.is_known()
        })
    };
    match name {
        "mapfile" | "readarray" => options(&['C']),
        "compgen" | "complete" => options(&['C', 'F', 'W']),
        "bind" => options(&['x', 'f']),
        "hash" => options(&['p']),
        "enable" => options(&['f', 'n', 'd']),
        // Most of these are of another shell.
        "emulate" => options(&['c']),
        "fc" | "zmodload" | "autoload" | "sched" | "zpty" | "ztcp" | "sysopen" => true,
        _ => false,
    }
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
        "read" | "mapfile" | "readarray" | "getopts" | "unset" | "vared" | "wait"
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
