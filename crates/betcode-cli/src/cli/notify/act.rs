//! `notify act`: what is chosen in a notification, and what of that is done on this side: logging in, and opening a session. All
//! else is the daemon's.
//!
//! Laws: a notification is not taken away by a login that was not run or that failed; what is not done is printed as the command
//! that does it.

use std::process::Command;

use betcode_client::{Notification, UsageAccount};
use betcode_core::id::{IdempotencyKey, SessionId};
use betcode_core::notify::Choice;
use betcode_proto::status::reason;
use clap::Parser as _;
use serde_json::json;
use usage_core::planner::State;
use uuid::Uuid;

use super::{NAME, check, find};
use crate::cli::Cli;
use crate::cli::answer::me;
use crate::cli::usage::command_line;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::interactive::{self, has_terminal};
use crate::link::{Policy, with_daemon};
use crate::output::{printable, say};

/// What a choice came to.
enum Outcome {
    /// The daemon has done it; it is about this session.
    Done(Option<SessionId>),
    /// Somebody is to log in with these words.
    LogIn(Vec<String>),
}

/// Chooses something.
pub(super) fn act(
    id: &str,
    choice: &str,
    json: bool,
    context: &mut Context,
) -> Result<Exit, Failure> {
    let (id, title, outcome) = with_daemon(context, Policy::Start, async |daemon| {
        let (id, found) = find(&daemon, id).await?;
        let notification = found.notification;
        check(choice, &notification.choices)?;
        let outcome = if choice == Choice::LogIn.word() {
            let accounts = daemon.usage().await?;
            Outcome::LogIn(login(&notification, &accounts)?)
        } else {
            let key = IdempotencyKey(Uuid::now_v7());
            let acted = daemon.act_on_notification(id, choice, key, me(NAME));
            Outcome::Done(acted.await?)
        };
        Ok((id, notification.title, outcome))
    })?;
    match outcome {
        Outcome::Done(session) if json => {
            let done = json!({"id": id, "choice": choice, "session_id": session});
            context.output.json(&done)?;
        }
        Outcome::LogIn(words) if json => {
            let told = json!({"id": id, "choice": choice, "session_id": null, "command": words});
            context.output.json(&told)?;
        }
        Outcome::LogIn(words) => return log_in(id, &title, &words, context),
        Outcome::Done(session) => {
            context.output.line(&format!("{title}: {choice}"))?;
            if let (Some(Choice::Open), Some(session)) = (Choice::of_word(choice), session) {
                return open(session, context);
            }
        }
    }
    Ok(Exit::Success)
}

/// Opens the session where somebody sits in front, and says how to where nobody does.
fn open(session: SessionId, context: &mut Context) -> Result<Exit, Failure> {
    if !has_terminal() {
        say(&format!("hint: betcode --resume {session}"));
        return Ok(Exit::Success);
    }
    context.output.flush()?;
    let line = ["betcode", "--resume", &session.to_string()].map(str::to_owned);
    let cli =
        Cli::try_parse_from(line).map_err(|error| Failure::general("OPEN", error.to_string()))?;
    interactive::run(&cli.run, context)
}

/// Logs in where somebody sits in front, and says how to where nobody does.
fn log_in(id: u64, title: &str, words: &[String], context: &mut Context) -> Result<Exit, Failure> {
    let line = command_line(words);
    let line = printable(&line);
    if !has_terminal() {
        context.output.line(&line)?;
        say("note: nobody can log in here, without a terminal: run this command in one");
        return Ok(Exit::Success);
    }
    say(&format!("note: running {line}"));
    context.output.flush()?;
    let (variables, program) = split(words);
    let (program, arguments) = program
        .split_first()
        .ok_or_else(|| Failure::general(NO_LOGIN, NO_COMMAND))?;
    let ended = Command::new(program)
        .args(arguments)
        .envs(variables)
        .status();
    let ended = ended.map_err(|error| Failure::io(&format!("cannot run `{line}`"), &error))?;
    if !ended.success() {
        let failed = Failure::general("LOGIN_FAILED", format!("the login ended with {ended}"));
        return Err(failed.hint(format!("the notification stays; the command is {line}")));
    }
    let taken = with_daemon(context, Policy::Start, async |daemon| {
        let key = IdempotencyKey(Uuid::now_v7());
        let choice = Choice::LogIn.word();
        Ok(daemon
            .act_on_notification(id, choice, key, me(NAME))
            .await?)
    });
    match taken {
        // The daemon has seen the login already.
        Err(failure) if !failure.is(reason::NOTIFICATION_UNKNOWN) => return Err(failure),
        _ => {}
    }
    context
        .output
        .line(&format!("{title}: the login has ended"))?;
    Ok(Exit::Success)
}

