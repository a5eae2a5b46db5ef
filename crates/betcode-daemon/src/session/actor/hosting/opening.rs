//! How a host comes to be: started for an agent, or found again by a daemon that comes after the one that started it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use betcode_agents::launch::Start;
use betcode_core::command::Rejected;
use betcode_core::id::{AgentName, FrameNumber, HostEpoch};
use betcode_host::remains;
use betcode_host::spec::Spec;

use super::{Actor, Attached, Host, Opening};
use crate::rules::book::{Book, Whose};
use crate::session::audience::News;
use crate::session::launch;
use crate::session::link::{self, Opened};
use crate::store::OutboxFrame;

/// Tells the demo agent where it keeps what other agents keep in the user's home.
const DEMO_STATE: &str = "BETCODE_DEMO_STATE";

/// How long a start waits for room on the disk before it is tried again.
const NO_ROOM: Duration = Duration::from_millis(500);

impl Actor {
    /// Starts the host of a committed `agent_starting`. The frames go out as soon as it answers.
    pub(in crate::session::actor) fn start_host(
        &mut self,
        epoch: HostEpoch,
        frames: Vec<(FrameNumber, Vec<u8>)>,
    ) {
        let directory = launch::directory(&self.machine.settings().state_dir, epoch);
        let opening = self.opening(directory.clone());
        let mut host = Attached::new(epoch, directory, 0, opening);
        host.outbox = frames;
        self.host = Host::Some(Box::new(host));
        self.count_agent(true);
    }

    /// Looks for a host that an earlier daemon started, or was about to start.
    pub(in crate::session::actor) fn find_host(
        &mut self,
        epoch: HostEpoch,
        offset: u64,
        outbox: Vec<OutboxFrame>,
    ) {
        let directory = launch::directory(&self.machine.settings().state_dir, epoch);
        let started = remains::was_started(&directory).unwrap_or(false)
            || remains::is_alive(&directory).unwrap_or(false);
        let ran = matches!(
            self.session.agent(),
            betcode_core::session::AgentState::Running { .. }
        );
        let opening: Opening = if started {
            Box::pin(link::open(directory.clone()))
        } else if ran {
            // It was there, and nothing of it is: another one in its place would go on in the middle.
            Box::pin(std::future::ready(Opened::Dead))
        } else {
            self.opening(directory.clone())
        };
        let mut host = Attached::new(epoch, directory, offset, opening);
        host.outbox = outbox
            .into_iter()
            .filter(|frame| frame.host == epoch)
            .map(|frame| (frame.frame, frame.bytes))
            .collect();
        self.host = Host::Some(Box::new(host));
        self.count_agent(true);
    }

    fn opening(&self, directory: PathBuf) -> Opening {
        let start = match (self.session.agent().resumes(), self.session.goes_on()) {
            (false, _) => Start::Fresh,
            (true, false) => Start::Resumed,
            (true, true) => Start::GoesOn,
        };
        let machine = self.machine.clone();
        let info = self.session.info().clone();
        // What was recorded with the start, not what holds by now.
        let recorded = self.session.agent().launch();
        let options = recorded.unwrap_or(self.session.launch()).clone();
        let environment = self.environment.clone();
        let policy = self.session.present_policy().clone();
        let audience = self.audience.clone();
        Box::pin(async move {
            let trusted = machine.trusted_by(&info.cwd).await;
            let prepared = tokio::task::spawn_blocking(move || {
                let resolved = machine
                    .resolve(&info, &options, trusted.is_some(), &environment)
                    .map_err(told)?;
                machine
                    .supported(&resolved, info.cwd.as_ref(), &environment)
                    .map_err(told)?;
                let settings = machine.settings();
                let mut book = Book::default();
                let whose = Whose {
                    settings,
                    cwd: info.cwd.as_ref(),
                    environment: &environment,
                    trusted: trusted.as_deref(),
                    policy: &policy,
                    add_dirs: &options.flags.add_dirs,
                };
                let restraints = book.restraints(whose);
                audience.tell(News::RulesRead(Box::new(book)));
                let mut spec = launch::spec(
                    &resolved,
                    &info,
                    (&options, start, &restraints),
                    &environment,
                );
                if resolved.name.0 == AgentName::DEMO {
                    let place = settings.state_dir.join("demo").display().to_string();
                    spec.env.push((DEMO_STATE.to_owned(), place));
                }
                Ok((spec, settings.host_command.clone()))
            })
            .await;
            match prepared {
                Ok(Ok((spec, host_command))) => {
                    let waits = start == Start::GoesOn;
                    begin(directory, spec, host_command, waits).await
                }
                Ok(Err(problem)) => Opened::Failed(problem),
                Err(error) => Opened::Failed(format!("starting the agent host failed: {error}")),
            }
        })
    }
}

/// Starts the host. A turn that has begun waits for room on the disk and does not end because there is none; one that has not
/// is refused at once, so that nobody waits for it.
async fn begin(directory: PathBuf, spec: Spec, host_command: Vec<OsString>, waits: bool) -> Opened {
    let what = Arc::new((directory, spec, host_command));
    loop {
        let each = what.clone();
        let start = move || launch::start(&each.0, &each.1, &each.2);
        let problem = match tokio::task::spawn_blocking(start).await {
            Ok(Ok(())) => return link::open(what.0.clone()).await,
            Ok(Err(error)) if waits && error.kind() == io::ErrorKind::StorageFull => {
                tokio::time::sleep(NO_ROOM).await;
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let place = what.0.display();
        return Opened::Failed(format!("cannot start the agent host in {place}: {problem}"));
    }
}

/// Why an agent cannot be started, with what to do.
fn told(rejected: Rejected) -> String {
    match rejected {
        Rejected::Agent { message, hint } => format!("{message}: {hint}"),
        other => other.to_string(),
    }
}
