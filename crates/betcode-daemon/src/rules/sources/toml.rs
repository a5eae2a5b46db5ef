//! Rules in our own files. Whatever else stands in them is the configuration's business.

use toml_edit::{Document, Item, TableLike, Value};

use super::layer::{Broken, Found, LISTS, Lines, Literal};

pub(super) fn found(text: &str) -> Result<Found, Broken> {
    let lines = Lines::new(text);
    let document: Document<&str> = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let message = error.message().replace('\n', "; ");
            return Err(Broken {
                line: error.span().and_then(|span| lines.of(span.start)),
                what: format!("is not valid TOML: {message}"),
            });
        }
    };
    let mut found = Found::default();
    let Some(permissions) = document.get("permissions") else {
        return Ok(found);
    };
    let Some(table) = permissions.as_table_like() else {
        let line = permissions.span().and_then(|span| lines.of(span.start));
        found.problem(line, "`permissions` is no table, so it does not count");
        return Ok(found);
    };
    for name in LISTS {
        list(&mut found, name, table, &lines);
    }
    Ok(found)
}

fn list(found: &mut Found, name: &str, table: &dyn TableLike, lines: &Lines) {
    let Some(item) = table.get(name) else {
        return;
    };
    let line = item.span().and_then(|span| lines.of(span.start));
    match item {
        Item::Value(Value::Array(rules)) => {
            for rule in rules {
                let line = rule.span().and_then(|span| lines.of(span.start));
                match (rule.as_str(), found.list(name)) {
                    (Some(text), Some(list)) => list.push(Literal::new(text.to_owned(), line)),
                    _ => found.no_rule(name, true, line),
                }
            }
        }
        Item::Value(Value::String(text)) => found.lone(name, text.value().clone(), line),
        _ => found.no_rule(name, false, line),
    }
}
