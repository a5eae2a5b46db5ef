//! Requests that outlive daemons, agents and days: they end once, by the first answer, and the tool runs exactly once.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test needs fails by panicking"
)]

use std::time::Duration;

use betcode_core::command::{Action, PermissionAnswer, QuestionAnswer};
use betcode_core::event::{
    Answer, ClientKind, EventBody, PermissionOutcome, PermissionScope, TurnPolicy,
};
use betcode_core::id::RequestId;
use betcode_testkit::{Profile, kill, wait_until};
use rustix::process::Signal;

use crate::people::{Seated, block_on, command, connect, message, person, refusal};
use crate::profile;

const HOUR: u64 = 60 * 60 * 1000;
const DAY: u64 = 24 * HOUR;

/// A tool that can be counted: each run adds a line.
const COUNTED: &str = "/demo permission command=\"echo ran >> runs\"";

fn runs(profile: &Profile) -> usize {
    std::fs::read_to_string(profile.work().join("runs"))
        .unwrap_or_default()
        .lines()
        .count()
}

fn allow(id: &RequestId) -> Action {
    Action::AnswerPermission {
        id: id.clone(),
        answer: PermissionAnswer::Allow {
            scope: PermissionScope::Once,
            input: None,
        },
    }
}

fn deny(id: &RequestId, message: &str) -> Action {
    Action::AnswerPermission {
        id: id.clone(),
        answer: PermissionAnswer::Deny {
            message: message.into(),
            interrupt: false,
        },
    }
}

fn turn_ends(body: &EventBody) -> Option<()> {
    matches!(body, EventBody::TurnComplete(_)).then_some(())
}

/// The agent is killed, and everybody has heard of it.
async fn agent_dies(seated: &mut Seated) {
    let agent = seated
        .until("agent", |body| match body {
            EventBody::AgentStarted { pid, .. } => Some(*pid),
            _ => None,
        })
        .await;
    kill(agent, Signal::KILL);
    seated
        .until("end of the agent", |body| {
            matches!(body, EventBody::AgentExited { .. }).then_some(())
        })
        .await;
    seated.seen.clear();
}