const NO_LOGIN: &str = "NO_LOGIN_COMMAND";
const NO_COMMAND: &str = "no command is known that logs in";

/// The words that log in to the account that the notification is about.
fn login(notification: &Notification, accounts: &[UsageAccount]) -> Result<Vec<String>, Failure> {
    let known = accounts.iter().filter(|it| !it.login_command.is_empty());
    let meant = known.min_by_key(|it| {
        // Of equals the first.
        (
            !notification.title.contains(it.provider.title()),
            !is_named(it, accounts, &notification.body),
            !matches!(
                it.state,
                State::LoginNeeded | State::ScopeMissing | State::TokenExpired
            ),
        )
    });
    meant.map(|it| it.login_command.clone()).ok_or_else(|| {
        Failure::general(NO_LOGIN, NO_COMMAND).hint("betcode usage doctor says how it stands")
    })
}

/// Whether a text is about this account: all but the usual one are named in it.
fn is_named(account: &UsageAccount, accounts: &[UsageAccount], text: &str) -> bool {
    let is_in = |it: &UsageAccount| text.contains(&format!("({})", it.account));
    let same = |it: &&UsageAccount| it.provider == account.provider;
    is_in(account) || !accounts.iter().filter(same).any(is_in)
}

/// The variables that stand before a command, and the command.
fn split(words: &[String]) -> (Vec<(&str, &str)>, &[String]) {
    let pairs = words.iter().map_while(|word| word.split_once('='));
    let variables: Vec<_> = pairs.collect();
    let command = words.get(variables.len()..).unwrap_or_default();
    (variables, command)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use usage_core::reading::{Account, ProviderId};

    use super::*;

    fn account(provider: ProviderId, name: &str, state: State) -> UsageAccount {
        UsageAccount {
            provider,
            account: Account(name.to_owned()),
            state,
            readings: Vec::new(),
            paces: BTreeMap::new(),
            next_at: None,
            asked: None,
            asked_at: None,
            login_command: vec![format!("{} {name}", provider.name())],
        }
    }

    fn expired(title: &str, body: &str) -> Notification {
        Notification {
            id: Some(1),
            kind: "token_expired".into(),
            session_id: None,
            request_id: None,
            title: title.into(),
            body: body.into(),
            choices: vec!["log-in".into()],
            at: None,
            replaces: None,
        }
    }

    #[test]
    fn the_login_is_that_of_the_account_that_the_notification_is_about() {
        let accounts = [
            account(ProviderId::Claude, "default", State::LoginNeeded),
            account(ProviderId::Claude, "~/work", State::LoginNeeded),
            account(ProviderId::Codex, "default", State::LoginNeeded),
        ];
        let meant = |title: &str, body: &str| login(&expired(title, body), &accounts).unwrap();
        let said = "Log in to refresh your token.";
        let claude = "Claude Token Expired";
        assert_eq!(meant(claude, said), ["claude default"]);
        assert_eq!(
            meant(claude, &format!("{said} (~/work)")),
            ["claude ~/work"]
        );
        assert_eq!(meant("Codex Token Expired", said), ["codex default"]);
        // Several in one.
        let one = [
            account(ProviderId::Claude, "default", State::Ok),
            account(ProviderId::Codex, "default", State::LoginNeeded),
        ];
        let meant = login(&expired("2 messages", ""), &one).unwrap();
        assert_eq!(meant, ["codex default"]);
        let none = login(&expired(claude, said), &[]).unwrap_err();
        assert!(none.is("NO_LOGIN_COMMAND"));
    }

    #[test]
    fn variables_stand_before_a_command_and_nowhere_else() {
        let words = ["A=b c", "B==", "claude", "x=y"].map(str::to_owned);
        let (variables, command) = split(&words);
        assert_eq!(variables, [("A", "b c"), ("B", "=")]);
        assert_eq!(command, ["claude", "x=y"]);
        assert!(split(&words[..1]).1.is_empty());
    }
}
