//! `session context`: how full the context of a session's agent is, as the agent says now.

use betcode_core::context::ContextUsage;

use super::resolve::find;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::link::{Policy, with_daemon};
use crate::output::printable;
use crate::table::Table;

/// Asks the agent and prints its answer.
pub(super) fn fullness(id: &str, json: bool, context: &mut Context) -> Result<Exit, Failure> {
    let usage = with_daemon(context, Policy::Start, async |daemon| {
        let session = find(&daemon, id).await?.summary.id;
        Ok(daemon.context(session).await?)
    })?;
    if json {
        context.output.json(&usage)?;
        return Ok(Exit::Success);
    }
    context.output.line(&headline(&usage))?;
    if !usage.categories.is_empty() {
        let text = table(&usage).render(context.output.colours());
        context.output.write(text.as_bytes())?;
    }
    Ok(Exit::Success)
}

fn headline(usage: &ContextUsage) -> String {
    let (used, window) = (usage.used_tokens, usage.window_tokens);
    let share = match window {
        0 => String::new(),
        _ => format!(" ({} %)", u128::from(used) * 100 / u128::from(window)),
    };
    let text = format!("{used} of {window} tokens are used{share}");
    if usage.model.is_empty() {
        text
    } else {
        format!("{}: {text}", printable(&usage.model))
    }
}

fn table(usage: &ContextUsage) -> Table {
    let mut table = Table::new(&["TOKENS", "KIND", "WHAT"]);
    for category in &usage.categories {
        table.row([
            category.tokens.to_string(),
            category.kind.clone(),
            category.name.clone(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use betcode_core::context::ContextCategory;

    use super::*;

    #[test]
    fn an_unknown_window_has_no_share_and_parts_are_a_table() {
        let category = |name: &str, kind: &str, tokens| ContextCategory {
            name: name.into(),
            kind: kind.into(),
            tokens,
        };
        let mut usage = ContextUsage {
            model: "m".into(),
            used_tokens: 10_729,
            window_tokens: 1_000_000,
            categories: vec![
                category("System tools", "used", 6_677),
                category("Free space", "free", 956_271),
            ],
        };
        assert_eq!(
            headline(&usage),
            "m: 10729 of 1000000 tokens are used (1 %)"
        );
        insta::assert_snapshot!(table(&usage).render(false), @"
TOKENS  KIND  WHAT
6677    used  System tools
956271  free  Free space
");
        usage.window_tokens = 0;
        usage.model.clear();
        assert_eq!(headline(&usage), "10729 of 0 tokens are used");
    }
}
