//! `rules test`: what would happen with calls of tools.

use std::io::Read as _;

use betcode_client::{MatchedRule, RuleDecision, RulePart, RuleTest, RuleVerdict};
use betcode_rules::Call;
use serde_json::{Value, json};

use super::place::line;
use super::{Places, TestArgs, directory, scope};
use crate::cli::find_session;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::MODES;
use crate::link::{Policy, with_daemon};
use crate::output::say;
use crate::rule_lists;
use crate::table::{Table, cut};

/// The word for stdin.
const STDIN: &str = "-";
/// The longest call.
const LONGEST: usize = 16 * 1024 * 1024;
/// What fits into a message to the daemon.
const LARGEST: usize = 63 * 1024 * 1024;
/// How much of a call people see.
const SHOWN: usize = 2_000;
/// Enough of a part to recognise it.
const PART: usize = 80;

/// Asks what would happen, and tells.
pub(super) fn test(args: TestArgs, context: &mut Context) -> Result<Exit, Failure> {
    let allowed_tools = rule_lists::read(&args.allowed_tools, "--allowed-tools")?;
    let disallowed_tools = rule_lists::read(&args.disallowed_tools, "--disallowed-tools")?;
    let texts = texts(args.calls)?;
    let calls = texts
        .iter()
        .map(|text| call(text))
        .collect::<Result<Vec<_>, _>>()?;
    check_size(&calls)?;
    let given = args.cwd.is_some() || args.session.is_none();
    let cwd = given
        .then(|| directory(context, args.cwd.as_ref()))
        .transpose()?;
    let mut test = RuleTest {
        scope: scope(context, cwd.clone().unwrap_or_default()),
        permission_mode: args.permission_mode.unwrap_or_default(),
        only_allowed: args.only_allowed_tools,
        calls,
    };
    test.scope.allowed_tools = allowed_tools;
    test.scope.disallowed_tools = disallowed_tools;
    let (cwd, tested) = with_daemon(context, Policy::Start, async |daemon| {
        if let Some(id) = &args.session {
            let session = find_session(&daemon, id).await?;
            test.scope.session = Some(session.summary.id);
            if cwd.is_none() {
                test.scope.cwd = session.summary.cwd;
            }
            let mode = session.info.map(|info| info.permission_mode);
            let known = mode.filter(|mode| MODES.contains(&mode.as_str()));
            if let Some(mode) = known.filter(|_| test.permission_mode.is_empty()) {
                test.permission_mode = mode;
            }
        }
        let cwd = test.scope.cwd.clone();
        Ok((cwd, daemon.test_rules(test).await?))
    })?;
    let places = Places::new(context);
    places.warn(&tested.problems);
    let several = texts.len() > 1;
    for (number, (text, verdict)) in texts.iter().zip(&tested.verdicts).enumerate() {
        if args.json {
            let object = object(text, verdict, &cwd);
            // Several objects are told apart by their lines.
            if several {
                context.output.line(&object.to_string())?;
            } else {
                context.output.json(&object)?;
            }
            continue;
        }
        if number > 0 {
            context.output.line("")?;
        }
        let block = block(text, verdict, &places, context.output.colours());
        context.output.write(block.as_bytes())?;
    }
    let worst = tested.verdicts.iter().map(|verdict| verdict.decision).max();
    Ok(match worst {
        Some(RuleDecision::Deny) if args.exit_code => Exit::Denied,
        Some(RuleDecision::Ask) if args.exit_code => Exit::Asked,
        _ => Exit::Success,
    })
}

/// The calls to the letter, one of them perhaps from stdin.
fn texts(calls: Vec<String>) -> Result<Vec<String>, Failure> {
    if calls.iter().filter(|call| *call == STDIN).count() > 1 {
        return Err(Failure::usage("stdin holds one call, so - is given once"));
    }
    calls
        .into_iter()
        .map(|call| if call == STDIN { stdin() } else { Ok(call) })
        .collect()
}

fn stdin() -> Result<String, Failure> {
    if rustix::termios::isatty(rustix::stdio::stdin()) {
        say("note: reading one call from the terminal; Ctrl-D ends it");
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    std::io::stdin()
        .lock()
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io("cannot read stdin", &error))?;
    if bytes.len() > LONGEST {
        return Err(Failure::usage(format!(
            "the call on stdin is longer than {} MiB",
            LONGEST / (1024 * 1024)
        )));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::usage("the call on stdin is not UTF-8 text throughout"))
}

