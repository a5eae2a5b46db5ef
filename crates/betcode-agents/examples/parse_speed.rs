//! Measures what one streamed text delta costs: parsing and joining, in a process that does nothing else.
//! `cargo run --release -p betcode-agents --example parse_speed`

use std::hint::black_box;

use betcode_agents::{Agent, Kind};
use betcode_core::observation::Observations;

const LINES: u32 = 2_000_000;
/// As many lines as a reader gets in one read, more or less.
const BATCH: u32 = 200;

#[expect(
    clippy::disallowed_methods,
    reason = "an example that measures time is its own clock"
)]
#[expect(clippy::print_stdout, reason = "the figure is what it is for")]
fn main() {
    let line = br#"{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello, all! "}},"session_id":"5c3b02c2-7f93-44b0-92de-6712ab588578","parent_tool_use_id":null,"uuid":"15c95cfd-81a2-4198-b222-a568244e41e1","api_message_id":"msg_fake000127"}"#;
    let mut agent = Agent::new(Kind::ClaudeCode);
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = std::time::Instant::now();
        for _ in 0..LINES / BATCH {
            let mut out = Observations::new();
            for _ in 0..BATCH {
                agent.line(black_box(line), &mut out);
            }
            black_box(out.take());
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(LINES));
    }
    println!("{:.3} µs for a line of {} bytes", best * 1e6, line.len());
}
