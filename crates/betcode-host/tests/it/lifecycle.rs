//! How a host begins, is replaced, rests and ends.

use betcode_host::protocol::{FromHost, ToHost, VERSION};
use betcode_host::remains::{self, Exit};
use betcode_host::spec::Spec;
use betcode_host::spool;

use crate::support::{TestHost, agent_pid, eventually, host_command, is_running, number_in, shell};

#[test]
fn an_exit_is_told_and_left_behind_and_finish_cleans_up() {
    let host = TestHost::shell("echo out; echo err >&2; read line; exit 7");
    let (mut daemon, hello) = host.attach();
    assert!(remains::is_alive(host.path()).unwrap() && remains::was_started(host.path()).unwrap());
    assert_eq!(remains::holder(host.path()).unwrap(), Some(host.pid));
    assert!(is_running(agent_pid(&hello)));
    assert!(
        !host.file("spec.json").exists(),
        "the secrets are gone once the agent runs"
    );
    daemon.frame(1, b"go\n");
    assert_eq!(daemon.until_exited(), (Some(7), None, 4));
    let exit = Exit {
        version: 1,
        code: Some(7),
        signal: None,
        error: None,
        stdout_end: 4,
        stdin_written: 1,
    };
    assert_eq!(remains::read_exit(host.path()).unwrap(), Some(exit));
    assert_eq!(remains::stderr_tail(host.path()).unwrap(), b"err\n");
    assert_eq!(host.spooled(), b"out\n");
    daemon.send(&ToHost::Finish);
    daemon.expect_closed();
    host.wait_until_ended();
    assert!(!host.file("socket").exists());
    assert_eq!(spool::end(host.path()).unwrap(), 0);
    assert!(!remains::is_alive(host.path()).unwrap());
}

#[test]
fn a_host_whose_daemon_has_gone_leaves_the_remains_and_ends_with_its_agent() {
    let host = TestHost::shell("read line; echo out; kill -9 $$");
    let (mut daemon, _) = host.attach();
    daemon.frame(1, b"go\n");
    daemon.until_written(1);
    drop(daemon);
    host.wait_until_ended();
    assert_eq!((host.exit().code, host.exit().signal), (None, Some(9)));
    assert_eq!(host.spooled(), b"out\n");
}

#[test]
fn a_daemon_that_comes_after_the_end_is_told_of_it() {
    let host = TestHost::shell("exit 3");
    host.exit();
    let (mut daemon, hello) = host.attach();
    assert!(
        matches!(
            hello,
            FromHost::Hello {
                exited: true,
                stdout_end: 0,
                ..
            }
        ),
        "{hello:?}"
    );
    assert_eq!(daemon.until_exited(), (Some(3), None, 0));
    drop(daemon);
    host.wait_until_ended();
}

#[test]
fn a_new_connection_replaces_the_old_one_but_only_once_it_attaches() {
    let host = TestHost::shell("cat");
    let (mut old, _) = host.attach();
    let mut new = host.connect();
    old.frame(1, b"old\n");
    old.until_written(1);
    new.send(&ToHost::Attach { version: VERSION });
    assert!(matches!(
        new.next(),
        Some(FromHost::Hello { written: 1, .. })
    ));
    old.expect_closed();
    new.frame(2, b"new\n");
    new.until_written(2);
    host.wait_for_spool(b"old\nnew\n");
}

#[test]
fn a_stranger_that_speaks_before_it_attaches_is_turned_away() {
    let host = TestHost::shell("cat");
    let (mut daemon, _) = host.attach();
    let mut stranger = host.connect();
    stranger.frame(1, b"no\n");
    stranger.expect_closed();
    let mut stranger = host.connect();
    stranger.send_bytes(&[0xff; 64]);
    stranger.expect_closed();
    daemon.frame(1, b"yes\n");
    daemon.until_written(1);
    host.wait_for_spool(b"yes\n");
}

#[test]
fn messages_of_a_later_version_are_skipped() {
    let host = TestHost::shell("cat");
    let (mut daemon, _) = host.attach();
    daemon.send_bytes(&[4, 0, 0, 0, 200, 1, 2, 3]);
    daemon.frame(1, b"one\n");
    daemon.until_written(1);
}

#[test]
fn a_second_host_on_the_same_directory_exits_75_and_disturbs_nothing() {
    let host = TestHost::shell("cat");
    let (mut daemon, _) = host.attach();
    shell("echo second").write(host.path()).unwrap();
    let status = std::process::Command::new(&host_command()[0])
        .arg(host.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(75));
    daemon.frame(1, b"one\n");
    daemon.until_written(1);
    host.wait_for_spool(b"one\n");
}

