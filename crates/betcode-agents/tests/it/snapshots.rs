//! The story of each recorded session, one line for each observation, to be read by people.

use std::fmt::Write as _;

use betcode_core::event::{
    Answer, FileDiff, PermissionRequest, Question, TodoState, TurnComplete, Usage,
};
use betcode_core::observation::{
    AgentDescription, AgentRequest, Observation, Observations, Observed,
};

use crate::transcript::{Player, Transcript, all};

#[test]
fn every_recorded_session_tells_its_story() {
    for transcript in all() {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(transcript.name.clone(), story(&transcript)));
    }
}

fn story(transcript: &Transcript) -> String {
    let mut player = Player::new();
    let mut out = Observations::new();
    let mut story = String::new();
    for step in &transcript.steps {
        if let Some((request, _)) = player.step(step, &mut out) {
            tell(&mut story, &mut out);
            writeln!(story, "> {}", asked(&request)).unwrap();
        }
        let replies = player.agent.replies();
        if !replies.is_empty() {
            tell(&mut story, &mut out);
        }
        for reply in replies {
            write!(story, "> {}", String::from_utf8(reply).unwrap()).unwrap();
        }
    }
    tell(&mut story, &mut out);
    story
}

fn tell(story: &mut String, out: &mut Observations) {
    for Observed {
        parent,
        observation,
    } in out.take()
    {
        if let Some(parent) = parent {
            write!(story, "  [{parent}] ").unwrap();
        }
        writeln!(story, "{}", line(&observation)).unwrap();
    }
}

fn asked(request: &AgentRequest) -> String {
    match request {
        AgentRequest::UserMessage { text, .. } => format!("user {}", short(text)),
        AgentRequest::Allow { id, input } => format!("allow {id} input={}", input.is_some()),
        AgentRequest::Answer { id, answers, .. } => {
            let said = answers.iter().map(|answer| {
                let Answer {
                    question,
                    selected,
                    text,
                } = answer;
                format!("\n    {question:?} {selected:?} {text:?}")
            });
            format!("answer {id}{}", said.collect::<String>())
        }
        other => format!("{other:?}"),
    }
}

pub(crate) fn line(observation: &Observation) -> String {
    match observation {
        Observation::Text(piece) => format!("text {} {}", piece.message_id, short(&piece.text)),
        Observation::Thinking(piece) => {
            format!("thinking {} {}", piece.message_id, short(&piece.text))
        }
        Observation::MessageComplete {
            message_id,
            model,
            end,
        } => {
            format!(
                "end {message_id} {end:?} {}",
                model.as_deref().unwrap_or("-")
            )
        }
        Observation::ToolStarted {
            id,
            tool,
            input,
            description,
        } => {
            format!(
                "tool {id} {tool} {} {}",
                short(description),
                short(&input.to_string())
            )
        }
        Observation::ToolProgress {
            id,
            elapsed_ms,
            output,
        } => {
            format!("tool-progress {id} {elapsed_ms}ms {}", short(output))
        }
        Observation::ToolFinished {
            id,
            output,
            is_error,
            diff,
            attachments,
        } => {
            let mut text = format!(
                "tool-{} {id} {}",
                if *is_error { "failed" } else { "done" },
                short(output)
            );
            for file in diff {
                self::diff(&mut text, file);
            }
            for attached in attachments {
                let (name, size) = (&attached.name, attached.content.bytes().len());
                write!(text, "\n    {name} {} {size} bytes", attached.media_type).unwrap();
            }
            text
        }
        Observation::PermissionAsked(request) => format!("permission {}", call(request)),
        Observation::ToolAnnounced(request) => format!("announced {}", call(request)),
        Observation::QuestionAsked(question) => self::question(question),
        Observation::Todo(items) => {
            let mark = |state| match state {
                TodoState::Pending => ' ',
                TodoState::InProgress => '>',
                TodoState::Completed => 'x',
            };
            let items: Vec<String> = items
                .iter()
                .map(|item| format!("[{}] {}", mark(item.state), item.text))
                .collect();
            format!("todo {}", items.join(" | "))
        }
        Observation::UsageReport(usage) => format!("usage {}", self::usage(usage)),
        Observation::Result(turn) => result(turn),
        Observation::Described(description) => described(description),
        Observation::Unknown { raw } => format!("UNKNOWN {}", short(raw)),
        other => format!("{other:?}"),
    }
}

