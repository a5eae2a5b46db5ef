//! The `betcode-tray` command: reads the environment and the command line once, runs what is asked for, and tells how it ended.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use betcode_client::Profile;
use betcode_client::daemon::state_directory;
use tray::arguments::{self, Ask, HELP, exit};
use tray::runtime::World;
use tray::single::{self, Lock};
use tray::{autostart, platform, runtime, terminal};

/// Why it did not go well: the exit code and the words.
struct Failure(u8, String);

impl Failure {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is where errors are mapped to"
    )]
    fn new(problem: impl ToString) -> Self {
        Self(exit::FAILURE, problem.to_string())
    }
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let environment: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    match run(&words, &environment) {
        Ok(()) => ExitCode::from(exit::SUCCESS),
        Err(Failure(code, problem)) => {
            log(&format!("Error: {problem}"));
            ExitCode::from(code)
        }
    }
}

fn run(words: &[OsString], environment: &BTreeMap<OsString, OsString>) -> Result<(), Failure> {
    let words: Vec<_> = words.iter().map(|it| it.to_string_lossy()).collect();
    let ask = arguments::read(words.iter().map(AsRef::as_ref));
    let ask = ask.map_err(|problem| Failure(exit::USAGE, problem))?;
    let variable = |name: &str| {
        let value = environment.get(OsStr::new(name));
        value.filter(|it| !it.is_empty()).map(PathBuf::from)
    };
    match ask {
        Ask::Help => print(HELP),
        Ask::Version => print(concat!("betcode-tray ", env!("CARGO_PKG_VERSION"), "\n")),
        Ask::Install => {
            let cwd = std::env::current_dir().ok();
            let profile = Profile::find(variable, || None, cwd.as_deref()).map_err(Failure::new)?;
            // What is set here is not set where the desktop starts it.
            let mut set = vec![
                ("BETCODE_CONFIG_DIR", profile.config_dir.as_path()),
                ("BETCODE_STATE_DIR", profile.state_dir.as_path()),
            ];
            set.retain(|(name, _)| variable(name).is_some());
            install(&entry(&variable)?, &set)
        }
        Ask::Uninstall => uninstall(&entry(&variable)?),
        Ask::Run => {
            let cwd = std::env::current_dir().ok();
            let profile = Profile::find(variable, || None, cwd.as_deref()).map_err(Failure::new)?;
            be_the_tray(profile, environment)
        }
    }
}

/// Where the entry of the autostart belongs.
fn entry(variable: &impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, Failure> {
    if cfg!(not(target_os = "linux")) {
        // Written there it would start nothing.
        let problem = "this works on Linux desktops only; on macOS, add betcode-tray to the login items in the system settings";
        return Err(Failure::new(problem));
    }
    let set = variable("XDG_CONFIG_HOME").filter(|it| it.is_absolute());
    let home = || variable("HOME").map(|home| home.join(".config"));
    let place = set.or_else(home).map(|it| autostart::place(&it));
    place
        .ok_or_else(|| Failure::new("the home directory is not known; set HOME or XDG_CONFIG_HOME"))
}

fn install(place: &Path, variables: &[(&str, &Path)]) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(Failure::new)?;
    let written = autostart::install(place, &program, variables);
    let written = written.map_err(|error| Failure::new(format!("{}: {error}", place.display())))?;
    let how = if written { "starts" } else { "already starts" };
    print(&format!(
        "the tray {how} with your desktop: {}\n",
        place.display()
    ))
}

fn uninstall(place: &Path) -> Result<(), Failure> {
    let gone = autostart::uninstall(place);
    let gone = gone.map_err(|error| Failure::new(format!("{}: {error}", place.display())))?;
    print(if gone {
        "the tray does not start with your desktop any more\n"
    } else {
        "the tray did not start with your desktop\n"
    })
}

fn be_the_tray(
    profile: Profile,
    environment: &BTreeMap<OsString, OsString>,
) -> Result<(), Failure> {
    state_directory(&profile).map_err(Failure::new)?;
    let directory = profile.state_dir.display().to_string();
    let lock = single::lock(&profile.state_dir);
    let _held = match lock.map_err(|error| Failure::new(format!("{directory}: {error}")))? {
        Lock::Ours(file) => file,
        Lock::Taken(pid) => {
            let process = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            let problem = format!("a tray runs already for {directory}{process}");
            return Err(Failure(exit::RUNNING, problem));
        }
    };
    let path = environment.get(OsStr::new("PATH"));
    let beside = std::env::current_exe().ok();
    let beside = beside.map(|it| it.with_file_name("betcode"));
    let program = beside.and_then(|it| terminal::find(it.as_os_str(), None));
    let program = program.or_else(|| terminal::find("betcode".as_ref(), path.map(AsRef::as_ref)));
    let world = World {
        profile,
        program,
        environment: environment.clone().into_iter().collect(),
    };
    let done = platform::run(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(Failure::new)?;
        let done = runtime.block_on(runtime::run(world, log));
        done.map_err(Failure::new)
    });
    done.map_err(Failure::new)?
}

/// What is asked for goes to stdout.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(Failure::new)
}

/// What happens goes to stderr, which the desktop keeps.
fn log(text: &str) {
    // Without a stderr there is nobody to tell.
    let _lost = writeln!(std::io::stderr(), "{text}");
}
