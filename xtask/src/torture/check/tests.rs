//! The checks find what they are for: every test plants one fault in a story that is right without it.

use std::collections::BTreeSet;

use super::*;
use crate::torture::log::{entries, frames};

/// A session with two turns of one agent, a third that its host did not survive and that a new agent went on with, and a
/// fourth of that one.
#[derive(Clone)]
struct Story {
    log: Vec<String>,
    journal: Vec<String>,
    clients: Vec<Client>,
    killed: Vec<&'static str>,
    killed_agents: Vec<&'static str>,
    closed: bool,
}

fn event(kind: &str, rest: &str) -> String {
    let comma = if rest.is_empty() { "" } else { "," };
    format!(r#""type":"{kind}"{comma}{rest}"#)
}

fn input(message: &str, prompt: &str) -> String {
    event(
        "user_input",
        &format!(r#""message_id":"{message}","text":"{prompt}""#),
    )
}

fn text(text: &str) -> String {
    event(
        "text_delta",
        &format!(r#""message_id":"a","text":"{text}""#),
    )
}

fn complete(reason: &str) -> String {
    event("turn_complete", &format!(r#""stop_reason":"{reason}""#))
}

fn user(message: &str) -> String {
    format!(r#"{{"type":"user","message":{{"role":"user","content":"x"}},"uuid":"{message}"}}"#)
}

fn initialize() -> String {
    r#"{"type":"control_request","request_id":"bc-1","request":{"subtype":"initialize"}}"#
        .to_owned()
}

fn client(prompt: &str, end: ClientEnd, printed: &str) -> Client {
    Client {
        prompt: prompt.to_owned(),
        format: Format::Text,
        end,
        printed: printed.to_owned(),
        said: String::new(),
    }
}

fn story() -> Story {
    let log = vec![
        event("session_info", ""),
        event("agent_starting", r#""host":"h1""#),
        input("m1", "/demo count n=3 rate=0"),
        event("agent_started", r#""host":"h1","pid":1"#),
        text(r"1\n2\n"),
        text(r"3\n"),
        complete("end_turn"),
        input("m2", "/demo count n=2 rate=9"),
        event(
            "message_queued",
            r#""message_id":"m3","text":"/demo flood n=3 size=12 rate=0""#,
        ),
        text(r"4\n5\n"),
        complete("end_turn"),
        event("message_dequeued", r#""message_id":"m3""#),
        input("m3", "/demo flood n=3 size=12 rate=0"),
        text(r"       1 ..\n"),
        text(r"       2 ..\n"),
        event("message_complete", r#""message_id":"a","end":"aborted""#),
        event("agent_exited", r#""host":"h1","exit":{"how":"host_lost"}"#),
        event("agent_starting", r#""host":"h2""#),
        event("agent_started", r#""host":"h2","pid":2"#),
        text(r"       1 ..\n"),
        text(r"       2 ..\n       3 ..\n"),
        complete("end_turn"),
        input("m4", "/demo count n=1 rate=0"),
        text(r"1\n"),
        complete("end_turn"),
    ];
    Story {
        log,
        journal: vec![
            initialize(),
            user("m1"),
            user("m2"),
            user("m3"),
            initialize(),
            user("m4"),
        ],
        clients: vec![
            client(
                "/demo count n=3 rate=0",
                ClientEnd::Exited(Some(0)),
                "1\n2\n3\n",
            ),
            client("/demo count n=2 rate=9", ClientEnd::Killed, "4\n"),
            client(
                "/demo flood n=3 size=12 rate=0",
                ClientEnd::Exited(Some(0)),
                "       1 ..\n       2 ..\n       3 ..\n",
            ),
            client("/demo count n=7 rate=0", ClientEnd::Killed, ""),
        ],
        killed: vec!["h1"],
        killed_agents: vec![],
        closed: false,
    }
}

impl Story {
    fn lines(&self) -> String {
        let number = |(at, rest): (usize, &String)| {
            format!("{{\"session_id\":\"s\",\"sequence\":{},{rest}}}\n", at + 1)
        };
        self.log.iter().enumerate().map(number).collect()
    }

    fn check(&self) -> Findings {
        self.check_lines(&self.lines())
    }

    fn check_lines(&self, lines: &str) -> Findings {
        let killed: BTreeSet<String> = self.killed.iter().map(|host| (*host).to_owned()).collect();
        let agents = self.killed_agents.iter();
        let agents: BTreeSet<String> = agents.map(|host| (*host).to_owned()).collect();
        check(&Evidence {
            log: &entries(lines).unwrap(),
            journal: &frames(&self.journal.join("\n")),
            clients: &self.clients,
            killed_hosts: &killed,
            killed_agents: &agents,
            closed: self.closed,
        })
    }

    fn at(&self, piece: &str) -> usize {
        self.log
            .iter()
            .position(|entry| entry.contains(piece))
            .expect("the story has such an event")
    }

    fn only(&self, kind: Kind, piece: &str) {
        let found = self.check().violations;
        let [violation] = &found[..] else {
            panic!("{found:?}")
        };
        assert!(
            violation.kind == kind && violation.what.contains(piece),
            "{violation:?}"
        );
    }

    fn finds(&self, kind: Kind, piece: &str) {
        let found = self.check().violations;
        let hit = |violation: &Violation| violation.kind == kind && violation.what.contains(piece);
        assert!(found.iter().any(hit), "{found:?}");
    }
}

/// The same with a third turn that had not begun when its host died, and so ended with it.
fn unbegun() -> Story {
    let mut story = alone();
    let at = story.at("agent_exited");
    let turn: Vec<String> = story.log.drain(at - 3..at + 6).collect();
    let ended = [turn[3].clone(), complete("agent_exited")];
    let begins = [turn[4].clone(), turn[5].clone()];
    let place = at - 3;
    story
        .log
        .splice(place..place, ended.into_iter().chain(begins));
    story
}

/// The story with its text clients gone, for faults that they would see as well.
fn alone() -> Story {
    Story {
        clients: Vec::new(),
        ..story()
    }
}

#[test]
fn a_story_without_fault_has_no_findings() {
    let findings = story().check();
    assert_eq!(findings.violations, []);
    assert_eq!((findings.lines, findings.frames), (11, 6));
    assert_eq!(findings.went_on, 1);
}

#[test]
fn a_gap_and_a_double_in_the_sequences_are_found() {
    let lines = story().lines();
    let gap = lines.replace("\"sequence\":25,", "\"sequence\":26,");
    let found = story().check_lines(&gap).violations;
    assert!(found.len() == 1 && found[0].kind == Kind::Lost, "{found:?}");
    let double = lines.replace("\"sequence\":25,", "\"sequence\":24,");
    let found = story().check_lines(&double).violations;
    assert!(
        found.len() == 1 && found[0].kind == Kind::Doubled,
        "{found:?}"
    );
}

#[test]
fn a_missing_line_is_lost() {
    let mut story = alone();
    let at = story.at(r#""text":"3\n""#);
    story.log.remove(at);
    story.only(Kind::Lost, r#"1 lines missing, the first is "3\n""#);
}

#[test]
fn a_line_that_is_missing_before_the_last_of_a_dead_host_is_lost_too() {
    let mut story = alone();
    let at = story.at("       1 ..");
    story.log.remove(at);
    story.only(Kind::Lost, "1 lines missing");
}

#[test]
fn a_line_that_comes_twice_is_doubled() {
    let mut story = alone();
    let at = story.at("       2 ..");
    story.log.insert(at, story.log[at].clone());
    story.only(Kind::Doubled, "1 lines twice");
}

#[test]
fn lines_in_the_wrong_order_are_found() {
    let mut story = alone();
    let at = story.at(r"4\n5\n");
    story.log[at] = text(r"5\n4\n");
    story.only(Kind::Unaccounted, r#"line 1 is "5\n""#);
}

#[test]
fn a_count_that_starts_anew_without_a_new_agent_is_found() {
    let mut story = alone();
    let at = story.at(r"4\n5\n");
    story.log[at] = text(r"1\n2\n");
    story.finds(Kind::Lost, "2 lines missing");
}

#[test]
fn a_message_that_was_delivered_twice_is_doubled() {
    let mut story = story();
    story.journal.insert(2, user("m1"));
    story.only(Kind::Doubled, "m1 was delivered 2 times");
}

#[test]
fn a_message_that_was_answered_but_never_delivered_is_lost() {
    let mut story = story();
    story.journal.remove(1);
    story.only(Kind::Lost, "m1 has an answer but was never delivered");
}

#[test]
fn a_message_that_died_with_its_host_must_be_called_unknown() {
    let mut story = unbegun();
    story.journal.remove(3);
    story.only(Kind::Lost, "m3 was never delivered, and nobody says so");
    let at = story.at("agent_exited");
    story
        .log
        .insert(at + 1, event("delivery_unknown", r#""message_id":"m3""#));
    assert_eq!(story.check().violations, []);
}

#[test]
fn a_host_that_was_killed_before_its_agent_began_leaves_a_message_that_says_so() {
    let mut story = unbegun();
    let at = story.at("agent_exited");
    story.log[at] = event(
        "agent_exited",
        r#""host":"h1","exit":{"how":"not_started","reason":"x"}"#,
    );
    assert_eq!(story.check().violations, []);
    story.journal.remove(3);
    assert_eq!(story.check().violations, []);
    story.killed.clear();
    story.only(Kind::Unaccounted, "h1, not killed, ended with not_started");
    story.log[at] = story.log[at].replace(
        r#""reason":"x""#,
        r#""reason":"No space left on device (os error 28)""#,
    );
    assert_eq!(story.check().violations, []);
}

#[test]
fn a_message_out_of_nowhere_and_one_out_of_order_are_found() {
    let mut phantom = story();
    phantom.journal.push(user("m9"));
    phantom.only(Kind::Unaccounted, "m9 was delivered but is not in the log");
    let mut swapped = story();
    swapped.journal.swap(1, 2);
    swapped.only(Kind::Unaccounted, "m1 was delivered out of order");
}

#[test]
fn a_request_that_reaches_one_agent_twice_is_doubled() {
    let request =
        r#"{"type":"control_request","request_id":"bc-2","request":{"subtype":"interrupt"}}"#;
    let mut story = story();
    story.journal.insert(1, request.to_owned());
    story.journal.push(request.to_owned());
    assert_eq!(story.check().violations, [], "another agent counts anew");
    story.journal.push(request.to_owned());
    story.only(Kind::Doubled, "request bc-2");
    story.journal.push(initialize());
    story.finds(Kind::Doubled, "3 agents were told to begin");
}

#[test]
fn a_turn_without_end_and_an_end_without_turn_are_found() {
    let mut open = alone();
    open.log.pop();
    open.only(Kind::Lost, "the turn of m4 has no end");
    let mut ended = alone();
    ended.log.push(complete("end_turn"));
    ended.only(Kind::Doubled, "without a beginning");
}

#[test]
fn a_prompt_that_is_accepted_twice_is_doubled() {
    let mut story = alone();
    story.log.extend([
        input("m5", "/demo count n=1 rate=0"),
        text(r"2\n"),
        complete("end_turn"),
    ]);
    story.journal.push(user("m5"));
    story.only(Kind::Doubled, "accepted twice");
}

#[test]
fn a_message_that_stays_in_the_queue_is_lost() {
    let mut story = alone();
    story
        .log
        .push(event("message_queued", r#""message_id":"m5","text":"x""#));
    story.only(Kind::Lost, "m5 is still queued");
}

#[test]
fn an_agent_that_ended_without_being_killed_is_unaccounted() {
    let mut unkilled = story();
    unkilled.killed.clear();
    unkilled.only(Kind::Unaccounted, "h1, not killed, ended with host_lost");
    let mut closed = story();
    closed.log.push(event(
        "agent_exited",
        r#""host":"h2","exit":{"how":"code","code":0}"#,
    ));
    closed.only(Kind::Unaccounted, "h2, not killed, ended with code");
    let mut asked = closed.clone();
    asked.log.insert(
        asked.log.len() - 1,
        event("agent_stopping", r#""host":"h2""#),
    );
    assert_eq!(asked.check().violations, []);
    closed.closed = true;
    assert_eq!(closed.check().violations, []);
    closed.log.pop();
    closed.only(Kind::Unaccounted, "h2 outlives its session");
}

#[test]
fn a_turn_that_had_begun_goes_on_unless_agents_died_too_often() {
    let mut story = alone();
    let at = story.at("agent_starting\",\"host\":\"h2");
    story.log.drain(at + 2..at + 5);
    story.log.insert(at, complete("agent_exited"));
    story.only(Kind::Lost, "the turn of m3 had begun and did not go on");
    story.log[at] = event(
        "turn_complete",
        r#""stop_reason":"agent_exited","error":{"message":"x; it has died too often"}"#,
    );
    story.only(Kind::Lost, "the turn of m3 had begun and did not go on");
    let lives = (0..4).flat_map(|life| {
        let host = format!(r#""host":"k{life}""#);
        let exit = format!(r#"{host},"exit":{{"how":"signal"}}"#);
        [event("agent_starting", &host), event("agent_exited", &exit)]
    });
    story.log.splice(1..1, lives.collect::<Vec<_>>());
    story.finds(Kind::Unaccounted, "host k0, not killed, ended with signal");
    story.killed_agents = vec!["k0", "k1", "k2", "k3"];
    assert_eq!(story.check().violations, []);
}

#[test]
fn an_agent_whose_end_was_lost_with_its_host_leaves_nothing_to_be_taken_up() {
    let mut story = alone();
    let at = story.at("agent_started\",\"host\":\"h2");
    story.log.drain(at + 1..at + 4);
    story.log.insert(
        at + 1,
        event(
            "turn_complete",
            r#""stop_reason":"agent_exited","error":{"message":"did not take up its turn"}"#,
        ),
    );
    assert_eq!(story.check().violations, []);
    let exit = story.at("agent_exited");
    story.log[exit] = story.log[exit].replace("host_lost", "signal");
    story.killed_agents = vec!["h1"];
    story.only(Kind::Unaccounted, "the turn of m3 ended with agent_exited");
}

#[test]
fn what_an_agent_was_saying_when_it_died_is_not_printed_and_what_had_ended_is() {
    let mut both = story();
    both.clients[2]
        .printed
        .insert_str(0, "       1 ..\n       2 ..\n");
    both.only(Kind::Doubled, "line 3");
    let at = both.at("aborted");
    both.log[at] = event("message_complete", r#""message_id":"a""#);
    assert_eq!(both.check().violations, []);
}

#[test]
fn an_agent_that_goes_on_says_everything_again() {
    let mut story = alone();
    let at = story.at("agent_started\",\"host\":\"h2");
    story.log.remove(at + 1);
    story.only(Kind::Lost, "1 lines missing");
}

#[test]
fn a_last_line_that_was_cut_by_the_death_of_the_host_is_fine_and_another_one_is_not() {
    let cut = event("unknown", r#""raw":"{\"ty""#);
    let mut story = alone();
    let at = story.at("agent_exited");
    story.log.insert(at, cut.clone());
    assert_eq!(story.check().violations, []);
    story.log.insert(at, cut);
    story.only(Kind::Unaccounted, "2 lines that nobody knows");
}

#[test]
fn a_client_that_lived_printed_all_of_it_and_a_killed_one_the_beginning() {
    let mut short = story();
    short.clients[0].printed = "1\n2\n".to_owned();
    short.only(Kind::Lost, "line 3 is nothing");
    let mut double = story();
    double.clients[0].printed = "1\n2\n2\n3\n".to_owned();
    double.only(Kind::Doubled, "line 3");
    let mut wrong = story();
    wrong.clients[1].printed = "5\n".to_owned();
    wrong.only(Kind::Lost, "line 1");
}

#[test]
fn events_are_compared_byte_for_byte() {
    let mut story = story();
    let lines = story.lines();
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    story.clients[0].format = Format::Events;
    story.clients[0].printed = lines[2..7].concat();
    assert_eq!(story.check().violations, []);
    story.clients[0].printed = lines[2..7]
        .concat()
        .replace("session_id\":", "session_id\": ");
    story.only(Kind::Lost, "line 1");
}

#[test]
fn a_client_that_had_no_connection_may_say_so_when_its_prompt_was_not_accepted() {
    let mut early = story();
    early.clients[3].end = ClientEnd::Exited(Some(2));
    let findings = early.check();
    assert_eq!((findings.violations.len(), findings.turned_away), (0, 1));
    let mut late = story();
    late.clients[0].end = ClientEnd::Exited(Some(2));
    late.only(Kind::Unaccounted, "ended with Some(2), not 0");
}

#[test]
fn a_client_that_survived_has_its_prompt_in_the_log_and_the_right_exit_code() {
    let mut lost = story();
    lost.clients[3].end = ClientEnd::Exited(Some(0));
    lost.only(
        Kind::Lost,
        "is not in the log; its client ended with Some(0)",
    );
    let mut wrong = story();
    wrong.clients[2].end = ClientEnd::Exited(Some(1));
    wrong.only(Kind::Unaccounted, "ended with Some(1), not 0");
    let mut hung = story();
    hung.clients[0].end = ClientEnd::Hung;
    hung.only(Kind::Unaccounted, "hangs");
}
