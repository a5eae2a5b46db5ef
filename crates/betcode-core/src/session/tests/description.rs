//! What the session is: the agent's description of itself, and the title.

use super::*;

fn described(version: &str) -> Observation {
    Observation::Described(Box::new(AgentDescription {
        version: Some(version.into()),
        model: Some("m".into()),
        capabilities: Some(vec![Capability::Resume]),
        ..AgentDescription::default()
    }))
}

#[test]
fn a_description_is_an_event_when_it_says_something_new() {
    let mut bench = Bench::working();
    assert_eq!(bench.say(described("1")), ["session_info"]);
    assert_eq!(bench.say(described("1")), [""; 0]);
    assert_eq!(bench.say(Observation::Described(Box::default())), [""; 0]);
    assert_eq!(bench.say(described("2")), ["session_info"]);
    let info = bench.session.info();
    assert_eq!(
        (
            info.agent_version.as_str(),
            info.model.as_str(),
            info.cwd.as_str()
        ),
        ("2", "m", "/work")
    );
    assert_eq!(info.capabilities, [Capability::Resume]);
    assert_eq!(info.status, Status::Thinking, "what was not said stays");
}

#[test]
fn a_tool_server_that_failed_is_told_once_until_it_is_there_again() {
    let servers = |status: &str| {
        Observation::Described(Box::new(AgentDescription {
            mcp_servers: Some(vec![
                server("files", "connected"),
                server("tracker", status),
            ]),
            ..AgentDescription::default()
        }))
    };
    let mut bench = Bench::working();
    assert_eq!(bench.say(servers("pending")), ["session_info"]);
    for _ in 0..2 {
        let before = bench.log.len();
        bench.say(servers("failed"));
        let told = bench.log.len() - before;
        assert_eq!(bench.say(servers("failed")), [""; 0]);
        assert_eq!(told, 2, "the description and a notice");
        let last = &bench.log.last().unwrap().body;
        assert!(
            matches!(last, EventBody::Notice { text } if text.contains("tracker")),
            "{last:?}"
        );
        assert_eq!(bench.say(servers("connected")), ["session_info"]);
    }
    assert_eq!(bench.session.info().mcp_servers.len(), 2);
}

#[test]
fn what_runs_in_the_background_is_known_while_the_agent_lives() {
    let tasks = |count: u8| Observation::BackgroundTasks((0..count).map(background_task).collect());
    let mut bench = Bench::idle();
    assert_eq!(bench.say(tasks(0)), [""; 0]);
    assert_eq!(bench.say(tasks(2)), ["background_tasks"]);
    assert_eq!(bench.say(tasks(2)), [""; 0]);
    assert_eq!(
        bench.session.info().background_tasks,
        [background_task(0), background_task(1)]
    );
    assert_eq!(bench.session.rests_since(), None, "it is at work");
    assert_eq!(bench.say(tasks(0)), ["background_tasks"]);
    assert!(bench.session.rests_since().is_some());
    bench.say(tasks(1));
    bench.exited(AgentExit::Code { code: 0 });
    assert_eq!(bench.session.info().background_tasks, []);
}

#[test]
fn something_in_the_background_is_stopped_by_its_id_and_only_if_it_runs() {
    let stop = |id: &str| Action::StopTask { id: id.to_owned() };
    let problem = |outcome: Result<Vec<String>, Rejected>| match outcome {
        Err(Rejected::Invalid { field, problem }) => {
            assert_eq!(field, "stop_task.id");
            problem
        }
        other => panic!("{other:?}"),
    };
    let mut bench = Bench::idle();
    let none = problem(bench.command(stop("b0")));
    assert!(none.ends_with("nothing runs in the background"), "{none}");

    let tasks = vec![background_task(0), background_task(1)];
    let id = tasks[1].id.clone();
    bench.say(Observation::BackgroundTasks(tasks));
    let wrong = problem(bench.command(stop("nope")));
    assert!(wrong.contains(&id), "{wrong}");
    assert_eq!(bench.command(stop(&id)).unwrap(), ["task_stop_requested"]);
    let stopped = bench.log.last().unwrap().body.clone();
    let told = [AgentRequest::StopTask(id.clone())];
    assert_eq!(bench.session.agent_requests(&stopped), told);
    // It is there until the agent says that it is not.
    assert_eq!(bench.session.info().background_tasks.len(), 2);

    bench.exited(AgentExit::Code { code: 0 });
    problem(bench.command(stop(&id)));
    assert_eq!(bench.session.agent_requests(&stopped), []);
}

