//! Time grows with the length of a file, not faster.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::*;

/// A kind of text, made of a filler of some length.
type Shape = (Format, fn(&dyn Fn(&str) -> String) -> String);

/// Runs for one length; noise of a busy machine only ever makes one longer, so the shortest counts.
const RUNS: usize = 3;
/// How often a kind that looks slow is looked at again.
const ROUNDS: usize = 6;
/// Four times the text takes four times the time when it is linear and sixteen times when it is quadratic.
const MOST: f64 = 10.0;

const SHAPES: &[Shape] = &[
    (Format::Json, |fill| fill("[")),
    (Format::Json, |fill| fill("{\"permissions\":")),
    (Format::Json, |fill| fill("\"deny\":")),
    (Format::Json, |fill| fill("\"deny\"[")),
    (Format::Json, |fill| fill("\"deny\":[/*")),
    (Format::Json, |fill| fill("\"deny\":[\"")),
    (Format::Json, |fill| fill("deny:[' ")),
    (Format::Json, |fill| fill("deny ")),
    (Format::Json, |fill| format!("\"deny\":[{}", fill("\"a\" "))),
    (Format::Json, |fill| format!("\"deny\":[{}", fill("A "))),
    (Format::Json, |fill| {
        format!("{{\"permissions\":{{\"deny\":[{}\"A\"]}}}}", fill("\"(\","))
    }),
    (Format::Json, |fill| {
        let section = "\"permissions\":{\"deny\":[\"A\"],\"ask\":[\"B\"]},\n";
        format!("{{{}\"x\":1}}", fill(section))
    }),
    (Format::Json, |fill| {
        format!(
            "{{\"permissions\":{{{}\"x\":1}}}}",
            fill("\"deny\":[\"A\"],\n")
        )
    }),
    (Format::Json, |fill| {
        format!("{}{}", fill("\u{3000}"), fill("deny:1 "))
    }),
    (Format::Toml, |fill| format!("x =\n{}", fill("deny = ['"))),
    (Format::Toml, |fill| {
        format!("x =\n{}", fill("deny=[\"\"\""))
    }),
    (Format::Toml, |fill| format!("x =\ndeny=[{}", fill("'''"))),
    (Format::Toml, |fill| {
        format!("permissions.deny = [{}]", fill("'A',"))
    }),
    (Format::Toml, |fill| fill("[")),
    (Format::Toml, |fill| format!("x={}", fill("{a="))),
];

/// The time that this thread has had of a processor: what others do with it meanwhile does not count.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

fn time(format: Format, text: &str) -> Duration {
    let begun = spent();
    let found = laws::found(format, text.as_bytes().to_vec());
    let mut problems = Vec::new();
    let _layer = found.into_layer(origin(OriginKind::User, "file"), true, &mut problems);
    spent().checked_sub(begun).unwrap()
}

/// How many times as long the longer text takes. The two take turns, so that a busy moment meets both.
fn ratio(format: Format, short: &str, long: &str) -> f64 {
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..RUNS {
        for (shortest, text) in shortest.iter_mut().zip([short, long]) {
            *shortest = (*shortest).min(time(format, text));
        }
    }
    shortest[1].as_secs_f64() / shortest[0].as_secs_f64()
}

#[test]
fn four_times_the_text_takes_about_four_times_the_time() {
    for (format, shape) in SHAPES {
        let text = |length: usize| shape(&|part: &str| part.repeat(length / part.len()));
        let (short, long) = (text(1 << 14), text(1 << 16));
        let start: String = short.chars().take(40).collect();
        let is_linear = (0..ROUNDS).any(|_| ratio(*format, &short, &long) < MOST);
        assert!(is_linear, "{format:?} {start}");
    }
}
