//! `rules list`: every rule that is written down for a directory.

use betcode_client::{ListedRule, RuleDecision, RuleList};

use super::place::line;
use super::{ListArgs, Places, directory, scope};
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::say;
use crate::table::Table;

/// Lists them.
pub(super) fn list(args: &ListArgs, context: &mut Context) -> Result<Exit, Failure> {
    let cwd = directory(context, args.cwd.as_ref())?;
    let scope = scope(context, cwd);
    let mut list = with_daemon(context, Policy::Start, async |daemon| {
        Ok(daemon.list_rules(scope).await?)
    })?;
    // What denies comes first, whatever the order in which it was told.
    list.rules
        .sort_by_key(|rule| std::cmp::Reverse(rule.action));
    if args.json {
        context.output.json(&list)?;
        return Ok(Exit::Success);
    }
    let places = Places::new(context);
    places.warn(&list.problems);
    if list.rules.is_empty() {
        for line in none(&list, &places) {
            say(&line);
        }
        return Ok(Exit::Success);
    }
    let table = table(&list.rules, args.origin, &places);
    let text = table.render(context.output.colours());
    context.output.write(text.as_bytes())?;
    context.output.flush()?;
    let waiting = list.rules.iter().filter(|rule| rule.ignored.is_some());
    if !list.trusted && waiting.count() > 0 {
        say(&format!(
            "note: this directory is not trusted, so what its files allow does not count: betcode trust {}",
            shell_words::quote(&list.project)
        ));
    }
    Ok(Exit::Success)
}

/// What is said where there are no rules.
fn none(list: &RuleList, places: &Places) -> Vec<String> {
    let mut lines = vec![
        "there are no rules here: agents ask before they change something, and read in this directory without asking"
            .to_owned(),
    ];
    let files: Vec<String> = list
        .files
        .iter()
        .map(|file| places.short(&file.path))
        .collect();
    if !files.is_empty() {
        lines.push(format!("hint: rules can stand in {}", files.join(", ")));
    }
    lines
}

fn table(rules: &[ListedRule], origin: bool, places: &Places) -> Table {
    let notes = rules.iter().any(|rule| note(rule).is_some());
    let mut headings = vec!["ACTION", "RULE"];
    if origin {
        headings.extend(["ORIGIN", "PLACE"]);
    }
    if notes {
        headings.push("NOTE");
    }
    let mut table = Table::new(&headings);
    for rule in rules {
        let mut row = vec![rule.action.word().to_owned(), line(&rule.rule.rule)];
        if origin {
            row.extend([rule.rule.origin.word().to_owned(), places.of(&rule.rule)]);
        }
        row.extend(note(rule));
        if rule.ignored.is_some() {
            table.dim_row(row);
        } else {
            table.row(row);
        }
    }
    table
}

/// What there is to say about a rule.
fn note(rule: &ListedRule) -> Option<String> {
    let ignored = rule.ignored.as_ref().map(|why| format!("ignored: {why}"));
    match (ignored, &rule.remark) {
        (Some(ignored), Some(remark)) => Some(format!("{ignored}; {remark}")),
        (Some(note), None) => Some(note),
        (None, remark) => remark.clone(),
    }
}

/// How many rules of which kind stand in which file, for a sentence: `3 allow rules from .claude/settings.json`.
pub(crate) fn counts(rules: &[&ListedRule], places: &Places) -> Vec<String> {
    let mut counted: Vec<(RuleDecision, String, usize)> = Vec::new();
    for rule in rules {
        let file = rule.rule.file.as_deref().map(|file| places.short(file));
        let file = file.unwrap_or_else(|| rule.rule.origin.word().to_owned());
        let same = counted
            .iter_mut()
            .find(|(action, known, _)| *action == rule.action && *known == file);
        match same {
            Some((_, _, number)) => *number += 1,
            None => counted.push((rule.action, file, 1)),
        }
    }
    let sentence = |(action, file, number): (RuleDecision, String, usize)| {
        let rules = if number == 1 { "rule" } else { "rules" };
        format!("{number} {} {rules} from {file}", action.word())
    };
    counted.into_iter().map(sentence).collect()
}

#[cfg(test)]
mod tests;
