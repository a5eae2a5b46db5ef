//! `betcode` without a subcommand: the interactive screen. What is shown and done there is `betcode-tui`'s; here it is given
//! a terminal, a way to the daemon, and what the flags and the environment say.

use std::io::IsTerminal as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use betcode_client::feed::Feed;
use betcode_client::session::{Handle, Open, Position};
use betcode_client::{ConnectError, Connection};
use betcode_core::config::ThemeChoice;
use betcode_core::event::{Attachment, ClientKind};
use betcode_tui::runtime::{self, Access, Ended, Given, Images, Opening, Owned, Setup, Stunts};
use betcode_tui::terminal::environment::surroundings;
use betcode_tui::terminal::screen::Place;
use betcode_tui::theme::Chosen;
use betcode_tui::tour::Tour;
use clap::Args;
use rustix::fs::{Mode, OFlags};

use crate::cli::command_names;
use crate::clock;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::headless::image;
use crate::headless::{RunArgs, look_up, start_session};
use crate::link::{Link, Policy, block_on, client};
use crate::nearest::nearest;
use crate::screen_settings;

const SCREEN: &str = "Interactive screen";

/// What the screen is to be like, this time; the settings `tui.*` say it for every time.
#[derive(Debug, Args)]
pub(crate) struct ScreenArgs {
    /// Colours for a background and for eyes; auto asks the terminal whether it is dark or light
    #[arg(long, value_name = "THEME", value_parser = ThemeChoice::ALL.map(ThemeChoice::name), conflicts_with = "print", help_heading = SCREEN)]
    theme: Option<String>,

    /// Leave the mouse to the terminal
    #[arg(long, conflicts_with = "print", help_heading = SCREEN)]
    no_mouse: bool,

    /// Let nothing move only to show that something runs
    #[arg(long, conflicts_with = "print", help_heading = SCREEN)]
    reduced_motion: bool,

    /// Lines that a screen reader can read, instead of a screen
    ///
    /// The same as `BETCODE_SCREEN_READER=1`, and what a terminal gets that can only show lines (`TERM=dumb`).
    #[arg(long, conflicts_with_all = ["print", "inline", "fullscreen"], help_heading = SCREEN)]
    screen_reader: bool,
}

impl ScreenArgs {
    /// As settings.
    fn flags(&self) -> Vec<(&str, &str, &str)> {
        let theme = self.theme.as_deref();
        let theme = theme.map(|theme| ("--theme", "tui.theme", theme));
        let mouse = self
            .no_mouse
            .then_some(("--no-mouse", "tui.mouse", "false"));
        let motion =
            self.reduced_motion
                .then_some(("--reduced-motion", "tui.reduced_motion", "true"));
        let lines = self
            .screen_reader
            .then_some(("--screen-reader", "tui.screen_reader", "true"));
        [theme, mouse, motion, lines]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The terminal itself, whatever stdin and stdout are.
pub(crate) fn terminal() -> Result<OwnedFd, Failure> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::open("/dev/tty", flags, Mode::empty())
        .map_err(|error| Failure::io("the terminal cannot be opened", &error.into()))
}

/// Whether somebody sits in front.
pub(crate) fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Opens the screen, and says what remains when it is left.
pub(crate) fn run(args: &RunArgs, context: &mut Context) -> Result<Exit, Failure> {
    if let Some(meant) = meant(args) {
        return Err(meant);
    }
    let ended = open(args, context, |_| None)?;
    tell(&ended, context)
}

/// A guided tour, and who does what it needs.
pub(crate) type Guide = (Tour, Arc<dyn Stunts>);

/// Opens the screen, with a guided tour or without one, until it is left.
pub(crate) fn open(
    args: &RunArgs,
    context: &Context,
    guide: impl FnOnce(&Link) -> Option<Guide>,
) -> Result<Ended, Failure> {
    if !has_terminal() {
        return Err(Failure::usage("the interactive screen needs a terminal")
            .hint("betcode -p \"…\" prints the answer and exits"));
    }
    let environment = &context.environment;
    let surroundings = surroundings(|name| environment.text(name).map(str::to_owned));
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| environment.text(name));
    let editor = shell_words::split(editor.unwrap_or("vi"))
        .map_err(|error| Failure::usage(format!("EDITOR cannot be read: {error}")))?;
    let shell = environment.text("SHELL").unwrap_or("/bin/sh").to_owned();
    let settings = screen_settings::read(context, &args.screen.flags())?;
    let lines = settings.lines || surroundings.dumb;
    let device = terminal()?;
    let cwd = match &args.cwd {
        Some(cwd) => cwd.clone(),
        None => context.cwd()?,
    };
    let cwd = Context::utf8(&context.directory(&cwd)?)?;
    let policy = if args.no_daemon_start {
        Policy::Never
    } else {
        Policy::Start
    };
    let link = Link::new(context, policy)?.quiet();
    // On the screen this could only be said, and nothing would work.
    betcode_client::daemon::state_directory(link.profile())?;
    let directory = link.profile().state_dir.join("tui");
    let place = place(args, &directory);
    let panics = panics(context);
    let theme = if args.screen.theme.is_some() {
        settings.theme
    } else {
        let last = std::fs::read_to_string(directory.join("theme")).unwrap_or_default();
        Chosen::again(&last, settings.theme.setting)
    };
    let (id, start, _) = start_session(args, context, cwd.clone())?;
    let tour = guide(&link);
    block_on(async {
        let opening = if args.chooses() {
            Some(Opening::Chosen {
                id,
                agent: start.agent.0.clone(),
            })
        } else if args.continue_ || args.resume.is_some() {
            let (_, existing) = look_up(args, &link, &cwd).await?;
            existing.map(|details| Opening::Existing(details.summary.id))
        } else {
            None
        };
        let opening = opening.unwrap_or_else(|| Opening::New {
            id,
            agent: start.agent.0.clone(),
        });
        let setup = Setup {
            access: Arc::new(Reach { link, panics }),
            me: client("betcode", ClientKind::Interactive),
            keymap: settings.keymap,
            taste: settings.taste,
            tour,
            opening,
            start,
            prompt: args.prompt.clone(),
            editor,
            shell,
            directory,
            images: Arc::new(Pictures {
                home: context.environment.text("HOME").map(str::to_owned),
            }),
            clock: clock::now,
            zone: jiff::tz::TimeZone::system(),
        };
        if lines {
            let ended = runtime::run_lines(device, setup).await;
            return ended.map_err(|error| Failure::io("the terminal cannot be used", &error));
        }
        let given = Given {
            device,
            surroundings,
            theme,
            place,
        };
        runtime::run(given, setup)
            .await
            .map_err(|error| Failure::io("the terminal cannot be used", &error))
    })
}