#[test]
fn a_directory_that_was_used_never_starts_a_second_agent() {
    let host = TestHost::shell("exit 0");
    host.wait_until_ended();
    shell("echo second").write(host.path()).unwrap();
    let status = std::process::Command::new(&host_command()[0])
        .arg(host.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(76));
    assert_eq!(host.spooled(), b"");
}

fn refusal(spec: &Spec) -> String {
    let host = TestHost::start(spec);
    let (mut daemon, hello) = host.attach();
    assert_eq!(agent_pid(&hello), 0);
    assert_eq!(daemon.until_exited(), (None, None, 0));
    drop(daemon);
    host.wait_until_ended();
    assert!(!host.file("spec.json").exists());
    host.exit().error.expect("a reason")
}

#[test]
fn a_program_that_cannot_be_run_is_explained() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "#!/no/such/interpreter\n").unwrap();
    let file = file.to_str().unwrap();
    let missing = directory.path().join("missing");

    assert_eq!(
        refusal(&Spec::new("/no/such/program", "/")),
        "cannot run /no/such/program: there is no such file"
    );
    let mut by_name = Spec::new("no-such-program", "/");
    by_name.env = vec![("PATH".into(), "/usr/bin".into())];
    assert_eq!(
        refusal(&by_name),
        "cannot run no-such-program: no program of that name was found in its PATH"
    );
    assert!(refusal(&Spec::new(file, "/")).contains("not executable"));
    let mut mode = std::fs::metadata(file).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o700);
    std::fs::set_permissions(file, mode).unwrap();
    assert_eq!(
        refusal(&Spec::new(file, "/")),
        format!("cannot run {file}: the interpreter it names does not exist")
    );
    assert_eq!(
        refusal(&Spec::new("/bin/sh", &missing)),
        format!(
            "cannot run /bin/sh: the working directory {} does not exist",
            missing.display()
        )
    );
    assert_eq!(
        refusal(&Spec::new("/bin/sh", file)),
        format!("cannot run /bin/sh: the working directory {file} is not a directory")
    );
}

#[test]
fn a_host_without_a_specification_says_so_and_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let status = std::process::Command::new(&host_command()[0])
        .arg(directory.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(70));
    let exit = remains::read_exit(directory.path()).unwrap().unwrap();
    assert!(
        exit.error
            .unwrap()
            .starts_with("cannot read what is to be run")
    );
    assert!(!remains::was_started(directory.path()).unwrap());
}

#[test]
fn a_host_that_cannot_write_down_that_it_starts_an_agent_starts_none_and_leaves_no_such_trace() {
    let directory = tempfile::tempdir().unwrap();
    shell("touch began").write(directory.path()).unwrap();
    // No file may have a byte, as on a full disk.
    let status = std::process::Command::new("/bin/sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"])
        .args(host_command())
        .arg(directory.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(70));
    assert!(!remains::was_started(directory.path()).unwrap());
}

#[test]
fn the_agent_has_its_own_environment_and_directory_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut spec = shell(
        "pwd; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=; ls /proc/self/fd | wc -l",
    );
    spec.cwd = directory.path().canonicalize().unwrap();
    spec.env.push(("KEY".into(), "a b".into()));
    let host = TestHost::start(&spec);
    host.exit();
    let out = String::from_utf8(host.spooled()).unwrap();
    let mut lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.remove(0), spec.cwd.to_str().unwrap());
    // stdin, stdout, stderr, and the directory that `ls` reads.
    assert_eq!(lines.pop(), Some("4"));
    lines.sort_unstable();
    assert_eq!(lines, ["KEY=a b", "PATH=/usr/local/bin:/usr/bin:/bin"]);
}

