//! Scenarios that talk with the user: questions, a plan, a todo list.

use serde_json::{Value, json};

use super::Fault;
use super::tools::told;
use crate::command::Command;
use crate::turn::{Order, Turn};

/// `ask`: questions, every other with several answers; free text is always possible.
pub(super) fn ask(turn: &mut Turn<'_>, command: &Command) -> Result<(), Fault> {
    let count = command.number("n", 2)?;
    let questions: Vec<_> = usize::try_from(count)
        .ok()
        .filter(|count| (1..=QUESTIONS.len()).contains(count))
        .and_then(|count| QUESTIONS.get(..count))
        .ok_or_else(|| format!("n={count} is not between 1 and {}", QUESTIONS.len()))?
        .iter()
        .map(Asked::json)
        .collect();
    let asked = json!({"questions": questions});
    turn.begin()?;
    let text = match turn.converse("AskUserQuestion", &asked, Order::InBlock)? {
        Err(report) => format!("Then I'll go on without answers. {}", told(&asked, &report)),
        Ok((id, input)) => answered(turn, &id, &questions, &input)?,
    };
    turn.begin()?;
    turn.text(&text)?;
    Ok(turn.end("end_turn")?)
}

/// One question.
struct Asked {
    question: &'static str,
    header: &'static str,
    several: bool,
    /// Label and explanation.
    options: &'static [(&'static str, &'static str)],
}

const QUESTIONS: [Asked; 4] = [
    Asked {
        question: "Which colour should the button be?",
        header: "Colour",
        several: false,
        options: &[("Red", "A red button"), ("Blue", "A blue button")],
    },
    Asked {
        question: "Which platforms?",
        header: "Platforms",
        several: true,
        options: &[
            ("Linux", "Desktop and server"),
            ("macOS", "Apple's desktop"),
            ("Windows", "Version 10 and later"),
        ],
    },
    Asked {
        question: "What should it be called?",
        header: "Name",
        several: false,
        options: &[("Button", "As it is"), ("Knob", "Shorter")],
    },
    Asked {
        question: "Who should hear of it?",
        header: "Audience",
        several: true,
        options: &[("Users", "Everybody"), ("Developers", "Whoever builds it")],
    },
];

impl Asked {
    fn json(&self) -> Value {
        let options: Vec<_> = self
            .options
            .iter()
            .map(|(label, about)| json!({"label": label, "description": about}))
            .collect();
        json!({
            "question": self.question,
            "header": self.header,
            "multiSelect": self.several,
            "options": options,
        })
    }
}

/// Reports the answers to the model that is not there, quotes them, and says what was left open.
fn answered(
    turn: &mut Turn<'_>,
    id: &str,
    questions: &[Value],
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
    let open: Vec<_> = questions
        .iter()
        .filter_map(|question| question.get("question")?.as_str())
        .filter(|question| !answers.contains_key(*question))
        .map(|question| format!("\"{question}\""))
        .collect();
    let mut detail = json!({"questions": questions, "answers": answers});
    if let (Some(notes), Value::Object(detail)) = (notes, &mut detail) {
        detail.insert("annotations".to_owned(), notes.clone());
    }
    let meta = json!({"permission_decision": {"decision": "accept", "source": "user_temporary"}});
    turn.tool_result(id, json!({"content": told}), detail, Some(meta))?;
    if quoted.is_empty() {
        return Ok("You gave no answer, so I'll choose myself.".to_owned());
    }
    let mut said = format!("Thanks. You answered: {}", quoted.join(", "));
    if !open.is_empty() {
        said.push_str(". You did not answer: ");
        said.push_str(&open.join(", "));
    }
    Ok(said)
}

/// `plan`: a plan, and whether to go on with it.
pub(super) fn plan(turn: &mut Turn<'_>, _: &Command) -> Result<(), Fault> {
    const PLAN: &str = "# Plan\n\n1. Look at the directory.\n2. Change nothing.\n3. Say so.\n";
    turn.begin()?;
    turn.text("Here is what I would do.")?;
    let input = json!({"plan": PLAN});
    let text = match turn.converse("ExitPlanMode", &input, Order::AfterMessage)? {
        Err(report) => format!("I'll stay with planning. {}", told(&input, &report)),
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
