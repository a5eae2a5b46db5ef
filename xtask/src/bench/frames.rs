//! The screen's own work, without a terminal and a daemon: what has come is taken in, drawn, and made bytes for a terminal of
//! 200 × 50. A sample is all of that, for everything that has come since the frame before: the processor's time of the thread that
//! draws, which other programs do not lengthen by taking the processor away, and the time that has passed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use betcode_core::event::{
    ClientInfo, ClientKind, Event, EventBody, MessageEnd, TextPiece, TurnPolicy, UserInput,
};
use betcode_core::id::{ClientId, IdempotencyKey, MessageId, Sequence, SessionId};
use betcode_core::time::Timestamp;
use betcode_tui::key::Key;
use betcode_tui::keymap::Keymap;
use betcode_tui::model::{Beginning, Link, Model, Taste};
use betcode_tui::msg::{Effect, Msg, Towards};
use betcode_tui::session::Session;
use betcode_tui::terminal::screen::{Abilities, Narrowing, Place as Where, Screen};
use betcode_tui::text::highlight::Highlighter;
use betcode_tui::theme::{Depth, Theme};
use betcode_tui::transcript::Transcript;
use betcode_tui::update::{Circumstances, after_drawing, events, update};
use betcode_tui::view;
use ratatui::Terminal;
use ratatui::layout::Size;
use serde_json::json;
use uuid::Uuid;

use super::profile::Place;
use super::report::{Goal, Report, percentile};
use super::terminal::ms;
use super::{Options, calibrate, goals};
use crate::clock;

const SIZE: Size = Size::new(200, 50);
/// So many events come at once from the log.
const PAGE: usize = 400;
/// How many pieces come between two frames, at 1,000 a second.
const PIECES: u64 = 50;

/// The name of the figure that is no processor's time.
const BY_THE_CLOCK: &str = "99 % by the clock";

/// Measures frames.
pub(super) fn run(
    _: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let log = conversation(options.lines);
    scrolled(&log, options, report)?;
    for (what, before, piece, between) in [
        ("a paragraph", "", "word ", ""),
        ("a paragraph of short lines", "", "some words\n", ""),
        ("code", "```rust\n", "let x = 1; // so\n", ""),
        ("indented code", "", "        word\n", ""),
        ("a list", "", "- an item of **some** words\n", ""),
        ("one item of a list", "- ", "word ", ""),
        ("a quotation", "", "> some words\n", ""),
        (
            "a table",
            "| a | b |\n|---|---|\n",
            "| some words | others |\n",
            "",
        ),
        ("many paragraphs", "", "words ", "\n\n"),
    ] {
        let mut stream = Stream {
            before,
            piece,
            between,
            thinking: false,
        };
        stream.run(&log, what, options, report)?;
        if what == "a paragraph" {
            stream.thinking = true;
            stream.run(&log, "thinking", options, report)?;
        }
    }
    Ok(())
}

/// A long conversation of all that there is.
fn conversation(count: u64) -> Vec<Event> {
    let mut log: Vec<Event> = Vec::new();
    let mut turn = 0;
    while (log.len() as u64) < count {
        turn += 1;
        for body in one_turn(turn) {
            log.push(event(log.len() as u64 + 1, body));
        }
    }
    log
}

fn event(number: u64, body: EventBody) -> Event {
    Event {
        sequence: Sequence(number),
        first_sequence: None,
        timestamp: Timestamp(1_000_000),
        parent: None,
        previews: Vec::new(),
        body,
    }
}

