//! Requests for permission and questions: policy, waiting, withdrawal, expiry.

use super::*;

fn policy(unattended: bool, allowed: &[&str], disallowed: &[&str]) -> TurnPolicy {
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    TurnPolicy {
        unattended,
        allowed_tools: words(allowed),
        disallowed_tools: words(disallowed),
        ..TurnPolicy::default()
    }
}

#[test]
fn the_policy_of_the_turn_decides_about_a_permission_before_anybody_is_asked() {
    for (policy, outcome) in [
        (
            policy(true, &["Bash"], &[]),
            "allowed p by --allowed-tools Bash",
        ),
        (
            policy(false, &["Bash"], &[]),
            "allowed p by --allowed-tools Bash",
        ),
        (
            policy(true, &[], &["Bash"]),
            "denied p by --disallowed-tools Bash",
        ),
        (
            policy(false, &["Bash"], &["Bash"]),
            "denied p by --disallowed-tools Bash",
        ),
        (
            policy(true, &["Edit"], &["Write"]),
            "denied p by unattended",
        ),
        (
            policy(false, &["Edit"], &["Write"]),
            "status waiting_for_user",
        ),
    ] {
        let mut bench = Bench::working_with(policy);
        assert_eq!(bench.say(permission("p", "Bash")), ["asks p", outcome]);
        let told = bench.told.last().unwrap();
        match outcome.split(' ').next().unwrap() {
            "allowed" => assert_eq!(
                *told,
                AgentRequest::Allow {
                    id: "p".into(),
                    input: None
                }
            ),
            "denied" => {
                assert!(matches!(told, AgentRequest::Deny { message, .. } if !message.is_empty()));
            }
            _ => assert!(matches!(told, AgentRequest::UserMessage { .. }), "{told:?}"),
        }
        assert_eq!(
            bench.session.requests().contains(&"p".into()),
            outcome.starts_with("status")
        );
    }
}

#[test]
fn nobody_answers_a_question_of_an_unattended_turn() {
    let mut bench = Bench::working_with(policy(true, &["AskUserQuestion"], &[]));
    assert_eq!(
        bench.say(question("q")),
        ["asks q", "declined q by unattended"]
    );
    assert!(matches!(bench.told.last(), Some(AgentRequest::Deny { .. })));
    let mut bench = Bench::working();
    assert_eq!(
        bench.say(question("q")),
        ["asks q", "status waiting_for_user"]
    );
}

#[test]
fn what_a_turn_left_running_is_bound_by_its_policy() {
    let mut bench = Bench::working_with(policy(true, &["Edit"], &["Bash"]));
    bench.say(Observation::Idle);
    assert_eq!(
        bench.say_from(Some("task"), permission("p", "Bash")),
        ["asks p", "denied p by --disallowed-tools Bash"]
    );
    bench.say(Observation::Working);
    assert_eq!(
        bench.say(permission("q", "Read")),
        ["asks q", "denied q by unattended"]
    );
}

#[test]
fn a_withdrawn_request_ends_once_and_the_session_goes_on() {
    let mut bench = Bench::working();
    bench.say(tool_started("t"));
    bench.say(permission("p", "Bash"));
    bench.say(question("q"));
    let withdraw = |id: &str| Observation::RequestWithdrawn { id: id.into() };
    assert_eq!(bench.say(withdraw("p")), ["withdrawn p by agent"]);
    assert_eq!(bench.say(withdraw("p")), [""; 0]);
    assert_eq!(bench.status(), Status::WaitingForUser);
    assert_eq!(
        bench.say(withdraw("q")),
        ["withdrawn q by agent", "status running_tool"]
    );
    assert_eq!(bench.say(withdraw("never asked")), [""; 0]);
}

#[test]
fn a_request_that_is_repeated_while_it_waits_is_the_same_request() {
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    assert_eq!(bench.say(permission("p", "Bash")), [""; 0]);
    assert_eq!(bench.say(question("p")), [""; 0]);
}

#[test]
fn a_request_waits_seven_days_and_then_the_agent_is_told() {
    let day = 24 * 60 * 60 * 1_000_000;
    let mut bench = Bench::working();
    bench.say(permission("p", "Bash"));
    bench.pass(day);
    bench.say_from(Some("task"), question("q"));
    bench.pass(6 * day - 1);
    assert_eq!(bench.expire(), ["reminder p 24 h", "reminder q 24 h"]);
    assert_eq!(bench.deadline(), Some(Timestamp(bench.now.0 + 1)));
    bench.pass(1);
    assert_eq!(bench.expire(), ["expired p by unattended"]);
    assert_eq!(bench.deadline(), Some(Timestamp(bench.now.0 + day)));
    bench.pass(2 * day);
    assert_eq!(
        bench.expire(),
        ["expired q by unattended", "status thinking"]
    );
    assert_eq!(bench.deadline(), None);
    assert!(matches!(
        bench.told.as_slice(),
        [.., AgentRequest::Deny { .. }, AgentRequest::Deny { .. }]
    ));
    let parents: Vec<_> = bench
        .log
        .iter()
        .rev()
        .take(2)
        .map(|event| event.parent.clone())
        .collect();
    assert_eq!(
        parents,
        [None, Some("task".into())],
        "an end belongs where its request was"
    );
}

#[test]
fn a_sub_agent_in_the_background_goes_on_waiting_when_the_turn_ends() {
    let mut bench = Bench::working();
    bench.say(permission("own", "Bash"));
    bench.say_from(Some("task"), permission("nested", "Bash"));
    assert_eq!(
        bench.say(Observation::Idle),
        ["withdrawn own by agent", "end end_turn"]
    );
    assert_eq!(bench.status(), Status::WaitingForUser);
    let withdrawn = bench.say(Observation::RequestWithdrawn {
        id: "nested".into(),
    });
    assert_eq!(withdrawn, ["withdrawn nested by agent", "status idle"]);
}

#[test]
fn work_goes_on_visibly_once_nobody_is_waited_for() {
    let mut bench = Bench::working();
    assert_eq!(bench.say(Observation::WaitingForUser), [""; 0]);
    bench.say(tool_started("t"));
    bench.say(permission("p", "Bash"));
    assert_eq!(bench.say(tool_started("u")), ["tool_call_start"]);
    assert_eq!(bench.say(Observation::Working), [""; 0]);
    assert_eq!(bench.status(), Status::WaitingForUser);
    bench.command(allow("p")).unwrap();
    assert_eq!(bench.status(), Status::RunningTool);
}
