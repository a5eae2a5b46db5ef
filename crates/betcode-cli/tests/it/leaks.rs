//! What turns leave running: nothing. Tools put processes into the background, into sessions of their own and out of their
//! parents' sight; turns are stopped, agents and hosts are killed. In the end only the daemon is there, as at the beginning.

#![expect(clippy::unwrap_used, reason = "what a test needs fails by panicking")]

use std::time::Duration;

use betcode_testkit::{Profile, kill, wait_until};
use rustix::process::Signal;

use crate::profile;

const SOON: Duration = Duration::from_secs(30);
/// Told to every agent, and with it to whatever its tools start.
const MARK: &str = "BETCODE_TEST_MARK";
/// What a tool leaves behind: in the background, in a session of its own, as a child of nobody.
const LEFT: [&str; 4] = [
    "sleep 600 > /dev/null 2>&1 &",
    "setsid sleep 600 > /dev/null 2>&1 &",
    "( ( sleep 600 > /dev/null 2>&1 & ) & ) ;",
    "setsid sh -c '( sleep 600 & ) ; sleep 600 & sleep 600' > /dev/null 2>&1 &",
];

fn of_process(pid: &str, file: &str) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

fn processes() -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.parse::<u32>().is_ok()).collect()
}

/// State and parent of a process.
fn standing(pid: &str) -> Option<(char, u32)> {
    let stat = String::from_utf8_lossy(&of_process(pid, "stat")).into_owned();
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

/// Whatever this profile's agents have started and that still runs, with its command line.
fn marked(mark: &str) -> Vec<(u32, String)> {
    let variable = format!("{MARK}={mark}");
    let has_it = |pid: &&String| {
        let environment = of_process(pid, "environ");
        environment
            .split(|byte| *byte == 0)
            .any(|word| word == variable.as_bytes())
    };
    let line = |pid: &String| {
        let line = of_process(pid, "cmdline");
        (
            pid.parse().unwrap(),
            String::from_utf8_lossy(&line).replace('\0', " "),
        )
    };
    processes().iter().filter(has_it).map(line).collect()
}

/// What the daemon and its hosts have below them that has ended and that nobody has waited for.
fn zombies(profile: &Profile) -> usize {
    let state = profile.state_dir().display().to_string();
    let mut parents: Vec<u32> = profile.daemon_pid().into_iter().collect();
    let all = processes();
    parents.extend(all.iter().filter_map(|pid| {
        let line = String::from_utf8_lossy(&of_process(pid, "cmdline")).into_owned();
        let is_host = line.contains("agent-host") && line.contains(&state);
        is_host.then(|| pid.parse::<u32>().unwrap())
    }));
    let is_zombie = |pid: &&String| {
        standing(pid).is_some_and(|(state, parent)| state == 'Z' && parents.contains(&parent))
    };
    all.iter().filter(is_zombie).count()
}

fn hosts(profile: &Profile) -> usize {
    std::fs::read_dir(profile.state_dir().join("hosts")).map_or(0, Iterator::count)
}

/// Waits until the agents' turns have left nothing, and says what there is when they have.
fn nothing_is_left(profile: &Profile, mark: &str, after: &str) {
    // Clients have the variable too: here all of them have ended.
    wait_until(SOON, &format!("nothing is left after {after}"), || {
        let left = marked(mark);
        (left.is_empty() && zombies(profile) == 0 && hosts(profile) == 0).then_some(())
    });
}

fn run(profile: &Profile, mark: &str, arguments: &[&str], code: i32) {
    let mut line = vec!["-p"];
    line.extend(arguments);
    let output = profile.betcode(line).env(MARK, mark).run();
    output.expect(code);
}

fn tool(command: &str) -> String {
    format!("/demo tool command=\"{command}\"")
}

/// The process of the agent that runs now, and its host.
fn agent(mark: &str) -> (u32, u32) {
    let found = wait_until(SOON, "an agent", || {
        let all = marked(mark);
        let agent = all.iter().find(|(_, line)| line.contains("demo-agent"));
        agent.map(|(pid, _)| *pid)
    });
    let (_, host) = standing(&found.to_string()).unwrap();
    (found, host)
}

#[test]
fn turns_leave_no_process_behind_whatever_their_tools_start_and_however_they_end() {
    let profile = profile();
    let mark = profile.home().display().to_string();
    profile.betcode(["daemon", "start"]).run().expect(0);
    for command in LEFT {
        let line = tool(&format!("{command} echo done >> done"));
        for _ in 0..3 {
            run(&profile, &mark, &[&line], 0);
        }
        let done = std::fs::read_to_string(profile.work().join("done")).unwrap();
        assert_eq!(done, "done\ndone\ndone\n", "{command}");
        std::fs::remove_file(profile.work().join("done")).unwrap();
        nothing_is_left(&profile, &mark, command);
    }
    for _ in 0..3 {
        run(&profile, &mark, &["/demo crash after=5 times=1"], 0);
        let stalls = ["/demo stall secs=600", "--timeout", "1"];
        run(&profile, &mark, &stalls, 124);
        let sleeps = tool("sleep 600");
        run(&profile, &mark, &[&sleeps, "--timeout", "1"], 124);
    }
    nothing_is_left(&profile, &mark, "stopped turns");
}

#[test]
fn an_agent_or_a_host_that_is_killed_leaves_no_process_behind_either() {
    let profile = profile();
    let mark = profile.home().display().to_string();
    profile.betcode(["daemon", "start"]).run().expect(0);
    for (number, command) in LEFT.iter().enumerate() {
        for host_too in [false, true] {
            let line = tool(&format!("{command} echo $$ > started{number}; sleep 600"));
            let running = profile
                .betcode(["-p", &line, "--no-retry"])
                .env(MARK, &mark)
                .spawn();
            let started = profile.work().join(format!("started{number}"));
            wait_until(SOON, "the tool runs", || started.exists().then_some(()));
            std::fs::remove_file(&started).unwrap();
            let (agent, host) = agent(&mark);
            kill(if host_too { host } else { agent }, Signal::KILL);
            running.wait(SOON).expect(1);
            let after = format!("a kill (host: {host_too}) with {command}");
            nothing_is_left(&profile, &mark, &after);
        }
    }
}
