//! Where an agent works, and inputs that say more than they should.

use betcode_rules::{Decision, Directory, Mode, Place, Request};
use serde_json::{Value, json};

use crate::world::{place, request, world};

fn below() -> Place {
    Place {
        cwd: Directory::new("/home/u/proj/sub", "/home/u/proj/sub"),
        ..place(false)
    }
}

fn decided(rules: &str, tool: &str, input: &Value, place: &Place) -> Decision {
    let request = Request::new(tool, input, place);
    let answers: Vec<Option<String>> = request
        .wanted()
        .iter()
        .map(|wanted| Some(wanted.path.clone()))
        .collect();
    world(rules)
        .verdict(&request.resolve(answers), Mode::Default)
        .decision
}

#[test]
fn a_relative_deny_holds_in_the_whole_project_and_a_relative_allow_only_where_the_agent_works() {
    let place = below();
    for (rules, path, expected) in [
        ("+Edit  -Edit(.env)", "/home/u/proj/.env", Decision::Deny),
        ("+Edit  -Edit(.env)", ".env", Decision::Deny),
        ("+Edit  -Edit(src/**)", "/home/u/proj/src/a", Decision::Deny),
        ("+Edit  -Edit(src/**)", "src/a", Decision::Deny),
        ("+Edit(src/**)", "src/a", Decision::Allow),
        ("+Edit(src/**)", "/home/u/proj/src/a", Decision::Ask),
        ("+Edit(/src/**)", "/home/u/proj/src/a", Decision::Allow),
    ] {
        assert_eq!(
            decided(rules, "Edit", &json!({ "file_path": path }), &place),
            expected,
            "{rules} {path}"
        );
    }
}

#[test]
fn commands_of_a_directory_below_may_go_to_the_root_and_no_further() {
    let place = below();
    for (command, expected) in [
        ("cat ../README.md", Decision::Allow),
        ("cd .. && cat README.md", Decision::Allow),
        ("cd .. && git status", Decision::Allow),
        ("cd ../other && git status", Decision::Ask),
        ("cd ../.. && ls", Decision::Ask),
        ("cat ../../x", Decision::Ask),
    ] {
        assert_eq!(
            decided("", "Bash", &json!({ "command": command }), &place),
            expected,
            "{command}"
        );
    }
}

#[test]
fn every_file_that_an_input_names_counts() {
    for (tool, input, expected) in [
        (
            "Grep",
            json!({ "pattern": "x", "file_path": "src", "path": "/etc" }),
            Decision::Ask,
        ),
        (
            "NotebookEdit",
            json!({ "file_path": "src/a", "notebook_path": "lib/a" }),
            Decision::Ask,
        ),
        (
            "NotebookEdit",
            json!({ "file_path": "src/a", "notebook_path": "src/b" }),
            Decision::Allow,
        ),
        (
            "Edit",
            json!({ "file_path": "src/a", "path": 3 }),
            Decision::Ask,
        ),
        (
            "Edit",
            json!({ "file_path": "src/a", "path": null }),
            Decision::Allow,
        ),
        ("Edit", json!({ "file_path": ["src/a"] }), Decision::Ask),
        ("Edit", json!("src/a"), Decision::Ask),
        ("Glob", json!({ "pattern": "src/**/*.rs" }), Decision::Allow),
        ("Glob", json!({ "pattern": "{src,lib}/*" }), Decision::Allow),
        ("Glob", json!({ "pattern": "/etc/*" }), Decision::Ask),
        ("Glob", json!({ "pattern": "{/etc,src}/*" }), Decision::Ask),
        ("Glob", json!({ "pattern": "{src,/etc}/*" }), Decision::Ask),
        ("Glob", json!({ "pattern": "*/../../*" }), Decision::Ask),
        ("Glob", json!({ "pattern": "../*" }), Decision::Ask),
        (
            "Grep",
            json!({ "pattern": "x", "glob": "../**" }),
            Decision::Ask,
        ),
        ("Grep", json!({ "pattern": "/etc/.." }), Decision::Allow),
        (
            "Skill",
            json!({ "skill": "good", "command": "bad" }),
            Decision::Ask,
        ),
        ("Skill", json!({ "skill": "good" }), Decision::Allow),
        ("Bash", json!({ "command": ["ls"] }), Decision::Ask),
    ] {
        let verdict = world("+Edit(src/**)  +Skill(good)")
            .verdict(&request(tool, &input, false), Mode::Default);
        assert_eq!(verdict.decision, expected, "{tool} {input}");
    }
}