/// Where the screen is: as it was asked for, otherwise as it was the last time.
fn place(args: &RunArgs, directory: &Path) -> Place {
    const INLINE: &str = "inline";
    const FULLSCREEN: &str = "fullscreen";
    let last = std::fs::read_to_string(directory.join("screen")).unwrap_or_default();
    let wanted = match (args.inline, args.fullscreen) {
        (true, _) => INLINE,
        (_, true) => FULLSCREEN,
        _ if last.trim() == INLINE => INLINE,
        _ => FULLSCREEN,
    };
    if (args.inline || args.fullscreen) && last.trim() != wanted {
        runtime::remember(directory, "screen", &format!("{wanted}\n"));
    }
    if wanted == INLINE {
        Place::Inline
    } else {
        Place::Whole
    }
}

/// What stays in the terminal: the end of the conversation, and how to come back to it.
fn tell(ended: &Ended, context: &mut Context) -> Result<Exit, Failure> {
    for line in &ended.tail {
        context.output.line(line)?;
    }
    if let Some(session) = ended.session {
        if !ended.tail.is_empty() {
            context.output.line("")?;
        }
        context.output.line(&runtime::way_back(session))?;
    }
    if ended.kept {
        context
            .output
            .line("What you wrote and did not send is in the input when you come back.")?;
    }
    exit(ended)
}

/// How it ended, as an exit code.
pub(crate) fn exit(ended: &Ended) -> Result<Exit, Failure> {
    if let Some(problem) = &ended.problem {
        return Err(Failure::general("TERMINAL", problem.clone()));
    }
    Ok(match ended.signal {
        Some(signal) if signal == rustix::process::Signal::INT.as_raw() => Exit::Interrupted,
        Some(_) => Exit::Terminated,
        None => Exit::Success,
    })
}

/// A single word that is nearly a command is more likely one than a message.
fn meant(args: &RunArgs) -> Option<Failure> {
    let word = args
        .prompt
        .as_deref()
        .filter(|prompt| !prompt.contains(char::is_whitespace))?;
    let commands = command_names();
    let meant = nearest(word, commands.iter().map(String::as_str))?;
    Some(
        Failure::usage(format!("`{word}` is no command")).hint(format!(
            "did you mean `betcode {meant}`? To say `{word}` to an agent: betcode -p {word}"
        )),
    )
}

/// Images, as `--image` takes them.
struct Pictures {
    home: Option<String>,
}

impl Images for Pictures {
    fn file(&self, path: &str, directory: &str) -> Result<Attachment, String> {
        let place = match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => Path::new(directory).join(path),
        };
        image::from_file(&place).map_err(|problem| problem.to_string())
    }

    fn bytes(&self, bytes: &[u8]) -> Result<Attachment, String> {
        image::from_bytes("clipboard", bytes).map_err(|problem| problem.to_string())
    }
}

/// Where a test wants a panic: no build that users get has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Panics {
    /// In another thread than the one that draws.
    elsewhere: bool,
    /// Only while this file is there.
    file: PathBuf,
}

/// What `BETCODE_TEST_PANIC` says: where, and the file that has to be there; then it comes when a session is
/// opened.
fn panics(context: &Context) -> Option<Panics> {
    let text = context.environment.text("BETCODE_TEST_PANIC");
    let (place, file) = text.filter(|_| cfg!(debug_assertions))?.split_once(' ')?;
    Some(Panics {
        elsewhere: place == "elsewhere",
        file: file.into(),
    })
}

#[expect(clippy::panic, reason = "a test asked for it")]
fn panic_as_asked() {
    panic!("a test asked for this");
}

/// The daemon of a profile.
struct Reach {
    link: Link,
    panics: Option<Panics>,
}

impl Access for Reach {
    fn connect(&self) -> Owned<Result<Connection, ConnectError>> {
        let link = self.link.clone();
        Box::pin(async move { link.connect().await })
    }

    fn watch(&self, after: Position) -> Owned<Result<Feed, ConnectError>> {
        let link = self.link.clone();
        Box::pin(async move { Feed::open(link.watcher(), after, true).await })
    }

    fn open(&self, open: Open) -> Owned<Result<Handle, ConnectError>> {
        let link = self.link.clone();
        let panics = self.panics.as_ref().filter(|panics| panics.file.exists());
        let elsewhere = panics.map(|panics| panics.elsewhere);
        Box::pin(async move {
            match elsewhere {
                None => {}
                Some(false) => panic_as_asked(),
                Some(true) => drop(tokio::task::spawn_blocking(panic_as_asked).await),
            }
            Handle::open(link.connector(), open).await
        })
    }
}