fn one_turn(turn: u64) -> Vec<EventBody> {
    let message = |part: u64| format!("m{turn}.{part}");
    let text = |part: u64, text: &str| {
        EventBody::TextDelta(TextPiece {
            message_id: message(part),
            text: text.to_owned(),
        })
    };
    let end = |part: u64| EventBody::MessageComplete {
        message_id: message(part),
        model: None,
        end: MessageEnd::Finished,
    };
    let tool = format!("t{turn}");
    let id = Uuid::from_u128(u128::from(turn));
    vec![
        EventBody::UserInput(UserInput {
            message_id: MessageId(id),
            idempotency_key: IdempotencyKey(id),
            text: format!("{turn}: and now the next thing, please"),
            attachments: Vec::new(),
            client: me(),
            policy: TurnPolicy::default(),
            then_trim: false,
        }),
        EventBody::ThinkingDelta(TextPiece {
            message_id: message(0),
            text: "what is to be done here, and in which order".to_owned(),
        }),
        end(0),
        text(
            1,
            "## What I found\n\nThe function `login` takes **any** password, see ",
        ),
        text(
            1,
            "[the code](https://example.org/login.rs). I'll change it:\n\n1. ask\n2. check\n",
        ),
        end(1),
        EventBody::ToolCallStart {
            id: tool.as_str().into(),
            tool: "Bash".to_owned(),
            input: json!({"command": "cargo test"}),
            description: "Bash cargo test".to_owned(),
        },
        EventBody::ToolCallResult {
            id: tool.as_str().into(),
            output: "running 3 tests\ntest a ... ok\ntest b ... ok\n".to_owned(),
            attachments: Vec::new(),
            is_error: turn.is_multiple_of(3),
            duration_ms: Some(1_200),
            diff: Vec::new(),
        },
        text(
            2,
            "Now it is as it should be:\n\n```rust\nfn login(user: &str) -> bool {\n",
        ),
        text(
            2,
            "    check(user, &ask())\n}\n```\n\n| test | result |\n|---|---|\n| a | ok |\n",
        ),
        end(2),
    ]
}

fn me() -> ClientInfo {
    ClientInfo {
        name: "betcode".to_owned(),
        place: "here".to_owned(),
        id: ClientId(Uuid::nil()),
        kind: ClientKind::Interactive,
    }
}

/// A screen with a log behind it.
struct Drawing<'a> {
    log: &'a [Event],
    model: Model,
    terminal: Terminal<Screen>,
    highlighter: Highlighter,
    head: u64,
    effects: Vec<Effect>,
    /// The processor's time of each frame.
    samples: Vec<f64>,
    /// The time that passed.
    passed: Vec<f64>,
}

/// When a frame begins: by the clock, and by the processor's time of this thread.
type Begun = (Instant, Duration);

fn begin() -> Begun {
    (clock::now(), clock::own_time())
}

impl<'a> Drawing<'a> {
    /// One that shows the end of the log.
    fn open(log: &'a [Event]) -> Result<Self> {
        let head = log.len() as u64;
        let mut model = Model::new(Beginning {
            me: me(),
            session: Session::new(SessionId(Uuid::nil()), "demo", "/home/user/project"),
            exists: true,
            keymap: Keymap::default(),
            theme: Theme::default(),
            taste: Taste::default(),
            size: (SIZE.width, SIZE.height),
            now: Timestamp(0),
        });
        model.link = Link::Connected;
        model.head = Sequence(head);
        model.transcript = Transcript::after(Sequence(head));
        let abilities = Abilities {
            depth: Depth::True,
            synchronized: true,
            links: true,
            prompts: true,
            narrowing: Narrowing::default(),
        };
        let screen = Screen::new(Where::Whole, SIZE, abilities);
        let mut drawing = Self {
            log,
            model,
            terminal: Terminal::new(screen)?,
            highlighter: Highlighter::new(std::sync::Arc::new(|| {})),
            head,
            effects: Vec::new(),
            samples: Vec::new(),
            passed: Vec::new(),
        };
        drawing.frame(|_| {})?;
        Ok(drawing)
    }

    /// Does something, draws what came of it, and then what had to be read for that.
    fn frame(&mut self, change: impl FnOnce(&mut Self)) -> Result<()> {
        let begun = begin();
        change(self);
        self.draw(begun)?;
        while let Some(effect) = self.effects.pop() {
            let Effect::Read(towards) = effect else {
                continue;
            };
            let events = self.read(towards);
            let begun = begin();
            self.take(Msg::Page {
                towards,
                events: Ok(events),
            });
            self.draw(begun)?;
        }
        Ok(())
    }

    fn read(&self, towards: Towards) -> Vec<Event> {
        let place = |sequence: Sequence| usize::try_from(sequence.0).unwrap_or(usize::MAX);
        let part = match towards {
            Towards::Start(last) => {
                let last = place(last);
                self.log.get(last.saturating_sub(PAGE)..last)
            }
            Towards::End(before) => {
                let from = place(before).min(self.log.len());
                self.log.get(from..(from + PAGE).min(self.log.len()))
            }
        };
        part.unwrap_or_default().to_vec()
    }

    fn take(&mut self, msg: Msg) {
        let mut fresh = Uuid::nil;
        let circumstances = Circumstances {
            now: Timestamp(0),
            fresh: &mut fresh,
        };
        let effects = update(&mut self.model, circumstances, msg);
        self.effects.extend(effects);
    }

