//! What a person is asked, with its numbered choices: everything that an answer is about, and what each answer covers.

use betcode_core::event::{ClientInfo, PermissionRequest, Question};
use betcode_core::visible::{fields, visible};

use crate::layers::{Layer, Pick, What};
use crate::model::Model;
use crate::plain::Topic;
use crate::prompt::{PermissionPrompt, Prompt, QuestionPrompt};
use crate::text::markdown::Markdown;
use crate::text::sanitize;

use super::super::words;

/// So many things of a list are printed.
const LISTED: usize = 20;

/// The lines of what is asked now.
pub(super) fn lines(model: &Model, out: &mut Vec<String>) {
    match model.layers.last() {
        Some(Layer::Lock { asker, .. }) => {
            out.push(format!("{} asks for the input.", asker.label()));
            out.push("1 yes".to_owned());
            out.push("2 no".to_owned());
            out.push("After ten seconds of silence it moves.".to_owned());
        }
        Some(Layer::Pick(pick)) => list(pick, out),
        Some(Layer::Help { .. } | Layer::Search(_) | Layer::Usage { .. } | Layer::Notices(_)) => {}
        None => match &model.prompt {
            Some(Prompt::Permission(prompt)) => {
                let mut requests = model.session.permissions.iter();
                if let Some(request) = requests.find(|request| request.id == prompt.id) {
                    permission(model, prompt, request, out);
                }
            }
            Some(Prompt::Question(prompt)) => {
                let mut questions = model.session.questions.iter();
                if let Some(question) = questions.find(|question| question.id == prompt.id) {
                    self::question(prompt, question, out);
                }
            }
            None => {}
        },
    }
}

/// What somebody else is asked, without choices.
pub(super) fn read_only(model: &Model, out: &mut Vec<String>) {
    if let Some(request) = model.permissions().next() {
        let prompt = PermissionPrompt::new(request, None);
        what(model, &prompt, request, out);
    } else if let Some(question) = model.questions().next() {
        match (&question.plan, question.items.as_slice()) {
            (Some(plan), _) => {
                out.push("A plan to approve:".to_owned());
                out.append(&mut Markdown::whole(plan).spoken(0..usize::MAX));
                out.push("End of the plan.".to_owned());
            }
            (None, items) => {
                for item in items {
                    out.push(format!("Question: {}", sanitize::line(&item.question)));
                    out.extend(item.options.iter().map(|it| format!("  {}", it.label)));
                }
            }
        }
    }
    let holder = model.session.lock.holder.as_ref();
    let holder = holder.map(ClientInfo::label).unwrap_or_default();
    out.push(format!(
        "{holder} has the input, and answers. /lock asks for it."
    ));
    behind(model, out);
}

/// How much more waits.
fn behind(model: &Model, out: &mut Vec<String>) {
    let count = model.waiting();
    if count > 1 {
        out.push(format!("This is 1 of {count} that wait."));
    }
}

/// What was asked is over though nobody answered here.
pub(super) fn ended(model: &Model, topic: Option<&Topic>, out: &mut Vec<String>) {
    let (id, what) = match topic {
        Some(Topic::Permission(id) | Topic::Why(id)) => (id, "request"),
        Some(Topic::Question(id, _) | Topic::Words(id, _)) => (id, "question"),
        _ => return,
    };
    let permissions = model.session.permissions.iter().map(|it| &it.id);
    let mut waiting = permissions.chain(model.session.questions.iter().map(|it| &it.id));
    if !model.is_answered(id) && !waiting.any(|waiting| waiting == id) {
        out.push(format!(
            "That {what} needs no answer any more: it was answered elsewhere, or has ended."
        ));
    }
}

fn permission(
    model: &Model,
    prompt: &PermissionPrompt,
    request: &PermissionRequest,
    out: &mut Vec<String>,
) {
    if prompt.message.is_some() {
        out.push("Say why not, in one line. /later goes back.".to_owned());
        return;
    }
    what(model, prompt, request, out);
    choices(request, !model.session.queue.is_empty(), out);
    behind(model, out);
}

/// What a permission is asked for, and where.
fn what(
    model: &Model,
    prompt: &PermissionPrompt,
    request: &PermissionRequest,
    out: &mut Vec<String>,
) {
    let tool = visible(&request.tool);
    let session = &model.session;
    let command = request.input.get("command").and_then(|it| it.as_str());
    match (&prompt.diff, command) {
        (Some(diff), _) => {
            out.push(format!("Permission needed: {tool} {}", diff.title()));
            out.append(&mut diff.spoken());
        }
        (None, Some(command)) => {
            let command = visible(command);
            let mut lines = command.lines();
            let first = lines.next().unwrap_or_default();
            out.push(format!("Permission needed: {tool} {first}"));
            out.extend(lines.map(|line| format!("  {line}")));
            out.extend(others(request, &["command"]));
        }
        (None, None) => {
            out.push(format!("Permission needed: {tool}"));
            out.extend(others(request, &[]));
        }
    }
    if session.cut.contains(&request.id) {
        let id = words::short(&request.id.0);
        out.push(format!(
            "Only the beginning is here: betcode permission show {id} prints all of it."
        ));
    }
    if !request.note.is_empty() {
        out.push(format!("Note: {}", request.note));
    }
    out.push(format!("In {}, by {}.", session.cwd, session.agent));
    if let Some(expires) = request.expires_at {
        let left = expires.since(model.now).as_secs();
        if left < 3600 {
            let left = words::duration_ms(left * 1000);
            out.push(format!("Without an answer it is denied in {left}."));
        }
    }
}

