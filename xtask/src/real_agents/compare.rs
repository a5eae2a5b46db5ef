//! What scripts read: the same prompt said to `claude -p` and to `betcode -p`, against the same model. A script that reads the
//! one finds the same in the other: lines of the same types in the same order, keys of the same types, the same exit code.
//!
//! What may differ is written down here, and in `docs/headless.md` for people; anything else fails. Values are not compared.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::cases::{Case, ONE_RETRY};
use super::script::{PICTURE, PICTURE_FILE, PICTURE_TEXT};
use super::turn::{Outcome, Stage};

/// The cases in which both are compared.
pub(super) const COMPARED: &[Case] = &[
    Case {
        name: "same-plain",
        about: "compared with `claude -p`: an answer",
        play: |stage| compare(stage, &["say #plain"], "", &[]),
    },
    Case {
        name: "same-tool",
        about: "compared with `claude -p`: a tool that is allowed",
        play: |stage| {
            compare(
                stage,
                &["use #tool", "--allowedTools", "Bash,Edit"],
                "",
                &[],
            )
        },
    },
    Case {
        name: "same-image",
        about: "compared with `claude -p`: a tool that gives an image back",
        play: |stage| {
            for place in ["work", "work/theirs"] {
                let place = stage.lab.path(place);
                std::fs::create_dir_all(&place)?;
                std::fs::write(place.join(PICTURE_FILE), PICTURE)?;
            }
            compare(stage, &["look at the #picture"], "", &[])
        },
    },
    Case {
        name: "same-denied",
        about: "compared with `claude -p`: a tool that is not allowed",
        play: |stage| compare(stage, &["use #tool"], "", &[]),
    },
    Case {
        name: "same-max-turns",
        about: "compared with `claude -p`: no more rounds",
        play: |stage| {
            let prompt = [
                "use #tool",
                "--max-turns",
                "1",
                "--allowedTools",
                "Bash,Edit",
            ];
            compare(stage, &prompt, "", &[])
        },
    },
    Case {
        name: "same-limited",
        about: "compared with `claude -p`: a rate limit that stays",
        play: |stage| compare(stage, &["say #limited"], "", &[ONE_RETRY]),
    },
    Case {
        name: "same-too-long",
        about: "compared with `claude -p`: a prompt that is too long",
        play: |stage| compare(stage, &["say #long"], "", &[]),
    },
    Case {
        name: "same-no-login",
        about: "compared with `claude -p`: nobody is logged in",
        play: |stage| compare(stage, &["say #plain"], "", &[("ANTHROPIC_API_KEY", "")]),
    },
    Case {
        name: "same-bad-model",
        about: "compared with `claude -p`: a model that does not exist",
        play: |stage| compare(stage, &["say #no-model", "--model", "none-such"], "", &[]),
    },
    Case {
        name: "same-schema",
        about: "compared with `claude -p`: an answer of a given form",
        play: |stage| {
            let schema =
                r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#;
            compare(stage, &["say #form", "--json-schema", schema], "", &[])
        },
    },
    Case {
        name: "same-messages",
        about: "compared with `claude -p`: two messages on stdin",
        play: |stage| {
            let line = |text: &str| {
                json!({"type": "user", "message": {"role": "user", "content": text}}).to_string()
            };
            let stdin = format!("{}\n{}\n", line("say #plain"), line("say #again"));
            let flags = ["--input-format", "stream-json", "--replay-user-messages"];
            compare_as(stage, Format::Lines, &flags, &stdin, &[])
        },
    },
    Case {
        name: "same-shown",
        about: "compared with `claude -p`: a message with an image, said back",
        play: |stage| {
            let source = json!({"type": "base64", "media_type": "image/png", "data": PICTURE_TEXT});
            let content = json!([
                {"type": "text", "text": "say #plain"}, {"type": "image", "source": source},
            ]);
            let message = json!({"role": "user", "content": content});
            let stdin = format!("{}\n", json!({"type": "user", "message": message}));
            let flags = ["--input-format", "stream-json", "--replay-user-messages"];
            compare_as(stage, Format::Lines, &flags, &stdin, &[])
        },
    },
    Case {
        name: "same-pieces",
        about: "compared with `claude -p`: pieces of messages as they come",
        play: |stage| {
            let flags = [
                "use #tool",
                "--include-partial-messages",
                "--allowedTools",
                "Bash,Edit",
            ];
            compare_as(stage, Format::Lines, &flags, "", &[])
        },
    },
    Case {
        name: "same-resume",
        about: "compared with `claude -p`: a session that does not exist",
        play: |stage| {
            let prompt = [
                "say #plain",
                "--resume",
                "11111111-1111-4111-8111-111111111111",
            ];
            let both = Both::run(stage, Format::Object, &prompt, "", &[])?;
            both.same_exit()
        },
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Object,
    Lines,
}

impl Format {
    const fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Object => &["--output-format", "json"],
            Self::Lines => &["--output-format", "stream-json", "--verbose"],
        }
    }
}

