//! Laws that hold for any rules and any command.

use betcode_rules::{Decision, Mode};
use proptest::prelude::*;

use crate::world::{World, bash, call, world};

const RULES: &[&str] = &[
    "Bash",
    "Bash(git *)",
    "Bash(git status)",
    "Bash(git push:*)",
    "Bash(rm *)",
    "Bash(rm:*)",
    "Bash(echo *)",
    "Bash(ls)",
    "Bash(sudo *)",
    "Bash(xargs *)",
    "Bash(find *)",
    "Bash(* x)",
    "Bash(git log -p)",
    "Bash(cat *)",
    "Bash(sh *)",
    "Bash(FOO=1 ls)",
    "Bash(git status && ls)",
    "Edit",
    "Edit(src/**)",
    "Edit(x)",
    "Edit(~/**)",
    "Read",
    "Read(~/.ssh/**)",
    "Read(.env)",
    "Read(src/**)",
    "Write(x)",
    "Edit(//etc/**)",
];

/// Simple commands: each runs on its own.
const SIMPLE: &[&str] = &[
    "git status",
    "git push x",
    "git log -p",
    "rm x",
    "rm -rf ~",
    "echo $X",
    "ls",
    "ls /",
    "sudo rm x",
    "env A=1 git status",
    "PATH=x ls",
    "FOO=1 ls",
    "echo $(rm x)",
    "echo `git status`",
    "cat < .env",
    "echo a > src/x",
    "echo a > x",
    "xargs rm",
    "find . -exec rm {} \\;",
    "sh -c 'git status; rm x'",
    "git $X",
    "$X",
    "cat ~/.ssh/id",
    "cat <(rm x)",
    "eval ls",
    "git -c a=b log",
    "timeout 5 ls",
    "\"rm\" x",
    "/bin/rm x",
    "cat *",
    "cd src",
    "cd /",
    "FOO=$(ls) git status",
    "A=1",
    "A=1 B=2",
    "(A=1)",
    "PATH=x",
    "trap 'rm x' EXIT",
    "git status <<< $(ls)",
    "export FOO=1",
    "ls | cat",
];

/// What may stand anywhere.
const TOKENS: &[&str] = &[
    "git", "status", "rm", "x", "$X", "$(", ")", "`", "'", "\"", "\\", "\n", " ", ";", "&&", "||",
    "|", "&", "<", ">", "<<E", "\nE\n", "{", "}", "(", "((", "))", "if", "then", "fi", "do",
    "done", "for", "in", "case", "esac", ";;", "[[", "]]", "#", "${X:-", "}", "$((", "1", "=",
    "A=1", "~", "*", "?", "[", "]", "!", "sudo", "env", "xargs", "find", "-exec", "{}", "\\;",
    "sh", "-c", "eval", "$'\\x41'", "\r", "\u{200b}", "é", "-", "--", "time", "function", "f()",
    "\t", "2>&1", ">x", "cd", "\0", "%",
];

fn rule_line() -> impl Strategy<Value = String> {
    let item = (
        prop::sample::select(vec!["flag", "project", "user", "untrusted"]),
        prop::sample::select(vec!["+", "+", "-", "?"]),
        prop::sample::select(RULES),
    );
    prop::collection::vec(item, 0..6).prop_map(|items| {
        let items: Vec<String> = items
            .into_iter()
            .map(|(layer, sign, rule)| format!("{layer}{sign}{rule}"))
            .collect();
        items.join("  ")
    })
}

fn soup() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(TOKENS), 0..14)
            .prop_map(|tokens| tokens.join(" ")),
        prop::collection::vec(prop::sample::select(TOKENS), 0..14)
            .prop_map(|tokens| tokens.concat()),
        any_compound(),
    ]
}

fn any_compound() -> impl Strategy<Value = String> {
    let joint = prop::sample::select(vec![" && ", " || ", "; ", " | ", "\n", " & "]);
    prop::collection::vec((prop::sample::select(SIMPLE), joint), 1..5).prop_map(|parts| {
        parts
            .iter()
            .enumerate()
            .map(|(at, (part, joint))| {
                if at == 0 {
                    (*part).to_owned()
                } else {
                    format!("{joint}{part}")
                }
            })
            .collect()
    })
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![
        Mode::Default,
        Mode::Plan,
        Mode::AcceptEdits,
        Mode::DontAsk,
        Mode::BypassPermissions,
        Mode::OnlyAllowed,
    ])
}

