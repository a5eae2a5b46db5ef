//! Giving the terminal to somebody else for a while: the user's editor, or the shell.

use tokio::signal::unix::Signal;
use tokio::time::Instant;

use super::progress::Shown;
use super::{Client, PARTING};
use crate::msg::Msg;
use crate::terminal::input::Input;
use crate::terminal::modes::Mode;
use crate::terminal::reader::Reader;

impl Client {
    /// The user's editor has the terminal for a while. Nothing is drawn meanwhile.
    pub(super) async fn edit(&mut self, text: String, stops: &mut Signal) {
        let last = self.terminal.backend_mut().leave();
        self.writer.settle(PARTING);
        let input = self.reader.take().map(Reader::stop).unwrap_or_default();
        let modes = self.tty.leave(&last);
        let outside = self.engine.outside.clone();
        let editing = tokio::task::spawn_blocking(move || outside.edit(&text));
        tokio::pin!(editing);
        let edited = loop {
            tokio::select! {
                biased;
                // It was for the editor, and whoever waits for that one stops with it.
                Some(()) = stops.recv() => {}
                edited = &mut editing => break edited,
            }
        };
        let edited = edited.unwrap_or_else(|error| Err(error.to_string()));
        self.back(&modes, input);
        self.take(Msg::Edited(edited));
    }

    /// The shell has the terminal, until it continues us.
    pub(super) fn suspend(&mut self) {
        let last = self.terminal.backend_mut().leave();
        self.writer.settle(PARTING);
        let input = self.reader.take().map(Reader::stop).unwrap_or_default();
        match self.tty.suspend(&last) {
            Ok(bytes) => self.extra.extend(bytes),
            Err(error) => self
                .engine
                .model
                .say(format!("cannot be suspended: {error}")),
        }
        self.resume(input);
    }

    fn back(&mut self, modes: &[Mode], input: Input) {
        match self.tty.enter(modes) {
            Ok(bytes) => self.extra.extend(bytes),
            Err(error) => self
                .engine
                .model
                .say(format!("the terminal cannot be used: {error}")),
        }
        self.resume(input);
    }

    fn resume(&mut self, input: Input) {
        if let Err(error) = self.read(input) {
            self.engine
                .model
                .say(format!("the terminal cannot be read: {error}"));
        }
        self.terminal.backend_mut().forget();
        if let Some(shown) = &mut self.progress {
            *shown = Shown::none(Instant::now());
        }
        self.resize();
    }
}
