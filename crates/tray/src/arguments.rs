//! The command line: what is asked for, and what is said about it.

/// How it ends.
pub mod exit {
    /// Everything is well.
    pub const SUCCESS: u8 = 0;
    /// What is needed is not there.
    pub const FAILURE: u8 = 1;
    /// Another tray runs already.
    pub const RUNNING: u8 = 3;
    /// The command line makes no sense.
    pub const USAGE: u8 = 64;
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Be the tray.
    Run,
    /// Start with the desktop from now on.
    Install,
    /// Start with the desktop no more.
    Uninstall,
    /// Which version this is.
    Version,
    /// What can be asked for.
    Help,
}

/// What `--help` prints.
pub const HELP: &str = "\
BetCode in the tray: how much of your plan is used, what waits for you, and notifications with buttons

Usage: betcode-tray [OPTION]

Options:
      --install    Start the tray with your desktop from now on, and say where that is written
      --uninstall  Start it with your desktop no more
  -V, --version    Print the version
  -h, --help       Print this

Settings: betcode config show tray.icon, tray.pulse, tray.terminal, tray.start, usage.window
Exit codes: 0 success, 1 no desktop session or anything not named here, 3 a tray runs already, 64 usage error
";

/// Reads the command line behind the program's name.
pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Ask, String> {
    let mut ask = Ask::Run;
    for word in words {
        let asked = match word {
            "--install" => Ask::Install,
            "--uninstall" => Ask::Uninstall,
            "-V" | "--version" => Ask::Version,
            "-h" | "--help" => return Ok(Ask::Help),
            other => {
                return Err(format!(
                    "`{}` is none of --install, --uninstall, --version, --help",
                    other.escape_debug()
                ));
            }
        };
        if ask != Ask::Run && ask != asked {
            return Err("one option at a time, please".to_owned());
        }
        ask = asked;
    }
    Ok(ask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_asked_for_at_a_time() {
        assert_eq!(read([]), Ok(Ask::Run));
        assert_eq!(read(["--install"]), Ok(Ask::Install));
        assert_eq!(read(["-V"]), Ok(Ask::Version));
        assert_eq!(read(["--install", "--help"]), Ok(Ask::Help));
        assert!(read(["--install", "--uninstall"]).is_err());
        let error = read(["--\u{1b}[31m"]).unwrap_err();
        assert!(
            error.contains("--install") && !error.contains('\u{1b}'),
            "{error}"
        );
    }
}
