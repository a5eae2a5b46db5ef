//! `betcode` without a subcommand: the interactive screen. What is shown and done there is `betcode-tui`'s; here it is given
//! a terminal, a way to the daemon, and what the flags and the environment say.

use std::io::IsTerminal as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use betcode_client::feed::Feed;
use betcode_client::session::{Handle, Open, Position};
use betcode_client::{ConnectError, Connection};
use betcode_core::config::ThemeChoice;
use betcode_core::event::ClientKind;
use betcode_tui::runtime::{self, Access, Ended, Given, Opening, Owned, Setup};
use betcode_tui::terminal::environment::surroundings;
use betcode_tui::terminal::screen::Place;
use betcode_tui::theme::Chosen;
use clap::Args;
use rustix::fs::{Mode, OFlags};

use crate::cli::command_names;
use crate::clock;
use crate::context::Context;
use crate::error::{Exit, Failure};
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
        [theme, mouse, motion].into_iter().flatten().collect()
    }
}

/// The terminal itself, whatever stdin and stdout are.
pub(crate) fn terminal() -> Result<OwnedFd, Failure> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::open("/dev/tty", flags, Mode::empty())
        .map_err(|error| Failure::io("the terminal cannot be opened", &error.into()))
}

/// Opens the screen, and says what remains when it is left.
pub(crate) fn run(args: &RunArgs, context: &mut Context) -> Result<Exit, Failure> {
    if let Some(meant) = meant(args) {
        return Err(meant);
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::usage("the interactive screen needs a terminal")
            .hint("betcode -p \"…\" prints the answer and exits"));
    }
    let environment = &context.environment;
    let surroundings = surroundings(|name| environment.text(name).map(str::to_owned));
    if surroundings.dumb {
        return Err(
            Failure::usage("this terminal (TERM) cannot show the interactive screen")
                .hint("betcode -p \"…\" prints the answer and exits"),
        );
    }
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| environment.text(name));
    let editor = shell_words::split(editor.unwrap_or("vi"))
        .map_err(|error| Failure::usage(format!("EDITOR cannot be read: {error}")))?;
    let shell = environment.text("SHELL").unwrap_or("/bin/sh").to_owned();
    let settings = screen_settings::read(context, &args.screen.flags())?;
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
    let directory = link.profile().state_dir.join("tui");
    let place = place(args, &directory);
    let theme = if args.screen.theme.is_some() {
        settings.theme
    } else {
        let last = std::fs::read_to_string(directory.join("theme")).unwrap_or_default();
        Chosen::again(&last, settings.theme.setting)
    };
    let (id, start, _) = start_session(args, context, cwd.clone())?;
    let ended = block_on(async {
        let opening = if args.continue_ || args.resume.is_some() {
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
            access: Arc::new(Reach(link)),
            me: client("betcode", ClientKind::Interactive),
            keymap: settings.keymap,
            taste: settings.taste,
            opening,
            start,
            prompt: args.prompt.clone(),
            editor,
            shell,
            directory,
            clock: clock::now,
        };
        let given = Given {
            device,
            surroundings,
            theme,
            place,
        };
        runtime::run(given, setup)
            .await
            .map_err(|error| Failure::io("the terminal cannot be used", &error))
    })?;
    tell(&ended, context)
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
        context.output.line(&format!(
            "The session goes on in the daemon. To come back: betcode --resume {session}"
        ))?;
    }
    if ended.kept {
        context
            .output
            .line("What you wrote and did not send is in the input when you come back.")?;
    }
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

/// The daemon of a profile.
struct Reach(Link);

impl Access for Reach {
    fn connect(&self) -> Owned<Result<Connection, ConnectError>> {
        let link = self.0.clone();
        Box::pin(async move { link.connect().await })
    }

    fn watch(&self, after: Position) -> Owned<Result<Feed, ConnectError>> {
        let link = self.0.clone();
        Box::pin(async move { Feed::open(link.watcher(), after, true).await })
    }

    fn open(&self, open: Open) -> Owned<Result<Handle, ConnectError>> {
        let link = self.0.clone();
        Box::pin(async move { Handle::open(link.connector(), open).await })
    }
}
