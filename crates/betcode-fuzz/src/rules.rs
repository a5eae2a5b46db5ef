//! The permission rules: any command, decided by loose and by stricter rules. Laws:
//! - a deny that is added never allows more;
//! - what is allowed is allowed in every part, and beside a command that is not allowed it is not allowed either;
//! - a rule that can be read is read again from its own words; a call and a proposal can be made of anything.

use betcode_rules::{
    Call, Decision, Directory, Grants, Layer, Mode, Origin, OriginKind, Place, Placed, Protected,
    Request, Rule, Rules, Verdict, decide, propose,
};
use serde_json::{Value, json};

use crate::Target;
use crate::input::Bytes;

/// See the file.
pub const TARGET: Target = Target {
    name: "rules",
    about: "commands and rules: a deny never allows more, a part never hides",
    run,
    seeds,
    longest: 1024,
};

/// Rules by sign: `+` allows, `?` asks.
const BASE: [(char, &str); 6] = [
    ('+', "Bash(git *)"),
    ('+', "Bash(echo *)"),
    ('+', "Bash(sh *)"),
    ('+', "Edit(x)"),
    ('+', "Read(~/docs/**)"),
    ('?', "Bash(git push *)"),
];

/// What is denied in addition, one at a time.
const DENIED: [&str; 6] = [
    "Bash(git status)",
    "Bash(* x)",
    "Read(src/**)",
    "Edit",
    "Bash(rm *)",
    "Bash(git * main)",
];

const TABLE: &str = include_str!("../../betcode-rules/tests/table.txt");

fn seeds() -> Vec<Vec<u8>> {
    let calls = TABLE.lines().filter(|line| !line.starts_with(['#', '$']));
    let calls = calls.filter_map(|line| line.split(" ‖").next());
    let seed = |(number, call): (usize, &str)| {
        let call = call
            .replace("{LF}", "\n")
            .replace("{TAB}", "\t")
            .replace("{CR}", "\r");
        let first = u8::try_from(number % DENIED.len()).unwrap_or(0);
        [&[first], call.as_bytes()].concat()
    };
    let mut seeds: Vec<_> = calls.enumerate().map(seed).collect();
    seeds.push(b"\x80{\"file_path\":\"src/../../x\",\"edits\":[]}".to_vec());
    seeds.push(b"\x81{\"url\":\"https://a.b/c\",\"command\":7}".to_vec());
    seeds.retain(|seed| seed.len() > 1);
    seeds
}

struct World {
    place: Place,
    loose: Rules,
    strict: Vec<Rules>,
}

std::thread_local! {
    static WORLD: World = world();
}

fn world() -> World {
    let home = Directory::new("/home/u", "/home/u");
    let project = Directory::new("/home/u/proj", "/home/u/proj");
    let strict = DENIED.map(|deny| rules(Some(deny)));
    World {
        place: Place {
            cwd: project.clone(),
            project,
            home,
            additional: Vec::new(),
            case_insensitive: false,
        },
        loose: rules(None),
        strict: strict.into(),
    }
}

fn rules(denied: Option<&str>) -> Rules {
    let placed = |text: &str| Placed {
        rule: Rule::parse(text).expect("a rule"),
        line: None,
    };
    let signed = |sign| {
        let of_sign = BASE.iter().filter(move |(its, _)| *its == sign);
        of_sign.map(|(_, text)| placed(text)).collect()
    };
    let layer = Layer {
        origin: Origin {
            kind: OriginKind::User,
            file: None,
        },
        trusted: true,
        allow: signed('+'),
        ask: signed('?'),
        deny: denied.map(placed).into_iter().collect(),
    };
    let protected = Protected {
        denied: vec!["~/.config/betcode/**".into()],
        always_ask: vec!["/**/.claude/settings*".into()],
    };
    Rules::new(&[layer], &protected).expect("rules")
}

fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let choice = bytes.byte();
    let text = String::from_utf8_lossy(bytes.0);
    if let Ok(rule) = Rule::parse(&text) {
        let again = Rule::parse(rule.as_str());
        assert_eq!(
            again.as_ref().map(Rule::as_str),
            Ok(rule.as_str()),
            "another rule"
        );
    }
    let _call = Call::parse(&text);
    WORLD.with(|world| {
        let deny = &world.strict[usize::from(choice) % world.strict.len()];
        if choice < 0x80 {
            command(world, deny, &text);
        } else {
            let input: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            let tools = [
                "Edit",
                "Read",
                "WebFetch",
                "Write",
                "Glob",
                "mcp__a__b",
                "Task",
                "Bash",
            ];
            let tool = tools[usize::from(choice) % tools.len()];
            let (loose, request) = decided(world, tool, &input, &world.loose);
            let stricter = decide(&request, deny, Mode::Default, &Grants::default());
            assert!(stricter.decision >= loose.decision, "a deny allows more");
            let _proposal = propose(&request, &world.loose);
        }
    });
}

fn command(world: &World, deny: &Rules, text: &str) {
    let of = |text: &str| decided(world, "Bash", &json!({ "command": text }), &world.loose);
    let (verdict, request) = of(text);
    let stricter = decide(&request, deny, Mode::Default, &Grants::default());
    assert!(stricter.decision >= verdict.decision, "a deny allows more");
    if verdict.decision == Decision::Allow {
        assert!(
            verdict
                .parts
                .iter()
                .all(|part| part.decision == Decision::Allow),
            "a part is not allowed"
        );
        // On a line of its own, so that neither a comment nor an open word takes it in.
        for joined in [format!("curl x\n{text}"), format!("{text}\ncurl x")] {
            assert_ne!(
                of(&joined).0.decision,
                Decision::Allow,
                "{joined:?} hides a part"
            );
        }
    }
    let _proposal = propose(&request, &world.loose);
}

/// What these rules say, where every path is what it is written as.
fn decided(world: &World, tool: &str, input: &Value, rules: &Rules) -> (Verdict, Request) {
    let request = Request::new(tool, input, &world.place);
    let answers = request
        .wanted()
        .iter()
        .map(|wanted| Some(wanted.path.clone()));
    let answers: Vec<Option<String>> = answers.collect();
    let request = request.resolve(answers);
    let verdict = decide(&request, rules, Mode::Default, &Grants::default());
    (verdict, request)
}
