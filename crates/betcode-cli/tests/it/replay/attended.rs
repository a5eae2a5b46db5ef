//! One recording, played to a person's client that does what the recorded host did.

use std::path::PathBuf;
use std::time::Duration;

use betcode_client::{CallError, Connection, Direction, ReadEvents};
use betcode_core::command::{
    Action, Environment, LaunchOptions, PermissionAnswer, QuestionAnswer, StartSession,
};
use betcode_core::event::{
    Answer, ClientInfo, ClientKind, Event, EventBody, PermissionScope, Status,
};
use betcode_core::id::{RequestId, Sequence, SessionId};
use betcode_testkit::Profile;
use betcode_testkit::replay::Record;
use betcode_testkit::replay::judge::{is_played, judge, unknown};
use betcode_testkit::replay::plan::Deed;
use serde_json::Value;
use uuid::Uuid;

use super::Piece;
use crate::people::{command, connect, message, person};

/// How long each thing may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// Where what was written down and the logs are kept, also of what went well.
const KEEP: &str = "BETCODE_REPLAY_KEEP";

/// Plays it. Says how much there was, or what was wrong.
pub(super) fn play(profile: &Profile, piece: &Piece) -> Result<String, Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut stage = Stage::begin(profile, piece).await;
        let whole = stage.whole().await;
        whole.map_err(|mut problems| {
            problems.push(format!("the record is {}", stage.keep()));
            problems
        })
    })
}

struct Stage<'a> {
    piece: &'a Piece,
    connection: Connection,
    session: SessionId,
    client: ClientInfo,
    record: PathBuf,
    events: Vec<Event>,
}

impl<'a> Stage<'a> {
    async fn begin(profile: &Profile, piece: &'a Piece) -> Self {
        let record = profile.work().join(format!("{}.record", piece.name));
        let session = SessionId(Uuid::now_v7());
        let client = person("replay", ClientKind::OneShot);
        let connection = connect(profile).await;
        let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        let start = Action::Start(Box::new(StartSession {
            agent: "claude".into(),
            cwd: profile.work().display().to_string(),
            title: String::new(),
            launch: LaunchOptions::default(),
            environment: Environment([path, piece.variable(&record)].into()),
        }));
        connection
            .submit(command(session, &client, start))
            .await
            .unwrap();
        Self {
            piece,
            connection,
            session,
            client,
            record,
            events: Vec::new(),
        }
    }

    async fn whole(&mut self) -> Result<String, Vec<String>> {
        for cue in &self.piece.plan.cues {
            if let Some(step) = cue.at {
                let what = format!("the agent comes to step {step}");
                self.until(&what, |stage| stage.record().waits_at(step))
                    .await?;
            }
            self.act(&cue.deed).await?;
        }
        self.finish().await?;
        let lines = self.lines();
        let wrong = judge(&self.record(), &lines);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        self.close().await?;
        if std::env::var_os(KEEP).is_some() {
            self.keep();
        }
        let unknown = unknown(&lines).count();
        let unknown = if unknown == 0 {
            String::new()
        } else {
            format!(", {unknown} of them not understood")
        };
        Ok(format!("{} events{unknown}", lines.len()))
    }

    async fn act(&mut self, deed: &Deed) -> Result<(), Vec<String>> {
        let action = match deed {
            Deed::Say(text) if text == "/compact" => Action::Compact { trim: false },
            Deed::Say(text) => message(text),
            Deed::Model(model) => Action::SetModel {
                model: model.clone(),
            },
            Deed::Mode(mode) => Action::SetPermissionMode { mode: mode.clone() },
            Deed::Interrupt => Action::Cancel,
            Deed::Answer { id, asked, answer } => {
                let request = format!("request {id}");
                self.until(&request, |stage| stage.asked(id).is_some())
                    .await?;
                let Some(action) = self.answer(id, asked, answer) else {
                    return Ok(());
                };
                action
            }
        };
        match self.submit(action).await {
            Ok(()) => Ok(()),
            // Nothing to compact yet: as text it goes through.
            Err(_) if matches!(deed, Deed::Say(_)) => self.say(deed).await,
            // A mode that this client may not choose, as the recorded agent refused it too.
            Err(_) if matches!(deed, Deed::Mode(_) | Deed::Model(_)) => Ok(()),
            Err(why) => Err(vec![format!("{deed:?} was refused: {why}")]),
        }
    }

