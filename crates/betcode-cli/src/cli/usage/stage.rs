//! `usage --watch` on a terminal: one page that is drawn anew in its place.
//!
//! States: connecting, shown, away (the daemon is gone: the page stays, and says so below).
//! Laws: nothing is drawn that is there already; the terminal is given back on every way out, and the last page stays on it; every
//! line of a page that is longer than the screen can be reached.

use std::fs::File;
use std::io::{self, Write as _};

use betcode_tui::key::{Code, Key, Mods};
use betcode_tui::runtime::signals::Signals;
use betcode_tui::terminal::input::{Event, Input};
use betcode_tui::terminal::modes::Mode;
use betcode_tui::terminal::reader::{Read, Reader};
use betcode_tui::terminal::tty::Tty;
use jiff::tz::TimeZone;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::interval;
use usage_core::format::Paint;

use super::watch::{Errand, MINUTE, News, exit_of, follow};
use super::{Known, Look, Taste, sensible};
use crate::clock;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::interactive::terminal;
use crate::link::{Link, block_on};
use crate::output::printable;
use crate::table::cut;

const MODES: [Mode; 2] = [Mode::Alternate, Mode::Cut];
const SHOW_CURSOR: &[u8] = b"\x1b[?25h";
const HIDE_CURSOR: &[u8] = b"\x1b[?25l";

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    End,
    Interrupt,
    Refresh,
    Redraw,
    Suspend,
    Down,
    Up,
}

fn wish(event: &Event) -> Option<Wish> {
    let Event::Key(Key { code, mods }) = event else {
        return None;
    };
    match (*code, *mods) {
        (Code::Char('c'), Mods::CTRL) => Some(Wish::Interrupt),
        (Code::Char('d'), Mods::CTRL) | (Code::Char('q') | Code::Escape, Mods::NONE) => {
            Some(Wish::End)
        }
        (Code::Char('r'), Mods::NONE) => Some(Wish::Refresh),
        (Code::Char('l'), Mods::CTRL) => Some(Wish::Redraw),
        (Code::Char('z'), Mods::CTRL) => Some(Wish::Suspend),
        (Code::Char('j') | Code::Down, Mods::NONE) => Some(Wish::Down),
        (Code::Char('k') | Code::Up, Mods::NONE) => Some(Wish::Up),
        _ => None,
    }
}

/// What is on the page.
struct Page {
    known: Option<Known>,
    asking: bool,
    away: Option<String>,
    /// How many lines are above the screen.
    top: usize,
    paint: Paint,
    taste: Taste,
    zone: TimeZone,
}

impl Page {
    fn take(&mut self, news: News) {
        match news {
            News::Known(known) => {
                self.known = Some(known);
                self.away = None;
            }
            News::Asking(asking) => self.asking = asking,
            News::Away(cause) => {
                self.asking = false;
                self.away = Some(cause);
            }
        }
    }

    /// The page without what stands below it.
    fn text(&self, columns: usize) -> Option<String> {
        let look = Look::Page {
            width: sensible(columns),
            paint: self.paint,
        };
        let known = self.known.as_ref()?;
        Some(known.text(look, self.taste, clock::now(), &self.zone))
    }

    /// What stands on the last line.
    fn footer(&self) -> String {
        match &self.away {
            Some(cause) => format!("waiting for the daemon: {}", printable(cause)),
            None if self.known.is_none() => "connecting …".to_owned(),
            None if self.asking => "asking …".to_owned(),
            None => "q ends this · r asks now".to_owned(),
        }
    }

    /// Moves by a line, as far as there is something to see.
    fn scroll(&mut self, wish: Wish, columns: usize, rows: usize) {
        let text = self.text(columns).unwrap_or_default();
        let last = text.lines().count().saturating_sub(room(rows));
        let top = self.top.min(last);
        self.top = match wish {
            Wish::Down => (top + 1).min(last),
            _ => top.saturating_sub(1),
        };
    }

