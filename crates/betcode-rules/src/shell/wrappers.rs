//! How programs are called that run another one: which options they have, and where the other one begins.

/// How a wrapper is called.
pub(super) struct Wrapper {
    /// Its names.
    pub(super) names: &'static [&'static str],
    /// Options that take the next word, or what is attached to them.
    pub(super) valued: &'static [&'static str],
    /// Letters of options without a value.
    pub(super) letters: &'static str,
    /// Long options without a value.
    pub(super) long: &'static [&'static str],
    /// Operands in front of the inner command.
    pub(super) operands: usize,
    /// Whether variables may be set in front of the inner command.
    pub(super) assignments: bool,
    /// Whether a rule for the inner command is enough.
    pub(super) transparent: bool,
}

const PLAIN: Wrapper = Wrapper {
    names: &[],
    valued: &[],
    letters: "",
    long: &[],
    operands: 0,
    assignments: false,
    transparent: true,
};

pub(super) const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        names: &["nohup", "builtin", "unbuffer", "noglob", "-"],
        ..PLAIN
    },
    Wrapper {
        names: &["command"],
        letters: "p",
        ..PLAIN
    },
    Wrapper {
        names: &["exec"],
        valued: &["-a"],
        letters: "cl",
        ..PLAIN
    },
    Wrapper {
        names: &["nice"],
        valued: &["-n", "--adjustment"],
        letters: "0123456789",
        ..PLAIN
    },
    Wrapper {
        names: &["timeout", "gtimeout"],
        valued: &["-s", "-k", "--signal", "--kill-after"],
        letters: "v",
        long: &["--foreground", "--preserve-status", "--verbose"],
        operands: 1,
        ..PLAIN
    },
    Wrapper {
        names: &["time", "gtime"],
        valued: &["-f", "--format"],
        letters: "pv",
        long: &["--portability", "--verbose"],
        ..PLAIN
    },
    Wrapper {
        names: &["stdbuf"],
        valued: &["-i", "-o", "-e", "--input", "--output", "--error"],
        ..PLAIN
    },
    Wrapper {
        names: &["ionice"],
        valued: &["-c", "-n", "--class", "--classdata"],
        letters: "t",
        ..PLAIN
    },
    Wrapper {
        names: &["setsid"],
        letters: "cfw",
        ..PLAIN
    },
    Wrapper {
        names: &["taskset"],
        letters: "c",
        operands: 1,
        ..PLAIN
    },
    Wrapper {
        names: &["caffeinate"],
        valued: &["-t", "-w"],
        letters: "dimsu",
        ..PLAIN
    },
    Wrapper {
        names: &["env"],
        valued: &["-u", "--unset", "-C", "--chdir"],
        letters: "i0v",
        long: &["--ignore-environment", "--null", "--debug"],
        assignments: true,
        ..PLAIN
    },
    Wrapper {
        names: &["sudo"],
        valued: &[
            "-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group",
            "--host", "--prompt", "--chdir", "--chroot",
        ],
        letters: "AbBEHikKnNPsS",
        long: &[
            "--askpass",
            "--background",
            "--preserve-env",
            "--set-home",
            "--login",
            "--non-interactive",
            "--shell",
            "--stdin",
        ],
        assignments: true,
        transparent: false,
        ..PLAIN
    },
    Wrapper {
        names: &["doas"],
        valued: &["-u", "-C"],
        letters: "ns",
        transparent: false,
        ..PLAIN
    },
    Wrapper {
        names: &["chroot"],
        valued: &["--userspec", "--groups"],
        long: &["--skip-chdir"],
        operands: 1,
        transparent: false,
        ..PLAIN
    },
    Wrapper {
        names: &["flock"],
        valued: &["-w", "-E", "--timeout"],
        letters: "nsxeuoF",
        operands: 1,
        transparent: false,
        ..PLAIN
    },
    Wrapper {
        names: &["strace", "ltrace"],
        valued: &["-e", "-s", "-p", "-u", "-E"],
        letters: "cCdfFhiqrtTvVxyz",
        transparent: false,
        ..PLAIN
    },
    Wrapper {
        names: &["busybox", "toybox"],
        transparent: false,
        ..PLAIN
    },
    Wrapper {
        names: &["xargs", "gxargs"],
        valued: &[
            "-I",
            "-n",
            "-P",
            "-L",
            "-s",
            "-d",
            "-E",
            "-a",
            "-J",
            "-R",
            "-S",
            "--max-args",
            "--max-procs",
            "--max-lines",
            "--max-chars",
            "--delimiter",
            "--arg-file",
            "--eof",
            "--replace",
        ],
        letters: "0rtpxo",
        long: &[
            "--null",
            "--no-run-if-empty",
            "--verbose",
            "--interactive",
            "--exit",
            "--open-tty",
        ],
        ..PLAIN
    },
];

pub(super) const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "rbash"];
