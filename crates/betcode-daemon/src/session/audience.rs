//! The clients of a session, as the session's actor hears of them, and how they hear that the session is deleted.
//!
//! A client takes a seat when it attaches and leaves it when its stream ends. Both reach the actor in the order in which they
//! happened, so that the input lock knows who is here.

use betcode_core::event::ClientInfo;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::rules::book::Book;

/// What the actor hears beside requests.
#[derive(Debug)]
pub(crate) enum News {
    /// A client has attached.
    Arrived {
        /// Who.
        client: ClientInfo,
        /// It only looks.
        observes: bool,
    },
    /// A client has left.
    Left {
        /// Who.
        client: ClientInfo,
        /// It said so itself; otherwise its connection broke, and it may come back.
        for_good: bool,
    },
    /// Rules were written to a file, or could not be.
    RulesWritten {
        /// The request that they come from.
        id: betcode_core::id::RequestId,
        /// The rules.
        rules: Vec<String>,
        /// The file.
        file: String,
        /// Why not; empty when they were.
        error: String,
        /// The directory is not trusted.
        untrusted: bool,
    },
    /// The rules were read before the agent was started.
    RulesRead(Box<Book>),
}

/// The clients of one session. Copies are the same audience.
#[derive(Debug, Clone)]
pub struct Audience {
    news: mpsc::UnboundedSender<News>,
    deleted: CancellationToken,
}

/// One attached client; gone when it is dropped.
#[derive(Debug)]
pub struct Seat {
    audience: Audience,
    client: ClientInfo,
    for_good: bool,
}

impl Audience {
    /// An audience without anybody, and where its actor hears of it.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<News>) {
        let (news, heard) = mpsc::unbounded_channel();
        let audience = Self {
            news,
            deleted: CancellationToken::new(),
        };
        (audience, heard)
    }

    /// A client takes part.
    pub fn seat(&self, client: ClientInfo, observes: bool) -> Seat {
        self.tell(News::Arrived {
            client: client.clone(),
            observes,
        });
        Seat {
            audience: self.clone(),
            client,
            for_good: false,
        }
    }

    /// Tells everybody that the session is deleted.
    pub fn dismiss(&self) {
        self.deleted.cancel();
    }

    /// How many copies there are: that of the actor, of those who may get a seat, of seats, and of work whose outcome the actor
    /// is told.
    pub(crate) fn holders(&self) -> usize {
        self.news.strong_count()
    }

    /// Tells the actor. One that has ended needs to hear nothing.
    pub(crate) fn tell(&self, news: News) {
        let _ended = self.news.send(news);
    }
}

impl Seat {
    /// Returns once the session is deleted.
    pub async fn deleted(&self) {
        self.audience.deleted.cancelled().await;
    }

    /// The client says that it leaves.
    pub fn leave_for_good(&mut self) {
        self.for_good = true;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.audience.tell(News::Left {
            client: self.client.clone(),
            for_good: self.for_good,
        });
    }
}
