//! The rules for "always": the smallest that allow what ran, and nothing else.
//!
//! Every proposal is tried before it is made: granted beside the rules there are, it has to allow the same request, and
//! without any one of its rules it must not. Nothing is proposed for what is not understood, for what holds something that is
//! only known when it runs, and for what no rule can open.

use crate::decide::{Decision, decide};
use crate::layers::{Grants, Mode, Rules};
use crate::path::Path;
use crate::request::{Kind, Request};
use crate::shell::{Access, Simple, UNKNOWN};
use crate::syntax::Rule;

/// Rules for "always".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Exactly what ran. Empty: there are no such rules.
    pub exact: Vec<String>,
    /// Why there are none, as a sentence without its end.
    pub why_none: Option<String>,
    /// A broader choice for whoever wants it: the same commands with any arguments. Never to be taken unasked.
    pub broader: Vec<String>,
}

/// How many rules one answer may make; somebody who says "always" should be able to read them.
const MOST_RULES: usize = 12;

/// Why there is no rule for a text that no rule can hold.
const STRANGE: &str = "it holds a line break or another character that cannot be in a rule";
/// Why there is no rule for a text that is not known yet.
const UNKNOWN_YET: &str = "it holds something that is only known when it runs";

/// Proposes rules for a request whose paths are resolved, beside the rules there are.
pub fn propose(request: &Request, rules: &Rules) -> Proposal {
    let tried = exact(request).and_then(|exact| {
        if exact.len() > MOST_RULES {
            return Err(format!("it would take {} rules", exact.len()));
        }
        tried(request, rules, &exact).map(|()| exact)
    });
    let mut exact = match tried {
        Ok(exact) => exact,
        Err(why) => {
            return Proposal {
                why_none: Some(why),
                ..Proposal::default()
            };
        }
    };
    needed(request, rules, &mut exact);
    let why_none = exact
        .is_empty()
        .then(|| "it is allowed without a further rule".to_owned());
    let mut broader = match &request.kind {
        Kind::Shell {
            script: Ok(script), ..
        } if !exact.is_empty() => script.commands.iter().filter_map(prefix).collect(),
        _ => Vec::new(),
    };
    if !broader.is_empty() {
        broader.extend(
            exact
                .iter()
                .filter(|rule| !rule.starts_with("Bash("))
                .cloned(),
        );
        broader = unique(broader);
        if allows(request, rules, &broader) {
            needed(request, rules, &mut broader);
        } else {
            broader.clear();
        }
    }
    Proposal {
        exact,
        why_none,
        broader,
    }
}

/// Takes out every rule without which the request is allowed too.
fn needed(request: &Request, rules: &Rules, proposed: &mut Vec<String>) {
    for index in (0..proposed.len()).rev() {
        let mut fewer = proposed.clone();
        fewer.remove(index);
        if allows(request, rules, &fewer) {
            *proposed = fewer;
        }
    }
}

fn exact(request: &Request) -> Result<Vec<String>, String> {
    let tool = request.tool.as_str();
    let rules = match &request.kind {
        Kind::Shell {
            script: Ok(script), ..
        } => {
            let mut rules = Vec::new();
            for command in &script.commands {
                rules.push(command_rule(command)?);
            }
            for file in script.files.iter().filter(|file| file.own_part) {
                let tool = if file.access == Access::Read {
                    "Read"
                } else {
                    "Edit"
                };
                if !file.name.is_known() {
                    return Err(UNKNOWN_YET.to_owned());
                }
                for path in request.paths_of(&file.name.path()) {
                    rules.push(path_rule(tool, path, request)?);
                }
            }
            rules
        }
        Kind::Files(_) => {
            let rules = request
                .paths
                .iter()
                .map(|path| path_rule(tool, path, request));
            rules.collect::<Result<Vec<String>, String>>()?
        }
        Kind::Host(Ok(host)) => vec![format!("{tool}(domain:{host})")],
        Kind::Named(name) if !name.is_empty() && !name.contains('*') => {
            vec![format!("{tool}({name})")]
        }
        Kind::Plain | Kind::Named(_) => vec![tool.to_owned()],
        Kind::Shell {
            script: Err(trouble),
            ..
        } => return Err(format!("it cannot be understood: {}", trouble.what)),
        Kind::Host(Err(what)) | Kind::Strange(what) => {
            return Err(format!("it cannot be understood: {what}"));
        }
    };
    Ok(unique(rules))
}

/// Whether these grants beside the rules there are allow the request.
fn allows(request: &Request, rules: &Rules, proposed: &[String]) -> bool {
    tried(request, rules, proposed).is_ok()
}

