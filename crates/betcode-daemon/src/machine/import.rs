//! Importing: the one place where a session comes into being with a history. Like every other change it has a key, and the
//! session's slot is held meanwhile, so that nobody else can make or open a session with the same id.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use betcode_core::command::{Environment, Rejected};
use betcode_core::event::Status;
use betcode_core::id::{AgentName, IdempotencyKey, SessionId};
use betcode_proto::status::{Refusal, reason};
use tonic::Code;

use super::{Handle, Machine, broken};
use crate::agent;
use crate::agent::resolve::check_directory;
use crate::import::Progress;
use crate::import::copy::{Copied, Copy, CopyError};
use crate::import::find::{Base, Found, Listed, Wanted};

/// What is to be imported.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) wanted: Wanted,
    pub(crate) environment: Environment,
    pub(crate) key: IdempotencyKey,
    pub(crate) hash: [u8; 32],
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) session: SessionId,
    /// None when the session was there before.
    pub(crate) copied: Option<Copied>,
    pub(crate) notices: Vec<String>,
}

impl Machine {
    /// The conversations of a directory that could be imported, with the sessions that go on with them.
    pub(crate) async fn importable(
        self: &Arc<Self>,
        cwd: PathBuf,
        environment: Environment,
        limit: usize,
    ) -> Result<(Listed, Vec<(SessionId, String)>), Refusal> {
        let base = Base::of(&environment, &cwd)?;
        let now = self.clock.now();
        let listed = on_the_side(move || {
            let cwd = cwd.canonicalize().unwrap_or(cwd);
            base.list(&cwd, limit, now)
        });
        let listed = listed.await?;
        Ok((listed, self.conversations().await?))
    }

    /// Makes a conversation a session. Goes on to its end whether or not anybody waits for it.
    pub(crate) async fn import(
        self: &Arc<Self>,
        import: Import,
        heard: impl Fn(Progress) + Send + 'static,
    ) -> Result<Imported, Refusal> {
        if let Some(known) = self.known_import(&import).await? {
            return Ok(known);
        }
        let base = Base::of(&import.environment, &import.wanted.cwd)?;
        let (wanted, looked) = (import.wanted.clone(), base.clone());
        let found = on_the_side(move || {
            let cwd = wanted.cwd.canonicalize().unwrap_or(wanted.cwd);
            looked.find(&Wanted { cwd, ..wanted })
        });
        let found = found.await??;
        let id = SessionId(found.transcript.id);
        // It may go on here under another id: `/clear` gives a session a new conversation.
        let text = id.to_string();
        let sessions = self.conversations().await?;
        let here = sessions
            .into_iter()
            .find(|(session, conversation)| *session == id || *conversation == text);
        if let Some((session, _)) = here {
            return self.there_already(session).await;
        }
        let cwd = directory(&found, &import.wanted)?;
        if !found.outline.is_answered {
            return Err(unanswered(&found));
        }
        let mut notices = Vec::new();
        if found.outline.torn {
            notices.push(
                "the last line of the conversation's file is not whole, and is left out: whoever wrote it has not finished, \
                 or was cut off"
                    .to_owned(),
            );
        }
        if base.is_in_use(&found.transcript, self.clock.now()) {
            notices.push(
                "another process may still use this session. Claude Code does not lock it: end that one before you go \
                 on here, or what both say is mixed up. What it says from now on is not imported"
                    .to_owned(),
            );
        }
        notices.extend(self.cannot_go_on(&cwd, &import.environment).await);
        let slot = self.slot(id);
        let mut copied = None;
        let handle = slot
            .get_or_try_init(|| async {
                match self.load(id).await {
                    Err(Rejected::UnknownSession(_)) => {
                        copied = Some(self.copy(id, cwd, found, &import, heard).await?);
                        Ok::<Handle, Refusal>(self.load(id).await?)
                    }
                    loaded => Ok(loaded?),
                }
            })
            .await;
        if let Err(refusal) = handle {
            self.forget_slot(id, &slot);
            return Err(refusal);
        }
        if copied.is_none() {
            return self.there_already(id).await;
        }
        Ok(Imported {
            session: id,
            copied,
            notices,
        })
    }

