//! The prompt for a permission: what is asked, and the answer that a key gives.

use betcode_core::command::{Action, PermissionAnswer};
use betcode_core::event::{PermissionRequest, PermissionScope};
use betcode_core::id::RequestId;
use betcode_core::time::Timestamp;
use serde_json::Value;

use crate::composer::Composer;
use crate::keymap::Do;
use crate::model::Step;
use crate::text::diff::Diff;
use crate::text::highlight::NoHighlights;
use crate::theme::Theme;

/// Before what is asked stand so many blank columns.
pub const INDENT: u16 = 3;

/// The prompt.
#[derive(Debug)]
pub struct PermissionPrompt {
    /// Which request.
    pub id: RequestId,
    /// From when on it takes answers; none before it was seen.
    pub listens: Option<Timestamp>,
    /// How many rows of the input are above what is shown.
    pub scroll: usize,
    /// Changes are shown side by side.
    pub side_by_side: bool,
    /// What would be changed in a file.
    pub diff: Option<Diff>,
    /// What the agent is to be told, while it is being written.
    pub message: Option<Composer>,
}

/// What a key did.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing more is to be done.
    Done,
    /// That cannot be had here, for this reason.
    Cannot(&'static str),
    /// This is the answer.
    Answer(Box<Action>),
    /// The input is to be edited first.
    Edit(String),
}

impl PermissionPrompt {
    /// The prompt for a request.
    pub fn new(request: &PermissionRequest, listens: Option<Timestamp>) -> Self {
        Self {
            id: request.id.clone(),
            diff: Diff::of_input(&request.input),
            listens,
            scroll: 0,
            side_by_side: false,
            message: None,
        }
    }

    /// Does what a key says.
    pub fn act(&mut self, what: Do, request: &PermissionRequest, width: u16) -> Outcome {
        match what {
            Do::AllowOnce => self.allow(PermissionScope::Once, None),
            Do::AllowSession | Do::AllowAlways if request.suggested_rules.is_empty() => {
                Outcome::Cannot("no rule can stand for this call: it can be allowed once")
            }
            Do::AllowSession => self.allow(PermissionScope::Session, None),
            Do::AllowAlways => self.allow(PermissionScope::Always, None),
            Do::Deny => self.deny(String::new(), false),
            Do::DenyAndStop => self.deny(String::new(), true),
            Do::DenyWithMessage => {
                self.message = Some(Composer::new(width));
                Outcome::Done
            }
            Do::EditInput => Outcome::Edit(editable(&request.input)),
            Do::ScrollDown => self.scrolled(1),
            Do::ScrollUp => self.scrolled(-1),
            Do::ViewNextChange => self.show_change(width, Step::Next),
            Do::ViewPreviousChange => self.show_change(width, Step::Previous),
            Do::PageDown => self.scrolled(10),
            Do::PageUp => self.scrolled(-10),
            Do::ViewSideBySide => {
                self.side_by_side = !self.side_by_side;
                Outcome::Done
            }
            _ => Outcome::Done,
        }
    }

    /// The answer with the message that was written.
    pub fn deny(&self, message: String, interrupt: bool) -> Outcome {
        self.answer(PermissionAnswer::Deny { message, interrupt })
    }

    /// The answer with an input that was edited: JSON, or the text of the one field that was given to be edited.
    pub fn edited(&self, text: &str, request: &PermissionRequest) -> Result<Outcome, String> {
        let input = match sole_text(&request.input) {
            Some(field) => {
                let mut input = request.input.clone();
                if let Some(value) = input.get_mut(&field) {
                    *value = Value::String(text.trim_end_matches('\n').to_owned());
                }
                input
            }
            None => serde_json::from_str(text)
                .map_err(|error| format!("the edited input is no JSON: {error}"))?,
        };
        if !input.is_object() {
            return Err("the edited input is no JSON object".to_owned());
        }
        let changed = (input != request.input).then_some(input);
        Ok(self.allow(PermissionScope::Once, changed))
    }

    fn allow(&self, scope: PermissionScope, input: Option<Value>) -> Outcome {
        self.answer(PermissionAnswer::Allow { scope, input })
    }