#[test]
fn a_directory_with_a_long_path_gets_its_socket_elsewhere() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("d".repeat(120));
    std::fs::create_dir(&directory).unwrap();
    shell("cat").write(&directory).unwrap();
    let pid = betcode_host::spawn(&host_command(), &directory).unwrap();
    eventually("the host listens elsewhere", || {
        directory.join("socket-path").exists()
    });
    let path = betcode_host::socket_path(&directory).unwrap();
    assert!(path.as_os_str().len() <= 100 && path.exists());
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(path.parent().unwrap())
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o700);
    drop(parent);
    eventually("the host ends with its directory", || !is_running(pid));
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn a_spawned_host_is_nobodys_child_and_has_a_session_of_its_own() {
    let host = TestHost::shell("cat");
    host.attach();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", host.pid)).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let own = rustix::process::getpid().as_raw_nonzero().get();
    // Read, not asked for: inside a container the leader may be outside, which shows as session 0.
    let own_stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let own_session = own_stat
        .rsplit(") ")
        .next()
        .unwrap()
        .split(' ')
        .nth(3)
        .unwrap();
    assert_ne!(
        fields[1],
        own.to_string(),
        "its parent is not whoever spawned it"
    );
    // The session is led by the process in between, which is gone.
    assert!(fields[3] != "0" && fields[3] != own_session, "{stat}");
    for number in 0..3 {
        let target = std::fs::read_link(format!("/proc/{}/fd/{number}", host.pid)).unwrap();
        assert_eq!(target.to_str(), Some("/dev/null"));
    }
    assert_eq!(
        std::fs::read_link(format!("/proc/{}/cwd", host.pid))
            .unwrap()
            .to_str(),
        Some("/")
    );
}

#[test]
fn a_program_that_does_not_exist_cannot_be_spawned_as_a_host() {
    let directory = tempfile::tempdir().unwrap();
    let error = betcode_host::spawn(&["/no/such/host".into()], directory.path()).unwrap_err();
    assert!(
        matches!(error, betcode_host::SpawnError::Start { .. }),
        "{error:?}"
    );
}

#[test]
fn an_idle_host_never_wakes() {
    let host = TestHost::shell("read line");
    let (_daemon, _) = host.attach();
    let switches = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", host.pid)).unwrap();
        let count = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.rsplit('\t').next().unwrap().parse().unwrap()
        };
        (
            count("voluntary_ctxt_switches"),
            count("nonvoluntary_ctxt_switches"),
        )
    };
    let resting = |before: &mut (u64, u64)| {
        let now = switches();
        std::mem::replace(before, now) == now
    };
    let mut before = (0, 0);
    eventually("the host comes to rest", || {
        resting(&mut before) && resting(&mut before)
    });
    // a pause, because: what is looked for is that nothing happens in it.
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(switches(), before);
}

#[test]
fn sigterm_to_the_host_stops_its_agent() {
    let host = TestHost::shell(
        "trap 'echo bye; exit 4' TERM; echo $$ >&2; echo ready; while :; do sleep 0.05; done",
    );
    let (mut daemon, _) = host.attach();
    host.wait_for_spool(b"ready\n");
    crate::support::kill(host.pid, rustix::process::Signal::TERM);
    assert_eq!(daemon.until_exited(), (Some(4), None, 10));
}

#[test]
fn a_directory_that_vanishes_ends_the_host_and_everything_below_it() {
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("pid");
    let host = TestHost::shell(&format!(
        "setsid sh -c 'echo $$ >{}; exec sleep 1000' & cat",
        file.display()
    ));
    let grandchild = number_in(&file);
    std::fs::remove_dir_all(host.path()).unwrap();
    host.wait_until_ended();
    eventually("the grandchild is killed", || !is_running(grandchild));
}

#[test]
fn an_orphan_stops_its_agent_and_ends_but_not_while_a_daemon_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    let text = serde_json::json!({
        "version": 1, "program": "/bin/sh", "args": ["-c", script], "env": [["PATH", "/usr/bin:/bin"]], "cwd": "/",
        "orphan_seconds": 1,
    });
    std::fs::write(directory.path().join("spec.json"), text.to_string()).unwrap();
    let host = TestHost::adopt(directory);
    let (mut daemon, _) = host.attach();
    daemon.frame(1, b"still here\n");
    daemon.until_written(1);
    // a pause, because: it must be longer than an orphan would live.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(remains::read_exit(host.path()).unwrap(), None);
    drop(daemon);
    host.wait_until_ended();
    assert_eq!(host.exit().code, Some(9));
}

#[test]
fn a_pipe_of_whoever_spawns_the_host_does_not_stay_open_with_it() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    // As if the daemon had inherited it from `$(…)` without being asked.
    rustix::io::fcntl_setfd(&writer, rustix::io::FdFlags::empty()).unwrap();
    let host = TestHost::shell("cat");
    let (_daemon, _) = host.attach();
    drop(writer);
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    eventually("nobody holds the pipe any more", || {
        matches!(std::io::Read::read(&mut reader, &mut [0]), Ok(0))
    });
    assert!(is_running(host.pid));
}
