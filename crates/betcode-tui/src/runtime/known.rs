//! What becomes known of the terminal, and what follows from it.

use tokio::time::Instant;

use super::Client;
use super::progress::Shown;
use crate::terminal::environment::{Multiplexer, Surroundings, shows_progress};
use crate::terminal::modes::Mode;
use crate::terminal::probe::{Found, Known};
use crate::terminal::screen::{Abilities, Narrowing};
use crate::theme::Theme;

/// What the terminal can do, by what is known of it.
pub(super) fn abilities(surroundings: Surroundings, found: &Found) -> Abilities {
    let name = found.version.as_deref().unwrap_or_default();
    // Those that cut rows: xterm, GNU screen, and simple ones, which reply to nothing.
    let cuts = name.starts_with("XTerm")
        || surroundings.multiplexer == Some(Multiplexer::Screen)
        || found.synchronized == Known::NotYet;
    Abilities {
        depth: surroundings.depth,
        synchronized: found.synchronized == Known::Yes,
        links: surroundings.links,
        prompts: surroundings.links,
        narrowing: if cuts {
            Narrowing::Cuts
        } else {
            Narrowing::Wraps
        },
    }
}

impl Client {
    /// What the terminal turned out to be able to do is used from now on.
    pub(super) fn learn(&mut self) {
        let mut modes = Vec::new();
        match self.found.keyboard {
            Known::Yes => modes.push(Mode::Keyboard),
            Known::No => modes.push(Mode::OtherKeys),
            Known::NotYet => {}
        }
        if self.found.scheme == Known::Yes {
            modes.push(Mode::Scheme);
        }
        if let Ok(bytes) = self.tty.enter(&modes) {
            self.extra.extend(bytes);
        }
        let abilities = abilities(self.surroundings, &self.found);
        self.terminal.backend_mut().set_abilities(abilities);
        let version = self.found.version.as_deref().unwrap_or_default();
        let shows = self.surroundings.multiplexer.is_none() && shows_progress(version);
        let bytes = self.begin_progress(shows);
        self.extra.extend(bytes);
        if self.found.pastes == Known::Yes {
            self.engine.model.burst.marked();
        }
        self.colour();
        self.dirty = true;
    }

    /// The colours are those that somebody chose, for what is known of the terminal.
    pub(super) fn colour(&mut self) {
        let ground = self.found.ground.unwrap_or_default();
        let theme = Theme::chosen(self.theme.now, self.surroundings.depth, ground);
        if theme != self.engine.model.theme {
            self.engine.model.theme = theme;
            self.dirty = true;
        }
    }

    /// From now on the terminal shows progress, if it can and somebody wants it.
    pub(super) fn begin_progress(&mut self, can: bool) -> Vec<u8> {
        if !can || !self.engine.model.taste.progress || self.progress.is_some() {
            return Vec::new();
        }
        self.progress = Some(Shown::none(Instant::now()));
        self.tty.enter(&[Mode::Progress]).unwrap_or_default()
    }

    /// The terminal says in which of its rows the screen begins.
    pub(super) fn begin_at(&mut self, row: u16) {
        if self.parking.told(Instant::now()) {
            self.begins = Some(row);
            (self.dirty, self.urgent) = (true, true);
        }
    }
}
