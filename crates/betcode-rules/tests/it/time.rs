//! Time grows with the length of a command, not faster.

use std::time::Duration;

use betcode_rules::Mode;

use crate::world::{World, bash, world};

/// A kind of command, by its name and by how it is made in a size.
type Shape = (&'static str, fn(usize) -> String);

/// Runs for one size; noise of a busy machine only ever makes one longer, so the shortest counts.
const RUNS: usize = 7;
/// How often a kind of command that looks slow is looked at again.
const ROUNDS: usize = 6;
/// Four times the input takes four times the time when it is linear and sixteen times when it is quadratic. Between them lies
/// what passes.
const MOST: f64 = 10.0;

/// The time of one decision.
#[expect(
    clippy::disallowed_methods,
    reason = "what is tested is the time itself"
)]
fn time(world: &World, command: &str) -> Duration {
    let start = std::time::Instant::now();
    let _verdict = world.verdict(&bash(command), Mode::Default);
    start.elapsed()
}

/// How many times as long the larger command takes. The two take turns, so that a busy moment meets both.
fn ratio(world: &World, small: &str, large: &str) -> f64 {
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..RUNS {
        for (shortest, command) in shortest.iter_mut().zip([small, large]) {
            *shortest = (*shortest).min(time(world, command));
        }
    }
    shortest[1].as_secs_f64() / shortest[0].as_secs_f64()
}

#[test]
fn four_times_the_input_takes_about_four_times_the_time() {
    let shapes: &[Shape] = &[
        ("words", |n| format!("git {}", "a ".repeat(n))),
        ("one word", |n| format!("git {}", "a".repeat(2 * n))),
        ("commands", |n| "a;".repeat(n / 4)),
        ("lines", |n| "a b\n".repeat(n / 4)),
        ("pipes", |n| format!("a{}", "|a".repeat(n / 4))),
        ("ands", |n| format!("a{}", "&&a".repeat(n / 4))),
        ("quotes", |n| format!("git {}", "'a' ".repeat(n / 4))),
        ("expansions", |n| format!("git log {}", "$a ".repeat(n / 4))),
        ("glued expansions", |n| {
            format!("git log {}", "x$a".repeat(n / 4))
        }),
        ("substitutions", |n| {
            format!("git log {}", "$(a) ".repeat(n / 8))
        }),
        ("backquotes", |n| {
            format!("git log {}", "`a` ".repeat(n / 8))
        }),
        ("here-documents", |n| {
            format!("git log <<E\n{}E\n", "x $a y\n".repeat(n / 8))
        }),
        ("many here-documents", |n| "a <<E\nx\nE\n".repeat(n / 16)),
        ("assignments", |n| {
            format!("{}git log", "A=1 ".repeat(n / 4))
        }),
        ("calculations", |n| {
            format!("i=1; {}", "echo $((i+1));".repeat(n / 16))
        }),
        ("redirections", |n| format!("a {}", "2>&1 ".repeat(n / 8))),
        ("paths", |n| format!("a {}", "/x/y ".repeat(n / 16))),
        ("stars", |n| format!("git {}", "x y ".repeat(n / 4))),
        ("open", |n| format!("git {}", "\"".repeat(n | 1))),
        ("braces", |n| format!("git {}", "{a,b}".repeat(n / 8))),
        ("branches", |n| {
            format!("case x in {} esac", "a) a;; ".repeat(n / 8))
        }),
        ("find", |n| {
            format!("find . {}", "-exec a {} \\; ".repeat(n / 16))
        }),
        ("programs that start others", |n| {
            format!("npx {}", "-a npx ".repeat(n / 8))
        }),
        ("copies", |n| format!("cp {}", "/x/y ".repeat(n / 64))),
        ("scripts", |n| format!("sed '{}'", "a\n".repeat(n / 2))),
        ("addresses", |n| format!("sed '{}p'", "/a/,".repeat(n / 4))),
        ("sets", |n| format!("git log {}", "[a]".repeat(n / 4))),
        ("pieces", |n| format!("a {}", "a:/b ".repeat(n / 32))),
        ("letters", |n| format!("a {}", "-abcdef ".repeat(n / 128))),
        ("texts", |n| format!("hyperfine {}", "'a b' ".repeat(n / 8))),
        ("tails", |n| format!("tmux {}", "a ".repeat(n))),
        ("values", |n| format!("PS4='{}' git log", "a ".repeat(n))),
        ("up and down", |n| {
            format!("cat {}", "/proc/../x".repeat(n / 8))
        }),
        ("deep", |n| {
            format!(
                "{}a{} {}",
                "$(a ".repeat(20),
                ")".repeat(20),
                "a ".repeat(n)
            )
        }),
    ];
    let world =
        world("+Bash(git *)  +Bash(a *)  -Bash(rm *)  -Bash(* x * y)  -Read(.env)  +Edit(src/**)");
    let mut slow = Vec::new();
    for (name, shape) in shapes {
        let size = 6_000;
        let (small, large) = (shape(size), shape(4 * size));
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            best = best.min(ratio(&world, &small, &large));
            if best <= MOST {
                break;
            }
        }
        if best > MOST {
            slow.push(format!(
                "{name}: {best:.1} times the time for four times the input"
            ));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}
