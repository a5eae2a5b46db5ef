//! The only loop: what the daemon, the desktop and the clock say goes into the model, and what follows is carried out.
//!
//! Every call has a task of its own, so that none holds up another; all tasks end with the loop. Nothing wakes up by itself but
//! for the end of a pulse and for a text that has become wrong.

mod calls;

use std::ffi::OsString;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::time::Duration;

use betcode_client::{Connection, Profile};
use betcode_core::id::ClientId;
use betcode_core::time::Timestamp;
use futures_util::future::join_all;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use crate::icon::Cache;
use crate::link::{self, Starter};
use crate::model::{Effect, Link, Model, Msg, Show, View};
use crate::platform::{Desktop, News, NoDesktop, Watch};
use crate::toast::Toast;
use crate::{clock, settings, terminal, text};

/// How long the icon draws attention.
const PULSE: Duration = Duration::from_millis(500);
/// What is being shown when it ends may take so long.
const SETTLING: Duration = Duration::from_secs(1);
/// As much of a reason is kept.
const LOGGED: usize = 500;
/// What the link may have to tell before it waits for the loop.
const AHEAD: usize = 64;

/// What the loop needs to know of the world.
#[derive(Debug, Clone)]
pub struct World {
    /// Whose daemon and settings.
    pub profile: Profile,
    /// The program `betcode`; none where it was not found.
    pub program: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
}

impl World {
    fn variable(&self, name: &str) -> Option<&OsString> {
        let found = self.environment.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value).filter(|it| !it.is_empty())
    }

    /// What tells another process where this profile is, as far as it is not where everybody's is.
    fn assignments(&self) -> Vec<OsString> {
        let variable = |name: &str| {
            let is_own = name.starts_with("BETCODE_");
            let value = self.variable(name).filter(|_| !is_own);
            value.map(PathBuf::from)
        };
        let usual = Profile::find(variable, || None, None).ok();
        let usual = usual.as_ref();
        let is_usual = |name: &str, value: &OsString| {
            let value = Some(Path::new(value));
            match name {
                "BETCODE_CONFIG_DIR" => value == usual.map(|it| it.config_dir.as_path()),
                "BETCODE_STATE_DIR" => value == usual.map(|it| it.state_dir.as_path()),
                _ => false,
            }
        };
        let mut words = Vec::new();
        for name in ["BETCODE_CONFIG_DIR", "BETCODE_STATE_DIR", "BETCODE_SOCKET"] {
            if let Some(value) = self.variable(name).filter(|it| !is_usual(name, it)) {
                let mut word = OsString::from(format!("{name}="));
                word.push(value);
                words.push(word);
            }
        }
        words
    }
}

/// Is the tray until somebody ends it. `log` is told what a person may want to know afterwards.
pub async fn run(world: World, log: fn(&str)) -> Result<(), NoDesktop> {
    let ends = Ends::new();
    let (settings, complaints) = settings::read(&world.profile.config_dir);
    for complaint in &complaints {
        log(complaint);
    }
    let model = Model::new(settings);
    let zone = clock::zone();
    let view = model.view(clock::now(), &zone);
    let (desktop_tx, desktop_rx) = mpsc::unbounded_channel();
    let desktop = Desktop::open(desktop_tx, view.clone()).await?;
    let (link_tx, link_rx) = mpsc::channel(AHEAD);
    let (starts, starts_rx) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    let starter = Starter {
        program: world.program.clone(),
        environment: world.environment.clone(),
    };
    let profile = world.profile.clone();
    tasks.spawn(link::run(profile, starter, link_tx, starts_rx));
    let (results, mut results_rx) = mpsc::unbounded_channel();
    let mut cache = Cache::default();
    cache.show(view.face);
    let mut tray = Runtime {
        world,
        log,
        model,
        desktop,
        connection: None,
        me: ClientId(Uuid::now_v7()),
        tasks,
        results,
        starts,
        view,
        cache,
        zone,
        pulse_until: None,
        wake_at: None,
        over: false,
    };
    tray.ask_desktop();
    tray.follow(ends, link_rx, desktop_rx, &mut results_rx)
        .await;
    tray.take_away(&mut results_rx).await;
    tray.desktop.shutdown().await;
    Ok(())
}

struct Runtime {
    world: World,
    log: fn(&str),
    model: Model,
    desktop: Desktop,
    connection: Option<Connection>,
    /// Who claims notifications.
    me: ClientId,
    tasks: JoinSet<()>,
    results: mpsc::UnboundedSender<calls::Outcome>,
    starts: mpsc::Sender<()>,
    /// What is shown.
    view: View,
    cache: Cache,
    zone: TimeZone,
    pulse_until: Option<Instant>,
    wake_at: Option<Instant>,
    over: bool,
}

