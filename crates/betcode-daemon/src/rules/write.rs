//! Adding a rule where the user said "always".
//!
//! Laws:
//! - a rule that is there already is not added again, and then the file is not touched;
//! - nothing else in the file changes, not by a byte;
//! - the file is the old one or the new one, never a part; a new one belongs to the user alone;
//! - a file that cannot be read, is no TOML, or is a link stays as it is: a link may lead out of the project, and a rule
//!   would then count for others.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use betcode_core::config;
use toml_edit::{Document, Item, TableLike, Value};

use crate::text;

/// Two sessions of one project may write at the same time.
static WRITING: Mutex<()> = Mutex::new(());

/// Adds rules to the project's local file in `cwd`. Gives that file, or a sentence about why it stays as it is. Works on
/// files; must not run on the reactor.
pub fn write_rules(cwd: &Path, rules: &[String]) -> Result<PathBuf, String> {
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = cwd.join(config::PROJECT_LOCAL_FILE);
    let old = read(&path)?;
    let mut text = old.clone().unwrap_or_default();
    for rule in rules {
        if rule.trim().is_empty() || rule.contains(char::is_control) {
            return Err(format!(
                "{rule:?} is not text on one line, so it cannot be a rule"
            ));
        }
        let shown = path.display();
        if let Some(changed) =
            with_rule(&text, rule).map_err(|problem| format!("{shown} {problem}"))?
        {
            text = changed;
        }
    }
    if old.as_ref() != Some(&text) {
        replace(&path, &text, old.is_some())
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(path)
}

/// The text of the file; none when there is no file.
fn read(path: &Path) -> Result<Option<String>, String> {
    let shown = path.display();
    let directory = path.parent().unwrap_or(path);
    for link in [directory, path] {
        if link.is_symlink() {
            return Err(format!(
                "{} is a link, which may lead out of the project; add the rule yourself",
                link.display()
            ));
        }
    }
    text::whole(path).map_err(|what| format!("{shown} {what}"))
}

/// The text with this rule in `permissions.allow`; none when it is there already.
fn with_rule(text: &str, rule: &str) -> Result<Option<String>, String> {
    let document = parse(text)?;
    if allowed(document.as_item()).any(|known| known == rule) {
        return Ok(None);
    }
    let literal = Value::from(rule).to_string();
    let mut changed = text.to_owned();
    // From the back, so that the places in front stay where they are.
    for (place, added) in insertions(text, &document, &literal)?.into_iter().rev() {
        changed.insert_str(place, &added);
    }
    // Whatever way of writing was not thought of: a file is changed as meant, or not at all.
    let written = parse(&changed).is_ok_and(|document| {
        allowed(document.as_item())
            .filter(|known| *known == rule)
            .count()
            == 1
    });
    if written {
        Ok(Some(changed))
    } else {
        Err("is written in a way that cannot be added to; add the rule yourself".to_owned())
    }
}

fn parse(text: &str) -> Result<Document<String>, String> {
    text.to_owned()
        .parse()
        .map_err(|error: toml_edit::TomlError| {
            let message = error.message().replace('\n', "; ");
            format!("is not valid TOML ({message}); correct it and add the rule yourself")
        })
}

fn allowed(document: &Item) -> impl Iterator<Item = &str> {
    let rules = document
        .get("permissions")
        .and_then(|permissions| permissions.get("allow"))
        .and_then(Item::as_array);
    rules.into_iter().flatten().filter_map(Value::as_str)
}

/// What must be inserted, by place.
fn insertions(
    text: &str,
    document: &Document<String>,
    literal: &str,
) -> Result<Vec<(usize, String)>, String> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let setting = format!("allow = [{literal}]");
    let Some(permissions) = document.get("permissions") else {
        return Ok(vec![section(text, &setting, newline)]);
    };
    let Some(table) = permissions.as_table_like() else {
        return Err("has a `permissions` that is no table; correct it".to_owned());
    };
    match table.get("allow") {
        Some(Item::Value(Value::Array(rules))) => {
            let span = rules.span().ok_or(NOWHERE)?;
            let last = rules.iter().last().map(|last| last.span().ok_or(NOWHERE));
            Ok(in_array(text, &span, last.transpose()?, literal, newline))
        }
        Some(_) => Err("has a `permissions.allow` that is no list; correct it".to_owned()),
        None => in_table(text, permissions, table, &setting, newline).map(|place| vec![place]),
    }
}

const NOWHERE: &str = "has settings whose place is not known; add the rule yourself";

