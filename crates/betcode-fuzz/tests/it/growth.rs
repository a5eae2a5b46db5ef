//! The state of a parser has an end, however many sub-agents, calls, tasks and requests an agent names.

use betcode_agents::{Agent, Kind};
use betcode_core::observation::Observations;
use betcode_fuzz::target;

/// More than anything is remembered of.
const TIMES: usize = 3_000;

#[test]
fn no_kind_of_line_lets_the_state_grow_for_ever() {
    let seeds = (target("parser").unwrap().seeds)();
    let lines = seeds.iter().filter(|seed| !seed.contains(&b'\n'));
    let mut tried = 0;
    for line in lines {
        let Ok(line) = std::str::from_utf8(line) else {
            continue;
        };
        // Ids are what differs from one line to the next; a hexadecimal digit more makes another one.
        let mut agent = Agent::new(Kind::ClaudeCode);
        let mut sizes = Vec::new();
        for number in 0..TIMES {
            let other = line
                .replace("toolu_", &format!("toolu_{number:x}"))
                .replace("msg_", &format!("msg_{number:x}"))
                .replace("\"request_id\":\"", &format!("\"request_id\":\"{number:x}"))
                .replace("\"task_id\":\"", &format!("\"task_id\":\"{number:x}"));
            let mut out = Observations::new();
            agent.line(other.as_bytes(), &mut out);
            if number % (TIMES / 3) == TIMES / 3 - 1 {
                sizes.push(agent.state().len());
            }
        }
        tried += 1;
        assert!(
            sizes[2] <= sizes[1] + sizes[1] / 4 + 4096,
            "it grows and grows, {sizes:?}: {line}"
        );
    }
    assert!(tried > 30, "{tried} kinds of line");
}
