//! Questions that are put off and taken up again.

use betcode_core::event::{EventBody, Question, QuestionItem, QuestionOption};
use serde_json::json;

use crate::prompt::Prompt;
use crate::scene::{Scene, screen};

fn asked() -> Scene {
    let option = |label: &str| QuestionOption {
        label: label.into(),
        description: String::new(),
    };
    let item = |text: &str, multi_select| QuestionItem {
        question: text.into(),
        header: text.into(),
        multi_select,
        options: ["one", "two"].map(option).into(),
    };
    let mut scene = screen(80, 24);
    scene.said("go").event(EventBody::Question(Question {
        id: "q".into(),
        tool_call: None,
        items: vec![
            item("First", false),
            item("Second", true),
            item("Third", false),
        ],
        plan: None,
        input: json!({}),
        expires_at: None,
        is_replay: false,
        note: String::new(),
    }));
    scene.wait(1_500).text();
    scene.wait(1_000);
    scene
}

#[test]
fn what_was_answered_stays_answered_when_the_rest_is_put_off() {
    let mut scene = asked();
    scene.keys("2 space enter");
    let before = scene.text();
    assert!(before.contains("Third"), "{before}");
    for _ in 0..2 {
        scene.keys("esc");
        assert!(scene.model.prompt.is_none());
        scene.keys("ctrl-y");
        scene.text();
        scene.wait(1_000);
        let Some(Prompt::Question(prompt)) = &scene.model.prompt else {
            panic!("it is not open");
        };
        assert_eq!(prompt.item, 2);
        let chosen: Vec<Vec<usize>> = prompt
            .chosen
            .iter()
            .map(|choice| choice.options.iter().copied().collect())
            .collect();
        assert_eq!(chosen, [vec![1], vec![0], vec![]]);
    }
    scene.keys("enter");
    assert!(scene.text().contains("your answers"), "{}", scene.text());
}