    async fn copy(
        self: &Arc<Self>,
        id: SessionId,
        cwd: String,
        found: Found,
        import: &Import,
        heard: impl Fn(Progress) + Send + 'static,
    ) -> Result<Copied, Refusal> {
        self.limits.admit_session(import.key)?;
        let copy = Copy {
            store: self.store.clone(),
            settings: Arc::clone(&self.settings),
            tasks: self.tasks.clone(),
            log: self.store.new_log(id),
            now: self.clock.now(),
            cwd,
            environment: serde_json::to_string(&import.environment).unwrap_or_default(),
            key: import.key,
            hash: import.hash,
        };
        on_the_side(move || copy.run(found, &heard))
            .await?
            .map_err(|error| match error {
                CopyError::Read(..) => Refusal::new(
                    Code::FailedPrecondition,
                    reason::NOT_IMPORTABLE,
                    error.to_string(),
                ),
                CopyError::Commit(_) | CopyError::Stopping => {
                    Rejected::Unavailable(error.to_string()).into()
                }
            })
    }

    /// The answer to an import that is asked for again under its key.
    async fn known_import(&self, import: &Import) -> Result<Option<Imported>, Refusal> {
        let known = self.store.command(import.key).await;
        match known.map_err(|error| broken(&error))? {
            Some(known) if known.payload_hash == import.hash => Ok(Some(Imported {
                session: known.session,
                // What it had in it was told the first time.
                copied: None,
                notices: known.notices,
            })),
            Some(_) => Err(Rejected::KeyReused(import.key).into()),
            None => Ok(None),
        }
    }

    async fn there_already(self: &Arc<Self>, session: SessionId) -> Result<Imported, Refusal> {
        let view = self.open(session).await?.view().await?;
        let mut notices = Vec::new();
        if view.info().status == Status::Closed {
            notices.push(format!("it is closed: betcode session resume {session}"));
        }
        Ok(Imported {
            session,
            copied: None,
            notices,
        })
    }

    async fn conversations(&self) -> Result<Vec<(SessionId, String)>, Refusal> {
        let all = self.store.conversations(AgentName::CLAUDE).await;
        Ok(all.map_err(|error| broken(&error))?)
    }

    /// What the user should know when the agent could not go on with the session as things stand.
    async fn cannot_go_on(
        self: &Arc<Self>,
        cwd: &str,
        environment: &Environment,
    ) -> Option<String> {
        let trusted = self.trusted_by(cwd).await.is_some();
        let (machine, cwd) = (self.clone(), PathBuf::from(cwd));
        let environment = environment.clone();
        let resolved = on_the_side(move || {
            let claude = AgentName::from(AgentName::CLAUDE);
            agent::resolve(
                &machine.settings,
                trusted,
                Some(&claude),
                &cwd,
                &environment,
            )
        });
        match resolved.await {
            Ok(Err(rejected)) => {
                let Refusal { message, hint, .. } = rejected.into();
                Some(format!(
                    "going on with it needs Claude Code: {message}; {hint}"
                ))
            }
            Ok(Ok(_)) | Err(_) => None,
        }
    }
}

/// The directory that the session gets: the conversation's own, else the one that the user named.
fn directory(found: &Found, wanted: &Wanted) -> Result<String, Refusal> {
    let own = &found.outline.cwd;
    let named = wanted.cwd.to_string_lossy();
    let cwd = if !own.is_empty() && Path::new(own).is_dir() {
        own.clone()
    } else if wanted.cwd_chosen || own.is_empty() {
        named.into_owned()
    } else {
        let message = format!("the directory of this session, {own}, does not exist any more");
        let id = found.transcript.id;
        return Err(
            Refusal::new(Code::FailedPrecondition, reason::NOT_IMPORTABLE, message).hint(format!(
                "name the one to work in: betcode session import {id} --cwd DIR"
            )),
        );
    };
    check_directory(Path::new(&cwd))?;
    Ok(cwd)
}

/// Why a conversation without an answer is not imported: there is none, or what there is cannot be read.
fn unanswered(found: &Found) -> Refusal {
    let refusal = |message| Refusal::new(Code::FailedPrecondition, reason::NOT_IMPORTABLE, message);
    let (id, path) = (found.transcript.id, found.transcript.path.display());
    let outline = &found.outline;
    let problem = match (found.size, outline.left_out, outline.torn) {
        (0, ..) => "it is empty".to_owned(),
        (_, 0, false) => {
            let message = format!("nothing was answered yet in Claude Code's session {id}");
            return refusal(message)
                .hint("there is nothing to go on from: say it again with betcode -p \"…\"");
        }
        (_, 0, true) => "it ends in the middle of a line".to_owned(),
        (_, 1, _) => "1 line was not understood".to_owned(),
        (_, lines, _) => format!("{lines} lines were not understood"),
    };
    refusal(format!(
        "there is no answer of a model in {path}: {problem}"
    ))
    .hint("the file is damaged, or not one of Claude Code's")
}

/// Runs what reads files where it keeps nobody waiting.
async fn on_the_side<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Rejected::Unavailable("reading the transcript failed".to_owned()).into())
}