/// A section of its own at the end of the file.
fn section(text: &str, setting: &str, newline: &str) -> (usize, String) {
    let before = match text {
        "" => "",
        text if text.ends_with('\n') => newline,
        _ => &newline.repeat(2),
    };
    let section = format!("{before}[permissions]{newline}{setting}{newline}");
    (text.len(), section)
}

/// The setting in a table that does not have it.
fn in_table(
    text: &str,
    item: &Item,
    table: &dyn TableLike,
    setting: &str,
    newline: &str,
) -> Result<(usize, String), String> {
    if let Some(inline) = item.as_inline_table() {
        let start = inline.span().ok_or(NOWHERE)?.start + 1;
        let after = if inline.is_empty() { " " } else { "," };
        return Ok((start, format!(" {setting}{after}")));
    }
    if item.as_table().is_some_and(toml_edit::Table::is_dotted) {
        // In front of the first line that names the table, under the same name.
        let first = table
            .iter()
            .filter_map(|(name, _)| table.key(name)?.span())
            .map(|span| span.start)
            .min()
            .ok_or(NOWHERE)?;
        let start = text.get(..first).and_then(|before| before.rfind('\n'));
        let start = start.map_or(0, |newline| newline + 1);
        return Ok((start, format!("permissions.{setting}{newline}")));
    }
    let Some(header) = item.span().filter(|span| starts_header(text, span)) else {
        // Only tables below it have a heading.
        return Ok(section(text, setting, newline));
    };
    let rest = text.get(header.start..).unwrap_or_default();
    Ok(match rest.find('\n') {
        Some(end) => (header.start + end + 1, format!("{setting}{newline}")),
        None => (text.len(), format!("{newline}{setting}{newline}")),
    })
}

fn starts_header(text: &str, span: &Range<usize>) -> bool {
    let heading = text.get(span.clone()).unwrap_or_default();
    let name = heading
        .trim_start_matches(['[', ' ', '\t'])
        .trim_start_matches(['"', '\'']);
    name.strip_prefix("permissions").is_some_and(|rest| {
        rest.trim_start_matches(['"', '\'', ' ', '\t'])
            .starts_with(']')
    })
}

/// One more element at the end of an array; on a line of its own where the last one has one.
fn in_array(
    text: &str,
    array: &Range<usize>,
    last: Option<Range<usize>>,
    literal: &str,
    newline: &str,
) -> Vec<(usize, String)> {
    let close = array.end.saturating_sub(1);
    let Some(last) = last else {
        return vec![(close, literal.to_owned())];
    };
    let rest = text.get(last.end..close).unwrap_or_default();
    // What follows the last element: blanks, perhaps a comma, comments.
    let comma = comma(rest);
    let line_end = rest
        .get(comma.map_or(0, |comma| comma + 1)..)
        .and_then(|after| after.find('\n'))
        .map(|end| last.end + comma.map_or(0, |comma| comma + 1) + end + 1);
    let line_start = text.get(..last.start).and_then(|before| before.rfind('\n'));
    let indent: String = text
        .get(line_start.map_or(0, |newline| newline + 1)..last.start)
        .unwrap_or_default()
        .chars()
        .take_while(|c| matches!(c, ' ' | '\t'))
        .collect();
    match (line_end, comma) {
        (None, Some(comma)) => vec![(last.end + comma + 1, format!(" {literal}"))],
        (None, None) => vec![(last.end, format!(", {literal}"))],
        (Some(end), Some(_)) => vec![(end, format!("{indent}{literal},{newline}"))],
        (Some(end), None) => vec![
            (last.end, ",".to_owned()),
            (end, format!("{indent}{literal}{newline}")),
        ],
    }
}

/// Where the comma is, outside of comments.
fn comma(rest: &str) -> Option<usize> {
    let mut in_comment = false;
    rest.char_indices().find_map(|(place, c)| {
        match c {
            '#' => in_comment = true,
            '\n' => in_comment = false,
            _ => {}
        }
        (c == ',' && !in_comment).then_some(place)
    })
}

fn replace(path: &Path, text: &str, keep_mode: bool) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    if !directory.is_dir() {
        std::fs::DirBuilder::new().mode(0o755).create(directory)?;
    }
    let temporary = path.with_extension(format!("toml.{}.new", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        if keep_mode {
            file.set_permissions(std::fs::metadata(path)?.permissions())?;
        }
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        File::open(directory)?.sync_all()
    })();
    if written.is_err() {
        // What is left of a failed attempt is of no use; the first error is the one to tell.
        let _gone = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests;
