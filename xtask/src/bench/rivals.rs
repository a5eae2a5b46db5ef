//! The screens of other agents on the same terminal and in the same run as ours: pinned packages from npm, each with a
//! home of its own in which the questions of a first start are answered, a key that is none, and a model that is played by
//! this process.
//!
//! A rival that cannot be installed or driven is named with the reason and left out. All its rows are there, or none. Its
//! figures are those of the program with everything that lives in its home: a rival is screen and agent in one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Error, Result};
use betcode_testkit::fake_model::{FakeModel, Reply, Scene, Script};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::report::{Goal, Report};
use super::terminal::Terminal;
use super::tui::{self, ANSWER_UNITS, IDLE_UNITS, WORDS, WORDS_A_SECOND};
use super::{Options, process};
use crate::real_agents::install;

/// The cue of the answer, and its last word.
const CUE: &str = "#count";
const LAST: &str = "that-was-all";
/// No screen breaks a draft of so many keys.
const KEYS: usize = 50;
/// How long a start may be busy behind its input.
const WARM_UP: Duration = Duration::from_secs(10);
/// For a program that never stops writing.
const SETTLED: Duration = Duration::from_secs(10);

/// Another agent.
struct Rival {
    name: &'static str,
    version: &'static str,
    /// Its program, installed if it is not there yet.
    program: fn() -> Result<PathBuf>,
    /// What its input shows when it can be used.
    ready: &'static str,
    /// Writes what it wants in its home before it starts without questions. It works in the second directory.
    prepare: fn(&Path, &Path, &FakeModel) -> Result<()>,
    /// Its variables.
    variables: fn(&FakeModel) -> Vec<(&'static str, String)>,
}

const RIVALS: &[Rival] = &[
    Rival {
        name: "Claude Code",
        version: install::CLAUDE_CODE,
        program: install::claude_code,
        ready: "(shift+tab to cycle)",
        prepare: claude_code,
        variables: |model| {
            vec![
                ("ANTHROPIC_BASE_URL", model.base_url()),
                ("ANTHROPIC_API_KEY", KEY.to_owned()),
                ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
                ("DISABLE_AUTOUPDATER", "1".to_owned()),
            ]
        },
    },
    Rival {
        name: "codex",
        version: install::CODEX,
        program: install::codex,
        ready: "Ask Codex to do anything",
        prepare: codex,
        variables: |_| vec![(CODEX_KEY, KEY.to_owned())],
    },
    Rival {
        name: "opencode",
        version: install::OPENCODE,
        program: install::opencode,
        ready: "Ask anything",
        prepare: opencode,
        variables: |_| {
            vec![
                ("OPENCODE_DISABLE_MODELS_FETCH", "1".to_owned()),
                ("OPENCODE_DISABLE_AUTOUPDATE", "1".to_owned()),
            ]
        },
    },
];

/// The variable in which codex is told to look for its key.
const CODEX_KEY: &str = "FAKE_MODEL_KEY";
/// A key that opens nothing.
const KEY: &str = "test";

fn claude_code(home: &Path, work: &Path, _: &FakeModel) -> Result<()> {
    let known = json!({
        "hasCompletedOnboarding": true,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [KEY], "rejected": []},
        "projects": {work.display().to_string(): {"hasTrustDialogAccepted": true}},
    });
    write(&home.join(".claude.json"), &known.to_string())
}

fn codex(home: &Path, work: &Path, model: &FakeModel) -> Result<()> {
    let (work, base) = (work.display(), model.base_url());
    let config = format!(
        r#"model = "gpt-5.1-codex"
model_provider = "fake"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.fake]
name = "fake"
base_url = "{base}/v1"
env_key = "{CODEX_KEY}"
wire_api = "responses"

[projects."{work}"]
trust_level = "trusted"
"#
    );
    write(&home.join(".codex/config.toml"), &config)
}

fn opencode(home: &Path, _: &Path, model: &FakeModel) -> Result<()> {
    let name = "claude-sonnet-4-5";
    let used = format!("anthropic/{name}");
    let config = json!({
        "model": used,
        "small_model": used,
        "autoupdate": false,
        // The answer is to be asked for once, not for a title too.
        "agent": {"title": {"disable": true}},
        "provider": {"anthropic": {
            "options": {"baseURL": format!("{}/v1", model.base_url()), "apiKey": KEY},
            "models": {name: {"name": "fake"}},
        }},
    });
    let file = home.join(".config/opencode/opencode.json");
    write(&file, &config.to_string())
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(file, text).with_context(|| file.display().to_string())
}

/// Measures every rival that can be.
pub(super) fn run(options: &Options, report: &mut Report) {
    if !install::npm_is_there() {
        report.note("rivals: left out, because npm is missing, which installs them");
        return;
    }
    for rival in RIVALS {
        match rival.measure(options) {
            Ok(figures) => {
                for figure in figures {
                    let what = format!("{} {}, {}", rival.name, rival.version, figure.what);
                    report.add(what, figure.unit, Goal::None, &figure.samples, None);
                }
            }
            Err(error) => report.note(format!(
                "{} {}: left out, because {}",
                rival.name,
                rival.version,
                in_one_line(&error)
            )),
        }
    }
}

/// What was measured.
struct Figure {
    what: String,
    unit: &'static str,
    samples: Vec<f64>,
}

