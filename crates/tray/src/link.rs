//! The way to the daemon: connecting, what is known at that moment, and what happens from then on; and again after a loss.
//!
//! 1. The state directory is watched, then a connection is tried: a daemon that comes up between the two is not missed.
//! 2. The feed is followed from where it was left, or from its head; then everything is listed, so that what happened before
//!    is in the lists and what happens after is in the feed.
//! 3. Usage is watched beside it. A daemon that has no such service is one that knows nothing of usage.
//! 4. After a loss everything begins anew, at once. Where no daemon runs nothing is tried until one says that it is there, or
//!    somebody asks for one.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use betcode_client::feed::{Feed, FeedUpdate, Position};
use betcode_client::{
    CallError, ConnectError, Connection, Profile, Start, UsageAccount, connect, connect_or_start,
};
use futures_util::{Stream, StreamExt as _};
use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::model::{Msg, Snapshot};
use crate::platform::Watch;

/// After how long a daemon that cannot be used is tried again, and how long that grows.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// A daemon that has said where it is may take so many attempts of this length until it answers.
const COMING: Duration = Duration::from_millis(50);
const ATTEMPTS: usize = 40;
/// A daemon that has just come up says who it is within this.
const QUICK: Duration = Duration::from_secs(5);
/// After how long the usage is watched again when that broke and the feed did not.
const USAGE_PAUSE: Duration = Duration::from_secs(30);

/// What the link tells the loop.
#[derive(Debug)]
pub enum News {
    /// There is a connection, for calls.
    Connected(Connection),
    /// There is none any more.
    Lost,
    /// What happened.
    Msg(Msg),
}

/// What is needed to start a daemon.
#[derive(Debug, Clone)]
pub struct Starter {
    /// The program `betcode`; none where it was not found.
    pub program: Option<PathBuf>,
    /// The environment to choose from.
    pub environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

type Usage = Pin<Box<dyn Stream<Item = Result<Vec<UsageAccount>, CallError>> + Send>>;

/// Whoever listens is gone.
struct Over;

/// Follows the daemon of a profile for ever. A word on `starts` asks for a daemon to be started.
pub async fn run(
    profile: Profile,
    starter: Starter,
    news: mpsc::Sender<News>,
    mut starts: mpsc::Receiver<()>,
) {
    let mut link = LinkTask {
        profile,
        starter,
        news,
        position: Position::default(),
    };
    // Nobody listens any more: the program ends.
    let _over = link.follow_for_ever(&mut starts).await;
}

struct LinkTask {
    profile: Profile,
    starter: Starter,
    news: mpsc::Sender<News>,
    position: Position,
}

impl LinkTask {
    async fn follow_for_ever(&mut self, starts: &mut mpsc::Receiver<()>) -> Result<(), Over> {
        let mut pause = PAUSE;
        let mut coming = 0;
        let mut watch = Watch::new(&self.profile.state_dir);
        loop {
            let connected = connect(&self.profile).await;
            match connected {
                Ok(connection) => {
                    coming = 0;
                    match self.stay(connection).await? {
                        Stay::Good => {
                            pause = PAUSE;
                            // One that is being killed takes connections for a moment more.
                            sleep(COMING).await;
                        }
                        Stay::Bad(problem) => {
                            self.tell(Msg::Trouble(problem)).await?;
                            pause = self.rest(&mut watch, starts, pause).await?;
                        }
                    }
                }
                Err(ConnectError::NotRunning { .. }) if coming > 0 => {
                    coming -= 1;
                    sleep(COMING).await;
                }
                Err(ConnectError::NotRunning { .. }) => {
                    self.tell(Msg::Absent).await?;
                    tokio::select! {
                        () = watch.changed() => coming = ATTEMPTS,
                        start = starts.recv() => {
                            start.ok_or(Over)?;
                            self.start().await?;
                        }
                    }
                    pause = PAUSE;
                }
                Err(error) => {
                    self.tell(Msg::Trouble(error.to_string())).await?;
                    pause = self.rest(&mut watch, starts, pause).await?;
                }
            }
        }
    }

    /// Waits for a while, for a change, or until somebody wants a daemon. Gives how long to wait the next time.
    async fn rest(
        &self,
        watch: &mut Watch,
        starts: &mut mpsc::Receiver<()>,
        pause: Duration,
    ) -> Result<Duration, Over> {
        tokio::select! {
            () = sleep(pause) => Ok((pause * 2).min(LONGEST_PAUSE)),
            () = watch.changed() => Ok(PAUSE),
            start = starts.recv() => {
                start.ok_or(Over)?;
                self.start().await?;
                Ok(PAUSE)
            }
        }
    }

