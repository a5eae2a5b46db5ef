//! Answers to questions and plans: which fit, and what the agent is told.

use super::*;

fn item(question: &str, multi_select: bool) -> QuestionItem {
    let option = |label: &str| QuestionOption {
        label: label.into(),
        description: String::new(),
    };
    QuestionItem {
        question: question.into(),
        header: String::new(),
        multi_select,
        options: vec![option("red"), option("blue")],
    }
}

fn asks(items: Vec<QuestionItem>, plan: Option<&str>) -> Bench {
    let mut bench = Bench::working();
    bench.say(Observation::QuestionAsked(Question {
        id: "q".into(),
        tool_call: None,
        items,
        plan: plan.map(str::to_owned),
        input: json!({"questions": [1, 2]}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    }));
    bench
}

fn colours() -> Bench {
    asks(
        vec![item("Which colour?", false), item("Which ones?", true)],
        None,
    )
}

fn chosen(question: &str, selected: &[&str], text: &str) -> Answer {
    Answer {
        question: question.into(),
        selected: selected.iter().map(|label| (*label).to_owned()).collect(),
        text: text.into(),
    }
}

#[test]
fn an_answer_that_fits_reaches_the_agent_with_its_own_input() {
    for answers in [
        vec![chosen("Which colour?", &["red"], "")],
        vec![chosen("Which colour?", &[], "green")],
        vec![chosen("Which colour?", &["red"], "but dark")],
        vec![chosen("Which ones?", &["red", "blue"], "")],
        vec![
            chosen("Which ones?", &["blue"], ""),
            chosen("Which colour?", &["blue"], ""),
        ],
    ] {
        let mut bench = colours();
        assert_eq!(
            bench
                .command(answer_question("q", answers.clone()))
                .unwrap(),
            ["answered q by test", "status thinking"]
        );
        let told = AgentRequest::Answer {
            id: "q".into(),
            input: json!({"questions": [1, 2]}),
            answers,
        };
        assert_eq!(bench.told.last(), Some(&told));
    }
}

#[test]
fn an_answer_that_does_not_fit_is_refused_and_says_why() {
    for (answers, why) in [
        (
            vec![],
            "nothing is answered: answer at least one of them, or decline",
        ),
        (
            vec![chosen("Which size?", &["red"], "")],
            "\"Which size?\" was not asked",
        ),
        (
            vec![
                chosen("Which colour?", &["red"], ""),
                chosen("Which colour?", &["blue"], ""),
            ],
            "\"Which colour?\" is answered twice",
        ),
        (
            vec![chosen("Which colour?", &["green"], "")],
            "\"Which colour?\": \"green\" is none of its options (red, blue)",
        ),
        (
            vec![chosen("Which colour?", &["red", "blue"], "")],
            "\"Which colour?\": only one option may be chosen",
        ),
        (
            vec![chosen("Which ones?", &[], " ")],
            "\"Which ones?\": the answer is empty",
        ),
        (
            vec![chosen("Which ones?", &["red", "red"], "")],
            "\"Which ones?\": \"red\" is chosen twice",
        ),
        (
            vec![
                chosen("Which colour?", &["red"], ""),
                chosen("Which ones?", &[], ""),
            ],
            "\"Which ones?\": the answer is empty",
        ),
    ] {
        let mut bench = colours();
        let refused = Rejected::Invalid {
            field: "answer_question.answers",
            problem: why.into(),
        };
        assert_eq!(bench.command(answer_question("q", answers)), Err(refused));
        assert!(bench.session.requests().contains(&"q".into()));
        assert!(!matches!(
            bench.told.last(),
            Some(AgentRequest::Answer { .. })
        ));
    }
}

#[test]
fn a_question_is_declined_with_a_message_to_the_agent() {
    for (message, told) in [("later", "later"), ("", "The user does not want this.")] {
        let mut bench = colours();
        assert_eq!(
            bench.command(decline("q", message)).unwrap(),
            ["declined q by test", "status thinking"]
        );
        let told = AgentRequest::Deny {
            id: "q".into(),
            message: told.into(),
            interrupt: false,
        };
        assert_eq!(bench.told.last(), Some(&told));
    }
}

#[test]
fn a_plan_is_approved_or_declined_and_has_nothing_to_choose_from() {
    let mut bench = asks(vec![], Some("1. do it"));
    let refused = bench.command(answer_question("q", vec![chosen("x", &[], "y")]));
    assert!(matches!(
        refused,
        Err(Rejected::Invalid {
            field: "answer_question.answers",
            ..
        })
    ));
    assert_eq!(
        bench.command(answer_question("q", vec![])).unwrap()[0],
        "answered q by test"
    );
    assert!(matches!(
        bench.told.last(),
        Some(AgentRequest::Answer { answers, .. }) if answers.is_empty()
    ));
    let mut bench = asks(vec![], Some(""));
    assert_eq!(
        bench.command(decline("q", "not yet")).unwrap()[0],
        "declined q by test"
    );
}

#[test]
fn the_first_answer_to_a_question_counts() {
    let red = || answer_question("q", vec![chosen("Which colour?", &["red"], "")]);
    let mut bench = colours();
    bench.command(red()).unwrap();
    let told = bench.told.clone();
    assert_eq!(bench.command_by(&person(2), red()).unwrap(), [""; 0]);
    for other in [
        answer_question("q", vec![chosen("Which colour?", &["blue"], "")]),
        decline("q", ""),
    ] {
        let ended = Rejected::RequestEnded {
            id: "q".into(),
            how: "answered by test".into(),
            outcome: "answered".into(),
        };
        assert_eq!(bench.command_by(&shot(4), other), Err(ended));
    }
    assert_eq!(bench.told, told);
}

#[test]
fn a_question_is_answered_under_the_same_lock_as_a_permission() {
    let mut bench = colours();
    bench.arrive(&person(2));
    assert_eq!(
        bench.command_by(&person(2), decline("q", "")).unwrap(),
        ["wants person 2"]
    );
    bench.pass(30_000_000);
    assert_eq!(
        bench.expire()[..3],
        [
            "timed_out person 2",
            "lock person 2",
            "declined q by person 2"
        ]
    );
}

#[test]
fn an_answer_after_a_question_has_ended_says_how_it_ended() {
    let mut bench = colours();
    bench.say(Observation::RequestWithdrawn { id: "q".into() });
    let late = bench.command(decline("q", ""));
    assert!(matches!(
        late,
        Err(Rejected::RequestEnded { how, .. }) if how == "withdrawn by the agent"
    ));
    let mut bench = colours();
    bench.pass_hours(7 * 24);
    bench.expire();
    let late = bench.command(decline("q", ""));
    assert!(matches!(
        late,
        Err(Rejected::RequestEnded { outcome, .. }) if outcome == "expired"
    ));
    assert!(matches!(
        bench.told.last(),
        Some(AgentRequest::Deny { message, .. }) if message.contains("expired")
    ));
}