    /// The whole screen, as bytes.
    fn frame(&self, columns: usize, rows: usize) -> Vec<u8> {
        let text = self.text(columns).unwrap_or_default();
        let mut lines: Vec<&str> = text.lines().collect();
        let (all, room) = (lines.len(), room(rows));
        let mut footer = self.footer();
        if all > room {
            let top = self.top.min(all - room);
            lines = lines.split_off(top);
            let (first, last) = (top + 1, top + room);
            footer = match &self.away {
                Some(_) => footer,
                None if self.asking => format!("lines {first}–{last}/{all} · j/k · {footer}"),
                None => format!("lines {first}–{last}/{all} · j/k · q ends · r asks"),
            };
        }
        lines.resize(room, "");
        let footer = cut(&footer, columns);
        let mut frame = "\x1b[?2026h\x1b[H".to_owned();
        for line in lines {
            // Erased before it is written: behind a line that is as wide as the screen the cursor stands on its last character.
            frame.extend(["\x1b[K", line, "\r\n"]);
        }
        frame.push_str("\x1b[K");
        if self.paint == Paint::Ansi {
            frame.extend(["\x1b[2m", &footer, "\x1b[0m"]);
        } else {
            frame.push_str(&footer);
        }
        frame.push_str("\x1b[?2026l");
        frame.into_bytes()
    }
}

/// The lines that a page may have where the last one is the footer's.
const fn room(rows: usize) -> usize {
    rows.saturating_sub(1)
}

/// The terminal, and what is on it.
struct Stage {
    tty: Tty,
    out: File,
    drawn: Vec<u8>,
}

impl Stage {
    fn enter(tty: &Tty) -> io::Result<Self> {
        let mut out = File::from(tty.device()?);
        let mut bytes = tty.enter(&MODES)?;
        bytes.extend_from_slice(HIDE_CURSOR);
        out.write_all(&bytes)?;
        Ok(Self {
            tty: tty.clone(),
            out,
            drawn: Vec::new(),
        })
    }

    fn draw(&mut self, page: &Page) -> io::Result<()> {
        let size = self.tty.size();
        let frame = page.frame(size.width.into(), size.height.into());
        if frame != self.drawn {
            self.out.write_all(&frame)?;
            self.drawn = frame;
        }
        Ok(())
    }

    /// Everything is drawn anew.
    fn forget(&mut self) -> io::Result<()> {
        self.drawn.clear();
        self.out.write_all(b"\x1b[2J")
    }

    fn suspend(&mut self) -> io::Result<()> {
        let bytes = self.tty.suspend(SHOW_CURSOR)?;
        self.out.write_all(&bytes)?;
        self.out.write_all(HIDE_CURSOR)?;
        self.forget()
    }
}

/// Watches until somebody ends it.
pub(super) fn run(link: &Link, errand: Errand, context: &mut Context) -> Result<Exit, Failure> {
    let wrong = |error| Failure::io("the terminal cannot be used", &error);
    let tty = Tty::new(terminal()?).map_err(wrong)?;
    // Without its reader it ends by itself.
    tty.leave_on_panic(|| {});
    let paint = if context.output.colours() {
        Paint::Ansi
    } else {
        Paint::Plain
    };
    let mut page = Page {
        known: None,
        asking: false,
        away: None,
        top: 0,
        paint,
        taste: errand.taste,
        zone: errand.zone.clone(),
    };
    let ended = block_on(async { Box::pin(watch(&tty, &mut page, link.clone(), errand)).await });
    tty.leave(SHOW_CURSOR);
    if let Some(text) = page.text(tty.size().width.into()) {
        context.output.write(text.as_bytes())?;
    }
    ended
}

async fn watch(tty: &Tty, page: &mut Page, link: Link, errand: Errand) -> Result<Exit, Failure> {
    let wrong = |error| Failure::io("the terminal cannot be used", &error);
    let mut signals = Signals::listen().map_err(wrong)?;
    let mut resized = signal(SignalKind::window_change()).map_err(wrong)?;
    let (sender, mut news) = unbounded_channel();
    let (wishes, come_true) = unbounded_channel();
    let mut follow = std::pin::pin!(follow(link, errand, sender, come_true));
    let mut minutes = interval(MINUTE);
    let mut stage = Stage::enter(tty).map_err(wrong)?;
    let (typed, mut keys) = unbounded_channel();
    let mut reader = Some(read(tty, Input::default(), &typed).map_err(wrong)?);
    loop {
        stage.draw(page).map_err(wrong)?;
        tokio::select! {
            failure = &mut follow => return Err(failure),
            Some(new) = news.recv() => page.take(new),
            _ = minutes.tick() => {}
            _ = resized.recv() => stage.forget().map_err(wrong)?,
            number = signals.next() => return Ok(exit_of(number)),
            Some(read_keys) = keys.recv() => {
                let Read::Events(events) = read_keys else {
                    return Ok(Exit::Success);
                };
                for wish in events.iter().filter_map(wish) {
                    match wish {
                        Wish::End => return Ok(Exit::Success),
                        Wish::Interrupt => return Ok(Exit::Interrupted),
                        Wish::Redraw => stage.forget().map_err(wrong)?,
                        Wish::Down | Wish::Up => {
                            let size = tty.size();
                            page.scroll(wish, size.width.into(), size.height.into());
                        }
                        Wish::Refresh => {
                            let _ = wishes.send(());
                        }
                        Wish::Suspend => {
                            let input = reader.take().map(Reader::stop).unwrap_or_default();
                            stage.suspend().map_err(wrong)?;
                            reader = Some(read(tty, input, &typed).map_err(wrong)?);
                        }
                    }
                }
            }
        }
    }
}

