//! Transcripts that Claude Code keeps itself, recorded and hostile ones: what they tell, and that nothing makes the reader fail.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use betcode_agents::history::{Outline, Survey, Tale, Teller, Told, directory_name};
use betcode_core::event::StopReason;
use betcode_core::observation::Observation;
use proptest::prelude::*;

use crate::snapshots::line as observed;

struct Kept {
    name: String,
    main: Vec<Vec<u8>>,
    /// By the call that started each.
    nested: Vec<(String, Vec<Vec<u8>>)>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/claude-sessions")
}

fn lines(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    bytes.lines_of()
}

trait LinesOf {
    fn lines_of(&self) -> Vec<Vec<u8>>;
}

impl LinesOf for Vec<u8> {
    fn lines_of(&self) -> Vec<Vec<u8>> {
        let whole = self.strip_suffix(b"\n").unwrap_or(self);
        whole
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn all() -> Vec<Kept> {
    let mut all = Vec::new();
    for case in entries(&directory())
        .into_iter()
        .filter(|path| path.is_dir())
    {
        let files = entries(&case).into_iter().filter(|path| path.is_file());
        for (number, path) in (1..).zip(files) {
            let nested = entries(&path.with_extension("").join("subagents"));
            let nested = nested
                .iter()
                .filter(|path| path.extension() == Some("jsonl".as_ref()));
            all.push(Kept {
                name: format!("{}-{number}", case.file_name().unwrap().to_str().unwrap()),
                main: lines(&path),
                nested: nested.map(|path| (call(path), lines(path))).collect(),
            });
        }
    }
    assert!(all.len() > 10, "the fixtures are missing");
    all
}

fn call(path: &Path) -> String {
    let meta = std::fs::read(path.with_extension("meta.json")).unwrap();
    let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap();
    meta["toolUseId"].as_str().unwrap().to_owned()
}

fn outline(lines: &[Vec<u8>]) -> Outline {
    let mut survey = Survey::new();
    for line in lines {
        survey.line(line);
    }
    survey.finish()
}

fn told(lines: &[Vec<u8>]) -> Vec<Told> {
    let mut teller = Teller::new(&outline(lines));
    let mut out = Vec::new();
    for line in lines {
        teller.line(line, &mut out);
    }
    teller.end(&mut out);
    out
}

fn story(kept: &Kept) -> String {
    let outline = outline(&kept.main);
    let mut story = format!(
        "title {:?}, in {}, {}, {} messages, {} lines left out\n",
        outline.shown_title(),
        outline.cwd,
        outline.model,
        outline.messages,
        outline.left_out,
    );
    let mut teller = Teller::new(&outline);
    let mut out = Vec::new();
    for line in &kept.main {
        teller.line(line, &mut out);
        // A sub-agent's lines come with the first word about it that is later than they are.
        for (call, lines) in &kept.nested {
            let started = |told: &Told| matches!(&told.what, Tale::Seen(seen) if matches!(&seen.observation, Observation::ToolStarted { id, .. } if id.0 == *call));
            if out.last().is_some_and(started) {
                for line in lines {
                    teller.nested(call, line, &mut out);
                }
            }
        }
    }
    teller.end(&mut out);
    assert_eq!(teller.left_out(), 0, "{}", kept.name);
    for Told { at, what } in out {
        assert!(at.is_some(), "{}: {what:?}", kept.name);
        match what {
            Tale::Prompt(prompt) => {
                assert!(prompt.id.is_some(), "{}", kept.name);
                writeln!(story, "> {} {:?}", prompt.text, prompt.attachments).unwrap();
            }
            Tale::Seen(seen) => {
                if let Some(parent) = seen.parent {
                    write!(story, "  [{parent}] ").unwrap();
                }
                writeln!(story, "{}", observed(&seen.observation)).unwrap();
            }
        }
    }
    story
}

#[test]
fn every_transcript_tells_its_conversation() {
    for kept in all() {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path("snapshots/kept");
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(kept.name.clone(), story(&kept)));
    }
}

/// Every turn begins once and ends once: prompts and work are followed by one result and one rest.
fn turns_are_whole(told: &[Told]) {
    let (mut open, mut results) = (false, 0);
    for told in told {
        match &told.what {
            Tale::Prompt(_) => open = true,
            Tale::Seen(seen) => match &seen.observation {
                Observation::Working => open = true,
                Observation::Result(_) => results += 1,
                Observation::Idle => {
                    assert_eq!(results, 1, "{told:?}");
                    (open, results) = (false, 0);
                }
                _ => assert_eq!(results, 0, "{told:?}"),
            },
        }
    }
    assert!(!open && results == 0, "a turn has no end");
}

#[test]
fn every_turn_that_is_told_ends_once_wherever_the_file_ends() {
    for kept in all() {
        for end in 0..=kept.main.len() {
            turns_are_whole(&told(&kept.main[..end]));
        }
    }
}

#[test]
fn a_torn_last_line_counts_for_nothing_and_a_whole_one_for_itself() {
    let kept = all()
        .into_iter()
        .find(|kept| kept.name == "plain-1")
        .unwrap();
    let (last, before) = kept.main.split_last().unwrap();
    for cut in [1, last.len() / 2, last.len() - 1] {
        let mut survey = Survey::new();
        for line in before {
            survey.line(line);
        }
        survey.torn(&last[..cut]);
        assert_eq!(survey.finish().left_out, 0);
    }
    let mut survey = Survey::new();
    for line in before {
        survey.line(line);
    }
    survey.torn(last);
    assert_eq!(survey.finish(), outline(&kept.main));
}

#[test]
fn a_line_that_is_lost_leaves_the_rest_of_the_conversation() {
    let kept = all()
        .into_iter()
        .find(|kept| kept.name == "tool-1")
        .unwrap();
    let whole = outline(&kept.main);
    for lost in 0..kept.main.len() {
        let mut lines = kept.main.clone();
        lines[lost] = b"{\"type\":\"user\",".to_vec();
        let outline = outline(&lines);
        assert_eq!(outline.left_out, 1);
        assert!(
            outline.messages + 1 >= whole.messages,
            "line {lost}: {outline:?}"
        );
        turns_are_whole(&told(&lines));
    }
}

#[test]
fn a_conversation_that_was_cut_off_says_so_and_one_that_was_stopped_too() {
    let ends = |name: &str| -> Vec<StopReason> {
        let kept = all().into_iter().find(|kept| kept.name == name).unwrap();
        let results = told(&kept.main)
            .into_iter()
            .filter_map(|told| match told.what {
                Tale::Seen(seen) => match seen.observation {
                    Observation::Result(result) => Some(result.stop_reason),
                    _ => None,
                },
                Tale::Prompt(_) => None,
            });
        results.collect()
    };
    assert_eq!(ends("noanswer-1"), [StopReason::AgentExited]);
    assert_eq!(
        ends("interrupted-1"),
        [StopReason::Cancelled, StopReason::EndTurn]
    );
    assert_eq!(ends("error-1"), [StopReason::Error, StopReason::EndTurn]);
    assert_eq!(ends("plain-1"), [StopReason::EndTurn, StopReason::EndTurn]);
}

#[test]
fn the_name_of_a_directory_is_what_claude_code_makes_of_it() {
    for (directory, name) in [
        ("/workspace", "-workspace"),
        ("/tmp/w/odd_näme.x y(1)", "-tmp-w-odd-n-me-x-y-1-"),
        ("/w/😀emoji", "-w---emoji"),
    ] {
        assert_eq!(directory_name(directory), (name.to_owned(), false));
    }
    let long = format!("/{}", "l".repeat(300));
    let (name, is_longer) = directory_name(&long);
    assert!(is_longer);
    assert_eq!(name, format!("-{}-", "l".repeat(199)));
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<Vec<u8>> = all().into_iter().flat_map(|kept| kept.main).collect();
    let real = proptest::sample::select(lines);
    prop_oneof![
        4 => real.clone(),
        2 => (real, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut line, at, byte)| {
            let at = at.index(line.len());
            line[at] = byte;
            line
        }),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
        1 => r#"\{"type":"(user|assistant|system|attachment|last-prompt|summary|x)","uuid":"[ab]","parentUuid":("[abc]"|null|1),"message":(\{"content":("x"|\[\{"type":"tool_use"\}\]|1|null)\}|"x"|null)\}"#
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_file_makes_the_reader_fail_and_the_same_file_tells_the_same(
        lines in proptest::collection::vec(piece(), 0..40)
    ) {
        let first = told(&lines);
        turns_are_whole(&first);
        prop_assert_eq!(first, told(&lines));
        prop_assert_eq!(outline(&lines), outline(&lines));
    }
}