    async fn say(&self, deed: &Deed) -> Result<(), Vec<String>> {
        let Deed::Say(text) = deed else {
            return Ok(());
        };
        let said = self.submit(message(text)).await;
        said.map_err(|why| vec![format!("{text:?} was refused: {why}")])
    }

    async fn submit(&self, action: Action) -> Result<(), CallError> {
        let command = command(self.session, &self.client, action);
        self.connection.submit(command).await.map(drop)
    }

    /// The recorded answer; none when the request has ended already.
    fn answer(&self, id: &str, asked: &Value, answer: &Value) -> Option<Action> {
        let ended = self.events.iter().any(|event| match &event.body {
            EventBody::PermissionResolved(end) => end.id.0 == id,
            EventBody::QuestionAnswered { id: ended, .. } => ended.0 == id,
            _ => false,
        });
        if ended {
            return None;
        }
        let id = RequestId::from(id);
        let refused = answer.get("updatedInput").is_some_and(Value::is_null);
        let allowed = answer["behavior"] == "allow" && !refused;
        let said = answer["message"].as_str().unwrap_or_default().to_owned();
        Some(match self.asked(&id.0)? {
            EventBody::Question(question) => {
                let answers = answers(&asked["input"], answer);
                let answered = allowed && (question.plan.is_some() || !answers.is_empty());
                let answer = if answered {
                    QuestionAnswer::Answered(answers)
                } else {
                    QuestionAnswer::Declined { message: said }
                };
                Action::AnswerQuestion { id, answer }
            }
            EventBody::PermissionRequest(request) if allowed => {
                let always = answer.get("updatedPermissions").is_some();
                let scope = if always && !request.suggested_rules.is_empty() {
                    PermissionScope::Session
                } else {
                    PermissionScope::Once
                };
                let input = answer
                    .get("updatedInput")
                    .filter(|input| **input != asked["input"]);
                let answer = PermissionAnswer::Allow {
                    scope,
                    input: input.cloned(),
                };
                Action::AnswerPermission { id, answer }
            }
            _ => {
                let interrupt = answer["interrupt"].as_bool().unwrap_or_default();
                let answer = PermissionAnswer::Deny {
                    message: said,
                    interrupt,
                };
                Action::AnswerPermission { id, answer }
            }
        })
    }

    fn asked(&self, id: &str) -> Option<&EventBody> {
        self.events
            .iter()
            .map(|event| &event.body)
            .find(|body| match body {
                EventBody::PermissionRequest(request) => request.id.0 == id,
                EventBody::Question(question) => question.id.0 == id,
                _ => false,
            })
    }

    /// Until everything was played, or the agent is gone for good, and the session is at rest.
    async fn finish(&mut self) -> Result<(), Vec<String>> {
        if self.piece.plan.hangs {
            let end = self.piece.plan.steps.len() - 1;
            self.until("the agent says nothing more", |stage| {
                stage.record().waits_at(end)
            })
            .await?;
            let cancelled = self.submit(Action::Cancel).await;
            cancelled.map_err(|why| vec![format!("the turn cannot be stopped: {why}")])?;
        }
        self.until("the end", |stage| {
            let over = is_played(&stage.lines()) || stage.agent_is_gone();
            over && stage.at_rest() && !stage.has_queue()
        })
        .await
    }

    async fn close(&mut self) -> Result<(), Vec<String>> {
        let pending = self
            .connection
            .list_requests(None, Some(self.session), false)
            .await;
        let pending = pending.map_err(|why| vec![why.to_string()])?;
        if !pending.is_empty() {
            return Err(vec![format!("requests that still wait: {pending:?}")]);
        }
        let closed = self.submit(Action::Close).await;
        closed.map_err(|why| vec![format!("the session cannot be closed: {why}")])?;
        self.until("the agent's end", Self::agent_is_gone).await?;
        if self.status() != Some(Status::Closed) {
            return Err(vec![format!(
                "after being closed the session is {:?}",
                self.status()
            )]);
        }
        Ok(())
    }

