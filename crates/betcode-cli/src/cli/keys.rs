//! `betcode keys`: which key does what on the interactive screen, as the settings have it, and what a terminal sends for a key.

mod watch;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use betcode_tui::key::Key;
use betcode_tui::keymap::{ACTIONS, Entry};
use clap::Args;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::output::say;
use crate::screen_settings;
use crate::table::Table;

/// Show which key does what on the interactive screen, and what your terminal sends
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// Press keys and see how they arrive and what they do; ctrl-c twice ends it
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// As JSON: an array of objects
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &KeysArgs, context: &mut Context) -> Result<Exit, Failure> {
    if args.watch {
        let settings = screen_settings::read(context, &[])?;
        return watch::run(settings.keymap, context);
    }
    // Names are needed most when one of them is wrong.
    let (others, wrong) = match screen_settings::read(context, &[]) {
        Ok(settings) => (settings.others, None),
        Err(failure) => (BTreeMap::new(), Some(failure)),
    };
    if args.json {
        let rows: Vec<Value> = ACTIONS.iter().map(|entry| object(entry, &others)).collect();
        context.output.json(&rows)?;
    } else {
        let text = table(&others).render(context.output.colours());
        context.output.write(text.as_bytes())?;
    }
    context.output.flush()?;
    if let Some(failure) = wrong {
        say("note: these are the usual keys, because those in the settings cannot be used");
        return Err(failure);
    }
    if context.output.is_terminal() && std::io::stdin().is_terminal() && !args.json {
        say("betcode keys --watch shows what your terminal sends for a key");
    }
    Ok(Exit::Success)
}

/// The keys of an action, in the order in which they were written.
fn keys(entry: &Entry, others: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let named = |text: &str| text.parse::<Key>().ok().map(|key| key.to_string());
    match others.get(entry.name) {
        Some(keys) => keys.iter().filter_map(|key| named(key)).collect(),
        None => entry.keys.iter().filter_map(|key| named(key)).collect(),
    }
}

/// An action as programs read it.
fn object(entry: &Entry, others: &BTreeMap<String, Vec<String>>) -> Value {
    json!({
        "place": entry.place.name(),
        "name": entry.name,
        "keys": keys(entry, others),
        "usual_keys": keys(entry, &BTreeMap::new()),
        "about": entry.about,
    })
}

fn table(others: &BTreeMap<String, Vec<String>>) -> Table {
    let mut table = Table::new(&["PLACE", "KEYS", "NAME", "WHAT"]);
    for entry in ACTIONS {
        table.row([
            entry.place.name().to_owned(),
            keys(entry, others).join(" "),
            entry.name.to_owned(),
            entry.about.to_owned(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_an_aligned_table() {
        insta::assert_snapshot!(table(&BTreeMap::new()).render(false));
    }

    #[test]
    fn keys_of_the_settings_take_the_place_of_the_usual_ones() {
        let others = BTreeMap::from([
            (
                "send".to_owned(),
                vec!["Ctrl-Enter".to_owned(), "f5".to_owned()],
            ),
            ("help".to_owned(), Vec::new()),
        ]);
        let rows: Vec<Value> = ACTIONS.iter().map(|entry| object(entry, &others)).collect();
        let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap().clone();
        assert_eq!(row("send")["keys"], json!(["ctrl-enter", "f5"]));
        assert_eq!(row("send")["usual_keys"], json!(["enter", "ctrl-enter"]));
        assert_eq!(row("help")["keys"], json!([]));
        assert_eq!(row("newline")["place"], "input");
    }
}