    async fn start(&self) -> Result<(), Over> {
        let Some(program) = &self.starter.program else {
            let problem = "the program betcode was not found beside this one or in PATH";
            return self.tell(Msg::NotStarted(problem.to_owned())).await;
        };
        let mut command = vec![program.clone().into_os_string()];
        command.extend(["daemon", "run", "--auto"].map(Into::into));
        let mut environment = self.starter.environment.clone();
        let Profile {
            config_dir,
            state_dir,
            socket,
        } = &self.profile;
        // The daemon does not run in this directory, so it is told where its own are.
        environment.retain(|(name, _)| {
            name != "BETCODE_CONFIG_DIR" && name != "BETCODE_STATE_DIR" && name != "BETCODE_SOCKET"
        });
        environment.push(("BETCODE_CONFIG_DIR".into(), config_dir.clone().into()));
        environment.push(("BETCODE_STATE_DIR".into(), state_dir.clone().into()));
        if let Some(socket) = socket {
            environment.push(("BETCODE_SOCKET".into(), socket.clone().into()));
        }
        let started = connect_or_start(&self.profile, Start::new(command, environment)).await;
        match started {
            Ok(daemon) => {
                if let Ok(Ok(status)) = timeout(QUICK, daemon.status()).await {
                    reap(status.pid);
                }
                Ok(())
            }
            Err(error) => self.tell(Msg::NotStarted(error.to_string())).await,
        }
    }

    /// Follows what happens on a connection until it is lost.
    async fn stay(&mut self, connection: Connection) -> Result<Stay, Over> {
        let first = connection.clone();
        let connector = move |_| std::future::ready(Ok::<_, ConnectError>(first.clone()));
        if self.position == Position::default() {
            match connection.feed_head().await {
                Ok(head) => self.position = head,
                Err(error) => return Ok(Stay::of(&error)),
            }
        }
        let mut feed = match Feed::open(connector, self.position, true).await {
            Ok(feed) => feed,
            Err(error) => return Ok(Stay::Bad(error.to_string())),
        };
        let mut usage: Option<Usage> = None;
        let mut again = Box::pin(sleep(Duration::ZERO));
        let mut wants_usage = false;
        loop {
            tokio::select! {
                update = feed.next() => match update {
                    FeedUpdate::Attached { .. } => {
                        let snapshot = match snapshot(&connection).await {
                            Ok(snapshot) => snapshot,
                            Err(error) => return self.leave(Stay::of(&error)).await,
                        };
                        self.send(News::Connected(connection.clone())).await?;
                        self.tell(Msg::Attached(Box::new(snapshot))).await?;
                        wants_usage = true;
                        again = Box::pin(sleep(Duration::ZERO));
                    }
                    // What was known is listed anew when the feed is attached again, which comes next.
                    FeedUpdate::Reset { .. } => {}
                    FeedUpdate::Entries(entries) => {
                        self.position = feed.position();
                        for entry in entries {
                            self.tell(Msg::Feed(entry.body)).await?;
                        }
                    }
                    FeedUpdate::Reconnecting { .. } => return self.leave(Stay::Good).await,
                    FeedUpdate::End(_) => {
                        self.position = Position::default();
                        let problem = "the daemon does not let its feed be followed";
                        return self.leave(Stay::Bad(problem.to_owned())).await;
                    }
                },
                accounts = next(&mut usage) => {
                    if let Some(Ok(accounts)) = accounts {
                        self.tell(Msg::Usage(accounts)).await?;
                    } else {
                        usage = None;
                        wants_usage = true;
                        again = Box::pin(sleep(USAGE_PAUSE));
                    }
                }
                () = &mut again, if wants_usage && usage.is_none() => {
                    match connection.watch_usage().await {
                        Ok(stream) => usage = Some(Box::pin(stream)),
                        Err(error) if is_unknown(&error) => {
                            wants_usage = false;
                            self.tell(Msg::UsageMissing).await?;
                        }
                        Err(_) => again = Box::pin(sleep(USAGE_PAUSE)),
                    }
                }
            }
        }
    }

    async fn leave(&self, stay: Stay) -> Result<Stay, Over> {
        self.send(News::Lost).await?;
        Ok(stay)
    }

    async fn tell(&self, msg: Msg) -> Result<(), Over> {
        self.send(News::Msg(msg)).await
    }

    async fn send(&self, news: News) -> Result<(), Over> {
        self.news.send(news).await.map_err(|_| Over)
    }
}

/// How it was on a connection.
enum Stay {
    /// It was good and is lost.
    Good,
    /// The daemon is there and of no use.
    Bad(String),
}

impl Stay {
    fn of(error: &CallError) -> Self {
        match error {
            CallError::Lost(_) => Self::Good,
            error => Self::Bad(error.to_string()),
        }
    }
}

async fn next(usage: &mut Option<Usage>) -> Option<Result<Vec<UsageAccount>, CallError>> {
    match usage {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

async fn snapshot(connection: &Connection) -> Result<Snapshot, CallError> {
    Ok(Snapshot {
        sessions: connection.list_sessions(None, 0).await?,
        requests: connection.list_requests(None, None, false).await?,
        notifications: connection.list_notifications().await?,
    })
}

/// Waits in the background until a daemon ends, if it is a child of this process: what nobody waits for stays in the table of
/// processes. It is no task, since the end of the tray does not wait for it.
fn reap(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let wait = move || waitpid(pid, WaitOptions::empty()).is_ok();
    if pid.is_some() {
        // Without a thread it is as if nobody waited.
        let _waits = std::thread::Builder::new().spawn(wait);
    }
}

/// Whether the daemon has no such service.
fn is_unknown(error: &CallError) -> bool {
    matches!(error, CallError::Refused(refusal) if refusal.is_unimplemented())
}