fn call(request: &PermissionRequest) -> String {
    format!(
        "{} {} call={} {} {}",
        request.id,
        request.tool,
        request
            .tool_call
            .as_ref()
            .map_or("-", |call| call.0.as_str()),
        short(&request.description),
        short(&request.input.to_string()),
    )
}

fn question(question: &Question) -> String {
    let mut text = format!(
        "question {} call={} plan={:?}",
        question.id,
        question
            .tool_call
            .as_ref()
            .map_or("-", |call| call.0.as_str()),
        question.plan,
    );
    for item in &question.items {
        let options: Vec<&str> = item
            .options
            .iter()
            .map(|option| option.label.as_str())
            .collect();
        write!(
            text,
            "\n    {:?} many={} {options:?}",
            item.question, item.multi_select
        )
        .unwrap();
    }
    text
}

fn result(turn: &TurnComplete) -> String {
    let mut text = format!(
        "result {:?} rounds={} {} {} raw={}",
        turn.stop_reason,
        turn.num_turns,
        usage(&turn.usage),
        short(&turn.result),
        turn.raw.is_some(),
    );
    if let Some(error) = &turn.error {
        write!(
            text,
            "\n    error {:?} http={:?} retry={:?} {}",
            error.kind,
            error.http_status,
            error.retry_after_ms,
            short(&error.message)
        )
        .unwrap();
    }
    for denial in &turn.permission_denials {
        write!(
            text,
            "\n    denied {} {} {}",
            denial.tool,
            denial.tool_call,
            short(&denial.input.to_string())
        )
        .unwrap();
    }
    text
}

fn usage(usage: &Usage) -> String {
    format!(
        "in={} out={} read={} write={} usd={:.5} context={}/{} {}",
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cost_usd,
        usage.context_tokens,
        usage.context_window,
        usage.model,
    )
}

fn described(agent: &AgentDescription) -> String {
    let mut text = "described".to_owned();
    let words = [
        ("version", &agent.version),
        ("session", &agent.agent_session),
        ("model", &agent.model),
        ("mode", &agent.permission_mode),
        ("account", &agent.account),
    ];
    for (name, word) in words {
        if let Some(word) = word {
            write!(text, " {name}={word}").unwrap();
        }
    }
    let lists = [
        ("tools", &agent.tools),
        ("commands", &agent.slash_commands),
        ("models", &agent.models),
    ];
    for (name, list) in lists {
        if let Some(list) = list {
            write!(text, " {name}={}", list.len()).unwrap();
        }
    }
    if let Some(capabilities) = &agent.capabilities {
        write!(text, " capabilities={}", capabilities.len()).unwrap();
    }
    for server in agent.mcp_servers.iter().flatten() {
        let (name, status, source) = (&server.name, &server.status, &server.source);
        write!(text, " mcp={name}:{status}:{source}").unwrap();
    }
    text
}

fn diff(text: &mut String, file: &FileDiff) {
    write!(
        text,
        "\n    {} {}",
        if file.created { "created" } else { "changed" },
        file.path
    )
    .unwrap();
    for hunk in &file.hunks {
        write!(
            text,
            "\n    @@ {},{} {},{}",
            hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines
        )
        .unwrap();
        for line in &hunk.lines {
            write!(text, "\n    {line:?}").unwrap();
        }
    }
}

/// Quoted, with the middle of a long text left out.
fn short(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= 140 {
        return format!("{text:?}");
    }
    let start: String = letters[..90].iter().collect();
    let end: String = letters[letters.len() - 30..].iter().collect();
    format!("{start:?}…{} letters…{end:?}", letters.len() - 120)
}
