//! How long a verdict takes with 500 rules: taking the call apart, resolved paths given, and deciding.
//!
//! `cargo run --release -p betcode-rules --example verdict`
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "it measures"
)]

use std::time::Instant;

use betcode_rules::{
    Directory, Grants, Layer, Mode, Origin, OriginKind, Place, Placed, Protected, Request, Rule,
    Rules, decide,
};
use serde_json::json;

fn main() {
    let mut layer = Layer {
        origin: Origin {
            kind: OriginKind::User,
            file: None,
        },
        trusted: true,
        allow: vec![],
        ask: vec![],
        deny: vec![],
    };
    for number in 0..100 {
        let placed = |text: String| Placed {
            rule: Rule::parse(&text).unwrap(),
            line: None,
        };
        layer
            .allow
            .push(placed(format!("Bash(npm run task{number}:*)")));
        layer
            .allow
            .push(placed(format!("Bash(git * branch{number} *)")));
        layer.deny.push(placed(format!("Bash(rm *{number})")));
        layer
            .allow
            .push(placed(format!("Edit(src/**/module{number}/*.rs)")));
        layer
            .deny
            .push(placed(format!("Read(~/secret{number}/**)")));
    }
    let protected = Protected {
        denied: vec!["~/.config/betcode/**".into()],
        always_ask: vec!["/**/.claude/settings*".into()],
    };
    let rules = Rules::new(&[layer], &protected).unwrap();
    let home = Directory::new("/home/u", "/home/u");
    let project = Directory::new("/home/u/proj", "/home/u/proj");
    let place = Place {
        cwd: project.clone(),
        project,
        home,
        additional: vec![],
        case_insensitive: false,
    };
    let grants = Grants::default();
    for (tool, input) in [
        ("Bash", json!({ "command": "git push origin main" })),
        (
            "Bash",
            json!({ "command": "cargo test -p betcode-core && npm run test -- --watch | tail -5 > out.txt" }),
        ),
        (
            "Bash",
            json!({ "command": "for f in a b; do echo \"$f $(date)\"; rm $f; done" }),
        ),
        (
            "Bash",
            json!({ "command": "cat src/a.rs ~/secret7/x src/b.rs" }),
        ),
        ("Edit", json!({ "file_path": "src/a/module99/b.rs" })),
        ("WebFetch", json!({ "url": "https://example.com/" })),
    ] {
        let once = || {
            let start = Instant::now();
            let request = Request::new(tool, &input, &place);
            let answers: Vec<Option<String>> = request
                .wanted()
                .iter()
                .map(|wanted| Some(wanted.path.clone()))
                .collect();
            let verdict = decide(&request.resolve(answers), &rules, Mode::Default, &grants);
            (start.elapsed(), verdict.decision)
        };
        let mut times: Vec<_> = (0..4000).map(|_| once()).collect();
        times.sort_by_key(|(time, _)| *time);
        let at = |part: usize| {
            times
                .get(times.len() * part / 100)
                .map_or(0.0, |(time, _)| time.as_nanos() as f64 / 1000.0)
        };
        println!(
            "{:>7.1} µs median {:>7.1} µs 95 %  {tool} {input}",
            at(50),
            at(95)
        );
    }
}
