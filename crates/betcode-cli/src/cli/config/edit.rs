//! Writing configuration files. What was read well before is read well after: a value is checked before it is written.

use std::path::{Path, PathBuf};
use std::process::Command;

use betcode_client::ConnectError;
use betcode_core::config::{self, ConfigError, Key, Layer, Source};
use toml_edit::{DocumentMut, Item, Table};

use super::WhichFile;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Link, Policy, block_on};
use crate::output::say;
use crate::rule_lists;
use crate::screen_settings::conflicts;

/// Changes one setting.
pub(super) fn set(
    context: &mut Context,
    key: &str,
    value: &str,
    file: WhichFile,
) -> Result<Exit, Failure> {
    refuse_agents()?;
    let key = Key::parse(key).map_err(|error| wrong(&error))?;
    let literal = config::check_value(&key, value).map_err(|error| wrong(&error))?;
    if let Ok(config::Value::Rules(rules)) = config::Value::from_text(key.info().kind, value) {
        rule_lists::read(&rules, key.info().name)?;
    }
    let path = file_path(context, file)?;
    let text = read(&path)?;
    let changed = with_value(&text, &key, literal.as_str()).map_err(|problem| {
        Failure::general("CONFIG_FILE", format!("{}: {problem}", path.display()))
    })?;
    if matches!(key, Key::ScreenKeys(_)) {
        keys_go_together(&key, &path, &changed)?;
    }
    replace(&path, &changed)?;
    say(&format!("{key} is set in {}", path.display()));
    if file.project || file.project_local {
        explain_layer(&key);
    } else if is_read_at_start(&key) {
        remind_of_restart(context);
    }
    Ok(Exit::Success)
}

/// Refuses keys that do not exist or that something else has: the screen would not open with them.
fn keys_go_together(key: &Key, path: &Path, text: &str) -> Result<(), Failure> {
    let source = Source::file(Layer::User, path.display().to_string(), text);
    let conflicts = conflicts(&config::resolve(&[source], false));
    let name = key.path().last().copied().unwrap_or_default().to_owned();
    let about = conflicts
        .into_iter()
        .find(|problem| problem.actions.contains(&name));
    match about {
        Some(problem) => Err(problem.failure()),
        None => Ok(()),
    }
}

/// What belongs to the daemon it reads once, when it starts.
fn is_read_at_start(key: &Key) -> bool {
    key.info().projects == config::Projects::Never
}

/// Says that a daemon runs that does not know of the change.
fn remind_of_restart(context: &Context) {
    let runs = Link::new(context, Policy::Never).and_then(|link| {
        block_on(async {
            match link.quiet().connect().await {
                Err(ConnectError::NotRunning { .. }) => Ok(false),
                // One that cannot be understood runs, too.
                _ => Ok(true),
            }
        })
    });
    if runs.unwrap_or(false) {
        say(
            "note: the daemon that runs has read its settings already: betcode daemon restart takes this one, and running turns go on",
        );
    }
}

/// Settings decide what agents may do, so an agent does not change them. Best effort: it could write the file itself.
fn refuse_agents() -> Result<(), Failure> {
    if betcode_daemon::is_inside_an_agent(std::process::id()) {
        return Err(Failure::general(
            "INSIDE_AGENT",
            "this comes from inside an agent's own process tree: an agent may not change settings"
                .to_owned(),
        )
        .hint("change them from a terminal that no agent has started"));
    }
    Ok(())
}

/// Says when a project's file is the wrong place.
fn explain_layer(key: &Key) {
    match key.info().projects {
        config::Projects::Always => {}
        config::Projects::WhenTrusted => {
            say("note: it counts once this directory is trusted: betcode trust");
        }
        config::Projects::Never => {
            say(&format!(
                "warning: {key} belongs to the daemon and does not count in a project's file"
            ));
        }
        config::Projects::Personal => {
            say(&format!(
                "warning: {key} is yours alone and does not count in a project's file"
            ));
        }
    }
}

/// The text of a file with one value changed and everything else as it was.
fn with_value(text: &str, key: &Key, literal: &str) -> Result<String, String> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| error.to_string())?;
    let value: toml_edit::Value = literal
        .parse()
        .map_err(|error: toml_edit::TomlError| error.to_string())?;
    let path = key.path();
    let Some((name, tables)) = path.split_last() else {
        return Ok(text.to_owned());
    };
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for part in tables {
        if table.get(part).is_none() {
            let mut new = Table::new();
            // A table that only holds tables needs no heading of its own.
            new.set_implicit(true);
            table.insert(part, Item::Table(new));
        }
        let next = table.get_mut(part).and_then(Item::as_table_like_mut);
        table = next.ok_or_else(|| format!("`{part}` is not a table"))?;
    }
    match table.get_mut(name) {
        Some(Item::Value(old)) => {
            // The comment behind the old value stays.
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        Some(_) => return Err(format!("`{key}` is a table")),
        None => {
            table.insert(name, Item::Value(value));
        }
    }
    Ok(document.to_string())
}

