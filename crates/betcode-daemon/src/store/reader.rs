//! Reading the database: up to two threads, started when they are first needed, each with its own connection that cannot
//! write. A read takes a bounded page and ends; nothing is held open while somebody else waits or sends.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

/// More would only compete with the writer for the processor.
const THREADS: usize = 2;

type Query = Box<dyn FnOnce(rusqlite::Result<&Connection>) + Send>;

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The database said no.
    #[error("cannot read the database: {0}")]
    Database(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// The threads.
#[derive(Debug)]
pub(super) struct Readers {
    database: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queue: Option<Sender<Query>>,
    receiver: Arc<Mutex<Receiver<Query>>>,
    threads: Vec<JoinHandle<()>>,
    /// Queries that are queued or running.
    open: Arc<()>,
}

impl Readers {
    pub(super) fn new(database: PathBuf) -> Self {
        let (queue, receiver) = channel();
        let state = State {
            queue: Some(queue),
            receiver: Arc::new(Mutex::new(receiver)),
            threads: Vec::new(),
            open: Arc::new(()),
        };
        Self {
            database,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a query on one of the threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        Ok(self
            .ask(query)?
            .await
            .map_err(|_closed| ReadError::Closed)??)
    }

    /// The same for a thread that may block.
    pub(super) fn read_blocking<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        Ok(self
            .ask(query)?
            .blocking_recv()
            .map_err(|_closed| ReadError::Closed)??)
    }

    fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<rusqlite::Result<T>>, ReadError> {
        let (answer, result) = oneshot::channel();
        self.enqueue(|open| {
            Box::new(move |connection| {
                answer.send(connection.and_then(query)).ok();
                drop(open);
            })
        })?;
        Ok(result)
    }

    fn enqueue(&self, query: impl FnOnce(Arc<()>) -> Query) -> Result<(), ReadError> {
        let mut state = self.state();
        let queue = state.queue.clone().ok_or(ReadError::Closed)?;
        let open = Arc::strong_count(&state.open);
        if state.threads.len() < THREADS.min(open) {
            let (database, receiver) = (self.database.clone(), Arc::clone(&state.receiver));
            let thread = std::thread::Builder::new()
                .name("log-reader".into())
                .stack_size(512 * 1024)
                .spawn(move || run(&database, &receiver))
                .map_err(|error| ReadError::Database(error.to_string()))?;
            state.threads.push(thread);
        }
        queue
            .send(query(Arc::clone(&state.open)))
            .map_err(|_| ReadError::Closed)
    }

    /// Ends the threads after what is queued.
    pub(super) fn close(&self) {
        let threads = {
            let mut state = self.state();
            state.queue = None;
            std::mem::take(&mut state.threads)
        };
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a reader thread panicked");
            }
        }
    }
}

fn run(database: &PathBuf, queue: &Mutex<Receiver<Query>>) {
    let mut connection = None;
    loop {
        let query = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(query) = query else {
            return;
        };
        match &connection {
            Some(connection) => query(Ok(connection)),
            None => match open(database) {
                Ok(opened) => query(Ok(connection.insert(opened))),
                Err(error) => query(Err(error)),
            },
        }
    }
}

/// A connection that cannot write. Only while the writer has the database open: closing it must not be the last close.
pub(super) fn open(database: &PathBuf) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        database,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.pragma_update(None, "cache_size", -256)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}