/// In JSON a text can be six times as long.
fn check_size(calls: &[(String, Value)]) -> Result<(), Failure> {
    let size: usize = calls
        .iter()
        .map(|(tool, input)| tool.len() + input.to_string().len())
        .sum();
    if size > LARGEST {
        return Err(Failure::usage(format!(
            "the input of the call is {} MiB long in JSON; the longest is {} MiB",
            size / (1024 * 1024),
            LARGEST / (1024 * 1024)
        )));
    }
    Ok(())
}

fn call(text: &str) -> Result<(String, Value), Failure> {
    Call::parse(text).map(Into::into).map_err(|error| {
        Failure::usage(error.to_string())
            .hint("a call looks like 'Bash(git push)', 'Edit(src/a.ts)', 'WebFetch(example.com)', 'mcp__server__tool'")
    })
}

/// A verdict as programs read it.
fn object(call: &str, verdict: &RuleVerdict, cwd: &str) -> Value {
    let mut object = json!({"decision": verdict.decision});
    add(&mut object, by(verdict.by.as_ref()));
    let parts: Vec<Value> = verdict.parts.iter().map(part).collect();
    add(
        &mut object,
        json!({
            "reason": verdict.reason,
            "call": call,
            "parts": parts,
            "proposed": verdict.proposed,
            "cwd": cwd,
        }),
    );
    object
}

fn part(part: &RulePart) -> Value {
    let mut object = json!({"what": part.what, "decision": part.decision});
    add(&mut object, by(part.by.as_ref()));
    add(&mut object, json!({"reason": part.reason}));
    object
}

fn by(by: Option<&MatchedRule>) -> Value {
    json!({
        "rule": by.map(|by| &by.rule),
        "file": by.and_then(|by| by.file.as_ref()),
        "line": by.and_then(|by| by.line),
        "origin": by.map(|by| by.origin),
    })
}

fn add(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

/// A verdict as people read it.
fn block(call: &str, verdict: &RuleVerdict, places: &Places, colours: bool) -> String {
    let trimmed = call.trim_matches([' ', '\t', '\n', '\r']);
    let mut block = format!(
        "{}  {}\n",
        word(verdict.decision, colours),
        line(&cut(trimmed, SHOWN))
    );
    let mut row = |name: &str, value: &str| {
        block.extend([&format!("  {name:<5} {value}"), "\n"]);
    };
    if let Some(by) = &verdict.by {
        row("rule", &format!("{}   {}", line(&by.rule), places.full(by)));
    }
    row("why", &line(&verdict.reason));
    if verdict.parts.len() > 1 {
        block.push_str(&parts(&verdict.parts, places));
    }
    let always = match (verdict.decision, verdict.proposed.as_slice()) {
        (RuleDecision::Ask, []) => {
            "no rule can stand for this call: allow it once, or for this session".to_owned()
        }
        (_, []) => return block,
        (_, rules) => {
            let rules: Vec<String> = rules.iter().map(|rule| line(rule)).collect();
            format!("always would write: {}", rules.join("   "))
        }
    };
    block.extend(["  ", &always, "\n"]);
    block
}

fn parts(parts: &[RulePart], places: &Places) -> String {
    let mut table = Table::new(&["", "PART", "BECAUSE"]);
    for part in parts {
        let because = match &part.by {
            Some(by) => format!("{}   {}", line(&part.reason), places.full(by)),
            None => line(&part.reason),
        };
        let what = line(&cut(&part.what, PART));
        table.row([part.decision.word().to_owned(), what, because]);
    }
    let rows = table.render(false);
    rows.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}

/// The decision, in the colour of a traffic light.
pub(super) fn word(decision: RuleDecision, colours: bool) -> String {
    let (word, colour) = match decision {
        RuleDecision::Allow => (decision.word(), "32"),
        RuleDecision::Ask => (decision.word(), "33"),
        RuleDecision::Deny => (decision.word(), "31"),
    };
    if colours {
        format!("\u{1b}[1;{colour}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests;
