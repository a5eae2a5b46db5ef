//! Whole screens: every scene of the list at every size as text, and in every theme with its styles.

mod scenes;

use betcode_core::event::{
    ClientInfo, Decider, EventBody, PermissionDecision, PermissionOutcome, PermissionScope, Status,
};
use betcode_core::id::ClientId;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use serde_json::json;
use uuid::Uuid;

use crate::scene::{Scene, screen};
use crate::terminal::notify::Progress;
use crate::text::highlight::NoHighlights;
use crate::theme::{Depth, Ground, Theme};
use crate::view::progress;
use scenes::SCENES;
pub(super) use scenes::{conversation as a_conversation, result, tool};

/// The sizes.
const SIZES: [(u16, u16); 6] = [
    (80, 24),
    (120, 40),
    (60, 20),
    (40, 12),
    (40, 10),
    (300, 100),
];
/// The themes: all colours on a dark and on a light ground, the terminal's sixteen, and none.
const THEMES: [(&str, Depth, Ground); 4] = [
    ("dark", Depth::True, Ground::Dark),
    ("light", Depth::True, Ground::Light),
    ("16 colours", Depth::Sixteen, Ground::Dark),
    ("no colours", Depth::None, Ground::Dark),
];

/// What is on the screen; where the conversation is printed, what was printed and the rows below.
fn drawn(scene: &mut Scene) -> Buffer {
    if scene.model.inline.is_none() {
        return scene.buffer().0;
    }
    let mut rows = super::inline::settle(&mut scene.model, &mut NoHighlights);
    let below = super::inline::live(&mut scene.model, &mut NoHighlights);
    let above = u16::try_from(rows.len()).unwrap();
    rows.extend(below.rows.iter().cloned());
    let area = Rect::new(0, 0, scene.model.width, above + below.height());
    let mut buffer = Buffer::empty(area);
    for (row, y) in rows.iter().zip(0..) {
        let line = Rect {
            y,
            height: 1,
            ..area
        };
        row.draw(line, scene.model.theme.text, &mut buffer, &mut Vec::new());
    }
    buffer
}

/// The rows of a buffer as text; `style` says what is marked around what looks alike.
fn rows(buffer: &Buffer, style: impl Fn(&ratatui::buffer::Cell) -> String) -> Vec<String> {
    let area = buffer.area;
    let row = |y| {
        let (mut line, mut last, mut skip) = (String::new(), String::new(), 0);
        let end = (0..area.width)
            .rev()
            .find(|x| buffer[(*x, y)].symbol() != " " || !style(&buffer[(*x, y)]).is_empty());
        for x in 0..end.map_or(0, |end| end + 1) {
            let cell = &buffer[(x, y)];
            let now = style(cell);
            if skip > 0 {
                skip -= 1;
                continue;
            }
            // A blank looks the same in any colour of the text.
            if now != last {
                if !last.is_empty() {
                    line.push('›');
                }
                if !now.is_empty() {
                    line.extend(["‹", &now, ":"]);
                }
                last = now;
            }
            line.push_str(cell.symbol());
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1) - 1;
        }
        if !last.is_empty() {
            line.push('›');
        }
        line
    };
    (0..area.height).map(row).collect()
}

/// Several rows without anything are one.
fn folded(rows: Vec<String>) -> String {
    let mut text = String::new();
    let mut rows = rows.into_iter().peekable();
    while let Some(row) = rows.next() {
        let mut empty = usize::from(row.trim().is_empty());
        while empty > 0 && rows.peek().is_some_and(|next| next.trim().is_empty()) {
            rows.next();
            empty += 1;
        }
        match empty {
            0 => text.push_str(row.trim_end()),
            1 => {}
            _ => text.extend(["⋮ ", &empty.to_string(), " empty rows"]),
        }
        text.push('\n');
    }
    text
}

/// How a cell looks, in a few characters.
fn marks(cell: &ratatui::buffer::Cell) -> String {
    let mut marks = String::new();
    for (modifier, mark) in [
        (Modifier::BOLD, '*'),
        (Modifier::UNDERLINED, '_'),
        (Modifier::DIM, '.'),
        (Modifier::ITALIC, '/'),
        (Modifier::REVERSED, '!'),
    ] {
        if cell.modifier.contains(modifier) {
            marks.push(mark);
        }
    }
    if cell.fg != Color::Reset {
        marks.push_str(&cell.fg.to_string());
    }
    if cell.bg != Color::Reset {
        marks.extend(["/", &cell.bg.to_string()]);
    }
    marks
}

/// A request to use a tool.
pub(super) fn permission(input: serde_json::Value, tool: &str, rules: &[&str]) -> EventBody {
    scenes::permission(tool, input, rules, "")
}

