//! A small world for tests: directories, links, layers written in one line.

use betcode_rules::{
    Directory, Grants, Layer, Mode, Origin, OriginKind, Place, Placed, Protected, Request, Rule,
    Rules, Verdict, decide,
};
use serde_json::{Value, json};

const LINKS: &[(&str, &str)] = &[
    ("/home/u/proj/out", "/etc"),
    ("/home/u/proj/inner", "/home/u/proj/src"),
    ("/home/u/proj/conf", "/home/u/proj/.claude"),
    ("/home/u/proj/keys", "/home/u/.ssh"),
];

pub(crate) fn place(case_insensitive: bool) -> Place {
    Place {
        cwd: Directory::new("/home/u/proj", "/home/u/proj"),
        project: Directory::new("/home/u/proj", "/home/u/proj"),
        home: Directory::new("/home/u", "/home/u"),
        additional: Vec::new(),
        case_insensitive,
    }
}

/// What a file system would say.
fn resolved(path: &str) -> Option<String> {
    if path.contains("!none") {
        return None;
    }
    let mut result = String::new();
    for part in path.split('/') {
        match part {
            "" | "." => continue,
            ".." => result.truncate(result.rfind('/').unwrap_or(0)),
            part => {
                result.push('/');
                result.push_str(part);
            }
        }
        if matches!(result.as_str(), "/proc" | "/dev/fd") {
            return None;
        }
        if let Some((_, target)) = LINKS.iter().find(|(link, _)| *link == result) {
            result = (*target).to_owned();
        }
    }
    Some(if result.is_empty() {
        "/".to_owned()
    } else {
        result
    })
}

pub(crate) fn request(tool: &str, input: &Value, case_insensitive: bool) -> Request {
    let request = Request::new(tool, input, &place(case_insensitive));
    let answers: Vec<Option<String>> = request
        .wanted()
        .iter()
        .map(|wanted| resolved(&wanted.path))
        .collect();
    request.resolve(answers)
}

pub(crate) fn bash(command: &str) -> Request {
    request("Bash", &json!({ "command": command }), false)
}

/// A call as the table writes it.
pub(crate) fn call(text: &str, case_insensitive: bool) -> Request {
    let Some(rest) = text.strip_prefix('@') else {
        return request("Bash", &json!({ "command": text }), case_insensitive);
    };
    let (tool, argument) = rest.split_once(' ').unwrap_or((rest, ""));
    if let Ok(input @ Value::Object(_)) = serde_json::from_str(argument) {
        return request(tool, &input, case_insensitive);
    }
    let input = match tool {
        "WebFetch" => json!({ "url": argument }),
        "Task" | "Agent" => json!({ "subagent_type": argument }),
        "NotebookEdit" => json!({ "notebook_path": argument }),
        "Grep" | "Glob" | "LS" => json!({ "path": argument, "pattern": "x" }),
        "Bash" => json!({}),
        _ => json!({ "file_path": argument }),
    };
    request(tool, &input, case_insensitive)
}

pub(crate) struct World {
    pub(crate) rules: Rules,
    pub(crate) grants: Grants,
}

/// Layers from one line such as `user+Bash(ls)  -Bash(rm *)`.
pub(crate) fn world(text: &str) -> World {
    let mut layers: Vec<Layer> = Vec::new();
    let mut grants = Vec::new();
    for item in text
        .split("  ")
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let sign = item.find(['+', '-', '?']).expect("a rule has a sign");
        let (name, rule) = item.split_at(sign);
        let rule_text = &rule[1..];
        let parsed = Rule::parse(rule_text).unwrap_or_else(|error| panic!("{error}"));
        let (kind, trusted) = match name {
            "flag" => (OriginKind::Flag, true),
            "env" => (OriginKind::Environment, true),
            "local" => (OriginKind::ProjectLocal, true),
            "project" => (OriginKind::Project, true),
            "untrusted" => (OriginKind::Project, false),
            "" | "user" => (OriginKind::User, true),
            "grant" => {
                grants.push(parsed);
                continue;
            }
            other => panic!("no layer is called {other}"),
        };
        let mut layer = Layer {
            origin: Origin { kind, file: None },
            trusted,
            allow: vec![],
            ask: vec![],
            deny: vec![],
        };
        let list = match &rule[..1] {
            "+" => &mut layer.allow,
            "-" => &mut layer.deny,
            _ => &mut layer.ask,
        };
        list.push(Placed {
            rule: parsed,
            line: Some(1),
        });
        layers.push(layer);
    }
    World {
        rules: Rules::new(&layers, &protected()).expect("the patterns are right"),
        grants: Grants::new(grants),
    }
}

pub(crate) fn protected() -> Protected {
    Protected {
        denied: vec!["~/.config/betcode/**".into(), "/**/.betcode/**".into()],
        always_ask: vec!["/**/.claude/settings*".into(), "~/.claude/settings*".into()],
    }
}

pub(crate) fn mode(text: &str) -> Mode {
    match text {
        "default" => Mode::Default,
        "plan" => Mode::Plan,
        "acceptEdits" => Mode::AcceptEdits,
        "dontAsk" => Mode::DontAsk,
        "bypass" => Mode::BypassPermissions,
        "onlyAllowed" => Mode::OnlyAllowed,
        other => panic!("no mode is called {other}"),
    }
}

impl World {
    pub(crate) fn verdict(&self, request: &Request, mode: Mode) -> Verdict {
        decide(request, &self.rules, mode, &self.grants)
    }
}