fn of(world: &World, command: &str, mode: Mode) -> Decision {
    world.verdict(&bash(command), mode).decision
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adding_a_deny_never_allows_more(line in rule_line(), command in soup(), rule in prop::sample::select(RULES), mode in any_mode()) {
        let before = of(&world(&line), &command, mode);
        for layer in ["flag", "user", "untrusted"] {
            let after = of(&world(&format!("{line}  {layer}-{rule}")), &command, mode);
            prop_assert!(after >= before, "{before:?} became {after:?} with -{rule}");
        }
    }

    #[test]
    fn adding_an_ask_never_turns_an_ask_or_a_deny_into_an_allow(line in rule_line(), command in soup(), rule in prop::sample::select(RULES), mode in any_mode()) {
        let before = of(&world(&line), &command, mode);
        for layer in ["flag", "user", "untrusted"] {
            let after = of(&world(&format!("{line}  {layer}?{rule}")), &command, mode);
            prop_assert!(after >= before, "{before:?} became {after:?} with ?{rule}");
        }
    }

    #[test]
    fn an_allow_of_somebody_who_is_not_trusted_changes_nothing(line in rule_line(), command in soup(), rule in prop::sample::select(RULES), mode in any_mode()) {
        let before = of(&world(&line), &command, mode);
        prop_assert_eq!(of(&world(&format!("{line}  untrusted+{rule}")), &command, mode), before);
    }

    #[test]
    fn an_allowed_compound_command_has_every_part_allowed_on_its_own(line in rule_line(), parts in prop::collection::vec((prop::sample::select(SIMPLE), prop::sample::select(vec![" && ", " || ", "; ", " | ", "\n", " & "])), 1..5), mode in any_mode()) {
        let world = world(&line);
        let mut command = String::new();
        for (part, joint) in &parts {
            if !command.is_empty() {
                command.push_str(joint);
            }
            command.push_str(part);
        }
        for wrapped in [command.clone(), format!("({command})"), format!("{{ {command}; }}"), format!("echo \"$({command})\""), format!("if {command}; then ls; fi")] {
            if of(&world, &wrapped, mode) == Decision::Allow {
                for (part, _) in &parts {
                    prop_assert_eq!(of(&world, part, mode), Decision::Allow, "{} in {}", part, wrapped);
                }
            }
        }
    }

    #[test]
    fn where_nobody_can_be_asked_nothing_is_asked_and_nothing_more_is_allowed(line in rule_line(), command in soup()) {
        let world = world(&line);
        let asked = of(&world, &command, Mode::Default);
        let unattended = of(&world, &command, Mode::DontAsk);
        prop_assert_eq!(unattended, if asked == Decision::Allow { Decision::Allow } else { Decision::Deny });
    }

    #[test]
    fn no_input_makes_it_panic(text in any::<String>(), tool in prop::sample::select(vec!["Bash", "Edit", "Read", "WebFetch", "Task", "mcp__a__b", "Other", "Glob"])) {
        let world = world("+Bash(git *)  -Bash(rm *)  +Edit(src/**)  -Read(.env)  +WebFetch(domain:*.x.org)");
        let request = if tool == "Bash" { bash(&text) } else { call(&format!("@{tool} {text}"), true) };
        let verdict = world.verdict(&request, Mode::Default);
        prop_assert!(!verdict.reason.is_empty());
        let _proposal = betcode_rules::propose(&request, &world.rules);
        let _rule = betcode_rules::Rule::parse(&text);
    }

    #[test]
    fn what_is_proposed_is_enough_and_not_too_much(command in any_compound(), other in any_compound()) {
        let proposal = betcode_rules::propose(&bash(&command), &world("").rules);
        if !proposal.exact.is_empty() {
            let line: Vec<String> = proposal.exact.iter().map(|rule| format!("grant+{rule}")).collect();
            let line = line.join("  ");
            // Two blanks separate rules in the line of a test; a rule that has them cannot be written there.
            if proposal.exact.iter().all(|rule| !rule.contains("  ")) {
                let world = world(&line);
                prop_assert_eq!(of(&world, &command, Mode::Default), Decision::Allow, "{}", line);
                prop_assert_ne!(of(&world, &format!("{other}; curl x"), Mode::Default), Decision::Allow);
            }
        }
    }

    #[test]
    fn what_is_proposed_does_not_allow_another_argument(command in prop::sample::select(SIMPLE)) {
        let proposal = betcode_rules::propose(&bash(command), &world("").rules);
        let longer = format!("{command} --more");
        let by_default = of(&world(""), &longer, Mode::Default);
        if !proposal.exact.is_empty() && by_default != Decision::Allow && !command.contains(['>', '<', ';']) {
            let line: Vec<String> = proposal.exact.iter().map(|rule| format!("grant+{rule}")).collect();
            prop_assert_ne!(of(&world(&line.join("  ")), &longer, Mode::Default), Decision::Allow);
        }
    }
}
