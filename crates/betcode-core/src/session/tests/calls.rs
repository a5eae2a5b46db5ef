//! Each call of a tool gets one result, whatever becomes of its agent.

use super::*;

/// The results so far: the call, the sub-agent's call around it, and how it is told.
fn results(bench: &Bench) -> Vec<(String, Option<String>, String)> {
    let results = bench.log.iter().filter_map(|event| match &event.body {
        EventBody::ToolCallResult {
            id,
            output,
            is_error,
            ..
        } => {
            let how = output.split(':').next().unwrap().to_owned();
            assert_eq!(*is_error, !how.is_empty());
            let parent = event.parent.as_ref().map(|parent| parent.0.clone());
            Some((id.0.clone(), parent, how))
        }
        _ => None,
    });
    results.collect()
}

fn lost(id: &str, parent: Option<&str>, how: &str) -> (String, Option<String>, String) {
    (id.into(), parent.map(str::to_owned), how.into())
}

/// Calls of the main conversation, of a sub-agent that it waits for, and of one in the background.
fn working_with_calls() -> Bench {
    let mut bench = Bench::working();
    for call in ["own", "task", "background"] {
        bench.say(tool_started(call));
    }
    bench.say(tool_finished("background"));
    bench.say_from(Some("task"), tool_started("in task"));
    bench.say_from(Some("background"), tool_started("in background"));
    bench
}

#[test]
fn what_was_running_when_the_agent_died_has_a_result_that_says_so() {
    let died = "The agent died while this ran";
    for exit in [AgentExit::Signal { signal: 9 }, AgentExit::HostLost] {
        let mut bench = working_with_calls();
        bench.exited(exit);
        assert_eq!(
            results(&bench)[1..],
            [
                lost("in background", Some("background"), died),
                lost("in task", Some("task"), died),
                lost("own", None, died),
                lost("task", None, died),
            ]
        );
    }
}

#[test]
fn a_turn_ends_its_calls_and_leaves_those_of_a_sub_agent_in_the_background() {
    let mut bench = working_with_calls();
    bench.say(result(StopReason::EndTurn));
    bench.say(Observation::Idle);
    let ended = "The turn ended before this had a result";
    assert_eq!(
        results(&bench)[1..],
        [
            lost("in task", Some("task"), ended),
            lost("own", None, ended),
            lost("task", None, ended),
        ]
    );
    bench.say_from(Some("background"), tool_finished("in background"));
    assert_eq!(
        results(&bench)[4..],
        [lost("in background", Some("background"), "")]
    );
}

#[test]
fn a_session_that_is_closed_leaves_no_call_open() {
    let mut bench = working_with_calls();
    bench.command(Action::Close).unwrap();
    assert_eq!(results(&bench).len(), 5);
}

#[test]
fn a_result_that_comes_after_all_is_not_given_a_second_time() {
    let mut bench = working_with_calls();
    bench.say(Observation::Described(Box::new(AgentDescription {
        capabilities: Some(vec![Capability::Resume]),
        ..AgentDescription::default()
    })));
    bench.exited(AgentExit::HostLost);
    bench.now = bench.now.plus(Duration::from_secs(1));
    bench.expire();
    bench.restart();
    bench.started();
    bench.say(Observation::Working);
    let before = results(&bench).len();
    assert_eq!(bench.say(tool_finished("own")), [""; 0]);
    assert_eq!(bench.status(), Status::Thinking);
    // Called anew under its old name, it is another call.
    bench.say(tool_started("own"));
    bench.say(tool_finished("own"));
    assert_eq!(results(&bench).len(), before + 1);
}
