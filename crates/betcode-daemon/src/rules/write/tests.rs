//! Rules in real files.

use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;

use super::*;

const RULE: &str = "Bash(cargo test)";

fn rules(list: &[&str]) -> Vec<String> {
    list.iter().map(|rule| (*rule).to_owned()).collect()
}

fn after(text: &str) -> String {
    with_rule(text, RULE).unwrap().unwrap()
}

struct Project {
    root: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
        }
    }

    fn with(text: &str) -> Self {
        let project = Self::new();
        std::fs::create_dir(project.root.path().join(".betcode")).unwrap();
        std::fs::write(project.file(), text).unwrap();
        project
    }

    fn file(&self) -> PathBuf {
        self.root.path().join(config::PROJECT_LOCAL_FILE)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    fn write(&self, list: &[&str]) -> Result<PathBuf, String> {
        write_rules(self.root.path(), &rules(list))
    }

    fn mode(&self) -> u32 {
        self.file().metadata().unwrap().permissions().mode() & 0o777
    }

    /// What lies beside the file.
    fn names(&self) -> Vec<std::ffi::OsString> {
        let entries = std::fs::read_dir(self.root.path().join(".betcode")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }
}

#[test]
fn the_first_rule_makes_the_file_which_is_the_users_alone() {
    let project = Project::new();
    assert_eq!(project.write(&["Read", RULE]).unwrap(), project.file());
    assert_eq!(
        project.text(),
        "[permissions]\nallow = [\"Read\", \"Bash(cargo test)\"]\n"
    );
    assert_eq!(project.mode(), 0o600);
    assert_eq!(project.names(), ["config.local.toml"]);
}

#[test]
fn a_rule_that_is_there_is_not_added_again_and_the_file_is_not_touched() {
    let project = Project::with("permissions.allow = ['Bash(cargo test)'] # mine\n");
    std::fs::set_permissions(project.file(), std::fs::Permissions::from_mode(0o400)).unwrap();
    let before = project.file().metadata().unwrap().modified().unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&project.file().metadata().unwrap());
    project.write(&[RULE]).unwrap();
    project.write(&[]).unwrap();
    let after = project.file().metadata().unwrap();
    assert_eq!(after.modified().unwrap(), before);
    assert_eq!(std::os::unix::fs::MetadataExt::ino(&after), inode);
    let project = Project::new();
    project.write(&[RULE, RULE]).unwrap();
    project.write(&[RULE]).unwrap();
    assert_eq!(
        project.text(),
        "[permissions]\nallow = [\"Bash(cargo test)\"]\n"
    );
}

#[test]
fn an_existing_file_keeps_its_mode() {
    let project = Project::with("model = 'm'\n");
    std::fs::set_permissions(project.file(), std::fs::Permissions::from_mode(0o640)).unwrap();
    project.write(&[RULE]).unwrap();
    assert_eq!(project.mode(), 0o640);
    assert_eq!(project.names(), ["config.local.toml"]);
}

#[test]
fn wherever_rules_can_stand_one_is_added_and_nothing_else_changes() {
    let table = [
        ("", "[permissions]\nallow = [+]\n"),
        (
            "# no newline",
            "# no newline\n\n[permissions]\nallow = [+]\n",
        ),
        (
            "model = 'm' # why\r\n",
            "model = 'm' # why\r\n\r\n[permissions]\r\nallow = [+]\r\n",
        ),
        (
            "[permissions]  # mine\ntimeout   =  '1h'\n\n[lock]\n",
            "[permissions]  # mine\nallow = [+]\ntimeout   =  '1h'\n\n[lock]\n",
        ),
        ("[permissions]", "[permissions]\nallow = [+]\n"),
        (
            "[ \"permissions\" ]\n[lock]",
            "[ \"permissions\" ]\nallow = [+]\n[lock]",
        ),
        (
            "model = 'm'\npermissions.timeout = '1h'\nagent = 'a'\n",
            "model = 'm'\npermissions.allow = [+]\npermissions.timeout = '1h'\nagent = 'a'\n",
        ),
        (
            "permissions = {timeout='1h'}\n",
            "permissions = { allow = [+],timeout='1h'}\n",
        ),
        ("permissions = {}\n", "permissions = { allow = [+] }\n"),
        (
            "[permissions.later]\nx = 1\n",
            "[permissions.later]\nx = 1\n\n[permissions]\nallow = [+]\n",
        ),
        ("permissions.allow = []\n", "permissions.allow = [+]\n"),
        (
            "permissions.allow = [ # none\n]\n",
            "permissions.allow = [ # none\n+]\n",
        ),
        (
            "permissions.allow = ['A', \"B\"] # two\n",
            "permissions.allow = ['A', \"B\", +] # two\n",
        ),
        (
            "permissions.allow = ['A', ]",
            "permissions.allow = ['A', + ]",
        ),
        (
            "[permissions]\nallow = [\n  # first\n  'A', # a, b\n\t'B', # last, truly\n  # end\n]\n[lock]\n",
            "[permissions]\nallow = [\n  # first\n  'A', # a, b\n\t'B', # last, truly\n\t+,\n  # end\n]\n[lock]\n",
        ),
        (
            "permissions.allow = [\r\n  'A' # a, b\r\n]\r\n",
            "permissions.allow = [\r\n  'A', # a, b\r\n  +\r\n]\r\n",
        ),
        (
            "permissions.allow = [\n  'A'\n  ,]\n",
            "permissions.allow = [\n  'A'\n  , +]\n",
        ),
        (
            "\u{feff}permissions.allow = ['ä']\n",
            "\u{feff}permissions.allow = ['ä', +]\n",
        ),
    ];
    for (before, expected) in table {
        let expected = expected.replace('+', "\"Bash(cargo test)\"");
        assert_eq!(after(before), expected);
        assert_eq!(with_rule(&expected, RULE), Ok(None), "{expected}");
    }
}

