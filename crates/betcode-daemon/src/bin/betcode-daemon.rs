//! The daemon as a program of its own, for service managers: `betcode-daemon [--auto] [--ephemeral]`, and as the host of
//! agents `betcode-daemon agent-host DIRECTORY`. It reads the environment and does nothing else itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use betcode_core::command::Environment;
use betcode_daemon::Options;

const USAGE: u8 = 64;
const HELP: &str = "Usage: betcode-daemon [--auto] [--ephemeral]\n       betcode-daemon agent-host DIRECTORY\n       betcode-daemon --version\n";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&str> = arguments
        .iter()
        .map(|argument| argument.to_str().unwrap_or_default())
        .collect();
    match (words.as_slice(), arguments.get(1)) {
        (["agent-host", _], Some(directory)) => return betcode_host::run(Path::new(directory)),
        (["--version"], _) => {
            return say(
                &mut std::io::stdout(),
                concat!("betcode-daemon ", env!("CARGO_PKG_VERSION"), "\n"),
                0,
            );
        }
        (["--help"], _) => return say(&mut std::io::stdout(), HELP, 0),
        _ => {}
    }
    let (mut auto, mut ephemeral) = (false, false);
    for word in words {
        match word {
            "--auto" => auto = true,
            "--ephemeral" => ephemeral = true,
            _ => return say(&mut std::io::stderr(), HELP, USAGE),
        }
    }
    match options(auto, ephemeral) {
        Ok(options) => betcode_daemon::run(&options),
        Err(problem) => say(&mut std::io::stderr(), &format!("Error: {problem}\n"), 1),
    }
}

fn say(stream: &mut impl std::io::Write, text: &str, code: u8) -> ExitCode {
    // Nobody may be reading any more, and then there is nobody to tell.
    let _unread = stream.write_all(text.as_bytes());
    ExitCode::from(code)
}

fn options(auto: bool, ephemeral: bool) -> Result<Options, String> {
    let own = std::env::current_exe()
        .map_err(|error| format!("the program's own path is not known: {error}"))?;
    let beside = |name: &str| own.with_file_name(name);
    // The small program costs each host less memory.
    let small = beside("betcode-agent-host");
    let host_command = if small.is_file() {
        vec![small.into_os_string()]
    } else {
        vec![own.clone().into_os_string(), "agent-host".into()]
    };
    let demo = beside("betcode")
        .into_os_string()
        .into_string()
        .map_err(|_| "the program's own path is not UTF-8")?;
    Ok(Options {
        state_dir: directory("BETCODE_STATE_DIR", "XDG_STATE_HOME", ".local/state")?,
        config_dir: directory("BETCODE_CONFIG_DIR", "XDG_CONFIG_HOME", ".config")?,
        socket: match path("BETCODE_SOCKET") {
            Some(socket) => Some(absolute(&socket)?),
            None => None,
        },
        host_command,
        demo_command: vec![demo, "demo-agent".to_owned()],
        version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: environment(),
        auto,
        ephemeral,
        test_clock: path("BETCODE_TEST_CLOCK"),
    })
}

fn environment() -> Environment {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Environment(
        std::env::vars_os()
            .filter_map(text)
            .collect::<BTreeMap<_, _>>(),
    )
}

fn path(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The same places as the command line's: its own variable, else the XDG rules.
fn directory(own: &str, xdg: &str, below_home: &str) -> Result<PathBuf, String> {
    if let Some(directory) = path(own) {
        return absolute(&directory);
    }
    if let Some(base) = path(xdg).filter(|base| base.is_absolute()) {
        return Ok(base.join("betcode"));
    }
    match path("HOME").filter(|home| home.is_absolute()) {
        Some(home) => Ok(home.join(below_home).join("betcode")),
        None => Err(format!(
            "the home directory is not known; set HOME or {own}"
        )),
    }
}
