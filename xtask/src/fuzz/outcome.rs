//! What libFuzzer says of a run: how many inputs, how much was reached, what was found.

use std::fmt;

/// What came of running one target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Inputs that were tried.
    pub(super) runs: u64,
    /// How long it took.
    pub(super) seconds: u64,
    /// Edges that were reached at the beginning, by what was known before.
    pub(super) known: u64,
    /// Edges that were reached.
    pub(super) edges: u64,
    /// Edges there are, of all that is in the program.
    pub(super) all: u64,
    /// Inputs that reach everything that was reached.
    pub(super) corpus: u64,
    /// Files with inputs that break a law, or take too long, or too much memory.
    pub(super) artifacts: Vec<String>,
}

impl Outcome {
    /// What stands over the rows.
    pub(super) const HEAD: &'static str =
        "target         inputs  seconds  edges: before, reached, all  corpus  found";

    /// Reads the lines of a run.
    pub(super) fn read(said: &str) -> Self {
        let mut outcome = Self::default();
        for line in said.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let after = |word: &str| {
                let at = words.iter().position(|found| *found == word)?;
                words.get(at + 1).copied()
            };
            let number = |text: Option<&str>| {
                let digits = text?.split(|c: char| !c.is_ascii_digit()).next()?;
                digits.parse::<u64>().ok()
            };
            if let Some(edges) = number(after("cov:")) {
                outcome.edges = edges;
                if words.contains(&"INITED") {
                    outcome.known = edges;
                }
                outcome.corpus = number(after("corp:")).unwrap_or(outcome.corpus);
            } else if let Some(all) = line.strip_prefix("INFO: Loaded 1 modules") {
                let count = all.split(['(', ' ']).find(|word| !word.is_empty());
                outcome.all = number(count).unwrap_or_default();
            } else if let Some(runs) = number(after("stat::number_of_executed_units:")) {
                outcome.runs = runs;
            } else if let Some((_, path)) = line.split_once("Test unit written to ") {
                outcome.artifacts.push(path.trim().to_owned());
            }
        }
        outcome
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            runs,
            seconds,
            known,
            edges,
            all,
            corpus,
            artifacts,
        } = self;
        write!(
            f,
            "{runs:>10} {seconds:>8} {known:>14} {edges:>8} {all:>6} {corpus:>7}  {}",
            if artifacts.is_empty() {
                "nothing"
            } else {
                "broken laws:"
            }
        )?;
        artifacts
            .iter()
            .try_for_each(|artifact| write!(f, "\n  {artifact}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "INFO: Running with entropic power schedule (0xFF, 100).\n\
        INFO: Seed: 1\n\
        INFO: Loaded 1 modules   (1234 inline 8-bit counters): 1234 [0x1, 0x2),\n\
        #2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 38Mb\n\
        #512\tNEW    cov: 45 ft: 90 corp: 7/80b lim: 8 exec/s: 512 rss: 40Mb L: 3/9 MS: 1 ChangeBit-\n\
        ==7== ERROR: libFuzzer: deadly signal\n\
        artifact_prefix='found/x/'; Test unit written to found/x/crash-abc\n\
        stat::number_of_executed_units: 600\n";

    #[test]
    fn the_numbers_of_a_run_are_read_from_what_is_printed() {
        let expected = Outcome {
            runs: 600,
            seconds: 0,
            known: 12,
            edges: 45,
            all: 1234,
            corpus: 7,
            artifacts: vec!["found/x/crash-abc".to_owned()],
        };
        assert_eq!(Outcome::read(SAID), expected);
        assert!(
            expected
                .to_string()
                .contains("broken laws:\n  found/x/crash-abc")
        );
    }

    #[test]
    fn a_run_that_says_nothing_has_done_nothing() {
        assert_eq!(Outcome::read(""), Outcome::default());
    }
}
