//! How long a verdict takes with 500 rules: taking the call apart, and comparing. Where its paths lead is given; following them
//! is the file system's time.

use std::hint::black_box;

use anyhow::{Context as _, Result};
use betcode_rules::{
    Directory, Grants, Layer, Mode, Origin, OriginKind, Place as Ground, Placed, Protected,
    Request, Rule, Rules, decide,
};
use serde_json::{Value, json};

use super::profile::Place;
use super::report::{Goal, Report, percentile};
use super::{Options, calibrate, goals};
use crate::clock;

/// Verdicts of one repetition.
const VERDICTS: usize = 2_000;

/// Measures verdicts.
pub(super) fn run(
    _: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let repetitions = if options.quick { 3 } else { 9 };
    let rules = five_hundred()?;
    let place = ground();
    for (what, tool, input) in calls() {
        let (mut medians, mut highs) = (Vec::new(), Vec::new());
        for _ in 0..repetitions {
            let mut samples: Vec<f64> = (0..VERDICTS)
                .map(|_| {
                    let start = clock::now();
                    black_box(verdict(&rules, &place, tool, &input));
                    start.elapsed().as_secs_f64() * 1_000_000.0
                })
                .collect();
            medians.push(percentile(&mut samples, 50));
            highs.push(percentile(&mut samples, 99));
        }
        let goal = Goal::Below(goals::VERDICT_US);
        report.add(
            format!("500 rules, {what}, median"),
            "µs",
            goal,
            &medians,
            None,
        );
        report.add(
            format!("500 rules, {what}, 99 %"),
            "µs",
            Goal::None,
            &highs,
            None,
        );
    }
    Ok(())
}

fn verdict(rules: &Rules, place: &Ground, tool: &str, input: &Value) -> betcode_rules::Decision {
    let request = Request::new(tool, input, place);
    let paths: Vec<_> = request
        .wanted()
        .iter()
        .map(|wanted| Some(wanted.path.clone()))
        .collect();
    decide(
        &request.resolve(paths),
        rules,
        Mode::Default,
        &Grants::default(),
    )
    .decision
}

fn calls() -> Vec<(&'static str, &'static str, Value)> {
    let command = |command: &str| json!({ "command": command });
    vec![
        ("one command", "Bash", command("git push origin main")),
        (
            "a pipeline that writes",
            "Bash",
            command("cargo test -p core && npm run test -- --watch | tail -5 > out.txt"),
        ),
        (
            "a loop with substitutions",
            "Bash",
            command("for f in a b; do echo \"$f $(date)\"; rm $f; done"),
        ),
        (
            "three files",
            "Bash",
            command("cat src/a.rs ~/secret7/x src/b.rs"),
        ),
        (
            "an edit",
            "Edit",
            json!({ "file_path": "src/a/module99/b.rs" }),
        ),
        (
            "a fetch",
            "WebFetch",
            json!({ "url": "https://example.com/" }),
        ),
    ]
}

fn five_hundred() -> Result<Rules> {
    let mut layer = Layer {
        origin: Origin {
            kind: OriginKind::User,
            file: None,
        },
        trusted: true,
        allow: Vec::new(),
        ask: Vec::new(),
        deny: Vec::new(),
    };
    for number in 0..100 {
        let placed = |text: String| {
            let rule = Rule::parse(&text).with_context(|| text.clone())?;
            Ok::<_, anyhow::Error>(Placed { rule, line: None })
        };
        layer
            .allow
            .push(placed(format!("Bash(npm run task{number}:*)"))?);
        layer
            .allow
            .push(placed(format!("Bash(git * branch{number} *)"))?);
        layer.deny.push(placed(format!("Bash(rm *{number})"))?);
        layer
            .allow
            .push(placed(format!("Edit(src/**/module{number}/*.rs)"))?);
        layer
            .deny
            .push(placed(format!("Read(~/secret{number}/**)"))?);
    }
    let protected = Protected {
        denied: vec!["~/.config/betcode/**".to_owned()],
        always_ask: vec!["//**/.claude/settings*".to_owned()],
    };
    Ok(Rules::new(&[layer], &protected)?)
}

fn ground() -> Ground {
    let project = Directory::new("/home/u/proj", "/home/u/proj");
    Ground {
        cwd: project.clone(),
        project,
        home: Directory::new("/home/u", "/home/u"),
        additional: Vec::new(),
        case_insensitive: false,
    }
}
