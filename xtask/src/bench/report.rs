//! Figures: medians with their range, compared with goals, as a table and as JSON.

use serde::Serialize;

/// What a figure is measured against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Goal {
    AtLeast(f64),
    Below(f64),
    /// It is only reported.
    None,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    what: String,
    unit: &'static str,
    goal: Option<f64>,
    median: f64,
    least: f64,
    most: f64,
    repetitions: usize,
    /// As a part of the calibration, where that means something.
    ratio: Option<f64>,
    reached: Option<bool>,
}

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    rows: Vec<Row>,
    notes: Vec<String>,
    failed: Vec<String>,
}

/// The value that so many percent lie below. The samples are sorted for it.
pub(super) fn percentile(samples: &mut [f64], percent: usize) -> f64 {
    samples.sort_by(f64::total_cmp);
    let index = (samples.len() * percent / 100).min(samples.len().saturating_sub(1));
    samples.get(index).copied().unwrap_or(f64::NAN)
}

/// The middle value.
pub(super) fn median(samples: &[f64]) -> f64 {
    percentile(&mut samples.to_vec(), 50)
}

impl Report {
    /// Adds a figure with all its repetitions and, where it means something, its ratio to the calibration.
    pub(super) fn add(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        goal: Goal,
        samples: &[f64],
        ratio: Option<f64>,
    ) {
        let mut sorted = samples.to_vec();
        let value = percentile(&mut sorted, 50);
        let (goal, reached) = match goal {
            Goal::AtLeast(goal) => (Some(goal), Some(value >= goal)),
            // Of what must not happen at all, none is few enough.
            Goal::Below(goal) => (Some(goal), Some(value < goal || value == 0.0)),
            Goal::None => (None, None),
        };
        let row = Row {
            what: what.into(),
            unit,
            goal,
            median: value,
            least: sorted.first().copied().unwrap_or(f64::NAN),
            most: sorted.last().copied().unwrap_or(f64::NAN),
            repetitions: sorted.len(),
            ratio,
            reached,
        };
        println!("{}", line(&row));
        self.rows.push(row);
    }

    /// Adds a remark that explains a figure.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        println!("    {note}");
        self.notes.push(note);
    }

    /// A measurement could not be made.
    pub(super) fn failed(&mut self, name: &str, error: &anyhow::Error) {
        println!("    {name}: cannot be measured: {error:#}");
        self.failed.push(format!("{name}: {error:#}"));
    }

    /// How many goals were not reached, or could not be looked at.
    pub(super) fn missed(&self) -> usize {
        let missed = self.rows.iter().filter(|row| row.reached == Some(false));
        missed.count() + self.failed.len()
    }

    /// Prints the table.
    pub(super) fn finish(&self) {
        println!("\n{}", header());
        for row in &self.rows {
            println!("{}", line(row));
        }
        for failed in &self.failed {
            println!("not measured: {failed}");
        }
    }

    /// Everything as JSON.
    pub(super) fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

fn header() -> String {
    format!(
        "{:<58} {:>12} {:>12} {:>23} {:>6}  ok?",
        "what", "goal", "measured", "range", "ratio"
    )
}

fn line(row: &Row) -> String {
    let goal = row.goal.map_or_else(|| "-".to_owned(), number);
    let ratio = row
        .ratio
        .map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    let reached = match row.reached {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    };
    let range = if row.repetitions > 1 {
        format!("{} – {}", number(row.least), number(row.most))
    } else {
        String::new()
    };
    format!(
        "{:<58} {goal:>12} {:>12} {range:>23} {ratio:>6}  {reached}",
        format!("{}, {}", row.what, row.unit),
        number(row.median),
    )
}

/// A number with as many digits as mean something.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 1_000.0 => {
            let digits = format!("{value:.0}");
            let mut grouped = String::new();
            for (index, digit) in digits.char_indices() {
                if index > 0 && (digits.len() - index) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            grouped
        }
        middle if middle >= 20.0 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_reached_or_missed_by_the_median() {
        let mut report = Report::default();
        report.add(
            "fast",
            "lines/s",
            Goal::AtLeast(10.0),
            &[5.0, 11.0, 12.0],
            None,
        );
        report.add("late", "ms", Goal::Below(10.0), &[5.0, 11.0, 12.0], None);
        report.add("never", "times", Goal::Below(0.0), &[0.0], None);
        report.add("some", "MB", Goal::None, &[7.0], None);
        let reached: Vec<_> = report.rows.iter().map(|row| row.reached).collect();
        assert_eq!(reached, [Some(true), Some(false), Some(true), None]);
        assert_eq!(report.missed(), 1);
        report.failed("disk", &anyhow::anyhow!("no"));
        assert_eq!(report.missed(), 2);
    }

    #[test]
    fn numbers_are_short_and_grouped() {
        let shown = [1_234_567.8, 999.96, 12.3456, 0.0].map(number);
        assert_eq!(shown, ["1,234,568", "1000.0", "12.346", "0"]);
    }

    #[test]
    fn percentiles_are_samples() {
        let mut samples: Vec<f64> = (0..200).rev().map(f64::from).collect();
        let shown = [50, 99].map(|percent| number(percentile(&mut samples, percent)));
        assert_eq!(shown, ["100.0", "198.0"]);
        assert!(percentile(&mut [], 50).is_nan());
    }
}
