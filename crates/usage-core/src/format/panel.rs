//! One line: for prompts, status lines, panels and the tray.

use serde_json::{Value, json};

use super::bars::money;
use super::{Paint, Shown, left, owners, short_name, state_line};
use crate::level::Level;
use crate::reading::{Kind, Reading};
use crate::readings::binding;

/// Tooltips of some systems are cut behind so many units of UTF-16.
const TOOLTIP: usize = 64;
/// Longer lines than this make a window of a panel too wide.
const TOOLTIP_WIDTH: usize = 72;

/// One short line: `5h 62% 1h 20m · 7d 41%`. The windows for everything, and any other that bites; the reset is that of the
/// window that bites first. Several providers or accounts are named.
pub fn line(shown: &Shown<'_>, paint: Paint) -> String {
    let first = binding(shown.readings, shown.now);
    let is_shown = |it: &&Reading| {
        matches!(it.kind, Kind::Session | Kind::Weekly | Kind::Monthly)
            || first.is_some_and(|first| std::ptr::eq(first, *it))
    };
    let owners = owners(shown.readings);
    let mut owner = None;
    let mut parts: Vec<String> = Vec::new();
    for reading in shown.readings.iter().filter(is_shown) {
        let Some(percent) = reading.current(shown.now) else {
            continue;
        };
        let number = format!("{:.0}%", percent.get());
        let number = paint.paint(Level::of(percent), &number);
        let mut part = format!("{} {number}", escaped(&short_name(reading), paint));
        let of = (reading.provider, reading.account.0.as_str());
        if owners.len() > 1 && owner.replace(of) != Some(of) {
            let same = owners.iter().filter(|(it, _)| *it == reading.provider);
            let name = if same.count() > 1 {
                &reading.account.0
            } else {
                reading.provider.title()
            };
            part = format!("{} {part}", escaped(name, paint));
        }
        if first.is_some_and(|first| std::ptr::eq(first, reading))
            && let Some(at) = reading.resets_at
        {
            part.push(' ');
            part.push_str(&left(at, shown.now));
        }
        parts.push(part);
    }
    if !shown.state.is_ok() || parts.is_empty() {
        parts.push(shown.state.name().replace('_', " "));
    }
    parts.join(" · ")
}

/// In tmux a `#` begins a mark.
fn escaped(text: &str, paint: Paint) -> String {
    match paint {
        Paint::Tmux => text.replace('#', "##"),
        Paint::Plain | Paint::Ansi => text.to_owned(),
    }
}

/// What Waybar reads from a command.
pub fn waybar(shown: &Shown<'_>) -> Value {
    let percent = shown.main().and_then(|it| it.current(shown.now));
    let text = percent.map_or_else(
        || "–".to_owned(),
        |percent| format!("{:.0}%", percent.get()),
    );
    let tooltip = super::bars_within(shown, Paint::Plain, TOOLTIP_WIDTH);
    let mut tooltip = tooltip.trim_end().to_owned();
    if shown.state.is_ok() {
        tooltip.push('\n');
        tooltip.push_str(&state_line(shown));
    }
    json!({
        "text": text,
        // The panel reads marks in it.
        "tooltip": tooltip.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        "class": shown.classes(),
        "percentage": percent.map_or(0.0, |percent| percent.get().round().min(100.0)),
    })
}

/// At most 64 characters: `betcode: 62.0% | 5h resets in 1h 20m | 1 waiting`.
pub fn tooltip(shown: &Shown<'_>) -> String {
    let mut parts = Vec::new();
    let main = shown.main();
    let percent = main.and_then(|it| it.current(shown.now));
    if !shown.state.is_ok() || percent.is_none() {
        parts.push(shown.state.name().replace('_', " "));
    }
    if let (Some(main), Some(percent)) = (main, percent) {
        parts.push(format!("{:.1}%", percent.get()));
        let amount = main.amount.as_ref().filter(|it| it.limit.is_some());
        parts.extend(amount.map(money));
        let reset = main.resets_at.map(|at| left(at, shown.now));
        parts.extend(reset.map(|reset| match amount {
            Some(_) => format!("Reset in {reset}"),
            None => format!("{} resets in {reset}", short_name(main)),
        }));
    }
    let waiting = (shown.waiting > 0).then(|| format!("{} waiting", shown.waiting));
    let mut kept = parts.len();
    loop {
        let parts = parts.iter().take(kept).chain(&waiting);
        let parts: Vec<_> = parts.map(String::as_str).collect();
        let text = format!("betcode: {}", parts.join(" | "));
        if text.encode_utf16().count() <= TOOLTIP || kept == 0 {
            return text;
        }
        kept -= 1;
    }
}
