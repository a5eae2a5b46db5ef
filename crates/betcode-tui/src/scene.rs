//! A client without a terminal and a daemon, for tests: keys and events in, a screen as text out.

use betcode_client::session::Update;
use betcode_client::{Refusal, Summary};
use betcode_core::event::{
    ClientInfo, ClientKind, Event, EventBody, Status, TextPiece, Usage, UserInput,
};
use betcode_core::id::{AgentName, ClientId, IdempotencyKey, MessageId, Sequence, SessionId};
use betcode_core::time::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use uuid::Uuid;

use crate::key::Key;
use crate::keymap::Keymap;
use crate::model::{Beginning, Link, Model, Taste};
use crate::msg::{Effect, Msg};
use crate::session::Session;
use crate::terminal::input::{Mouse, MouseAct};
use crate::text::highlight::NoHighlights;
use crate::theme::Theme;
use crate::update::{Circumstances, events, seen, update};
use crate::view;

/// The client, and everything that it asked for.
pub(crate) struct Scene {
    pub(crate) model: Model,
    pub(crate) effects: Vec<Effect>,
    pub(crate) now: Timestamp,
    ids: u128,
    pub(crate) sequence: u64,
    /// What the next event has only the beginning of.
    pub(crate) previews: Vec<betcode_core::event::Preview>,
}

/// The client that the tests are.
pub(crate) fn me() -> ClientInfo {
    ClientInfo {
        name: "betcode".into(),
        place: "here".into(),
        id: ClientId(Uuid::from_u128(1)),
        kind: ClientKind::Interactive,
    }
}

/// A session of the demo agent as a list shows it.
pub(crate) fn summary(id: SessionId, title: &str) -> Summary {
    Summary {
        id,
        agent: AgentName("demo".into()),
        cwd: "/home/user/project".into(),
        title: title.into(),
        model: String::new(),
        status: Status::Idle,
        created: Timestamp(0),
        updated: Timestamp(0),
        head: Sequence(0),
        turns: 0,
        agent_session: String::new(),
        totals: Usage::default(),
        retry_at: None,
    }
}

/// A screen of this size with an idle session of the demo agent.
pub(crate) fn screen(width: u16, height: u16) -> Scene {
    let mut session = Session::new(SessionId(Uuid::from_u128(7)), "demo", "/home/user/project");
    session.title = "Fix the login".into();
    session.model = "demo-1".into();
    let mut model = Model::new(Beginning {
        me: me(),
        session,
        exists: true,
        keymap: Keymap::default(),
        theme: Theme::default(),
        taste: Taste::default(),
        size: (width, height),
        now: Timestamp(0),
    });
    model.link = Link::Connected;
    model.at_beginning = true;
    Scene {
        model,
        effects: Vec::new(),
        now: Timestamp(10_000_000),
        ids: 100,
        sequence: 0,
        previews: Vec::new(),
    }
}

impl Scene {
    /// Something happens.
    pub(crate) fn on(&mut self, msg: Msg) -> &mut Self {
        let ids = &mut self.ids;
        let mut fresh = || {
            *ids += 1;
            Uuid::from_u128(*ids)
        };
        let circumstances = Circumstances {
            now: self.now,
            fresh: &mut fresh,
        };
        let asked = update(&mut self.model, circumstances, msg);
        seen(&mut self.model, self.now);
        self.effects.extend(asked);
        self
    }

