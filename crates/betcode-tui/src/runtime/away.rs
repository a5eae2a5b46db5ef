//! Giving the terminal to somebody else for a while: the user's editor, or the shell.

use super::{Client, PARTING};
use crate::msg::Msg;
use crate::terminal::input::Input;
use crate::terminal::modes::Mode;
use crate::terminal::reader::Reader;

impl Client {
    /// The user's editor has the terminal for a while.
    pub(super) fn edit(&mut self, text: &str) {
        let last = self.terminal.backend_mut().leave();
        self.writer.settle(PARTING);
        let input = self.reader.take().map(Reader::stop).unwrap_or_default();
        let modes = self.tty.leave(&last);
        let edited = self.outside.edit(text);
        self.back(&modes, input);
        self.take(Msg::Edited(edited));
    }

    pub(super) fn suspend(&mut self) {
        let last = self.terminal.backend_mut().leave();
        self.writer.settle(PARTING);
        let input = self.reader.take().map(Reader::stop).unwrap_or_default();
        match self.tty.suspend(&last) {
            Ok(bytes) => self.extra.extend(bytes),
            Err(error) => self.model.say(format!("cannot be suspended: {error}")),
        }
        self.resume(input);
    }

    fn back(&mut self, modes: &[Mode], input: Input) {
        match self.tty.enter(modes) {
            Ok(bytes) => self.extra.extend(bytes),
            Err(error) => self
                .model
                .say(format!("the terminal cannot be used: {error}")),
        }
        self.resume(input);
    }

    fn resume(&mut self, input: Input) {
        if let Err(error) = self.read(input) {
            self.model
                .say(format!("the terminal cannot be read: {error}"));
        }
        self.terminal.backend_mut().forget();
        self.resize();
    }
}