    /// Waits for something that can be seen in the log or the record.
    async fn until(
        &mut self,
        what: &str,
        mut seen: impl FnMut(&Self) -> bool,
    ) -> Result<(), Vec<String>> {
        let looking = async {
            loop {
                self.read().await;
                if seen(self) {
                    return Ok(());
                }
                let problems: Vec<_> = self.record().problems().map(str::to_owned).collect();
                if !problems.is_empty() {
                    return Err(problems);
                }
                // a pause, because: nobody tells us when a record grows.
                tokio::time::sleep(PAUSE).await;
            }
        };
        let outcome = tokio::time::timeout(PATIENCE, looking).await;
        outcome.unwrap_or_else(|_| {
            let waits = self.record().0.last().cloned();
            Err(vec![format!(
                "not within {PATIENCE:?}: {what}; the session is {:?}, the agent's last: {waits:?}",
                self.status()
            )])
        })
    }

    async fn read(&mut self) {
        let last = self
            .events
            .last()
            .map_or(Sequence(0), |event| event.sequence);
        let what = ReadEvents {
            session: self.session,
            epoch: None,
            from: Direction::After(last),
            limit: 0,
            coalesced: false,
        };
        let mut pages = self.connection.read_events(what).await.unwrap();
        while let Some(page) = pages.next().await.unwrap() {
            self.events.extend(page.events().unwrap());
        }
    }

    fn record(&self) -> Record {
        Record::read(&self.record)
    }

    fn lines(&self) -> Vec<Value> {
        let line = |event: &Event| serde_json::from_str(&event.to_json(self.session).unwrap());
        self.events
            .iter()
            .map(|event| line(event).unwrap())
            .collect()
    }

    fn status(&self) -> Option<Status> {
        self.events.iter().rev().find_map(|event| match event.body {
            EventBody::StatusChange { status, .. } => Some(status),
            _ => None,
        })
    }

    fn at_rest(&self) -> bool {
        matches!(
            self.status(),
            Some(Status::Idle | Status::Crashed | Status::Error)
        )
    }

    fn agent_is_gone(&self) -> bool {
        let last = self.events.iter().rev().find(|event| {
            let body = &event.body;
            matches!(
                body,
                EventBody::AgentStarting { .. } | EventBody::AgentExited { .. }
            )
        });
        last.is_none_or(|event| matches!(event.body, EventBody::AgentExited { .. }))
    }

    fn has_queue(&self) -> bool {
        let count = |wanted: fn(&EventBody) -> bool| {
            self.events
                .iter()
                .filter(|event| wanted(&event.body))
                .count()
        };
        count(|body| matches!(body, EventBody::MessageQueued(_)))
            > count(|body| matches!(body, EventBody::MessageDequeued { .. }))
    }

    /// Keeps what was written down, for whoever looks for the fault.
    fn keep(&self) -> String {
        let folder = std::env::var_os(KEEP).map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| std::env::temp_dir().join("betcode-replay"));
        let _there = std::fs::create_dir_all(&folder);
        let kept = folder.join(format!("{}.record", self.piece.name));
        let _copied = std::fs::copy(&self.record, &kept);
        let events: Vec<String> = self.lines().iter().map(Value::to_string).collect();
        let log = folder.join(format!("{}.events", self.piece.name));
        let _written = std::fs::write(log, events.join("\n"));
        kept.display().to_string()
    }
}

/// The recorded answers as a client gives them: what is a label, and what is text.
fn answers(input: &Value, answer: &Value) -> Vec<Answer> {
    let given = answer["updatedInput"]["answers"].as_object();
    let one = |(question, said): (&String, &Value)| {
        let said = said.as_str().unwrap_or_default();
        let asked = input["questions"].as_array().into_iter().flatten();
        let mut asked = asked.filter(|asked| asked["question"] == **question);
        let options = asked.next().and_then(|asked| asked["options"].as_array());
        let known = |part: &str| {
            options.is_some_and(|options| options.iter().any(|option| option["label"] == part))
        };
        let chosen = said.split(", ").all(known);
        let selected = said
            .split(", ")
            .filter(|_| chosen)
            .map(str::to_owned)
            .collect();
        let text = if chosen {
            String::new()
        } else {
            said.to_owned()
        };
        Answer {
            question: question.clone(),
            selected,
            text,
        }
    };
    given.into_iter().flatten().map(one).collect()
}
