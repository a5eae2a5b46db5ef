//! The mouse in the conversation: marking copies, a click folds and unfolds. It never answers anything: a click that is meant
//! for the window would be taken for a word.

use crate::marking::{Press, Release, Spot, spot};
use crate::model::Model;
use crate::msg::Effect;
use crate::terminal::input::{Mouse, MouseAct};
use crate::transcript::Body;

use super::{Work, conversation};

pub(super) fn mouse(model: &mut Model, work: &mut Work<'_, '_>, mouse: Mouse) {
    match mouse.act {
        MouseAct::ScrollUp => conversation::scroll(model, -3),
        MouseAct::ScrollDown => conversation::scroll(model, 3),
        MouseAct::Press(0) if model.layers.is_empty() => press(model, mouse),
        MouseAct::Drag(0) if model.look.marking.is_held() => drag(model, mouse),
        MouseAct::Release(0) => match model.look.marking.release() {
            Release::Marked => work.ask(Effect::CopyMarked),
            Release::Click(spot) => click(model, spot),
            Release::Nothing => {}
        },
        _ => {}
    }
}

fn press(model: &mut Model, mouse: Mouse) {
    model.look.marking.clear();
    if model.look.is_on_more(mouse.x, mouse.y) {
        return conversation::to_end(model);
    }
    let is_shown = model.look.shown.iter().any(|shown| shown.y == mouse.y);
    let Some(spot) = spot(&model.look.shown, mouse.x, mouse.y).filter(|_| is_shown) else {
        return;
    };
    if model.look.marking.press(spot, model.now) == Press::Double
        && let Some((from, to)) = word(model, spot)
    {
        model.look.marking.mark(from, to);
    }
}

fn drag(model: &mut Model, mouse: Mouse) {
    let shown = &model.look.shown;
    let (first, last) = (shown.first().copied(), shown.last().copied());
    if let Some(spot) = spot(shown, mouse.x, mouse.y) {
        model.look.marking.drag(spot);
    }
    // At an edge what is behind it comes into sight.
    if first.is_some_and(|first| mouse.y <= first.y) {
        conversation::scroll(model, -1);
    } else if last.is_some_and(|last| mouse.y >= last.y) {
        conversation::scroll(model, 1);
    }
}

/// The word at a spot.
fn word(model: &Model, spot: Spot) -> Option<(Spot, Spot)> {
    let entry = model.transcript.list().get(spot.entry)?;
    let columns = entry.rows(spot.row).next()?.word_at(spot.column)?;
    let at = |column| Spot { column, ..spot };
    Some((at(*columns.start()), at(*columns.end())))
}

/// What can be folded is folded or unfolded.
fn click(model: &mut Model, spot: Spot) {
    let foldable = |body: &Body| matches!(body, Body::Tool(_) | Body::Thinking(_) | Body::User(_));
    let entry = model.transcript.list().get(spot.entry);
    if entry.is_some_and(|entry| foldable(&entry.body)) {
        conversation::fold(model, spot.entry);
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::event::{EventBody, TextPiece};

    use crate::msg::Effect;
    use crate::scene::{Scene, screen};
    use crate::terminal::input::MouseAct::{Drag, Press, Release};
    use crate::text::highlight::NoHighlights;
    use crate::view;

    /// The row of the screen that shows a text.
    fn row(scene: &mut Scene, text: &str) -> u16 {
        let screen = scene.text();
        let row = screen.lines().position(|line| line.contains(text));
        u16::try_from(row.unwrap_or_else(|| panic!("{text} is not on\n{screen}"))).unwrap()
    }

    /// What is copied when it is marked from one cell to another.
    fn mark(scene: &mut Scene, from: (u16, u16), to: (u16, u16)) -> Option<String> {
        scene.effects.clear();
        scene.mouse(Press(0), from.0, from.1);
        scene.mouse(Drag(0), to.0, to.1);
        scene.text();
        scene.mouse(Release(0), to.0, to.1);
        let is_copied = scene.effects.contains(&Effect::CopyMarked);
        is_copied.then(|| view::marked(&mut scene.model, &mut NoHighlights))
    }

    #[test]
    fn what_is_marked_is_copied_without_gutters_and_as_it_was_before_it_was_wrapped() {
        let mut scene = screen(30, 20);
        scene.said("go");
        scene.answers("one two three four five six seven eight nine ten\n\n- a point\n- another");
        let first = row(&mut scene, "one two");
        let point = row(&mut scene, "another");
        let copied = mark(&mut scene, (0, first), (29, point)).unwrap();
        assert_eq!(
            copied,
            "one two three four five six seven eight nine ten\n\n• a point\n• another"
        );
        let copied = mark(&mut scene, (6, first), (4, first)).unwrap();
        assert_eq!(copied, "two");
        // A key takes the marks away.
        scene.keys("left");
        assert_eq!(view::marked(&mut scene.model, &mut NoHighlights), "");
    }

    #[test]
    fn what_is_marked_stays_while_the_conversation_goes_on() {
        let mut scene = screen(40, 12);
        scene.said("go").answers("keep this line");
        let at = row(&mut scene, "keep this");
        scene.mouse(Press(0), 0, at).mouse(Drag(0), 3, at);
        for number in 0..9 {
            scene.event(EventBody::TextDelta(TextPiece {
                message_id: "later".into(),
                text: format!("line {number}\n\n"),
            }));
            scene.text();
        }
        scene.mouse(Release(0), 3, at);
        let text = view::marked(&mut scene.model, &mut NoHighlights);
        assert_eq!(text, "keep");
    }

    #[test]
    fn a_double_click_takes_a_word_and_a_click_unfolds() {
        let mut scene = screen(60, 20);
        scene.said("go").answers("please rename `old_name` now");
        scene.event(EventBody::ToolCallStart {
            id: "t1".into(),
            tool: "Bash".into(),
            description: "ls -la".into(),
            input: serde_json::json!({"command": "ls -la"}),
        });
        let at = row(&mut scene, "rename");
        scene.mouse(Press(0), 10, at).mouse(Release(0), 10, at);
        scene.mouse(Press(0), 10, at).mouse(Release(0), 10, at);
        assert!(scene.effects.contains(&Effect::CopyMarked));
        assert_eq!(view::marked(&mut scene.model, &mut NoHighlights), "rename");
        let tool = row(&mut scene, "ls -la");
        let is_unfolded = |scene: &mut Scene| scene.text().contains("command: ls");
        assert!(!is_unfolded(&mut scene));
        scene.mouse(Press(0), 4, tool).mouse(Release(0), 4, tool);
        assert!(is_unfolded(&mut scene), "a click unfolds a call");
        scene.wait(1_000);
        scene.mouse(Press(0), 4, tool).mouse(Release(0), 4, tool);
        scene.mouse(Press(0), 9, 19).mouse(Release(0), 9, 19);
        assert!(!is_unfolded(&mut scene), "and folds it");
    }
}