/// Opens a file in the user's editor, and says afterwards what is wrong with it.
pub(super) fn edit(context: &mut Context, file: WhichFile) -> Result<Exit, Failure> {
    refuse_agents()?;
    let path = file_path(context, file)?;
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| context.environment.text(name))
        .unwrap_or("vi")
        .to_owned();
    let words = shell_words::split(&editor)
        .ok()
        .filter(|words| !words.is_empty());
    let Some((program, arguments)) = words.as_ref().and_then(|words| words.split_first()) else {
        return Err(
            Failure::general("EDITOR", format!("the editor `{editor}` cannot be run"))
                .hint("set EDITOR to a program and its arguments"),
        );
    };
    make_directory(&path)?;
    if !path.exists() {
        replace(
            &path,
            "# betcode config show --origin lists every setting\n",
        )?;
    }
    let daemons = |text: String| {
        let source = Source::file(file.layer(), path.display().to_string(), text);
        let resolution = config::resolve(&[source], true);
        let mut rows = resolution.origins;
        rows.retain(|row| is_read_at_start(&row.key));
        let values: Vec<_> = rows.into_iter().map(|row| (row.key, row.value)).collect();
        (values, resolution.errors)
    };
    let (before, _) = daemons(read(&path)?);
    let status = Command::new(program).args(arguments).arg(&path).status();
    let status = status.map_err(|error| {
        Failure::io(&format!("cannot run the editor `{program}`"), &error).hint("set EDITOR")
    })?;
    if !status.success() {
        return Err(Failure::general(
            "EDITOR",
            format!("the editor ended with {status}"),
        ));
    }
    let (after, errors) = daemons(read(&path)?);
    if let Some(error) = errors.first() {
        return Err(wrong(error));
    }
    if after != before {
        remind_of_restart(context);
    }
    Ok(Exit::Success)
}

impl WhichFile {
    /// The layer of the file.
    pub(super) const fn layer(self) -> Layer {
        if self.project_local {
            Layer::ProjectLocal
        } else if self.project {
            Layer::Project
        } else {
            Layer::User
        }
    }
}

/// Where a file is.
pub(super) fn file_path(context: &Context, file: WhichFile) -> Result<PathBuf, Failure> {
    match file.layer() {
        Layer::Project => Ok(context.cwd()?.join(config::PROJECT_FILE)),
        Layer::ProjectLocal => Ok(context.cwd()?.join(config::PROJECT_LOCAL_FILE)),
        Layer::User | Layer::Default | Layer::Environment | Layer::Flags => {
            Ok(context.profile()?.config_dir.join(config::USER_FILE))
        }
    }
}

/// An error of the configuration as the user reads it.
pub(super) fn wrong(error: &ConfigError) -> Failure {
    let failure = Failure::invalid("CONFIG", error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A file's text; nothing where there is none.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    match betcode_daemon::text::whole(path) {
        Ok(text) => Ok(text.unwrap_or_default()),
        Err(what) => {
            let failure = Failure::invalid("CONFIG", format!("{} {what}", path.display()));
            Err(failure.hint("replace it by a file, or remove it"))
        }
    }
}

fn make_directory(path: &Path) -> Result<(), Failure> {
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::io(
            &format!("cannot make the directory {}", directory.display()),
            &error,
        )
    })
}

/// Writes a file as a whole or not at all; it may hold secrets, so only the user reads a new one.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    make_directory(path)?;
    // Where the file is a link, what it points to is replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = std::fs::metadata(&target)
        .ok()
        .map(|metadata| metadata.permissions());
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = target.with_file_name(name);
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| mode.map_or(Ok(()), |mode| std::fs::set_permissions(&temporary, mode)))
        .and_then(|()| std::fs::rename(&temporary, &target));
    written.map_err(|error| {
        // What is left of a failed attempt is of no use; the first error is the one to tell.
        let _ = std::fs::remove_file(&temporary);
        Failure::io(&format!("cannot write {}", path.display()), &error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str, key: &str, literal: &str) -> String {
        with_value(text, &Key::parse(key).unwrap(), literal).unwrap()
    }

    #[test]
    fn comments_order_and_the_rest_stay() {
        let text = "# mine\nmodel = \"a\" # for now\n\n[daemon]\n# long\nidle_exit = \"1h\"\n";
        assert_eq!(
            changed(text, "model", "\"b\""),
            "# mine\nmodel = \"b\" # for now\n\n[daemon]\n# long\nidle_exit = \"1h\"\n"
        );
        assert_eq!(
            changed(text, "daemon.log_level", "\"debug\""),
            "# mine\nmodel = \"a\" # for now\n\n[daemon]\n# long\nidle_exit = \"1h\"\nlog_level = \"debug\"\n"
        );
    }

    #[test]
    fn tables_are_made_where_they_are_missing() {
        assert_eq!(
            changed("", "agents.claude.command", "[\"c\"]"),
            "[agents.claude]\ncommand = [\"c\"]\n"
        );
        let inline = "agents = { claude = { command = [\"a\"] } }\n";
        assert_eq!(
            changed(inline, "agents.claude.command", "[\"b\"]"),
            "agents = { claude = { command = [\"b\"] } }\n"
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_never_overwritten() {
        let model = Key::parse("model").unwrap();
        for text in ["[daemon", "model = {}\n[x", "[model]\n"] {
            assert!(with_value(text, &model, "\"a\"").is_err(), "{text}");
        }
    }
}