#[test]
fn every_scene_at_every_size() {
    for shown in SCENES {
        let mut all = String::new();
        for (width, height) in SIZES {
            let mut scene = (shown.make)(width, height);
            let text = folded(rows(&drawn(&mut scene), |_| String::new()));
            if height >= 12 {
                // Folded onto two rows, a word is still there.
                let words: String = text.split_whitespace().collect();
                for must in shown.always {
                    let must: String = must.split_whitespace().collect();
                    assert!(
                        words.contains(&must),
                        "{} at {width}×{height}: no {must}\n{text}",
                        shown.name
                    );
                }
            }
            all.extend([
                "== ",
                &width.to_string(),
                "×",
                &height.to_string(),
                "\n",
                &text,
            ]);
        }
        insta::assert_snapshot!(shown.name, all);
    }
}

#[test]
fn every_scene_in_every_theme() {
    for shown in SCENES {
        let mut all = String::new();
        for (name, depth, ground) in THEMES {
            let mut scene = (shown.make)(80, 24);
            scene.model.theme = Theme::new(depth, ground);
            let buffer = drawn(&mut scene);
            let text = rows(&buffer, |_| String::new());
            // Nothing is said by colours alone, and nothing is different where there are others.
            let plain = rows(&drawn(&mut (shown.make)(80, 24)), |_| String::new());
            assert_eq!(text, plain, "{}: {name}", shown.name);
            for cell in buffer.content() {
                for colour in [cell.fg, cell.bg] {
                    let is_fine = match depth {
                        Depth::None => colour == Color::Reset,
                        Depth::Sixteen => !matches!(colour, Color::Rgb(..) | Color::Indexed(_)),
                        Depth::Indexed | Depth::True => true,
                    };
                    assert!(is_fine, "{}: {name}: {colour}", shown.name);
                }
            }
            all.extend(["== ", name, "\n", &folded(rows(&buffer, marks))]);
        }
        insta::assert_snapshot!(format!("{}_styles", shown.name), all);
    }
}

/// A diff in a prompt can be seen to its end wherever the prompt can be read.
#[test]
fn a_long_change_is_scrolled_in_its_prompt() {
    let edit = SCENES
        .iter()
        .find(|shown| shown.name == "permission_edit")
        .unwrap();
    for (width, height) in SIZES {
        let mut scene = (edit.make)(width, height);
        let mut seen = String::new();
        for _ in 0..40 {
            seen.push_str(&scene.text());
            scene.keys("j");
        }
        for line in ["line three", "line twenty"] {
            assert!(seen.contains(line), "{width}×{height}: {line}");
        }
        assert!(scene.text().contains("yes, once"));
    }
}

#[test]
fn nothing_moves_where_less_motion_is_wanted() {
    for (reduced_motion, moves) in [(false, true), (true, false)] {
        let mut scene = screen(60, 12);
        scene.model.taste.reduced_motion = reduced_motion;
        scene.said("go");
        let before = scene.text();
        assert_eq!(scene.wait(125).text() != before, moves);
        let next = scene.model.deadline().unwrap().since(scene.model.now);
        assert_eq!(next < std::time::Duration::from_secs(1), moves);
    }
}

#[test]
fn the_terminal_shows_whether_a_turn_runs_waits_or_has_failed() {
    let mut scene = screen(80, 24);
    assert_eq!(progress(&scene.model), Progress::None);
    scene.said("do it");
    assert_eq!(progress(&scene.model), Progress::Busy);
    scene.event(permission(json!({"command": "ls"}), "Bash", &[]));
    assert_eq!(progress(&scene.model), Progress::Waiting);
    scene.model.session.permissions.clear();
    scene.status(Status::Error);
    assert_eq!(progress(&scene.model), Progress::Failed);
    scene.model.session.failed = true;
    scene.status(Status::Idle);
    assert_eq!(progress(&scene.model), Progress::Failed);
    scene.said("again").status(Status::Idle);
    assert_eq!(progress(&scene.model), Progress::None);
}

#[test]
fn a_denial_is_told_by_the_card_and_by_a_remark_only_if_that_says_more() {
    for (own, message, told) in [
        (true, "", false),
        (true, "not today", true),
        (false, "", true),
    ] {
        let mut scene = screen(80, 24);
        scene.said("go");
        tool(&mut scene, "t1", "Bash", "rm a", json!({"command": "rm a"}));
        let me = crate::scene::me();
        let by = ClientInfo {
            id: if own {
                me.id
            } else {
                ClientId(Uuid::from_u128(9))
            },
            place: "there".into(),
            ..me
        };
        scene.event(EventBody::PermissionResolved(PermissionDecision {
            id: "r1".into(),
            outcome: PermissionOutcome::Denied,
            scope: PermissionScope::Once,
            by: Decider::Client(by),
            message: message.into(),
            input: None,
            rules: Vec::new(),
            interrupt: false,
        }));
        result(&mut scene, "t1", "The user said no.", true, Vec::new());
        let text = scene.text();
        assert!(text.contains("The user said no."), "{text}");
        assert_eq!(text.contains("denied"), told, "{text}");
        assert_eq!(text.contains("by betcode (there)"), !own, "{text}");
        // What is not seen is not chosen either.
        scene.keys("tab k k");
        let chosen = scene.model.look.chosen;
        let first = scene.model.transcript.list().at(0).map(|entry| entry.first);
        assert_eq!(chosen == first, !told, "{chosen:?}");
    }
}
