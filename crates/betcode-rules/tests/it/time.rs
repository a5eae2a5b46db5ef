//! Time grows with the length of a command, not faster.

use std::time::Duration;

use betcode_rules::Mode;

use crate::world::{bash, world};

/// A kind of command, by its name and by how it is made in a size.
type Shape = (&'static str, fn(usize) -> String);

/// The shortest of several runs, for one decision.
#[expect(
    clippy::disallowed_methods,
    reason = "what is tested is the time itself"
)]
fn shortest(command: &str) -> Duration {
    let world =
        world("+Bash(git *)  +Bash(a *)  -Bash(rm *)  -Bash(* x * y)  -Read(.env)  +Edit(src/**)");
    let once = || {
        let start = std::time::Instant::now();
        let _verdict = world.verdict(&bash(command), Mode::Default);
        start.elapsed()
    };
    (0..7).map(|_| once()).min().unwrap_or_default()
}

#[test]
fn twice_the_input_takes_about_twice_the_time() {
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
        ("paths", |n| {
            format!("a {}", "/x/y ".repeat(n.min(12000) / 8))
        }),
        ("stars", |n| format!("git {}", "x y ".repeat(n / 4))),
        ("open", |n| format!("git {}", "\"".repeat(n | 1))),
        ("braces", |n| format!("git {}", "{a,b}".repeat(n / 8))),
        ("branches", |n| {
            format!("case x in {} esac", "a) a;; ".repeat(n / 8))
        }),
        ("find", |n| {
            format!("find . {}", "-exec a {} \\; ".repeat(n / 16))
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
    let mut slow = Vec::new();
    for (name, shape) in shapes {
        // Noise of a busy machine passes; growth does not. The best of some rounds counts.
        let size = 12_000;
        let (small, large) = (shape(size), shape(2 * size));
        let ratio = (0..4)
            .map(|_| shortest(&large).as_secs_f64() / shortest(&small).as_secs_f64())
            .fold(f64::INFINITY, f64::min);
        if ratio > 2.6 {
            slow.push(format!(
                "{name}: {ratio:.2} times the time for twice the input"
            ));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}