    fn event(&mut self, body: EventBody) {
        self.head += 1;
        let event = event(self.head, body);
        let mut fresh = Uuid::nil;
        let circumstances = Circumstances {
            now: Timestamp(0),
            fresh: &mut fresh,
        };
        let effects = events(&mut self.model, circumstances, &[event]);
        self.effects.extend(effects);
    }

    fn draw(&mut self, begun: Begun) -> Result<()> {
        let (model, highlighter) = (&mut self.model, &mut self.highlighter);
        let mut links = Vec::new();
        highlighter.begin_frame();
        let drawn = self.terminal.draw(|frame| {
            let area = frame.area();
            let drawn = view::draw(model, area, highlighter, frame.buffer_mut());
            links = drawn.links;
            if let Some(cursor) = drawn.cursor {
                frame.set_cursor_position(cursor);
            }
        });
        drawn.context("it could not be drawn")?;
        let screen = self.terminal.backend_mut();
        screen.set_links(&links);
        std::hint::black_box(screen.frame());
        self.effects.extend(after_drawing(&mut self.model));
        self.samples
            .push(ms(clock::own_time().saturating_sub(begun.1)));
        self.passed.push(ms(clock::now().duration_since(begun.0)));
        Ok(())
    }

    fn report(&mut self, what: &str, report: &mut Report) {
        for (name, percent, goal) in [
            ("median", 50, Goal::None),
            ("99 %", 99, Goal::Below(goals::FRAME_MS)),
            ("the longest", 100, Goal::None),
            (BY_THE_CLOCK, 99, Goal::None),
        ] {
            let samples = match name {
                BY_THE_CLOCK => &mut self.passed,
                _ => &mut self.samples,
            };
            let value = percentile(samples, percent);
            report.add(
                format!("screen, {what}, {name}"),
                "ms",
                goal,
                &[value],
                None,
            );
        }
    }
}

/// Everywhere in a long conversation.
fn scrolled(log: &[Event], options: &Options, report: &mut Report) -> Result<()> {
    let mut drawing = Drawing::open(log)?;
    let key = |name: &str| {
        name.parse::<Key>()
            .map_err(|error| anyhow::anyhow!("{error}"))
    };
    let (tab, up, down) = (key("tab")?, key("pageup")?, key("pagedown")?);
    let (next, previous, top, end) = (key("j")?, key("k")?, key("g")?, key("G")?);
    drawing.frame(|drawing| drawing.take(Msg::Key(tab)))?;
    let pages = if options.quick { 200 } else { 2_000 };
    for page in 0..pages {
        let keys: &[Key] = match page % 40 {
            0 => &[top],
            39 => &[end],
            10..13 => &[down],
            20 => &[previous, previous],
            21 => &[next],
            _ => &[up],
        };
        for key in keys {
            drawing.frame(|drawing| drawing.take(Msg::Key(*key)))?;
        }
    }
    let what = format!("{} events, a frame anywhere in them", log.len());
    drawing.report(&what, report);
    Ok(())
}

/// What streams.
struct Stream {
    before: &'static str,
    piece: &'static str,
    /// What comes behind every hundredth piece.
    between: &'static str,
    thinking: bool,
}

impl Stream {
    /// At the end of a long conversation, 20 seconds of it.
    fn run(&self, log: &[Event], what: &str, options: &Options, report: &mut Report) -> Result<()> {
        let mut drawing = Drawing::open(log)?;
        drawing.model.look.unfolded = self.thinking;
        drawing.frame(|drawing| drawing.event(self.text(self.before)))?;
        drawing.samples.clear();
        drawing.passed.clear();
        let frames = if options.quick { 100 } else { 400 };
        for frame in 0..frames {
            drawing.frame(|drawing| {
                for _ in 0..PIECES {
                    drawing.event(self.text(self.piece));
                }
                if frame % 2 == 1 && !self.between.is_empty() {
                    drawing.event(self.text(self.between));
                }
            })?;
        }
        let what = format!("1,000 pieces/s into {what}, a frame");
        drawing.report(&what, report);
        Ok(())
    }

    fn text(&self, text: &str) -> EventBody {
        let piece = TextPiece {
            message_id: "streams".to_owned(),
            text: text.to_owned(),
        };
        if self.thinking {
            EventBody::ThinkingDelta(piece)
        } else {
            EventBody::TextDelta(piece)
        }
    }
}