impl Runtime {
    async fn follow(
        &mut self,
        mut ends: Ends,
        mut link: mpsc::Receiver<link::News>,
        mut desktop: mpsc::UnboundedReceiver<News>,
        results: &mut mpsc::UnboundedReceiver<calls::Outcome>,
    ) {
        // One that is not there could not be watched; why it cannot be made whoever changes settings will say.
        let _made = settings::directory(&self.world.profile.config_dir);
        let mut settings = Watch::new(&self.world.profile.config_dir);
        while !self.over {
            let (pulse_until, wake_at) = (self.pulse_until, self.wake_at);
            tokio::select! {
                Some(news) = link.recv() => self.link_news(news),
                Some(news) = desktop.recv() => self.desktop_news(news),
                Some(outcome) = results.recv() => self.outcome(outcome),
                Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
                () = settings.changed() => self.read_settings(),
                () = until(pulse_until) => {
                    self.pulse_until = None;
                    self.take(Msg::PulseOver);
                }
                () = until(wake_at) => self.take(Msg::Tick),
                () = ends.wait() => self.over = true,
            }
            // What has come meanwhile is shown together.
            while let Ok(news) = link.try_recv() {
                self.link_news(news);
            }
            while let Ok(news) = desktop.try_recv() {
                self.desktop_news(news);
            }
            self.show().await;
        }
    }

    fn link_news(&mut self, news: link::News) {
        match news {
            link::News::Connected(connection) => self.connection = Some(connection),
            link::News::Lost => self.connection = None,
            link::News::Msg(msg) => {
                if let Msg::Trouble(problem) = &msg
                    && self.model.link != Link::Trouble(problem.clone())
                {
                    (self.log)(problem);
                }
                if let Msg::NotStarted(why) = &msg {
                    (self.log)(&text::block(why, LOGGED));
                }
                self.take(msg);
            }
        }
    }

    fn desktop_news(&mut self, news: News) {
        match news {
            News::Msg(msg) => self.take(msg),
            News::NoPanel => (self.log)(
                "no panel shows icons here yet; on GNOME that takes the extension \"AppIndicator and KStatusNotifierItem Support\"; notifications are shown all the same",
            ),
            News::ServiceCame => self.ask_desktop(),
            News::Over => {
                (self.log)("the session of the desktop has ended");
                self.over = true;
            }
        }
    }

    fn outcome(&mut self, outcome: calls::Outcome) {
        match outcome {
            calls::Outcome::Msg(msg) => {
                if matches!(msg, Msg::Desktop(None)) {
                    (self.log)(
                        "no service shows notifications on this desktop; the menu lists what there is to tell",
                    );
                }
                self.take(msg);
            }
            calls::Outcome::Failed { doing, why } => {
                let problem = format!("{doing}: {why}");
                (self.log)(&problem);
                self.carry_out(Effect::Say(Toast::own("BetCode", &problem)));
            }
        }
    }

    fn read_settings(&mut self) {
        let (settings, complaints) = settings::read(&self.world.profile.config_dir);
        for complaint in &complaints {
            (self.log)(complaint);
        }
        self.take(Msg::Settings(settings));
    }

    fn take(&mut self, msg: Msg) {
        for effect in self.model.update(msg) {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Pulse => self.pulse_until = Some(Instant::now() + PULSE),
            Effect::Start => {
                // One word is enough for however many clicks.
                let _asked_already = self.starts.try_send(());
            }
            Effect::Open(show) => self.open(&show),
            Effect::Quit => self.over = true,
            Effect::Say(toast) => self.say(toast),
            Effect::Update { desktop, toast } => {
                let service = self.desktop.clone();
                self.tasks.spawn(async move {
                    service.notify(&toast, Some(desktop)).await;
                });
            }
            Effect::Close(desktop) => {
                let service = self.desktop.clone();
                self.tasks
                    .spawn(async move { service.close(desktop).await });
            }
            call @ (Effect::Claim { .. }
            | Effect::Dismiss(_)
            | Effect::Act { .. }
            | Effect::Answer { .. }
            | Effect::Snooze(_)
            | Effect::Unsnooze
            | Effect::Refresh) => self.call(call),
        }
    }

    fn ask_desktop(&mut self) {
        let (desktop, results) = (self.desktop.clone(), self.results.clone());
        self.tasks.spawn(async move {
            let abilities = desktop.abilities().await;
            // When nobody listens the program is ending.
            let _ending = results.send(calls::Outcome::Msg(Msg::Desktop(abilities)));
        });
    }

    fn say(&mut self, toast: Toast) {
        let Some(abilities) = self.model.abilities else {
            (self.log)(&format!("{}: {}", toast.title, toast.body));
            self.take(Msg::Unsaid(toast));
            return;
        };
        let (desktop, results) = (self.desktop.clone(), self.results.clone());
        self.tasks.spawn(async move {
            let fit = toast.clone().for_service(abilities);
            if desktop.notify(&fit, None).await.is_none() {
                // When nobody listens the program is ending.
                let _ending = results.send(calls::Outcome::Msg(Msg::Unsaid(toast)));
            }
        });
    }

