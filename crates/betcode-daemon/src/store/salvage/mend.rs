//! Making the rows of one session agree with the events of it that were saved.

use betcode_core::event::{AgentExit, Event, EventBody};
use betcode_core::id::{Sequence, SessionId};
use betcode_core::session::{HostNews, Progress, Session};
use betcode_proto::convert::{decode_event_list, encode_event_list};
use bytes::Bytes;
use rusqlite::{OptionalExtension as _, params};
use uuid::Uuid;

use super::{Log, One, SavedSession};
use crate::session::summary::summary;
use crate::store::chunk::Chunk;
use crate::store::schema::{log_id, sql};
use crate::store::statements;

impl One<'_> {
    /// Makes a session's rows agree with the events that were saved.
    pub(super) fn mend(&mut self, target: u64, mut log: Log) -> rusqlite::Result<()> {
        let id: Option<Uuid> = self
            .to
            .query_row(
                "SELECT id FROM sessions WHERE number = ?1",
                [sql(target)],
                |row| row.get::<_, [u8; 16]>(0),
            )
            .optional()?
            .map(Uuid::from_bytes);
        let mut session = Session::new(SessionId(id.unwrap_or_else(self.options.new_id)));
        self.fold(target, &mut session, &mut log)?;
        if session.head() == Sequence(0) {
            self.salvaged.sessions_lost += 1;
            for table in [
                "sessions WHERE number",
                "checkpoints WHERE session",
                "snapshots WHERE session",
                "deadlines WHERE session",
                "outbox WHERE session",
                "requests WHERE session",
                "payloads WHERE session",
            ] {
                // Older schemas lack some of them.
                self.to
                    .execute(&format!("DELETE FROM {table} = ?1"), [sql(target)])
                    .ok();
            }
            return Ok(());
        }
        let (saved, id) = (session.head().0, session.id());
        if log.hole {
            self.leave_out(target, id, saved)?;
            self.tell(target, &mut session, &log)?;
        }
        // Whatever its row said: what lists show follows from the events.
        statements::put_session(self.to, target, &summary(&session))?;
        self.salvaged.sessions.push(SavedSession {
            id,
            title: session.title().to_owned(),
            events: saved,
            lost: log.known_head.saturating_sub(saved),
            whole: !log.hole,
        });
        Ok(())
    }

    /// Folds what was saved; what cannot be read is cut off.
    fn fold(&self, target: u64, session: &mut Session, log: &mut Log) -> rusqlite::Result<()> {
        let range = [log_id(target, 0), log_id(target, u64::MAX)];
        let mut statement = self
            .to
            .prepare("SELECT id, events FROM log WHERE id > ?1 AND id <= ?2 ORDER BY id")?;
        let mut rows = statement.query(range)?;
        let mut cut = None;
        while let Some(row) = rows.next()? {
            let (id, bytes): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let events = decode_event_list(&bytes).unwrap_or_default();
            let begins = |event: &Event| {
                session.head() != Sequence(0) || Session::cannot_begin_with(&event.body).is_none()
            };
            if !events.first().is_some_and(begins) {
                cut = Some(id);
                break;
            }
            for event in &events {
                session.apply(event);
            }
        }
        if let Some(id) = cut {
            drop(rows);
            self.to.execute(
                "DELETE FROM log WHERE id >= ?1 AND id <= ?2",
                [id, range[1]],
            )?;
            log.hole = true;
        }
        Ok(())
    }

    /// Removes what belongs to events that are lost.
    fn leave_out(&self, target: u64, id: SessionId, head: u64) -> rusqlite::Result<()> {
        let (target, head) = (sql(target), sql(head));
        for statement in [
            "DELETE FROM snapshots WHERE session = ?1 AND sequence > ?2",
            "DELETE FROM payloads WHERE session = ?1 AND sequence > ?2",
            "DELETE FROM requests WHERE session = ?1 AND sequence > ?2",
            "DELETE FROM checkpoints WHERE session = ?1 AND ?2 = ?2",
            "DELETE FROM outbox WHERE session = ?1 AND ?2 = ?2",
            "DELETE FROM deadlines WHERE session = ?1 AND ?2 = ?2",
        ] {
            // Older schemas lack some of them.
            if let Ok(mut statement) = self.to.prepare(statement) {
                statement.execute([target, head])?;
            }
        }
        self.to.execute(
            "DELETE FROM commands WHERE session = ?1 AND sequence > ?2",
            params![id.0.as_bytes(), head],
        )?;
        self.to.execute(
            "UPDATE hosts SET state = 2 WHERE session = ?1",
            [id.0.as_bytes()],
        )?;
        Ok(())
    }

    /// Adds to a log what became of it.
    fn tell(&self, target: u64, session: &mut Session, log: &Log) -> rusqlite::Result<()> {
        let head = session.head();
        let lost = log.known_head.saturating_sub(head.0);
        let text = if lost > 0 {
            format!(
                "The log was damaged: the {lost} events that followed here could not be recovered"
            )
        } else {
            "The log was damaged: what followed here, if anything did, could not be recovered"
                .into()
        };
        let mut drafts = vec![EventBody::Notice { text }.into()];
        if let Some(host) = session.agent().host() {
            let news = HostNews::Exited {
                host,
                exit: AgentExit::HostLost,
                stderr: String::new(),
                refused: None,
            };
            drafts.extend(session.host(&mut Progress::default(), self.options.now, news));
        }
        let mut events = Vec::new();
        for draft in drafts {
            let event = Event {
                sequence: session.head().next(),
                first_sequence: None,
                timestamp: self.options.now,
                parent: draft.parent,
                previews: Vec::new(),
                body: draft.body,
            };
            session.apply(&event);
            events.push(event);
        }
        let chunk = Chunk {
            first: head.next(),
            last: session.head(),
            bytes: Bytes::from(encode_event_list(events)),
        };
        statements::insert_chunks(self.to, target, &[chunk])?;
        // Requests that ended with the agent.
        let Ok(mut waiting) = self
            .to
            .prepare("SELECT id FROM requests WHERE session = ?1 AND ended_us IS NULL")
        else {
            return Ok(());
        };
        let ids: Vec<String> = waiting
            .query_map([sql(target)], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for id in ids {
            if !session
                .requests()
                .iter()
                .any(|(waiting, _)| waiting.0 == id)
            {
                self.to.execute(
                    "UPDATE requests SET ended_us = ?3, state = 'lost' WHERE session = ?1 AND id = ?2",
                    params![sql(target), id, self.options.now.0],
                )?;
            }
        }
        Ok(())
    }
}
