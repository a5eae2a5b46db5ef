//! `cargo xtask record`: plays the sessions that the README shows, for real and in a profile of their own, and draws what
//! came out of them as `docs/session.svg` and `docs/screen.svg`.

mod screen;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::lab::Lab;
use crate::task::{Task, Usage};
use crate::{executable, workspace};

/// The table entry of this task.
pub(crate) const TASK: Task = Task {
    name: "record",
    about: "play the sessions that the README shows and draw them as docs/session.svg and docs/screen.svg",
    help: "usage: cargo xtask record [--betcode PATH]\n\n  --betcode PATH   this program instead of a release build",
    run: record,
};

/// What is typed. Each line is run by a shell as it is shown.
const SCRIPT: [&str; 11] = [
    "betcode -p \"hello\"",
    "betcode -p \"/demo count n=2000 rate=1000\" > answer.txt &",
    "kill -9 $(betcode daemon status --json | grep -o '\"pid\":[0-9]*' | cut -d: -f2)",
    "wait; seq 1 2000 | cmp - answer.txt && echo \"the daemon was killed in mid-answer; nothing is missing\"",
    "betcode -p --wait-for-permissions '/demo permission command=\"echo done >> jobs\"' > said.txt 2>&1 &",
    "until betcode permission list | grep Bash; do sleep 0.1; done",
    "kill -9 $(betcode daemon status --json | grep -o '\"pid\":[0-9]*' | cut -d: -f2)",
    "betcode permission allow $(betcode permission list --json | cut -d'\"' -f4)",
    "wait; cat jobs",
    "betcode audit",
    "betcode session list",
];

const CHARACTER_WIDTH: usize = 8;
const LINE_HEIGHT: usize = 18;
const MARGIN: usize = 16;
const COLUMNS: usize = 108;

fn record(arguments: &[String]) -> Result<()> {
    let given = match arguments {
        [] => None,
        [flag, path] if flag == "--betcode" => Some(Path::new(path)),
        [argument, ..] => return Err(Usage::unknown(argument)),
    };
    let betcode = executable::betcode(given)?;
    ensure!(
        betcode.file_name().is_some_and(|name| name == "betcode"),
        "{} is typed as \"betcode\" in the session: give it that name",
        betcode.display()
    );
    for (name, draw) in [
        ("session", session as fn(&Lab) -> _),
        ("screen", screen::play),
    ] {
        let lab = Lab::new("record", betcode.clone())?;
        let picture = draw(&lab);
        lab.stop();
        let picture = picture?;
        let path = workspace::root().join("docs").join(format!("{name}.svg"));
        std::fs::write(&path, picture).with_context(|| path.display().to_string())?;
        println!("wrote {}", path.display());
        lab.remove();
    }
    Ok(())
}

fn session(lab: &Lab) -> Result<String> {
    play(lab).map(|text| draw(&text))
}

/// Runs the script in one shell, so that its background job is the shell's own.
fn play(lab: &Lab) -> Result<String> {
    let like = lab.betcode([""; 0]);
    let mut script = String::from("exec 2>&1\n");
    for line in SCRIPT {
        let _ = writeln!(script, "printf '%s\\n' '$ {}'", line.replace('\'', "'\\''"));
        let _ = writeln!(script, "{line}");
    }
    let directory = Path::new(like.get_program()).parent();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script])
        .current_dir(lab.path("work"))
        .env_clear();
    shell.envs(
        like.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    shell.env(
        "PATH",
        format!("{}:{path}", directory.unwrap_or(Path::new(".")).display()),
    );
    let output = shell.output().context("cannot run bash")?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success() && text.contains("nothing is missing"),
        "the session did not go as it should:\n{text}"
    );
    Ok(text)
}

fn draw(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let width = COLUMNS * CHARACTER_WIDTH + 2 * MARGIN;
    let height = lines.len() * LINE_HEIGHT + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n"
    );
    for (number, line) in lines.iter().enumerate() {
        let y = MARGIN + (number + 1) * LINE_HEIGHT - 5;
        let (fill, weight) = if line.starts_with("$ ") {
            ("#8fd18f", "bold")
        } else if line.starts_with("note: ") {
            ("#8b93a1", "normal")
        } else {
            ("#e6e6e6", "normal")
        };
        let shown: String = line.chars().take(COLUMNS).collect();
        let _ = writeln!(
            svg,
            "<text x=\"{MARGIN}\" y=\"{y}\" fill=\"{fill}\" font-weight=\"{weight}\" xml:space=\"preserve\">{}</text>",
            escape(&shown)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_drawn_and_marks_are_escaped() {
        let svg = draw("$ a > b\nnote: c & d\n<e>\n");
        assert_eq!(svg.matches("<text").count(), 3);
        assert!(svg.contains(">$ a &gt; b</text>") && svg.contains(">note: c &amp; d</text>"));
        assert!(svg.contains(">&lt;e&gt;</text>"));
    }
}