pub(crate) fn kill_daemon(profile: &Profile) {
    let pid = profile.daemon_pid().unwrap();
    kill(pid, Signal::KILL);
    wait_until(Duration::from_secs(10), "the daemon is gone", || {
        (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
}

pub(crate) fn start_daemon(profile: &Profile) {
    profile
        .betcode(["daemon", "start"])
        .env("BETCODE_TEST_CLOCK", profile.home().join("clock"))
        .run()
        .expect(0);
}

/// Lets time pass, all of it counted from the start.
pub(crate) fn pass(profile: &Profile, milliseconds: u64) {
    write_clock(profile, &milliseconds.to_string());
}

fn write_clock(profile: &Profile, text: &str) {
    let file = profile.home().join("clock");
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{text}\n")).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// Waits until the daemon has noticed that everybody has left: whoever is here keeps requests waiting.
fn everybody_has_left(profile: &Profile) {
    wait_until(Duration::from_secs(10), "everybody has left", || {
        let status = profile
            .betcode(["daemon", "status", "--json"])
            .run()
            .expect(0);
        // The one who asks is there.
        (status.json()["clients"] == 1).then_some(())
    });
}

fn interactive(name: &str) -> betcode_core::event::ClientInfo {
    person(name, ClientKind::Interactive)
}

#[test]
fn a_pending_permission_survives_the_daemon_and_is_answered_by_a_second_client() {
    let profile = profile();
    start_daemon(&profile);
    let (session, id) = block_on(async {
        let mut first = Seated::begin(&profile, interactive("first")).await;
        first.act(message(COUNTED)).await.unwrap();
        (first.session, first.asked().await)
    });
    for _ in 0..2 {
        kill_daemon(&profile);
        start_daemon(&profile);
    }
    block_on(async {
        let mut second = Seated::sit(&profile, session, interactive("second")).await;
        assert_eq!(second.asked().await, id);
        assert_eq!(runs(&profile), 0);
        second.act(allow(&id)).await.unwrap();
        second.until("end", turn_ends).await;
        assert_eq!(runs(&profile), 1);
    });
}

#[test]
fn of_two_answers_at_once_one_counts_and_the_other_is_told_which() {
    let profile = profile();
    start_daemon(&profile);
    block_on(async {
        let mut holder = Seated::begin(&profile, person("run", ClientKind::Run)).await;
        holder.act(message(COUNTED)).await.unwrap();
        let id = holder.asked().await;
        let (yes, no) = (
            person("yes", ClientKind::OneShot),
            person("no", ClientKind::OneShot),
        );
        let (one, two) = (connect(&profile).await, connect(&profile).await);
        let (allowed, denied) = tokio::join!(
            one.submit(command(holder.session, &yes, allow(&id))),
            two.submit(command(holder.session, &no, deny(&id, "no"))),
        );
        let lost = match (refusal(allowed), refusal(denied)) {
            (Ok(_), Err(lost)) | (Err(lost), Ok(_)) => lost,
            both => panic!("{both:?}"),
        };
        assert_eq!(lost.reason, "REQUEST_ENDED");
        let winner = holder
            .until("decision", |body| match body {
                EventBody::PermissionResolved(decision) => Some(decision.outcome),
                _ => None,
            })
            .await;
        holder.until("end", turn_ends).await;
        let expected = usize::from(winner == PermissionOutcome::Allowed);
        assert_eq!(runs(&profile), expected);
        let decisions = holder
            .seen
            .iter()
            .filter(|event| matches!(event.body, EventBody::PermissionResolved(_)));
        assert_eq!(decisions.count(), 1);
    });
}

#[test]
fn an_answer_that_is_repeated_over_the_death_of_the_daemon_takes_effect_once() {
    let profile = profile();
    start_daemon(&profile);
    let (session, client, answer) = block_on(async {
        let mut seated = Seated::begin(&profile, interactive("one")).await;
        seated.act(message(COUNTED)).await.unwrap();
        let id = seated.asked().await;
        let answer = command(seated.session, &seated.client, allow(&id));
        connect(&profile)
            .await
            .submit(answer.clone())
            .await
            .unwrap();
        (seated.session, seated.client, answer)
    });
    kill_daemon(&profile);
    start_daemon(&profile);
    block_on(async {
        let mut seated = Seated::sit(&profile, session, client).await;
        for _ in 0..3 {
            let again = connect(&profile).await.submit(answer.clone()).await;
            assert!(again.unwrap().sequence.is_some());
        }
        seated.until("end", turn_ends).await;
        assert_eq!(runs(&profile), 1);
    });
}

#[test]
fn an_agent_that_died_asks_again_and_gets_the_answer_that_was_given_meanwhile_once() {
    let profile = profile();
    start_daemon(&profile);
    block_on(async {
        let mut seated = Seated::begin(&profile, interactive("one")).await;
        seated.act(message(COUNTED)).await.unwrap();
        let id = seated.asked().await;
        agent_dies(&mut seated).await;
        seated.act(allow(&id)).await.unwrap();
        seated.until("end", turn_ends).await;
        assert_eq!(runs(&profile), 1);
        let asked_again: Vec<_> = seated
            .seen
            .iter()
            .filter_map(|event| match &event.body {
                EventBody::PermissionRequest(request) => Some(request.id.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(asked_again.len(), 1);
        assert_ne!(asked_again[0], id);
    });
}

#[test]
fn an_agent_that_died_and_asks_for_something_else_is_not_given_the_old_answer() {
    let profile = profile();
    start_daemon(&profile);
    block_on(async {
        let mut seated = Seated::begin(&profile, interactive("one")).await;
        let prompt = format!("{COUNTED} change_on_resume=1");
        seated.act(message(&prompt)).await.unwrap();
        let id = seated.asked().await;
        agent_dies(&mut seated).await;
        seated.act(allow(&id)).await.unwrap();
        let (new, note) = seated
            .until("request", |body| match body {
                EventBody::PermissionRequest(request) => {
                    Some((request.id.clone(), request.note.clone()))
                }
                _ => None,
            })
            .await;
        assert!(note.contains("something else"), "{note}");
        assert_eq!(runs(&profile), 0);
        seated.act(deny(&new, "no")).await.unwrap();
        seated.until("end", turn_ends).await;
        assert_eq!(runs(&profile), 0);
    });
}

#[test]
fn edited_input_is_what_runs_and_a_deny_message_reaches_the_agent() {
    let profile = profile();
    start_daemon(&profile);
    block_on(async {
        let mut seated = Seated::begin(&profile, interactive("one")).await;
        seated.act(message(COUNTED)).await.unwrap();
        let id = seated.asked().await;
        let edited = Action::AnswerPermission {
            id,
            answer: PermissionAnswer::Allow {
                scope: PermissionScope::Once,
                input: Some(serde_json::json!({"command": "echo edited > other"})),
            },
        };
        seated.act(edited).await.unwrap();
        seated.until("end", turn_ends).await;
        assert_eq!(runs(&profile), 0);
        assert!(profile.work().join("other").exists());

        seated.seen.clear();
        seated.act(message(COUNTED)).await.unwrap();
        let id = seated.asked().await;
        seated.act(deny(&id, "use the blue one")).await.unwrap();
        let said = seated
            .until("what the agent heard", |body| match body {
                EventBody::ToolCallResult { output, .. } => Some(output.clone()),
                _ => None,
            })
            .await;
        assert!(said.contains("use the blue one"), "{said}");
    });
}

#[test]
fn a_question_is_answered_after_a_restart() {
    let profile = profile();
    start_daemon(&profile);
    let (session, client) = block_on(async {
        let mut seated = Seated::begin(&profile, interactive("one")).await;
        seated.act(message("/demo ask")).await.unwrap();
        seated
            .until("question", |body| {
                matches!(body, EventBody::Question(_)).then_some(())
            })
            .await;
        (seated.session, seated.client)
    });
    kill_daemon(&profile);
    start_daemon(&profile);
    block_on(async {
        let mut seated = Seated::sit(&profile, session, client).await;
        let (id, answers) = seated
            .until("question", |body| match body {
                EventBody::Question(question) => {
                    let answers: Vec<_> = question
                        .items
                        .iter()
                        .map(|item| Answer {
                            question: item.question.clone(),
                            selected: vec![item.options[0].label.clone()],
                            text: String::new(),
                        })
                        .collect();
                    Some((question.id.clone(), answers))
                }
                _ => None,
            })
            .await;
        let answer = Action::AnswerQuestion {
            id,
            answer: QuestionAnswer::Answered(answers),
        };
        seated.act(answer).await.unwrap();
        seated.until("end", turn_ends).await;
    });
}

/// How often something is in the log, as the program itself prints it.
fn counted(profile: &Profile, session: &str, kind: &str) -> usize {
    let events = profile
        .betcode(["session", "events", session])
        .run()
        .expect(0);
    let wanted = format!("\"type\":\"{kind}\"");
    events
        .stdout
        .lines()
        .filter(|line| line.contains(&wanted))
        .count()
}

fn wait_for(profile: &Profile, session: &str, kind: &str, count: usize) {
    let what = format!("{count} of {kind}");
    wait_until(Duration::from_secs(20), &what, || {
        (counted(profile, session, kind) == count).then_some(())
    });
}

#[test]
fn days_go_by_with_two_reminders_and_an_end_once_each_over_restarts() {
    let profile = profile();
    start_daemon(&profile);
    let session = block_on(async {
        let mut seated = Seated::begin(&profile, interactive("one")).await;
        seated.act(message(COUNTED)).await.unwrap();
        seated.asked().await;
        seated.session.to_string()
    });
    everybody_has_left(&profile);
    pass(&profile, HOUR + 1000);
    wait_for(&profile, &session, "request_reminder", 1);
    kill_daemon(&profile);
    start_daemon(&profile);
    assert_eq!(counted(&profile, &session, "request_reminder"), 1);
    pass(&profile, DAY + 1000);
    wait_for(&profile, &session, "request_reminder", 2);
    let feed = profile.betcode(["daemon", "feed"]).run().expect(0).stdout;
    assert_eq!(feed.matches("request_reminder").count(), 2, "{feed}");
    // Looking at the log is no activity of a person: what was asked at the start ends after seven days.
    pass(&profile, 7 * DAY - HOUR);
    assert_eq!(counted(&profile, &session, "permission_resolved"), 0);
    pass(&profile, 8 * DAY);
    wait_for(&profile, &session, "permission_resolved", 1);
    wait_for(&profile, &session, "turn_complete", 1);
    kill_daemon(&profile);
    start_daemon(&profile);
    assert_eq!(counted(&profile, &session, "permission_resolved"), 1);
    assert_eq!(counted(&profile, &session, "request_reminder"), 2);
    assert_eq!(runs(&profile), 0);
    let late = profile
        .betcode(["permission", "list", "--json"])
        .run()
        .expect(0);
    assert_eq!(late.json().as_array().unwrap().len(), 0);
}

#[test]
fn a_clock_that_jumps_ends_nothing_until_it_has_been_steady() {
    let profile = profile();
    start_daemon(&profile);
    let session = block_on(async {
        let mut seated = Seated::begin(&profile, interactive("one")).await;
        seated.act(message(COUNTED)).await.unwrap();
        seated.asked().await;
        seated.session.to_string()
    });
    everybody_has_left(&profile);
    // The jump; what was slept through is one reminder.
    write_clock(&profile, &format!("0 {}", 9 * DAY));
    wait_for(&profile, &session, "request_reminder", 1);
    assert_eq!(counted(&profile, &session, "permission_resolved"), 0);
    // Nor does a restart end it.
    kill_daemon(&profile);
    start_daemon(&profile);
    assert_eq!(counted(&profile, &session, "permission_resolved"), 0);
    // Five steady minutes later.
    write_clock(&profile, &format!("{} {}", 6 * 60 * 1000, 9 * DAY));
    wait_for(&profile, &session, "permission_resolved", 1);
}

#[test]
fn activity_prolongs_a_request_up_to_thirty_days_and_no_further() {
    let profile = profile();
    start_daemon(&profile);
    let (session, client) = block_on(async {
        let mut seated = Seated::begin(&profile, interactive("one")).await;
        seated.act(message(COUNTED)).await.unwrap();
        seated.asked().await;
        (seated.session, seated.client)
    });
    let text = session.to_string();
    for day in [5_u64, 10, 15, 20, 25, 29] {
        pass(&profile, day * DAY);
        block_on(async {
            let mut seated = Seated::sit(&profile, session, client.clone()).await;
            seated.holds().await;
        });
        everybody_has_left(&profile);
        assert_eq!(
            counted(&profile, &text, "permission_resolved"),
            0,
            "day {day}"
        );
    }
    pass(&profile, 30 * DAY + HOUR);
    wait_for(&profile, &text, "permission_resolved", 1);
}

#[test]
fn a_run_says_how_long_its_requests_wait() {
    let profile = profile();
    start_daemon(&profile);
    block_on(async {
        let mut seated = Seated::begin(&profile, person("run", ClientKind::Run)).await;
        let action = Action::Message {
            text: COUNTED.into(),
            attachments: vec![],
            policy: TurnPolicy {
                wait_ms: Some(300),
                ..TurnPolicy::default()
            },
        };
        seated.act(action).await.unwrap();
        let id = seated.asked().await;
        seated.until("end", turn_ends).await;
        let late = seated.act(allow(&id)).await.unwrap_err();
        assert_eq!(late.reason, "REQUEST_ENDED");
        assert!(late.message.contains("expired"), "{}", late.message);
        assert_eq!(runs(&profile), 0);
    });
}

#[test]
fn a_holder_that_says_nothing_loses_the_lock_to_an_answer_and_gets_it_back() {
    let profile = profile();
    std::fs::create_dir_all(profile.config_dir()).unwrap();
    // Away for longer than the grace is whoever waits for the lock without being attached.
    std::fs::write(
        profile.config_dir().join("config.toml"),
        "[lock]\nwait = \"2s\"\ngrace = \"1s\"\n",
    )
    .unwrap();
    start_daemon(&profile);
    block_on(async {
        let mut holder = Seated::begin(&profile, interactive("holder")).await;
        holder.act(message(COUNTED)).await.unwrap();
        let id = holder.asked().await;
        let other = person("other", ClientKind::OneShot);
        let answer = command(holder.session, &other, allow(&id));
        refusal(connect(&profile).await.submit(answer).await).unwrap();
        holder.until("end", turn_ends).await;
        assert_eq!(runs(&profile), 1);
        let holders: Vec<_> = holder
            .seen
            .iter()
            .filter_map(|event| match &event.body {
                EventBody::InputLockChanged { holder } => {
                    Some(holder.as_ref().map(|holder| holder.name.clone()))
                }
                _ => None,
            })
            .collect();
        let holders: Vec<_> = holders.iter().map(|name| name.as_deref()).collect();
        assert_eq!(holders, [Some("holder"), Some("other"), Some("holder")]);
    });
}

#[test]
fn what_is_allowed_for_the_session_covers_what_waits_already() {
    let profile = profile();
    start_daemon(&profile);
    block_on(async {
        let mut seated = Seated::begin(&profile, interactive("one")).await;
        let prompt = format!("{COUNTED} parallel=3");
        seated.act(message(&prompt)).await.unwrap();
        let mut asked = 0;
        let id = seated
            .until("three requests", |body| match body {
                EventBody::PermissionRequest(request) => {
                    asked += 1;
                    (asked == 3).then(|| request.id.clone())
                }
                _ => None,
            })
            .await;
        let session = Action::AnswerPermission {
            id,
            answer: PermissionAnswer::Allow {
                scope: PermissionScope::Session,
                input: None,
            },
        };
        seated.act(session).await.unwrap();
        seated.until("end", turn_ends).await;
        assert_eq!(runs(&profile), 3);
    });
}
