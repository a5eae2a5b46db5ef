//! The program around the tray: its command line, its autostart, and what it says where there is no desktop.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

use betcode_testkit::{Output, Profile, program};

/// A user of the real programs.
pub(crate) fn profile() -> Profile {
    let profile = Profile::new(program("betcode-cli", "betcode")).following_usage();
    // What is installed on this machine is nobody's business here.
    std::fs::create_dir_all(profile.config_dir()).unwrap();
    let text =
        "[agents]\nclaude.command = ['/nowhere/claude']\ncodex.command = ['/nowhere/codex']\n";
    std::fs::write(profile.config_dir().join("config.toml"), text).unwrap();
    profile
}

/// The line that runs the tray.
pub(crate) fn line(arguments: &str) -> String {
    format!("exec {} {arguments}", env!("CARGO_BIN_EXE_betcode-tray"))
}

fn run(profile: &Profile, arguments: &str) -> Output {
    profile.shell(&line(arguments)).run()
}

#[test]
fn it_says_what_it_is_and_what_can_be_asked_for() {
    let profile = profile();
    let version = run(&profile, "--version").expect(0).stdout;
    assert_eq!(
        version,
        format!("betcode-tray {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(
        run(&profile, "--help")
            .expect(0)
            .stdout
            .contains("--uninstall")
    );
    let wrong = run(&profile, "--instal").expect(64);
    assert!(
        wrong
            .stderr
            .starts_with("Error: `--instal` is none of --install"),
        "{}",
        wrong.stderr
    );
    assert_eq!(wrong.stdout, "");
}

#[test]
fn it_starts_with_the_desktop_from_now_on_and_no_more() {
    let profile = profile();
    let entry = profile
        .home()
        .join(".config/autostart/betcode-tray.desktop");
    let first = run(&profile, "--install").expect(0).stdout;
    assert_eq!(
        first,
        format!("the tray starts with your desktop: {}\n", entry.display())
    );
    let text = std::fs::read_to_string(&entry).unwrap();
    assert!(text.contains(env!("CARGO_BIN_EXE_betcode-tray")), "{text}");
    let state = format!("\"BETCODE_STATE_DIR={}\"", profile.state_dir().display());
    assert!(text.contains(&state), "{text}");
    let again = run(&profile, "--install").expect(0).stdout;
    assert!(again.starts_with("the tray already starts"), "{again}");
    run(&profile, "--uninstall").expect(0);
    assert!(!entry.exists());
    let again = run(&profile, "--uninstall").expect(0).stdout;
    assert_eq!(again, "the tray did not start with your desktop\n");
}

#[test]
fn without_a_desktop_it_says_so_and_ends() {
    let profile = profile();
    let nowhere = format!("unix:path={}", profile.home().join("no-bus").display());
    let tray = profile
        .shell(&line(""))
        .env("DBUS_SESSION_BUS_ADDRESS", nowhere);
    let output = tray.run().expect(1);
    assert!(
        output
            .stderr
            .starts_with("Error: there is no desktop session here"),
        "{}",
        output.stderr
    );
}