fn others(request: &PermissionRequest, left_out: &[&str]) -> Vec<String> {
    let others = fields(&request.input, left_out);
    others
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| format!("  {line}"))
        .collect()
}

fn choices(request: &PermissionRequest, more_waits: bool, out: &mut Vec<String>) {
    let rules: Vec<_> = request
        .suggested_rules
        .iter()
        .map(|rule| visible(rule))
        .collect();
    let rules = rules.join(", ");
    out.push("1 yes, this once".to_owned());
    if !rules.is_empty() {
        out.push(format!("2 yes, {rules} for this session"));
        out.push(format!("3 yes, {rules} always, in this project"));
    }
    out.push("4 no".to_owned());
    out.push("5 no, and say why (or: 5 and the reason)".to_owned());
    let back = if more_waits {
        "; what waits is kept"
    } else {
        ""
    };
    out.push(format!("6 no, and end the turn{back}"));
    out.push("7 change it in your editor (or: /edit and the text)".to_owned());
}

fn question(prompt: &QuestionPrompt, question: &Question, out: &mut Vec<String>) {
    if prompt.words.is_some() {
        out.push("In your own words, in one line. /later goes back.".to_owned());
        return;
    }
    if let Some(plan) = &question.plan {
        out.push("A plan to approve:".to_owned());
        out.append(&mut Markdown::whole(plan).spoken(0..usize::MAX));
        out.push("End of the plan.".to_owned());
        out.push("1 yes, go on".to_owned());
        out.push("2 no, keep planning".to_owned());
        out.push("3 no, and say what to change (or: 3 and the words)".to_owned());
        return;
    }
    let count = question.items.len();
    let Some(item) = question.items.get(prompt.item) else {
        answers(prompt, question, out);
        return;
    };
    let place = if count > 1 {
        format!(" {} of {count}", prompt.item + 1)
    } else {
        String::new()
    };
    let header = if item.header.is_empty() {
        String::new()
    } else {
        format!(", {}", item.header)
    };
    out.push(format!(
        "Question{place}{header}: {}",
        sanitize::line(&item.question)
    ));
    if item.multi_select {
        out.push("Several may be chosen: their numbers, with spaces between them.".to_owned());
    }
    for (at, option) in item.options.iter().enumerate() {
        let about = if option.description.is_empty() {
            String::new()
        } else {
            format!(": {}", option.description)
        };
        out.push(format!("{} {}{about}", at + 1, option.label));
    }
    let own = item.options.len() + 1;
    out.push(format!("{own} in your own words (or: {own} and the words)"));
    out.push(format!("{} answer nothing", own + 1));
}

/// All answers, before they are sent.
fn answers(prompt: &QuestionPrompt, question: &Question, out: &mut Vec<String>) {
    out.push("Your answers:".to_owned());
    for (item, chosen) in question.items.iter().zip(&prompt.chosen) {
        let options = chosen.options.iter().filter_map(|at| item.options.get(*at));
        let mut labels: Vec<_> = options.map(|option| option.label.as_str()).collect();
        if !chosen.text.is_empty() {
            labels.push(&chosen.text);
        }
        out.push(format!("{} {}", item.question, labels.join(", ")));
    }
    out.push("1 send them".to_owned());
    out.push("2 begin again".to_owned());
    out.push("3 answer nothing".to_owned());
}

/// What was said in sessions, numbered on from the items.
fn finds(pick: &Pick, out: &mut Vec<String>) {
    let remark = pick.finds.remark();
    if !pick.finds.all().is_empty() {
        out.push("Said in them:".to_owned());
    }
    for (at, find) in pick.finds.all().iter().enumerate().take(LISTED) {
        let line: String = find.entry.line.iter().map(|it| it.text.as_str()).collect();
        let title = words::first_line(words::title(&find.session.title));
        out.push(format!("{} {title}: {line}", pick.list.len() + at + 1));
    }
    if !remark.is_empty() {
        out.push(remark);
    }
}

fn list(pick: &Pick, out: &mut Vec<String>) {
    let count = pick.list.len();
    let what = pick.what.title();
    out.push(match pick.list.query() {
        "" => format!("{what}, {count}:"),
        query => format!("{what} with `{query}`, {count}:"),
    });
    let details = pick.what != What::Queue;
    for (at, found) in pick.list.first(LISTED).iter().enumerate() {
        let detail = if found.detail.is_empty() || !details {
            String::new()
        } else {
            format!(", {}", found.detail)
        };
        let label = words::first_line(&found.label);
        out.push(format!("{} {label}{detail}", at + 1));
    }
    if count > LISTED {
        out.push(format!("({} more)", count - LISTED));
    }
    finds(pick, out);
    let chosen = match pick.what {
        What::Queue => "takes one back",
        What::History => "keeps one, to be sent or edited",
        _ => "chooses",
    };
    out.push(format!(
        "A number {chosen}, words look for something, 0 closes the list."
    ));
}
