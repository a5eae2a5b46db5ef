//! Bringing the state onto the screen: all of the terminal, or rows below what is printed.

use std::io;

use ratatui::layout::Size;
use tokio::time::Instant;

use super::{Client, FRAME};
use crate::terminal::modes::Mode;
use crate::terminal::notify;
use crate::terminal::screen::Place;
use crate::update::{after_drawing, seen};
use crate::view;

impl Client {
    /// Draws what has changed, if it is time and the terminal has taken the last frame.
    pub(super) fn draw(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let is_time = self.urgent || now >= self.drawn + FRAME;
        if !self.dirty || !is_time || !self.writer.idle() {
            return Ok(());
        }
        if self.parking.waits(now) {
            // The question is among them.
            if !self.extra.is_empty() {
                self.writer.write(std::mem::take(&mut self.extra));
            }
            return Ok(());
        }
        let size = self.tty.size();
        if (size.width, size.height) != (self.engine.model.width, self.engine.model.height) {
            // The signal is still on its way.
            self.resize();
        }
        (self.dirty, self.urgent) = (false, false);
        self.drawn = now;
        self.name();
        self.point();
        if let Some(shown) = &mut self.progress {
            let progress = view::progress(&self.engine.model);
            self.extra.extend(shown.show(now, progress));
        }
        self.show().map_err(io::Error::other)?;
        self.park(now);
        let screen = self.terminal.backend_mut();
        let mut bytes = std::mem::take(&mut self.extra);
        bytes.extend(screen.frame().unwrap_or_default());
        if !bytes.is_empty() {
            self.writer.write(bytes);
        }
        seen(&mut self.engine.model, (self.engine.clock)());
        for effect in after_drawing(&mut self.engine.model) {
            self.engine.begin(effect);
        }
        Ok(())
    }

    /// The cursor is a bar while vim's keys write, and the terminal's own while they are commands.
    fn point(&mut self) {
        let mode = self.engine.model.composer.vim().map(|(mode, _)| mode);
        if mode == Some(crate::composer::Mode::Insert) {
            let bytes = self.tty.enter(&[Mode::Bar]).unwrap_or_default();
            self.extra.extend(bytes);
        } else {
            self.extra.extend(self.tty.leave_mode(Mode::Bar).bytes());
        }
    }

    /// The window's title says what the session is doing, and the last words how to come back to it.
    fn name(&mut self) {
        let title = view::window_title(&self.engine.model);
        if title != self.title {
            self.extra.extend(notify::title(&title));
            self.title = title;
        }
        let session = self.engine.model.exists.then(|| self.engine.model.id());
        if session != self.named {
            self.named = session;
            let words = session.map(|session| super::way_back(session) + "\n");
            self.tty.set_last_words(words.unwrap_or_default());
        }
    }

    /// Brings the state onto the screen; nothing is written yet.
    fn show(&mut self) -> Result<(), std::convert::Infallible> {
        let changes = self.parking.changes(Instant::now());
        let (model, highlighter) = (&mut self.engine.model, &mut self.highlighter);
        let live = model.inline.is_some().then(|| {
            let above = view::inline::settle(model, highlighter);
            let live = if changes {
                view::inline::least(model, highlighter)
            } else {
                view::inline::live(model, highlighter)
            };
            let screen = self.terminal.backend_mut();
            screen.resize(Size::new(model.width, live.height()));
            screen.print_above(above);
            live
        });
        if live.is_none() {
            // What is printed has its colours at once or never.
            highlighter.begin_frame();
        }
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

    /// The cursor of an inline screen is at its first row, where rows above its place might be wrapped anew.
    fn park(&mut self, now: Instant) {
        let screen = self.terminal.backend_mut();
        if self.engine.model.inline.is_none() {
            return;
        }
        if let Some(row) = self.begins.take() {
            screen.begin_at(row, self.engine.model.height);
        }
        let rest = self.parking.rest(now, screen.above_cursor(view::STEADY));
        screen.rest(rest);
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
    match place {
        Place::Whole => {
            modes.insert(1, Mode::Alternate);
            modes.extend(mouse.then_some(Mode::Mouse));
        }
        Place::Inline => modes.push(Mode::Cut),
    }
    modes
}
