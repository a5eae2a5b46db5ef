//! Settings: files of three layers, variables and flags that hold anything. Laws:
//! - an error names its place, which exists, and says something on one line; so does what is ignored;
//! - resolving gives the same twice, and a broken file changes nothing but itself;
//! - nothing of a project that is not trusted decides what is run;
//! - a value that may be written to a file is read from there as the same.

use betcode_core::config::{
    Config, ConfigError, Key, Layer, Place, Resolution, Source, check_value, keys, resolve,
};

use crate::Target;
use crate::input::parts;

/// See the file.
pub const TARGET: Target = Target {
    name: "config",
    about: "settings in files, variables and flags: places, trust, round trips",
    run,
    seeds,
    longest: 4096,
};

/// The files of an input, in its order.
const FILES: [(Layer, &str); 3] = [
    (Layer::User, "user.toml"),
    (Layer::Project, "project.toml"),
    (Layer::ProjectLocal, "local.toml"),
];

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        b"agent = \"demo\"\nmodel = \"opus\"\n[agents.demo]\ncommand = [\"betcode\", \"demo\"]\n[agents.demo.env]\nKEY = \"v\"\n[daemon]\nidle_exit = \"15m\"\nlog_level = \"debug\"\n[permissions]\ntimeout = \"7d\"\nallow = [\"Bash(git *)\"]\n%%\nagent = \"other\"\n[agents.other]\ncommand = \"x y\"\n%%\n[limits]\nsessions_per_hour = 3\n%%\nBETCODE_MODEL=opus\nBETCODE_AGENT_MY_AGENT_COMMAND=a b\n%%\nlock.wait=10s\nagent=demo\n".to_vec(),
        b"agent = \n%%\nagents = 3\n[agents.\"a.b\"]\n%%\n\xff\n%%\nBETCODE_NOTHING=1\n%%\nnothing=1\nagents=1\n".to_vec(),
    ];
    for key in keys() {
        let line = |value: &str| format!("{} = {value}\n", key.name.replace(['<', '>'], ""));
        for value in [
            "\"1h\"",
            "5",
            "true",
            "[\"a\", 'b']",
            "\"10MiB\"",
            "{ a = 1 }",
            "1.5",
            "nan",
            "1979-05-27",
        ] {
            seeds.push(line(value).into_bytes());
        }
        seeds.push(
            format!(
                "\n%%\n\n%%\n\n%%\n{}=1h\n%%\n{}=true",
                key.variable.unwrap_or("X"),
                key.name
            )
            .into_bytes(),
        );
    }
    seeds
}

fn run(data: &[u8]) {
    let texts: Vec<String> = parts(data)
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    let text = |number: usize| texts.get(number).cloned().unwrap_or_default();
    let mut sources: Vec<Source> = FILES
        .iter()
        .enumerate()
        .map(|(number, (layer, path))| Source::file(*layer, *path, text(number)))
        .collect();
    let variables = text(3);
    let pairs = variables.lines().filter_map(|line| line.split_once('='));
    sources.push(Source::environment(
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())),
    ));
    let flags = text(4);
    let flags: Vec<_> = flags
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    sources.push(Source::flags(
        flags.iter().map(|(key, value)| ("--flag", *key, *value)),
    ));
    for trusted in [true, false] {
        let resolution = resolve(&sources, trusted);
        assert_eq!(resolution, resolve(&sources, trusted), "another answer");
        check(&resolution, &texts, trusted);
    }
    for (key, value) in flags {
        if let Ok(key) = Key::parse(key) {
            check_written(&key, value);
        }
    }
}

fn check(resolution: &Resolution, texts: &[String], trusted: bool) {
    for error in &resolution.errors {
        check_error(error, texts);
    }
    for ignored in &resolution.ignored {
        assert!(exists(&ignored.place, texts), "{ignored}");
    }
    for row in &resolution.origins {
        assert!(exists(&row.place, texts), "{row:?}");
        let runs = matches!(row.key, Key::AgentCommand(_) | Key::AgentVariable(..));
        assert!(
            !(runs && row.layer.is_project()) || trusted,
            "not trusted: {row:?}"
        );
        assert!(row.layer != Layer::Default || row.place == Place::BuiltIn);
    }
    if resolution
        .origins
        .iter()
        .all(|row| row.layer == Layer::Default)
    {
        assert_eq!(resolution.config, Config::default());
    }
}

fn check_error(error: &ConfigError, texts: &[String]) {
    let said = error.to_string();
    let place = error.place.as_ref();
    assert!(
        place.is_some_and(|place| exists(place, texts)),
        "no such place: {said}"
    );
    assert!(said.len() > 5);
    if !texts
        .iter()
        .any(|text| text.contains(|it: char| it.is_control() && it != '\n'))
    {
        assert!(!said.contains('\n'), "an error of several lines: {said:?}");
    }
}

/// Whether a place is in what was given.
fn exists(place: &Place, texts: &[String]) -> bool {
    let Place::File { path, line, column } = place else {
        return true;
    };
    let number = FILES.iter().position(|(_, known)| known == path);
    let text = number.and_then(|number| texts.get(number));
    let Some(text) = text else {
        return false;
    };
    let mut lines = text.split('\n');
    let found = line.checked_sub(1).and_then(|line| lines.nth(line));
    found.is_some_and(|found| (1..=found.chars().count() + 1).contains(column))
}

/// What is to be written for a value means that value.
fn check_written(key: &Key, value: &str) {
    let by_flag = [Source::flags([("--flag", key.to_string().as_str(), value)])];
    let by_flag = resolve(&by_flag, true);
    match check_value(key, value) {
        Ok(literal) => {
            let path: Vec<String> = key.path().iter().map(|part| quoted(part)).collect();
            let file = format!("{} = {}\n", path.join("."), literal.as_str());
            let by_file = resolve(
                &[Source::file(Layer::User, "user.toml", file.as_str())],
                true,
            );
            assert!(by_file.errors.is_empty(), "{file:?}: {:?}", by_file.errors);
            if by_flag.errors.is_empty() {
                assert_eq!(
                    by_flag.config, by_file.config,
                    "{file:?} means something else"
                );
            }
        }
        Err(error) => {
            assert!(error.place.is_none());
            assert!(
                !by_flag.errors.is_empty(),
                "a flag takes what a file does not"
            );
        }
    }
}

/// A name as it may stand in a TOML file.
fn quoted(name: &str) -> String {
    let escaped: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_string()
            } else {
                format!("\\U{:08X}", u32::from(c))
            }
        })
        .collect();
    format!("\"{escaped}\"")
}