    /// Takes away what it shows: nobody will hear its buttons any more.
    async fn take_away(&mut self, results: &mut mpsc::UnboundedReceiver<calls::Outcome>) {
        let settled = async {
            // What is being shown right now has its number in a moment.
            while self.model.is_showing()
                && let Some(outcome) = results.recv().await
            {
                if let calls::Outcome::Msg(msg @ Msg::Shown { .. }) = outcome {
                    self.model.update(msg);
                }
            }
        };
        // A service or a daemon that does not answer does not hold up the end.
        let _late = timeout(SETTLING, settled).await;
        let shown = self.model.shown.values();
        join_all(shown.map(|desktop| self.desktop.close(*desktop))).await;
    }

    /// Opens a terminal, or says what to type into one.
    fn open(&mut self, show: &Show) {
        let command = self.command(show);
        let path = self.world.variable("PATH").cloned();
        let named = self.world.variable("TERMINAL").and_then(|it| it.to_str());
        let words = terminal::words(
            &self.model.settings.tray.terminal,
            named,
            &command,
            |program| terminal::find(program, path.as_deref()),
        );
        let started = words.as_deref().and_then(|words| {
            let (program, rest) = words.split_first()?;
            let mut child = tokio::process::Command::new(program);
            child.args(rest).stdin(std::process::Stdio::null());
            if let Some(home) = self.world.variable("HOME") {
                child.current_dir(home);
            }
            child.process_group(0).spawn().ok()
        });
        if let Some(mut child) = started {
            // A terminal stays when the tray ends; until then somebody has to hear of its end.
            self.tasks.spawn(async move {
                let _how = child.wait().await;
            });
        } else {
            let typed = shell_words::join(command.iter().map(|it| it.to_string_lossy()));
            let body = format!("No terminal could be opened. In one, type:\n{typed}");
            self.say(Toast::own("BetCode", &body));
        }
    }

    /// The words of what is shown in a terminal.
    fn command(&self, show: &Show) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec!["env".into()];
        // A terminal that runs already starts its windows with an environment of its own.
        command.extend(self.world.assignments());
        let program = self.world.program.as_ref();
        let program = || program.map_or_else(|| "betcode".into(), |it| it.clone().into_os_string());
        match show {
            Show::LogIn(words) => command.extend(words.iter().map(OsString::from)),
            Show::Session(session) => {
                command.extend([program(), "--resume".into(), session.to_string().into()]);
            }
            Show::Dashboard => command.extend([program(), "usage".into(), "--watch".into()]),
            Show::Settings => command.extend([program(), "config".into(), "edit".into()]),
        }
        if command.len() > 1 && command.get(1).is_some_and(|it| !is_assignment(it)) {
            command.remove(0);
        }
        command
    }

    /// Shows what is known, where that differs from what is shown.
    async fn show(&mut self) {
        let now = clock::now();
        let view = self.model.view(now, &self.zone);
        self.wake_at = self.model.changes_at(now).map(|at| moment(at, now));
        if view == self.view {
            return;
        }
        let redrawn = self.cache.show(view.face);
        let pictures = redrawn.then(|| self.cache.pictures().to_vec());
        self.view = view.clone();
        self.desktop.show(view, pictures).await;
    }
}

fn is_assignment(word: &OsString) -> bool {
    word.to_string_lossy().contains('=')
}

/// When that is on the clock that does not jump.
fn moment(at: Timestamp, now: Timestamp) -> Instant {
    // A little later, so that it is over then.
    Instant::now() + at.since(now) + Duration::from_millis(20)
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// What the system sends to end a program.
struct Ends {
    signals: Vec<tokio::signal::unix::Signal>,
}

impl Ends {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
        ];
        Self {
            signals: kinds.into_iter().filter_map(|it| signal(it).ok()).collect(),
        }
    }

    async fn wait(&mut self) {
        std::future::poll_fn(|context| {
            let mut signals = self.signals.iter_mut();
            if signals.any(|it| it.poll_recv(context).is_ready()) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_usual_is_told_to_a_terminal() {
        let world = |state: &str| World {
            profile: Profile {
                config_dir: "/c".into(),
                state_dir: state.into(),
                socket: None,
            },
            program: None,
            environment: [
                ("HOME", "/home/ann"),
                ("BETCODE_CONFIG_DIR", "/home/ann/.config/betcode"),
                ("BETCODE_STATE_DIR", state),
            ]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        };
        assert!(
            world("/home/ann/.local/state/betcode")
                .assignments()
                .is_empty()
        );
        assert_eq!(
            world("/elsewhere").assignments(),
            ["BETCODE_STATE_DIR=/elsewhere"]
        );
    }
}