fn read(tty: &Tty, input: Input, typed: &UnboundedSender<Read>) -> io::Result<Reader> {
    let typed = typed.clone();
    let sink = move |read, ()| typed.send(read).is_ok();
    Reader::new(tty.device()?, input, || (), sink)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(known: Option<Known>) -> Page {
        Page {
            known,
            asking: false,
            away: None,
            top: 0,
            paint: Paint::Plain,
            taste: Taste::default(),
            zone: TimeZone::UTC,
        }
    }

    fn screen(page: &Page, columns: u16, rows: u16) -> Vec<String> {
        let mut parser = vt100::Parser::new(rows, columns, 0);
        parser.process(b"\x1b[?7lold words that must go");
        parser.process(&page.frame(columns.into(), rows.into()));
        parser.screen().rows(0, columns).collect()
    }

    #[test]
    fn a_page_says_below_what_is_going_on() {
        let mut page = page(None);
        assert_eq!(screen(&page, 40, 3), ["", "", "connecting …"]);
        page.take(News::Known(Known {
            accounts: Vec::new(),
            past: Vec::new(),
        }));
        assert_eq!(
            screen(&page, 40, 3),
            [
                "no plan is known on this machine",
                "",
                "q ends this · r asks now"
            ]
        );
        page.take(News::Asking(true));
        assert_eq!(page.footer(), "asking …");
        page.take(News::Away("it was \u{1b}[2Jkilled".into()));
        assert_eq!(
            page.footer(),
            "waiting for the daemon: it was \u{fffd}[2Jkilled"
        );
        let rows = screen(&page, 40, 3);
        assert_eq!(rows[0], "no plan is known on this machine");
    }

    #[test]
    fn every_line_of_a_page_that_is_too_long_can_be_reached() {
        let mut page = page(Some(Known {
            accounts: super::super::overview::tests::several(),
            past: Vec::new(),
        }));
        let text = page.text(40).unwrap();
        let all: Vec<&str> = text.lines().collect();
        let (count, last) = (all.len(), all.len() - 11);
        let rows = screen(&page, 40, 12);
        assert_eq!(rows[..11], all[..11]);
        assert_eq!(
            rows[11],
            format!("lines 1–11/{count} · j/k · q ends · r asks")
        );
        for _ in 0..100 {
            page.scroll(Wish::Down, 40, 12);
        }
        let rows = screen(&page, 40, 12);
        assert_eq!(rows[..11], all[last..]);
        assert!(rows[11].starts_with(&format!("lines {}–{count}/{count} ", last + 1)));
        page.scroll(Wish::Up, 40, 12);
        assert_eq!(screen(&page, 40, 12)[..11], all[last - 1..count - 1]);
        // There is more room now.
        assert_eq!(screen(&page, 40, 60)[..count], all);
        page.take(News::Away("it was killed".into()));
        assert!(screen(&page, 40, 12)[11].starts_with("waiting for the daemon"));
    }

    #[test]
    fn a_line_as_wide_as_the_screen_keeps_its_last_character() {
        let page = page(Some(Known {
            accounts: super::super::overview::tests::several(),
            past: Vec::new(),
        }));
        let frame = String::from_utf8(page.frame(80, 40)).unwrap();
        let lines: Vec<&str> = frame.split("\r\n").collect();
        assert_eq!(lines.len(), 40);
        for line in &lines[1..] {
            let erased = line.strip_prefix("\x1b[K").unwrap();
            assert!(!erased.contains("\x1b[K"), "{line:?}");
        }
    }

    #[test]
    fn keys_are_wishes() {
        let wish_of = |key: &str| wish(&Event::Key(key.parse().unwrap()));
        assert_eq!(wish_of("q"), Some(Wish::End));
        assert_eq!(wish_of("ctrl-c"), Some(Wish::Interrupt));
        assert_eq!(wish_of("r"), Some(Wish::Refresh));
        assert_eq!(wish_of("j"), Some(Wish::Down));
        assert_eq!(wish_of("up"), Some(Wish::Up));
        assert_eq!(wish_of("x"), None);
    }
}