#[test]
fn an_agent_that_runs_is_told_the_title_that_a_person_chose() {
    let rename = |title: &str| Action::Rename {
        title: title.to_owned(),
    };
    let mut bench = Bench::idle();
    bench.say(Observation::Title("by itself".to_owned()));
    let by_itself = bench.log.last().unwrap().body.clone();
    assert_eq!(bench.session.agent_requests(&by_itself), []);
    bench.command(rename("mine")).unwrap();
    let chosen = bench.log.last().unwrap().body.clone();
    let told = [AgentRequest::Rename("mine".to_owned())];
    assert_eq!(bench.session.agent_requests(&chosen), told);
    // What it says of that is no news.
    assert_eq!(bench.say(Observation::Title("mine".to_owned())), [""; 0]);
    bench.exited(AgentExit::Code { code: 0 });
    assert_eq!(bench.session.agent_requests(&chosen), []);
}

#[test]
fn an_unattended_run_does_not_leave_its_agent_behind_for_a_background_task() {
    let mut bench = Bench::working_with(TurnPolicy {
        unattended: true,
        ..TurnPolicy::default()
    });
    bench.say(Observation::BackgroundTasks(vec![background_task(0)]));
    bench.say(result(StopReason::EndTurn));
    bench.say(Observation::Idle);
    assert!(bench.session.rests_since().is_some());

    // One that is ending hears nothing any more.
    assert_eq!(bench.record(bench.session.rest()), ["agent_stopping"]);
    let id = background_task(0).id;
    let late = bench.command(Action::StopTask { id });
    assert!(matches!(late, Err(Rejected::Unsupported(_))), "{late:?}");
}

#[test]
fn a_new_conversation_or_mode_is_told_once() {
    let mut bench = Bench::working();
    for _ in 0..2 {
        bench.say(Observation::ConversationReset {
            agent_session: "new".into(),
        });
        bench.say(Observation::ModeChanged("plan".into()));
    }
    let told: Vec<_> = bench.log.iter().map(|event| brief(&event.body)).collect();
    assert_eq!(
        told[told.len() - 2..],
        ["session_info", "permission_mode_change"]
    );
    assert_eq!(
        told.iter()
            .filter(|kind| *kind == "permission_mode_change")
            .count(),
        1
    );
    assert_eq!(bench.session.info().agent_session, "new");
}

#[test]
fn the_agent_chooses_the_title_until_a_person_does() {
    let title = |title: &str| Observation::Title(title.into());
    let mut bench = Bench::working();
    assert_eq!(bench.say(title("")), [""; 0]);
    assert_eq!(bench.say(title("its own")), ["title_change"]);
    assert_eq!(bench.say(title("its own")), [""; 0]);
    bench
        .command(Action::Rename {
            title: " mine ".into(),
        })
        .unwrap();
    assert_eq!(bench.say(title("better")), [""; 0]);
    assert_eq!(bench.session.title(), "mine");
    assert!(matches!(
        bench.command(Action::Rename { title: " ".into() }),
        Err(Rejected::Invalid {
            field: "rename.title",
            ..
        })
    ));
}

#[test]
fn a_title_given_at_the_start_is_a_persons_choice() {
    let mut bench = Bench::empty();
    bench.command(start("given")).unwrap();
    bench.message(1).unwrap();
    assert_eq!(bench.say(Observation::Title("its own".into())), [""; 0]);
    assert_eq!(bench.session.title(), "given");
}

#[test]
fn without_a_title_the_first_line_of_the_first_message_serves() {
    let mut bench = Bench::new();
    let text = format!("\n  \n {}\nmore", "é".repeat(100));
    let policy = TurnPolicy::default();
    bench
        .command(Action::Message {
            text,
            attachments: vec![],
            policy,
        })
        .unwrap();
    assert_eq!(bench.session.title(), "é".repeat(80));
    bench.message(2).unwrap();
    assert_eq!(bench.session.title(), "é".repeat(80));
}