/// Why these grants beside the rules there are do not allow the request, if they do not.
fn tried(request: &Request, rules: &Rules, proposed: &[String]) -> Result<(), String> {
    let parsed: Result<Vec<Rule>, _> = proposed.iter().map(|rule| Rule::parse(rule)).collect();
    let parsed = parsed.map_err(|_| STRANGE.to_owned())?;
    let verdict = decide(request, rules, Mode::Default, &Grants::new(parsed));
    if verdict.decision == Decision::Allow {
        Ok(())
    } else {
        Err(verdict.reason)
    }
}

fn unique(rules: Vec<String>) -> Vec<String> {
    let mut result: Vec<String> = Vec::new();
    for rule in rules {
        if !result.contains(&rule) {
            result.push(rule);
        }
    }
    result
}

fn command_rule(command: &Simple) -> Result<String, String> {
    let mut words = Vec::new();
    if !command
        .assignments
        .iter()
        .all(crate::shell::Assignment::is_harmless)
    {
        for set in &command.assignments {
            words.push(quoted(&format!("{}={}", set.name, set.value.text))?);
        }
    }
    for word in &command.words {
        words.push(quoted(&word.text)?);
    }
    Ok(format!("Bash({})", words.join(" ")))
}

/// A word as it has to stand in a rule.
fn quoted(word: &str) -> Result<String, String> {
    if word.contains(UNKNOWN) {
        return Err(UNKNOWN_YET.to_owned());
    }
    if word.chars().any(char::is_control) {
        return Err(STRANGE.to_owned());
    }
    let plain = |character: char| {
        character.is_alphanumeric() || "-_./=:@%+,~{}[]?!#^$()".contains(character)
    };
    if !word.is_empty() && word.chars().all(plain) {
        return Ok(word.to_owned());
    }
    Ok(format!("'{}'", word.replace('\'', "'\\''")))
}

/// A program with its command and any arguments: `npm run test *`, `git push *`.
fn prefix(command: &Simple) -> Option<String> {
    const WITH_COMMANDS: &[&str] = &[
        "git",
        "npm",
        "pnpm",
        "yarn",
        "cargo",
        "go",
        "docker",
        "kubectl",
        "gh",
        "glab",
        "make",
        "just",
        "uv",
        "pip",
        "bun",
        "deno",
        "dotnet",
        "brew",
        "apt",
        "systemctl",
    ];
    // What runs anything that it is given has no harmless beginning.
    const ANYTHING: &[&str] = &[
        "sh", "bash", "zsh", "dash", "ksh", "python", "python3", "perl", "ruby", "node", "eval",
        "npx", "ssh", "rm", "curl", "wget", "exec", "source", ".",
    ];
    if !command.inner.is_empty() || command.guard.is_some() || !command.assignments.is_empty() {
        return None;
    }
    let mut words = command.words.iter().map(|word| word.text.as_str());
    let program = words.next()?;
    if ANYTHING.contains(&program) {
        return None;
    }
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || "-_:.".contains(character))
    };
    let mut beginning = vec![program];
    if WITH_COMMANDS.contains(&program) {
        let sub = words
            .next()
            .filter(|word| plain(word) && !word.starts_with('-'))?;
        beginning.push(sub);
        if sub == "run" {
            beginning.push(
                words
                    .next()
                    .filter(|word| plain(word) && !word.starts_with('-'))?,
            );
        }
    }
    beginning
        .iter()
        .all(|word| plain(word))
        .then(|| format!("Bash({} *)", beginning.join(" ")))
}

/// A file by its place in the project, or by its full path.
fn path_rule(tool: &str, path: &Path, request: &Request) -> Result<String, String> {
    let Some(resolved) = path.resolved.as_ref().filter(|_| path.usable) else {
        return Err("it is not certain which file this is".to_owned());
    };
    if *resolved != path.written {
        // Two names for one file would need two rules, one of them for a link that may point elsewhere tomorrow.
        let project = request
            .place
            .project
            .forms()
            .any(|root| resolved.starts_with(root));
        if !project {
            return Err("a link in the name of its file leads out of the project".to_owned());
        }
    }
    let below = request
        .place
        .project
        .forms()
        .find_map(|root| resolved.strip_prefix(root))
        .filter(|rest| !rest.is_empty());
    let (lead, parts) = match below {
        Some(rest) => ("/", rest),
        None => ("//", resolved.as_slice()),
    };
    let parts: Vec<String> = parts.iter().map(|part| escaped(part)).collect();
    Ok(format!("{tool}({lead}{})", parts.join("/")))
}

fn escaped(part: &str) -> String {
    let mut result = String::new();
    for character in part.chars() {
        if matches!(character, '*' | '?' | '[' | '\\') {
            result.push('\\');
        }
        result.push(character);
    }
    result
}