/// An error may show a whole screen; the beginning tells what it is.
fn in_one_line(error: &Error) -> String {
    const LONGEST: usize = 400;
    let text = format!("{error:#}");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

impl Rival {
    fn measure(&self, options: &Options) -> Result<Vec<Figure>> {
        let program = (self.program)()?;
        let home = Home::new()?;
        let model = FakeModel::start(script())?;
        (self.prepare)(home.path(), &home.work(), &model)?;
        let start = || -> Result<Terminal> {
            let mut command = Command::new(&program);
            command
                .current_dir(home.work())
                .env("HOME", home.path())
                // Nothing leaves this machine.
                .env("HTTP_PROXY", NOWHERE)
                .env("HTTPS_PROXY", NOWHERE)
                .env("NO_PROXY", "127.0.0.1,localhost")
                .envs((self.variables)(&model));
            if let Some(path) = std::env::var_os("PATH") {
                command.env("PATH", path);
            }
            let mut terminal = Terminal::start(&command)?;
            terminal.wait_for(self.ready)?;
            Ok(terminal)
        };
        // What is done only once in a home does not count.
        let first = start()?;
        warm_up();
        drop(first);
        let (mut frames, mut inputs) = (Vec::new(), Vec::new());
        for _ in 0..if options.quick { 2 } else { 5 } {
            let terminal = start()?;
            frames.push(terminal.first(|screen| !screen.trim().is_empty())?);
            inputs.push(terminal.first(|screen| screen.contains(self.ready))?);
        }
        let mut figures = vec![
            Figure {
                what: "first frame".to_owned(),
                unit: "ms",
                samples: frames,
            },
            Figure {
                what: "input".to_owned(),
                unit: "ms",
                samples: inputs,
            },
        ];
        conversation(&home, &mut start()?, &mut figures)?;
        Ok(figures)
    }
}

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// What a start brings about after the input is there is not to be taken for idling.
fn warm_up() {
    // a pause, because: nothing tells when a rival has done that
    std::thread::sleep(WARM_UP);
}

/// Idle, keys, an answer, idle again.
fn conversation(home: &Home, terminal: &mut Terminal, figures: &mut Vec<Figure>) -> Result<()> {
    warm_up();
    idle(home, terminal, figures, "before")?;
    figures.push(Figure {
        what: "a key is seen, idle".to_owned(),
        unit: "ms",
        samples: tui::typed(terminal, KEYS)?,
    });
    terminal.settles(SETTLED);
    let costs = tui::answer(
        terminal,
        |pid| home.family(pid),
        &format!("please {CUE}"),
        |screen| screen.contains(LAST),
        |terminal| {
            terminal.settles(SETTLED);
            Ok(())
        },
    )?;
    let what = format!("an answer of {WORDS} words");
    add(figures, &what, ANSWER_UNITS, costs);
    idle(home, terminal, figures, "after")
}

/// What is written and what the processor does. Wake-ups say nothing of a program whose threads come and go.
fn idle(home: &Home, terminal: &Terminal, figures: &mut Vec<Figure>, when: &str) -> Result<()> {
    let [written, processor, _] = tui::idle(terminal, &home.family(terminal.pid()))?;
    let [bytes, ticks, _] = IDLE_UNITS;
    let when = format!("idle {when} an answer");
    add(figures, &when, [bytes, ticks], [written, processor]);
    Ok(())
}

fn add<const N: usize>(
    figures: &mut Vec<Figure>,
    when: &str,
    units: [(&str, &'static str); N],
    values: [f64; N],
) {
    figures.extend(
        units
            .into_iter()
            .zip(values)
            .map(|((what, unit), value)| Figure {
                what: format!("{when}: {what}"),
                unit,
                samples: vec![value],
            }),
    );
}

/// The answer: one paragraph of numbers, as ours shows its answer, and a word that nothing else says.
fn script() -> Script {
    let words = (1..WORDS).map(|number| format!("{number} "));
    let words = words.chain([LAST.to_owned()]);
    let pause = Duration::from_secs(1) / WORDS_A_SECOND;
    Script::new([Scene::new(CUE).reply(Reply::slow(words, pause))])
}

/// The home of a rival, outside of every checkout, which it would look at. What still runs with it in its environment
/// ends with it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Result<Self> {
        let home = tempfile::Builder::new().prefix("rival-").tempdir()?;
        std::fs::create_dir(home.path().join("work"))?;
        Ok(Self(home))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A program that has this home, and all else that has.
    fn family(&self, program: u32) -> Vec<u32> {
        let others = self.processes().into_iter();
        let others = others.filter(|pid| *pid != program);
        std::iter::once(program).chain(others).collect()
    }

    fn processes(&self) -> Vec<u32> {
        process::marked(&format!("HOME={}\0", self.path().display()))
    }

    fn work(&self) -> PathBuf {
        self.path().join("work")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for pid in self.processes() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                kill_process(pid, Signal::KILL).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_shows_a_screen_stays_one_line() {
        let error = Error::msg("not in time; the screen is\n\n  Log in\n\n").context("no input");
        assert_eq!(
            in_one_line(&error),
            "no input: not in time; the screen is Log in"
        );
        let long = in_one_line(&Error::msg("ä".repeat(500)));
        assert!(
            long.ends_with("ä …") && long.chars().count() == 402,
            "{long}"
        );
    }

    #[test]
    fn the_answer_has_as_many_words_as_it_says() {
        let chosen = format!("{:?}", script());
        assert!(chosen.contains("\"1999 \"") && !chosen.contains("\"2000 \""));
        assert!(chosen.contains("pause: 10ms"), "{chosen}");
    }
}
