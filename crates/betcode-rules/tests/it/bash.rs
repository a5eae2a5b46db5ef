//! The parser beside bash itself: random text that is understood is run by bash with no program to be found, and every
//! command that bash then looks for has to be among those that were seen. This is the law that everything else stands on.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use betcode_rules::shell::{Script, Simple, UNKNOWN, parse};

/// Nothing here names a directory, a loop without end or a builtin that ends processes.
const TOKENS: &[&str] = &[
    "aa",
    "bb",
    "cc",
    "$X",
    "$Y",
    "$(",
    "$(aa b)",
    ")",
    "`",
    "`bb`",
    "'",
    "\"",
    "\\",
    "\n",
    " ",
    " ",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "<",
    "> o",
    "<<E",
    "<<'E'",
    "<<-E",
    "\nE\n",
    "{",
    "}",
    "(",
    "((",
    "))",
    "if ",
    "then ",
    "fi",
    "else ",
    "do ",
    "done",
    "for i in 1 2",
    "in ",
    "case x in ",
    "x)",
    "*)",
    "esac",
    ";;",
    ";&",
    "[[ ",
    " ]]",
    "#",
    "${X:-",
    "${X%",
    "${#X}",
    "$((",
    "1",
    "=",
    "A=1 ",
    "A=$(aa)",
    "~",
    "*",
    "?",
    "[",
    "]",
    "!",
    "eval ",
    "command ",
    "$'\\x61a'",
    "-",
    "--",
    "time ",
    "2>&1",
    ">x",
    "<<<",
    "<(",
    "aa<(bb)",
    ",",
    "{aa,bb}",
    "\\\n",
    "\t",
    "\"$(",
    "\"${X:-\"",
    "builtin ",
    "trap ",
    "'bb c'",
    "EXIT",
    "\"aa\"",
    "a\\a",
    "X=bb",
    "export X=cc",
    "\"\\",
    "$",
    "^",
    "%",
    "+",
    "@",
    "a=",
    "x=",
    "echo ",
    "true ",
    "false ",
    "dd",
    "\\$",
    "\\`",
    "\\\"",
    "`echo \\`bb\\``",
    "{ aa; }",
    "g() { cc; };",
    "g",
    "case",
    "coproc ",
];

/// Tells of every command that is not found, with the number of the script it belongs to.
const RUNNER: &str = r#"
exec 9>&1 8<&0 7>log 0</dev/null
PATH=/nonexistent
command_not_found_handle() {
    local text="$RUN"$'\x04' word
    for word in "$@"; do text="$text$word"$'\x01'; done
    printf '%s\x02' "$text" >&9
}
RUN=0
while IFS= read -r -d '' script; do
    RUN=$((RUN + 1))
    ( set -f; X=dd; eval "$script" ) 8>&- >&7 2>&7 </dev/null 7>&7
done <&8
"#;

fn scripts(count: usize, mut seed: u64) -> Vec<(String, Script)> {
    let mut below = |end: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap_or(0) % end
    };
    let mut scripts = Vec::new();
    while scripts.len() < count {
        let mut text = String::new();
        for _ in 0..=below(12) {
            text.push_str(TOKENS[below(TOKENS.len())]);
            if below(2) == 0 {
                text.push(' ');
            }
        }
        // A program whose name is not known may be anything, and nothing but a rule for all commands allows it.
        match parse(&text) {
            Ok(script) if !script.commands.iter().any(has_unknown_program) => {
                scripts.push((text, script));
            }
            _ => {}
        }
    }
    scripts
}

fn has_unknown_program(command: &Simple) -> bool {
    command.words.first().is_some_and(|word| !word.is_known())
        || command.inner.iter().any(has_unknown_program)
}

/// A command as a pattern for what bash looks for: an unknown may be any number of words, also none.
fn patterns(command: &Simple, found: &mut Vec<String>) {
    let mut pattern = String::new();
    for (index, word) in command.words.iter().enumerate() {
        if index > 0 && !pattern.ends_with(UNKNOWN) && !word.text.starts_with(UNKNOWN) {
            pattern.push('\u{1}');
        }
        pattern.push_str(&word.text);
    }
    found.push(pattern);
    for inner in &command.inner {
        patterns(inner, found);
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split(UNKNOWN);
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn bash_runs_no_command_that_was_not_seen() {
    let scripts = scripts(2_000, 0x9e37_79b9_7f4a_7c15);
    let directory = std::env::temp_dir().join(format!("betcode-rules-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let mut child = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", RUNNER])
        .env_clear()
        // What a tilde becomes is what it was.
        .env("HOME", "~")
        .current_dir(&directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("bash is there");
    let mut input = child.stdin.take().unwrap();
    let all: Vec<u8> = scripts
        .iter()
        .flat_map(|(text, _)| text.bytes().chain([0]))
        .collect();
    let writer = std::thread::spawn(move || input.write_all(&all));
    let mut output = Vec::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut output)
        .unwrap();
    child.wait().unwrap();
    writer.join().unwrap().unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let output = String::from_utf8_lossy(&output);
    let (mut ran, mut wrong) = (0, String::new());
    for record in output.split('\u{2}') {
        let Some((number, command)) = record.split_once('\u{4}') else {
            continue;
        };
        let (text, script) = &scripts[number.parse::<usize>().unwrap() - 1];
        let command = command.strip_suffix('\u{1}').unwrap_or(command);
        let mut seen = Vec::new();
        for simple in &script.commands {
            patterns(simple, &mut seen);
        }
        ran += 1;
        if !seen.iter().any(|pattern| fits(pattern, command)) {
            writeln!(wrong, "{text:?} ran {command:?}; seen: {seen:?}").unwrap();
        }
    }
    assert!(ran > 500, "only {ran} commands ran");
    assert!(wrong.is_empty(), "\n{wrong}");
}
