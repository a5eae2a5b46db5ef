//! Bringing the state onto the screen: all of the terminal, or rows below what is printed.

use ratatui::layout::Size;

use super::Client;
use crate::terminal::modes::Mode;
use crate::terminal::screen::Place;
use crate::view;

impl Client {
    /// Brings the state onto the screen; nothing is written yet.
    pub(super) fn show(&mut self) -> Result<(), std::convert::Infallible> {
        let (model, highlighter) = (&mut self.engine.model, &mut self.highlighter);
        let live = model.inline.is_some().then(|| {
            let above = view::inline::settle(model, highlighter);
            let live = view::inline::live(model, highlighter);
            let screen = self.terminal.backend_mut();
            screen.resize(Size::new(model.width, live.height()));
            screen.print_above(above);
            live
        });
        let mut links = Vec::new();
        self.terminal.draw(|frame| {
            let area = frame.area();
            let buffer = frame.buffer_mut();
            let drawn = match live {
                Some(live) => live.draw(&model.theme, area, buffer),
                None => view::draw(model, area, highlighter, buffer),
            };
            links = drawn.links;
            if let Some(cursor) = drawn.cursor {
                frame.set_cursor_position(cursor);
            }
        })?;
        self.terminal.backend_mut().set_links(&links);
        Ok(())
    }

    /// What is left to be printed when it is over.
    pub(super) fn farewell(&mut self) -> Vec<u8> {
        let rows = view::inline::farewell(&mut self.engine.model, &mut self.highlighter);
        let screen = self.terminal.backend_mut();
        screen.print_above(rows);
        if self.engine.model.inline.is_some() {
            screen.frame().unwrap_or_default()
        } else {
            Vec::new()
        }
    }
}

/// The modes to be entered. The mouse is the terminal's own where the conversation is in its scrollback.
pub(super) fn modes(place: Place, mouse: bool) -> Vec<Mode> {
    let mut modes = vec![Mode::Title, Mode::Paste, Mode::Focus];
    if place == Place::Whole {
        modes.insert(1, Mode::Alternate);
        modes.extend(mouse.then_some(Mode::Mouse));
    }
    modes
}
