//! Decides about very many random commands and checks what must hold for each: no panic, bounded time, a deny that is added
//! never allows more, and an allowed command joined with one that is not allowed is not allowed.
//!
//! `echo COUNT SEED | cargo run --release -p betcode-rules --example fuzz`
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a tool for tests, which measures time and ends at the first thing that is wrong"
)]

use std::time::{Duration, Instant};

use betcode_rules::{
    Decision, Directory, Grants, Layer, Mode, Origin, OriginKind, Place, Placed, Protected,
    Request, Rule, Rules, decide, propose,
};
use serde_json::json;

const TOKENS: &[&str] = &[
    "git",
    "status",
    "rm",
    "x",
    "$X",
    "$(",
    ")",
    "`",
    "'",
    "\"",
    "\\",
    "\n",
    " ",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "<",
    ">",
    "<<E",
    "\nE\n",
    "{",
    "}",
    "(",
    "((",
    "))",
    "if ",
    "then ",
    "fi",
    "do ",
    "done",
    "for ",
    "in ",
    "case ",
    "esac",
    ";;",
    "[[ ",
    " ]]",
    "#",
    "${X:-",
    "$((",
    "1",
    "=",
    "A=1 ",
    "~",
    "*",
    "?",
    "[",
    "]",
    "!",
    "sudo ",
    "env ",
    "xargs ",
    "find . ",
    "-exec ",
    "{}",
    "\\;",
    "sh -c ",
    "eval ",
    "$'\\x41'",
    "\r",
    "\u{200b}",
    "é",
    "-",
    "--",
    "time ",
    "function ",
    "f()",
    "\t",
    "2>&1",
    ">x",
    "cd ",
    "\0",
    "%",
    "echo ",
    "git log",
    "cat ",
    "/etc/passwd",
    "src/a",
    "..",
    "trap ",
    "watch ",
    "alias ",
    "export ",
    "PATH=",
    "<<<",
    "<(",
    "$[",
    "${!",
    "${#",
    "@P}",
    ",",
    "while ",
    "until ",
    "else ",
    "elif ",
    "-c",
    "-I",
    "coproc ",
    "select ",
    "\u{202e}",
];

/// A small generator of numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end.max(1)
    }
}

fn rules(texts: &[(&str, &str)]) -> Rules {
    let mut layer = Layer {
        origin: Origin {
            kind: OriginKind::User,
            file: None,
        },
        trusted: true,
        allow: vec![],
        ask: vec![],
        deny: vec![],
    };
    for (sign, text) in texts {
        let placed = Placed {
            rule: Rule::parse(text).unwrap(),
            line: None,
        };
        match *sign {
            "+" => layer.allow.push(placed),
            "-" => layer.deny.push(placed),
            _ => layer.ask.push(placed),
        }
    }
    let protected = Protected {
        denied: vec!["~/.config/betcode/**".into()],
        always_ask: vec!["/**/.claude/settings*".into()],
    };
    Rules::new(&[layer], &protected).unwrap()
}

fn main() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let mut numbers = line
        .split_whitespace()
        .map(|number| number.parse().unwrap());
    let (count, seed): (u64, u64) = (
        numbers.next().unwrap_or(100_000),
        numbers.next().unwrap_or(1),
    );
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let home = Directory::new("/home/u", "/home/u");
    let project = Directory::new("/home/u/proj", "/home/u/proj");
    let place = Place {
        cwd: project.clone(),
        project,
        home,
        additional: vec![],
        case_insensitive: false,
    };
    let base = [
        ("+", "Bash(git *)"),
        ("+", "Bash(echo *)"),
        ("+", "Bash(sh *)"),
        ("+", "Edit(x)"),
        ("?", "Bash(git push *)"),
    ];
    let loose = rules(&base);
    let strict: Vec<Rules> = [
        "Bash(git status)",
        "Bash(* x)",
        "Read(src/**)",
        "Edit",
        "Bash(rm *)",
    ]
    .iter()
    .map(|deny| rules(&[base.as_slice(), &[("-", deny)]].concat()))
    .collect();
    let table: Vec<&str> = include_str!("../tests/table.txt")
        .lines()
        .filter_map(|line| line.split(" ‖").next())
        .filter(|line| !line.starts_with('@') && line.len() < 200)
        .collect();
    let grants = Grants::default();
    let decided = |command: &str, rules: &Rules| {
        let request = Request::new("Bash", &json!({ "command": command }), &place);
        let answers: Vec<Option<String>> = request
            .wanted()
            .iter()
            .map(|wanted| Some(wanted.path.clone()))
            .collect();
        let request = request.resolve(answers);
        (decide(&request, rules, Mode::Default, &grants), request)
    };
    let (mut verdicts, mut slowest) = ([0_u64; 3], Duration::ZERO);
    let begun = Instant::now();
    for number in 0..count {
        let mut text = String::new();
        if random.below(2) == 0 {
            for _ in 0..random.below(16) {
                text.push_str(TOKENS[random.below(TOKENS.len())]);
                if random.below(3) == 0 {
                    text.push(' ');
                }
            }
        } else {
            text.push_str(table[random.below(table.len())]);
            for _ in 0..=random.below(3) {
                let mut at = random.below(text.len() + 1);
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                match random.below(4) {
                    0 => text.truncate(at),
                    1 => text = text[at..].to_owned(),
                    2 if at < text.len() => drop(text.remove(at)),
                    _ => text.insert_str(at, TOKENS[random.below(TOKENS.len())]),
                }
            }
        }
        let start = Instant::now();
        let (verdict, request) = decided(&text, &loose);
        let mut taken = start.elapsed();
        if taken > slowest {
            // Again, so that a pause of the machine does not count.
            for _ in 0..5 {
                let start = Instant::now();
                let _again = decided(&text, &loose);
                taken = taken.min(start.elapsed());
            }
            slowest = slowest.max(taken);
        }
        verdicts[verdict.decision as usize] += 1;
        let deny = &strict[random.below(strict.len())];
        let stricter = decide(&request, deny, Mode::Default, &grants);
        assert!(
            stricter.decision >= verdict.decision,
            "input {number}, seed {seed}: a deny allows more: {text:?}"
        );
        if verdict.decision == Decision::Allow {
            assert!(
                verdict
                    .parts
                    .iter()
                    .all(|part| part.decision == Decision::Allow),
                "{text:?}"
            );
            // On a line of its own, so that neither a comment nor an open word takes it in.
            let joined = format!("curl x\n{text}");
            assert_ne!(
                decided(&joined, &loose).0.decision,
                Decision::Allow,
                "input {number}, seed {seed}: {joined:?}"
            );
            let joined = format!("{text}\ncurl x");
            assert_ne!(
                decided(&joined, &loose).0.decision,
                Decision::Allow,
                "input {number}, seed {seed}: {joined:?}"
            );
        }
        if number % 64 == 0 {
            let _proposal = propose(&request, &loose);
        }
    }
    println!(
        "{count} inputs, seed {seed}: {} allowed, {} asked, {} denied; slowest {slowest:?}; {:.1} µs each",
        verdicts[0],
        verdicts[1],
        verdicts[2],
        begun.elapsed().as_secs_f64() * 1e6 / count as f64
    );
}
