//! Scenarios that talk with the user: questions, a plan, a todo list.

use serde_json::{Value, json};

use super::Fault;
use crate::command::Command;
use crate::turn::{Order, Turn};

/// `ask`: two questions, the second with several answers; free text is always possible.
pub(super) fn ask(turn: &mut Turn<'_>, _: &Command) -> Result<(), Fault> {
    let option = |label: &str, about: &str| json!({"label": label, "description": about});
    let questions = json!([
        {
            "question": "Which colour should the button be?",
            "header": "Colour",
            "multiSelect": false,
            "options": [option("Red", "A red button"), option("Blue", "A blue button")],
        },
        {
            "question": "Which platforms?",
            "header": "Platforms",
            "multiSelect": true,
            "options": [
                option("Linux", "Desktop and server"),
                option("macOS", "Apple's desktop"),
                option("Windows", "Version 10 and later"),
            ],
        },
    ]);
    turn.begin()?;
    let asked = json!({"questions": questions});
    let text = match turn.converse("AskUserQuestion", &asked, Order::InBlock)? {
        Err(report) => format!("Then I'll go on without answers: {}", report.text),
        Ok((id, input)) => answered(turn, &id, &questions, &input)?,
    };
    turn.begin()?;
    turn.text(&text)?;
    Ok(turn.end("end_turn")?)
}

/// Reports the answers to the model that is not there, and quotes them.
fn answered(
    turn: &mut Turn<'_>,
    id: &str,
    questions: &Value,
    input: &Value,
) -> Result<String, Fault> {
    let answers = input
        .get("answers")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let notes = input.get("annotations");
    let quoted: Vec<_> = answers
        .iter()
        .map(|(question, answer)| {
            let answer = answer
                .as_str()
                .map_or_else(|| answer.to_string(), str::to_owned);
            let note = notes
                .and_then(|notes| notes.get(question)?.get("notes")?.as_str())
                .map_or_else(String::new, |note| format!(" notes: {note}"));
            format!("\"{question}\"=\"{answer}\"{note}")
        })
        .collect();
    let told = if quoted.is_empty() {
        "The user did not answer the questions.".to_owned()
    } else {
        format!(
            "Your questions have been answered: {}. You can now continue with these answers in mind.",
            quoted.join(", ")
        )
    };
    let mut detail = json!({"questions": questions, "answers": answers});
    if let (Some(notes), Value::Object(detail)) = (notes, &mut detail) {
        detail.insert("annotations".to_owned(), notes.clone());
    }
    let meta = json!({"permission_decision": {"decision": "accept", "source": "user_temporary"}});
    turn.tool_result(id, json!({"content": told}), detail, Some(meta))?;
    Ok(if quoted.is_empty() {
        "You gave no answer, so I'll choose myself.".to_owned()
    } else {
        format!("Thanks. You answered: {}", quoted.join(", "))
    })
}

/// `plan`: a plan, and whether to go on with it.
pub(super) fn plan(turn: &mut Turn<'_>, _: &Command) -> Result<(), Fault> {
    const PLAN: &str = "# Plan\n\n1. Look at the directory.\n2. Change nothing.\n3. Say so.\n";
    turn.begin()?;
    turn.text("Here is what I would do.")?;
    let input = json!({"plan": PLAN});
    let text = match turn.converse("ExitPlanMode", &input, Order::AfterMessage)? {
        Err(report) => format!("I'll stay with planning: {}", report.text),
        Ok((id, _)) => {
            if turn.session.mode == "plan" {
                turn.session.set_mode("default")?;
            }
            let told = format!(
                "User has approved your plan. You can now start coding.\n\n## Approved Plan:\n{PLAN}"
            );
            let meta =
                json!({"permission_decision": {"decision": "accept", "source": "user_temporary"}});
            let detail = json!({"plan": PLAN, "isAgent": false});
            turn.tool_result(&id, json!({"content": told}), detail, Some(meta))?;
            "The plan is approved: nothing was changed, as planned.".to_owned()
        }
    };
    turn.begin()?;
    turn.text(&text)?;
    Ok(turn.end("end_turn")?)
}

/// `todo`: a list of three, done one after the other.
pub(super) fn todo(turn: &mut Turn<'_>, _: &Command) -> Result<(), Fault> {
    const TASKS: [(&str, &str); 3] = [
        ("Read the question", "Reading the question"),
        ("Do the work", "Doing the work"),
        ("Check the result", "Checking the result"),
    ];
    const TOLD: &str = "Todos have been modified successfully. Ensure that you continue to use \
        the todo list to track your progress. Please proceed with the current tasks if applicable";
    for done in 0..=TASKS.len() {
        let todos: Vec<_> = TASKS
            .iter()
            .enumerate()
            .map(|(index, (content, active))| {
                let status = match index.cmp(&done) {
                    std::cmp::Ordering::Less => "completed",
                    std::cmp::Ordering::Equal => "in_progress",
                    std::cmp::Ordering::Greater => "pending",
                };
                json!({"content": content, "status": status, "activeForm": active})
            })
            .collect();
        let old = std::mem::replace(&mut turn.session.todos, todos.clone());
        turn.begin()?;
        let detail = json!({"oldTodos": old, "newTodos": todos});
        turn.note("TodoWrite", &json!({"todos": todos}), TOLD, detail)?;
    }
    turn.begin()?;
    turn.text("All three tasks are done.")?;
    Ok(turn.end("end_turn")?)
}
