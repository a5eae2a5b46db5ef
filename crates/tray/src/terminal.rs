//! Which terminal a command is shown in, and how: words for the system, never a line for a shell.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Terminals that are tried when none is named, and what stands between them and the command. The first is what the system
/// says is the user's.
const KNOWN: [(&str, &[&str]); 19] = [
    ("x-terminal-emulator", &["-e"]),
    ("xdg-terminal-exec", &[]),
    ("ptyxis", &["--"]),
    ("gnome-terminal", &["--"]),
    ("kgx", &["--"]),
    ("konsole", &["-e"]),
    ("xfce4-terminal", &["-x"]),
    ("mate-terminal", &["-x"]),
    ("lxterminal", &["-e"]),
    ("qterminal", &["-e"]),
    ("tilix", &["-e"]),
    ("terminator", &["-x"]),
    ("kitty", &[]),
    ("foot", &[]),
    ("alacritty", &["-e"]),
    ("ghostty", &["-e"]),
    ("wezterm", &["start", "--"]),
    ("urxvt", &["-e"]),
    ("xterm", &["-e"]),
];

/// What stands between a terminal that nobody knows and its command.
const USUAL: &[&str] = &["-e"];

/// The words that show a command in a terminal; nothing where there is no terminal. `set` is what the settings say, `variable`
/// is `$TERMINAL`, and `find` says where a program is.
pub fn words(
    set: &[String],
    variable: Option<&str>,
    command: &[OsString],
    find: impl Fn(&OsStr) -> Option<PathBuf>,
) -> Option<Vec<OsString>> {
    let with = |program: PathBuf, between: &[&str]| {
        let words = between.iter().map(OsString::from);
        let all = std::iter::once(program.into_os_string()).chain(words);
        Some(all.chain(command.iter().cloned()).collect())
    };
    if let Some((program, rest)) = set.split_first() {
        let found = find(program.as_ref())?;
        if rest.is_empty() {
            return with(found, between(program));
        }
        // Whoever has written more than the program has written all.
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        return with(found, &rest);
    }
    if let Some(program) = variable
        && let Some(found) = find(program.as_ref())
    {
        return with(found, between(program));
    }
    let mut known = KNOWN.iter();
    let (found, between) =
        known.find_map(|(name, between)| Some((find(name.as_ref())?, between)))?;
    with(found, between)
}

fn between(program: &str) -> &'static [&'static str] {
    let name = Path::new(program).file_name();
    let known = KNOWN
        .iter()
        .find(|(known, _)| name == Some(OsStr::new(known)));
    known.map_or(USUAL, |(_, between)| between)
}

/// Where a program is: a path as it stands, a name in these directories.
pub fn find(program: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    let named = Path::new(program);
    if named.components().count() > 1 {
        return is_program(named).then(|| named.to_owned());
    }
    let directories = std::env::split_paths(path?);
    let mut places = directories
        .filter(|it| it.is_absolute())
        .map(|it| it.join(program));
    places.find(|place| is_program(place))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(set: &[&str], variable: Option<&str>, there: &[&str]) -> Option<Vec<String>> {
        let set: Vec<String> = set.iter().map(|it| (*it).to_owned()).collect();
        let command = ["betcode".into(), "--resume".into(), "; rm -rf $HOME".into()];
        let find = |name: &OsStr| {
            let named = there.iter().find(|it| name == OsStr::new(it));
            named.map(|it| Path::new("/bin").join(it))
        };
        let words = words(&set, variable, &command, find)?;
        Some(
            words
                .into_iter()
                .map(|it| it.into_string().unwrap())
                .collect(),
        )
    }

    #[test]
    fn the_setting_comes_first_then_the_variable_then_what_is_there() {
        let there = ["kitty", "foot", "xterm", "my-term"];
        let first = |set: &[&str], variable| shown(set, variable, &there).unwrap()[0].clone();
        assert_eq!(first(&["my-term"], Some("foot")), "/bin/my-term");
        assert_eq!(first(&[], Some("foot")), "/bin/foot");
        assert_eq!(first(&[], Some("gone")), "/bin/kitty");
        assert_eq!(first(&[], None), "/bin/kitty");
        assert_eq!(shown(&["gone"], None, &there), None, "what is set is meant");
        assert_eq!(shown(&[], None, &[]), None);
    }

    #[test]
    fn a_command_is_words_whatever_stands_in_it() {
        let words = shown(&[], None, &["xterm"]).unwrap();
        assert_eq!(
            words,
            ["/bin/xterm", "-e", "betcode", "--resume", "; rm -rf $HOME"]
        );
        let words = shown(&["kitty", "--hold"], None, &["kitty"]).unwrap();
        assert_eq!(words[..3], ["/bin/kitty", "--hold", "betcode"]);
        let words = shown(&["gnome-terminal"], None, &["gnome-terminal"]).unwrap();
        assert_eq!(words[..3], ["/bin/gnome-terminal", "--", "betcode"]);
    }

    #[test]
    fn only_what_can_be_run_is_found() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("term");
        std::fs::write(&file, "").unwrap();
        let path = place.path().as_os_str();
        assert_eq!(find("term".as_ref(), Some(path)), None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find("term".as_ref(), Some(path)), Some(file.clone()));
        assert_eq!(find(file.as_os_str(), None), Some(file));
        assert_eq!(find("term".as_ref(), None), None);
    }
}