    /// Keys, by their names, separated by blanks.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            let key: Key = key.parse().unwrap_or_else(|error| panic!("{error}"));
            self.wait(50).on(Msg::Key(key));
        }
        self
    }

    /// Text is typed, as fast as a person types.
    pub(crate) fn types(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            let key = Key {
                code: crate::key::Code::Char(c),
                mods: crate::key::Mods::NONE,
            };
            self.wait(50).on(Msg::Key(key));
        }
        self
    }

    /// The mouse does something, at a column and a row.
    pub(crate) fn mouse(&mut self, act: MouseAct, x: u16, y: u16) -> &mut Self {
        let mods = crate::key::Mods::NONE;
        self.on(Msg::Mouse(Mouse { act, x, y, mods }))
    }

    /// Time passes, in milliseconds, and the client is woken.
    pub(crate) fn wait(&mut self, milliseconds: i64) -> &mut Self {
        self.now = Timestamp(self.now.0 + milliseconds * 1000);
        if self.model.listens_at(self.now) {
            self.model.heard = self.now;
        }
        self.on(Msg::Wake)
    }

    /// The last message that was sent is refused.
    pub(crate) fn refuses_last(&mut self, why: &str) -> &mut Self {
        let key = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Send(key, _) => Some(*key),
            _ => None,
        });
        let key = key.unwrap_or_else(|| panic!("nothing was sent: {:?}", self.effects));
        let held = betcode_client::reason::LOCK_HELD;
        let refusal = Refusal::new(tonic::Code::FailedPrecondition, held, why);
        self.says(Update::Outcome {
            key,
            outcome: Err(refusal),
        })
    }

    /// Something happens in the session.
    pub(crate) fn event(&mut self, body: EventBody) -> &mut Self {
        self.child(None, body)
    }

    /// Something happens in a call of a tool.
    pub(crate) fn child(&mut self, parent: Option<&str>, body: EventBody) -> &mut Self {
        self.sequence += 1;
        let event = Event {
            sequence: Sequence(self.sequence),
            first_sequence: None,
            timestamp: self.now,
            parent: parent.map(Into::into),
            previews: std::mem::take(&mut self.previews),
            body,
        };
        let mut fresh = Uuid::nil;
        let circumstances = Circumstances {
            now: self.now,
            fresh: &mut fresh,
        };
        let asked = events(&mut self.model, circumstances, &[event]);
        self.effects.extend(asked);
        self.on(Msg::Wake)
    }

    /// What the handle of the session says beside events.
    pub(crate) fn says(&mut self, update: Update) -> &mut Self {
        self.on(Msg::Session(update))
    }

    /// The user said something.
    pub(crate) fn said(&mut self, text: &str) -> &mut Self {
        let number = u128::from(self.sequence) + 1000;
        self.event(EventBody::UserInput(UserInput {
            message_id: MessageId(Uuid::from_u128(number)),
            idempotency_key: IdempotencyKey(Uuid::from_u128(number)),
            text: text.into(),
            attachments: Vec::new(),
            client: me(),
            policy: betcode_core::event::TurnPolicy::default(),
            then_trim: false,
        }))
        .status(Status::Thinking)
    }

    /// The agent says something, and has finished.
    pub(crate) fn answers(&mut self, text: &str) -> &mut Self {
        let message_id = format!("m{}", self.sequence);
        let piece = TextPiece {
            message_id: message_id.clone(),
            text: text.into(),
        };
        self.event(EventBody::TextDelta(piece))
            .event(EventBody::MessageComplete {
                message_id,
                model: None,
                end: betcode_core::event::MessageEnd::Finished,
            })
    }

    /// What the session is doing.
    pub(crate) fn status(&mut self, status: Status) -> &mut Self {
        self.event(EventBody::StatusChange {
            status,
            detail: String::new(),
            retry_at: None,
        })
    }

    /// The screen, and where the cursor is.
    pub(crate) fn buffer(&mut self) -> (Buffer, Option<ratatui::layout::Position>) {
        let area = Rect::new(0, 0, self.model.width, self.model.height);
        let mut buffer = Buffer::empty(area);
        let frame = view::draw(&mut self.model, area, &mut NoHighlights, &mut buffer);
        (buffer, frame.cursor)
    }

    /// The screen as text, the cursor in angle brackets at the end.
    pub(crate) fn text(&mut self) -> String {
        let (buffer, cursor) = self.buffer();
        let area = buffer.area;
        let mut text = String::new();
        for y in 0..area.height {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..area.width {
                let symbol = buffer[(x, y)].symbol();
                if skip == 0 {
                    line.push_str(symbol);
                    skip = unicode_width::UnicodeWidthStr::width(symbol).max(1);
                }
                skip -= 1;
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        match cursor {
            Some(cursor) => {
                text.extend(["<", &cursor.x.to_string(), ",", &cursor.y.to_string(), ">"]);
            }
            None => text.push_str("<no cursor>"),
        }
        text
    }
}
