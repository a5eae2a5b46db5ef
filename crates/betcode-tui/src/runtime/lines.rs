//! Line mode: the same state in lines. The terminal edits what is written and interrupts by signals; what is printed is written
//! once, and nothing else is ever written: no sequence, no second time.

use std::io;
use std::os::fd::OwnedFd;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep_until;

use super::engine::Engine;
use super::signals::Signals;
use super::time::{far, until};
use super::{Ended, PARTING, Setup};
use crate::inline::Inline;
use crate::msg::{Effect, Msg};
use crate::plain::{Plain, Said};
use crate::terminal::lines::{Line, LineReader};
use crate::terminal::tty::Tty;
use crate::terminal::writer::Writer;
use crate::update::after_drawing;
use crate::view;

/// What comes from the threads of the terminal.
enum Incoming {
    Line(Line),
    Written,
}

/// Runs in lines until somebody leaves.
pub async fn run_lines(device: OwnedFd, setup: Setup) -> io::Result<Ended> {
    let mut client = Client::new(device, setup)?;
    let ended = client.run().await;
    client.last_words();
    ended
}

struct Client {
    engine: Engine,
    tty: Tty,
    writer: Writer,
    reader: Option<LineReader>,
    sender: UnboundedSender<Incoming>,
    incoming: UnboundedReceiver<Incoming>,
    /// Lines that are to be written.
    out: String,
    /// The number of what is asked in them, and in what is being written.
    asked: Option<u64>,
    under_way: Option<u64>,
    to_edit: Option<String>,
}

impl Client {
    fn new(device: OwnedFd, setup: Setup) -> io::Result<Self> {
        let (sender, incoming) = unbounded_channel();
        let tty = Tty::new(device)?;
        let size = tty.size();
        let (mut engine, prompt) = Engine::new(setup, (size.width, size.height));
        engine.model.inline = Some(Inline::default());
        engine.model.plain = Some(Plain::new());
        let written = sender.clone();
        let writer = Writer::new(tty.device()?, move || {
            // Nobody waits for it any more when it is over.
            let _ = written.send(Incoming::Written);
        })?;
        let mut client = Self {
            engine,
            tty,
            writer,
            reader: None,
            sender,
            incoming,
            out: String::new(),
            asked: None,
            under_way: None,
            to_edit: None,
        };
        client.engine.open();
        if let Some(prompt) = prompt {
            client.take(Msg::Say(prompt));
        }
        client.read()?;
        Ok(client)
    }

    fn read(&mut self) -> io::Result<()> {
        let sender = self.sender.clone();
        let sink = move |line| sender.send(Incoming::Line(line)).is_ok();
        self.reader = Some(LineReader::new(self.tty.device()?, sink)?);
        Ok(())
    }

    async fn run(&mut self) -> io::Result<Ended> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut signals = Signals::without_interrupt()?;
        let mut ended_by = None;
        let mut problem = None;
        while !self.engine.model.left {
            if let Some(text) = self.to_edit.take() {
                self.edit(text, &mut interrupts).await?;
            }
            self.say();
            let due = until(&self.engine);
            tokio::select! {
                Some(incoming) = self.incoming.recv() => match incoming {
                    Incoming::Line(line) => self.line(line),
                    Incoming::Written if self.writer.broken() => {
                        problem = Some("the terminal is gone".to_owned());
                        self.engine.model.left = true;
                    }
                    Incoming::Written => self.written(),
                },
                come = self.engine.next() => {
                    let effects = self.engine.come(come);
                    self.begin(effects);
                }
                Some(()) = interrupts.recv() => {
                    // The terminal has echoed it on a line that is never finished.
                    self.out.push('\n');
                    self.take(Msg::Plain(Said::Interrupt));
                }
                number = signals.next() => {
                    ended_by = Some(number);
                    self.engine.model.left = true;
                }
                () = sleep_until(due.unwrap_or_else(far)), if due.is_some() => self.take(Msg::Wake),
            }
        }
        self.engine.leave().await;
        Ok(Ended {
            session: self.engine.model.exists.then(|| self.engine.model.id()),
            tail: Vec::new(),
            kept: self.engine.has_unsent(),
            signal: ended_by,
            problem,
        })
    }

    fn line(&mut self, line: Line) {
        self.take(Msg::Plain(match line {
            Line::Whole(lines) => Said::Lines(lines),
            Line::Begun(serial, begun) => Said::Shown { serial, begun },
            Line::End => Said::End,
        }));
    }

    fn take(&mut self, msg: Msg) {
        let effects = self.engine.take(msg);
        self.begin(effects);
    }

    fn begin(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Edit(text) = effect {
                self.to_edit = Some(text);
            }
        }
    }

    /// Prints what is new, as soon as the terminal has taken what was before.
    fn say(&mut self) {
        let printed = view::plain::settle(&mut self.engine.model);
        for effect in after_drawing(&mut self.engine.model) {
            self.engine.begin(effect);
        }
        self.add(&printed.lines);
        self.asked = printed.asked.or(self.asked);
        if !self.out.is_empty() && self.writer.idle() {
            self.under_way = self.asked.take();
            self.writer
                .write(std::mem::take(&mut self.out).into_bytes());
        }
    }

    fn add(&mut self, lines: &[String]) {
        for line in lines {
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    /// Everything was written. What is in the terminal's input now was there before what is asked had been shown.
    fn written(&mut self) {
        if let (Some(serial), Some(reader)) = (self.under_way.take(), &self.reader) {
            reader.take_out(serial);
        }
    }

    /// The user's editor has the terminal for a while. Nothing is printed meanwhile.
    async fn edit(&mut self, text: String, interrupts: &mut Signal) -> io::Result<()> {
        self.writer.settle(PARTING);
        self.reader = None;
        let outside = self.engine.outside.clone();
        let editing = tokio::task::spawn_blocking(move || outside.edit(&text));
        tokio::pin!(editing);
        let edited = loop {
            tokio::select! {
                biased;
                // It was for the editor.
                Some(()) = interrupts.recv() => {}
                edited = &mut editing => break edited,
            }
        };
        let edited = edited.unwrap_or_else(|error| Err(error.to_string()));
        self.read()?;
        self.take(Msg::Edited(edited));
        Ok(())
    }

    fn last_words(&mut self) {
        self.reader = None;
        let printed = view::plain::farewell(&mut self.engine.model);
        self.add(&printed.lines);
        self.writer.settle(PARTING);
        self.writer
            .write(std::mem::take(&mut self.out).into_bytes());
        self.writer.settle(PARTING);
    }
}