/// Kinds of lines that are Claude Code's alone: they tell of what it does, not of what came of it.
const THEIRS: &[&str] = &[
    "system/status",
    "system/thinking_tokens",
    "stream_event/message_delta",
    "rate_limit_event",
];

/// Keys that are not there in ours, by the kind of line and the path of the key; `*` is any kind. What lies below is meant too.
const MISSING: &[(&str, &str)] = &[
    // What the agent says of its own workings.
    ("system/init", ".additional_directories"),
    ("system/init", ".analytics_disabled"),
    ("system/init", ".capabilities"),
    ("system/init", ".fast_mode_disabled_reason"),
    ("system/init", ".fast_mode_state"),
    ("system/init", ".memory_paths"),
    ("system/init", ".messaging_socket_path"),
    ("system/init", ".original_cwd"),
    ("system/init", ".per_turn_effort_active"),
    ("system/init", ".product_feedback_disabled"),
    ("system/init", ".served_by_anthropic"),
    ("system/init", ".terminal_slash_commands"),
    ("system/init", ".ultrathink_available"),
    ("system/init", ".ultrathink_typed_raises"),
    ("system/init", ".view_mode"),
    // What a single request to the model cost is not recorded; `result` has the sum.
    ("assistant", ".message.usage"),
    ("stream_event/message_start", ".event.message.usage"),
    // What the model's service says beside the message itself.
    ("assistant", ".message.container"),
    ("assistant", ".message.context_management"),
    ("assistant", ".message.diagnostics"),
    ("assistant", ".message.stop_details"),
    ("assistant", ".request_id"),
    ("assistant", ".thinking_display"),
    ("assistant", ".thinking_duration_ms"),
    ("stream_event", ".api_message_id"),
    ("stream_event", ".thinking_display"),
    ("stream_event", ".ttft_ms"),
    // `result` and `system/api_retry` say what went wrong.
    ("assistant", ".api_error_status"),
    ("assistant", ".api_error_type"),
    ("assistant", ".error"),
    ("assistant", ".is_api_error_message"),
    // The result of a tool as the model hears it is there; edits are in `betcode_diff`.
    ("user", ".tool_result_meta"),
    ("user", ".tool_use_result"),
];

/// Keys of another type in ours.
const OTHER: &[(&str, &str)] = &[
    // A message that the agent itself wrote in place of the model's.
    ("assistant", ".message.stop_reason"),
    ("assistant", ".message.stop_sequence"),
];

/// Says the same to both, for one object and for lines.
fn compare(stage: &Stage, prompt: &[&str], stdin: &str, variables: &[(&str, &str)]) -> Result<()> {
    compare_as(stage, Format::Object, prompt, stdin, variables)?;
    compare_as(stage, Format::Lines, prompt, stdin, variables)
}