#[test]
fn a_rule_may_hold_any_sign() {
    let project = Project::new();
    let odd = ["say \"x\" 'y'", "back\\slash", "ä \u{2028}б", "#, ]"];
    for rule in odd {
        project.write(&[rule]).unwrap();
    }
    let document = parse(&project.text()).unwrap();
    assert_eq!(allowed(document.as_item()).collect::<Vec<_>>(), odd);
}

#[test]
fn what_cannot_be_added_to_is_refused_in_words_and_stays_as_it_is() {
    for (text, problem) in [
        ("[permissions\n", "is not valid TOML"),
        ("permissions = 1\n", "`permissions` that is no table"),
        ("[[permissions]]\n", "`permissions` that is no table"),
        (
            "permissions.allow = 'Read'\n",
            "`permissions.allow` that is no list",
        ),
    ] {
        let project = Project::with(text);
        let refused = project.write(&[RULE]).unwrap_err();
        let file = project.file().display().to_string();
        assert!(
            refused.starts_with(&file) && refused.contains(problem),
            "{refused}"
        );
        assert_eq!(project.text(), text);
        assert_eq!(project.names(), ["config.local.toml"]);
    }
}

#[test]
fn what_the_configuration_would_not_read_as_a_rule_is_not_written() {
    let project = Project::new();
    for rule in ["", " ", "Bash(a\nb)", "a\u{1b}[31m"] {
        let refused = project.write(&[RULE, rule]).unwrap_err();
        assert!(refused.contains("not text on one line"), "{refused}");
        assert!(!refused.contains(char::is_control), "{refused}");
    }
    assert!(!project.file().exists());
}

#[test]
fn nothing_is_written_through_a_link() {
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("config.local.toml");
    std::fs::write(&target, "").unwrap();
    let project = Project::new();
    std::os::unix::fs::symlink(elsewhere.path(), project.root.path().join(".betcode")).unwrap();
    assert!(project.write(&[RULE]).unwrap_err().contains("is a link"));
    let project = Project::with("");
    std::fs::remove_file(project.file()).unwrap();
    std::os::unix::fs::symlink(&target, project.file()).unwrap();
    assert!(project.write(&[RULE]).unwrap_err().contains("is a link"));
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "");
}

#[test]
fn a_project_without_its_directory_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let refused = write_rules(&root.path().join("gone"), &rules(&[RULE])).unwrap_err();
    assert!(refused.contains("cannot be written"), "{refused}");
}

#[test]
fn two_that_write_at_once_both_have_their_rule() {
    let project = Project::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let project = &project;
            scope.spawn(move || project.write(&[&format!("Rule{number}")]).unwrap());
        }
    });
    let document = parse(&project.text()).unwrap();
    let mut written: Vec<&str> = allowed(document.as_item()).collect();
    written.sort_unstable();
    assert_eq!(
        written,
        (0..8).map(|n| format!("Rule{n}")).collect::<Vec<_>>()
    );
}

proptest! {
    #[test]
    fn any_list_of_rules_can_be_written_one_by_one_and_read_back(
        list in prop::collection::vec("\\PC{1,12}", 1..8),
        layout in prop::sample::select(vec!["", "permissions.allow = [\n]\n", "[permissions]\n", "permissions = {}"]),
    ) {
        let mut text = layout.to_owned();
        let mut expected: Vec<String> = Vec::new();
        for rule in list {
            let changed = with_rule(&text, &rule).unwrap();
            prop_assert_eq!(changed.is_none(), expected.contains(&rule));
            if let Some(changed) = changed {
                expected.push(rule);
                text = changed;
            }
        }
        let document = parse(&text).unwrap();
        prop_assert_eq!(allowed(document.as_item()).collect::<Vec<_>>(), expected);
    }
}