    fn answer(&self, answer: PermissionAnswer) -> Outcome {
        Outcome::Answer(Box::new(Action::AnswerPermission {
            id: self.id.clone(),
            answer,
        }))
    }

    /// Scrolls to another change of the file.
    fn show_change(&mut self, width: u16, step: Step) -> Outcome {
        let Some(diff) = &self.diff else {
            return Outcome::Cannot("no file is changed by this call");
        };
        let width = width.saturating_sub(INDENT).max(1);
        // Where they are does not depend on colours.
        let drawn = diff.rows(
            width,
            self.side_by_side,
            &Theme::default(),
            &mut NoHighlights,
        );
        // The first one is seen from the beginning.
        let hunks = drawn.hunks.into_iter().skip(1);
        let mut hunks = std::iter::once(0).chain(hunks);
        let other = match step {
            Step::Next => hunks.find(|hunk| *hunk > self.scroll),
            Step::Previous => hunks.rfind(|hunk| *hunk < self.scroll),
        };
        match other {
            Some(hunk) => {
                self.scroll = hunk;
                Outcome::Done
            }
            None => Outcome::Cannot("there is no other change in that direction"),
        }
    }

    const fn scrolled(&mut self, rows: isize) -> Outcome {
        self.scroll = self.scroll.saturating_add_signed(rows);
        Outcome::Done
    }
}

/// What is given to be edited: a command as it is, anything else as JSON.
pub(crate) fn editable(input: &Value) -> String {
    let text = sole_text(input).and_then(|field| input.get(&field)?.as_str().map(str::to_owned));
    text.unwrap_or_else(|| serde_json::to_string_pretty(input).unwrap_or_default())
}

/// The field `command`, if it is what the input is about.
fn sole_text(input: &Value) -> Option<String> {
    let field = "command";
    input.get(field)?.is_string().then(|| field.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(input: Value, rules: &[&str]) -> PermissionRequest {
        PermissionRequest {
            id: "r".into(),
            tool: "Bash".into(),
            tool_call: None,
            input,
            description: String::new(),
            suggested_rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            expires_at: None,
            is_replay: false,
            note: String::new(),
        }
    }

    fn answer(outcome: Outcome) -> PermissionAnswer {
        let Outcome::Answer(action) = outcome else {
            panic!("{outcome:?} is no answer");
        };
        match *action {
            Action::AnswerPermission { answer, .. } => answer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_rule_is_only_given_where_one_can_stand() {
        let none = request(json!({"command": "ls"}), &[]);
        let mut prompt = PermissionPrompt::new(&none, None);
        assert!(matches!(
            prompt.act(Do::AllowAlways, &none, 80),
            Outcome::Cannot(_)
        ));
        let some = request(json!({"command": "ls"}), &["Bash(ls)"]);
        let always = answer(prompt.act(Do::AllowAlways, &some, 80));
        assert!(matches!(
            always,
            PermissionAnswer::Allow {
                scope: PermissionScope::Always,
                input: None
            }
        ));
    }

    #[test]
    fn a_command_is_edited_as_it_is_and_keeps_its_other_fields() {
        let asked = request(json!({"command": "ls", "timeout": 5}), &[]);
        let prompt = PermissionPrompt::new(&asked, None);
        assert_eq!(editable(&asked.input), "ls");
        let PermissionAnswer::Allow { input, .. } =
            answer(prompt.edited("ls -l\n", &asked).unwrap())
        else {
            panic!()
        };
        assert_eq!(input, Some(json!({"command": "ls -l", "timeout": 5})));
        let PermissionAnswer::Allow { input, .. } = answer(prompt.edited("ls\n", &asked).unwrap())
        else {
            panic!()
        };
        assert_eq!(input, None, "nothing was changed");
    }

    #[test]
    fn an_edited_input_that_cannot_be_read_is_told_and_answers_nothing() {
        let asked = request(json!({"path": "a"}), &[]);
        let prompt = PermissionPrompt::new(&asked, None);
        for text in ["{", "[1]", ""] {
            prompt.edited(text, &asked).unwrap_err();
        }
    }
}