fn compare_as(
    stage: &Stage,
    format: Format,
    prompt: &[&str],
    stdin: &str,
    variables: &[(&str, &str)],
) -> Result<()> {
    let both = Both::run(stage, format, prompt, stdin, variables)?;
    both.same_exit()?;
    let (theirs, ours) = (lines(&both.theirs)?, lines(&both.ours)?);
    ensure!(
        !theirs.is_empty(),
        "claude printed nothing: {:?}",
        both.theirs
    );
    let order = |lines: &[Value]| -> Vec<String> {
        let mut kinds: Vec<String> = lines.iter().map(kind).collect();
        kinds.retain(|kind| !THEIRS.contains(&kind.as_str()));
        // How a text is cut into pieces is chance.
        kinds.dedup_by(|a, b| a == b && a.as_str() == "stream_event/content_block_delta");
        kinds
    };
    ensure!(
        order(&theirs) == order(&ours),
        "the lines must be {:?}, not {:?}",
        order(&theirs),
        order(&ours)
    );
    let (theirs, ours) = (shapes(&theirs), shapes(&ours));
    let mut differences = Vec::new();
    for (kind, keys) in &theirs {
        let Some(here) = ours.get(kind) else { continue };
        for (path, types) in keys {
            match here.get(path) {
                None if !listed(MISSING, kind, path) => {
                    differences.push(format!("{kind}: {path} is missing"));
                }
                Some(other) if other.is_disjoint(types) && !listed(OTHER, kind, path) => {
                    differences.push(format!("{kind}: {path} is {other:?}, not {types:?}"));
                }
                None | Some(_) => {}
            }
        }
    }
    ensure!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

fn listed(list: &[(&str, &str)], kind: &str, path: &str) -> bool {
    list.iter().any(|(of, key)| {
        let below = |whole: &str, part: &str, ends: &[char]| {
            whole
                .strip_prefix(part)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(ends))
        };
        below(kind, of, &['/']) && below(path, key, &['.', '['])
    })
}

/// What both made of the same prompt.
struct Both {
    theirs: Outcome,
    ours: Outcome,
}

impl Both {
    fn run(
        stage: &Stage,
        format: Format,
        prompt: &[&str],
        stdin: &str,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let arguments = |own: &[&'static str]| -> Vec<String> {
            let own = own.iter().chain(format.flags()).copied();
            own.chain(prompt.iter().copied())
                .map(str::to_owned)
                .collect()
        };
        let file = stage.lab.path("out").join("stdin");
        std::fs::write(&file, stdin)?;
        let run = |mut command: Command| -> Result<Outcome> {
            command
                .envs(variables.iter().copied())
                .stdin(Stdio::from(std::fs::File::open(&file)?));
            stage.spawn(command)?.finish()
        };
        let claude = stage
            .lab
            .variable("BETCODE_AGENT_CLAUDE_COMMAND")
            .context("there is no agent")?;
        // A directory of its own, where nothing is left of the other's tools.
        let place = stage.lab.path("work/theirs");
        std::fs::create_dir_all(&place)?;
        let mut command = stage.lab.program(claude, arguments(&["-p"]));
        command.current_dir(&place);
        let theirs = run(command)?;
        let own = ["-p", "--agent", "claude", "--exit-codes", "claude"];
        let ours = run(stage.lab.betcode(arguments(&own)))?;
        Ok(Self { theirs, ours })
    }

    fn same_exit(&self) -> Result<()> {
        let Self { theirs, ours } = self;
        ensure!(
            theirs.code == ours.code,
            "the exit code must be {:?}: {ours:?}",
            theirs.code
        );
        Ok(())
    }
}

fn lines(outcome: &Outcome) -> Result<Vec<Value>> {
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}")))
        .collect()
}

/// The kind of a line: its type, what kind of it, and of which blocks a message consists.
fn kind(line: &Value) -> String {
    let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str);
    let mut kind = text("/type").unwrap_or_default().to_owned();
    for part in ["/subtype", "/event/type"] {
        if let Some(part) = text(part) {
            kind = format!("{kind}/{part}");
        }
    }
    let blocks = line.pointer("/message/content").and_then(Value::as_array);
    for block in blocks.into_iter().flatten() {
        let block = block.get("type").and_then(Value::as_str);
        kind = format!("{kind}/{}", block.unwrap_or_default());
    }
    kind
}

type Keys = BTreeMap<String, BTreeSet<&'static str>>;

/// For each kind of line the keys that it has, with the types of their values.
fn shapes(lines: &[Value]) -> BTreeMap<String, Keys> {
    let mut shapes = BTreeMap::<String, Keys>::new();
    for line in lines {
        // What tools and models are called is no key.
        keys(line, "", shapes.entry(kind(line)).or_default());
    }
    shapes
}

fn keys(value: &Value, path: &str, into: &mut Keys) {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(list) => {
            for entry in list {
                keys(entry, &format!("{path}[]"), into);
            }
            "array"
        }
        Value::Object(object) => {
            for (key, value) in object {
                // The keys of these are names of models.
                let named = path.ends_with("odelUsage") || path.ends_with("input");
                let key = if named { "*" } else { key };
                keys(value, &format!("{path}.{key}"), into);
            }
            "object"
        }
    };
    into.entry(path.to_owned()).or_default().insert(name);
}
