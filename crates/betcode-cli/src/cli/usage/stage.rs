//! `usage --watch` on a terminal: one page that is drawn anew in its place.
//!
//! States: connecting, shown, away (the daemon is gone: the page stays, and says so below).
//! Laws: nothing is drawn that is there already; the terminal is given back on every way out, and the last page stays on it.

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
        _ => None,
    }
}

/// What is on the page.
struct Page {
    known: Option<Known>,
    asking: bool,
    away: Option<String>,
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

    /// The whole screen, as bytes.
    fn frame(&self, columns: usize, rows: usize) -> Vec<u8> {
        let text = self.text(columns).unwrap_or_default();
        let mut lines: Vec<&str> = text.lines().collect();
        let room = rows.saturating_sub(1);
        if lines.len() > room {
            lines.truncate(room.saturating_sub(1));
            lines.push("…");
        }
        lines.resize(room, "");
        let footer = cut(&self.footer(), columns);
        let mut frame = "\x1b[?2026h\x1b[H".to_owned();
        for line in lines {
            frame.extend([line, "\x1b[K\r\n"]);
        }
        if self.paint == Paint::Ansi {
            frame.extend(["\x1b[2m", &footer, "\x1b[0m"]);
        } else {
            frame.push_str(&footer);
        }
        frame.push_str("\x1b[K\x1b[?2026l");
        frame.into_bytes()
    }
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
    fn a_page_that_is_too_long_says_so() {
        let page = page(Some(Known {
            accounts: super::super::overview::tests::several(),
            past: Vec::new(),
        }));
        let rows = screen(&page, 80, 4);
        assert_eq!(rows[2], "…");
        assert_eq!(rows[3], "q ends this · r asks now");
    }

    #[test]
    fn keys_are_wishes() {
        let wish_of = |key: &str| wish(&Event::Key(key.parse().unwrap()));
        assert_eq!(wish_of("q"), Some(Wish::End));
        assert_eq!(wish_of("ctrl-c"), Some(Wish::Interrupt));
        assert_eq!(wish_of("r"), Some(Wish::Refresh));
        assert_eq!(wish_of("x"), None);
    }
}
