//! What the state asks for is begun here; what it brings comes back as a message.

use betcode_core::command::Command;

use super::{Client, link, outside};
use crate::msg::Effect;
use crate::terminal::notify;
use crate::view;

impl Client {
    /// Begins what is to be done.
    pub(super) fn begin(&mut self, effect: Effect) {
        match effect {
            Effect::Send(key, action) => {
                let command = Command {
                    session: self.model.id(),
                    key,
                    client: self.model.me.clone(),
                    action: *action,
                };
                match &mut self.handle {
                    Some(handle) => handle.send(command),
                    None => self.early.push(command),
                }
            }
            Effect::Create(id) => {
                let me = self.model.me.clone();
                self.early
                    .insert(0, link::start(id, &me, self.start.clone()));
                self.errands.push(link::made(&self.access, id, me));
            }
            Effect::Open(id) => {
                self.handle = None;
                self.early.clear();
                self.errands
                    .push(link::opened(&self.access, id, self.model.me.clone()));
            }
            Effect::Close => {
                self.handle = None;
                self.early.clear();
            }
            Effect::Read(towards) => {
                self.errands
                    .push(link::page(&self.access, self.model.id(), towards));
            }
            Effect::Sessions => self.errands.push(link::sessions(&self.access)),
            Effect::Files => {
                let directory = self.model.session.cwd.clone();
                self.errands.push(outside::files(directory));
            }
            Effect::Shell(command) => {
                let directory = self.model.session.cwd.clone();
                self.errands.push(self.outside.shell(command, directory));
            }
            Effect::Edit(text) => self.to_edit = Some(text),
            Effect::Copy(text) => self.copy(&text),
            Effect::CopyMarked => {
                let text = view::marked(&mut self.model, &mut self.highlighter);
                self.copy(&text);
            }
            Effect::Notify(text) => {
                let bytes = notify::notify(
                    self.surroundings.notices,
                    "BetCode",
                    &text,
                    self.surroundings.multiplexer,
                );
                self.extra.extend(bytes);
            }
            Effect::Redraw => self.terminal.backend_mut().forget(),
            Effect::Suspend => self.suspend(),
            Effect::Leave => {}
        }
    }

    /// Has the terminal keep a text in the clipboard.
    fn copy(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match notify::copy(text, self.surroundings.multiplexer) {
            Some(bytes) => {
                self.extra.extend(bytes);
                self.model.say("copied");
            }
            None => self.model.say("too long to be copied through the terminal"),
        }
    }
}
