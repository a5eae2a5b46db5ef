//! Requests with what became of them, and the record of decisions.

use betcode_core::event::Preview;
use betcode_core::id::{RequestId, Sequence, SessionId};
use betcode_core::session::Pending;
use betcode_core::time::Timestamp;
use serde::Serialize;

use super::part::list;
use super::{Problem, WireError, id_bytes, read_id};
use crate::v1;
use crate::v1::request_record::Request;

/// Whether a request asks for permission or for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// For permission to use a tool.
    Permission,
    /// A question, or a plan to be approved.
    Question,
}

impl RequestKind {
    /// The kind as it travels; none stands for both.
    pub fn to_wire(kind: Option<Self>) -> i32 {
        match kind {
            None => v1::RequestKind::Unspecified,
            Some(Self::Permission) => v1::RequestKind::Permission,
            Some(Self::Question) => v1::RequestKind::Question,
        }
        .into()
    }

    /// The kind that somebody asks for. Strict: a kind that this version does not know is refused.
    pub fn from_wire(kind: i32) -> Result<Option<Self>, WireError> {
        match v1::RequestKind::try_from(kind) {
            Ok(v1::RequestKind::Unspecified) => Ok(None),
            Ok(v1::RequestKind::Permission) => Ok(Some(Self::Permission)),
            Ok(v1::RequestKind::Question) => Ok(Some(Self::Question)),
            Err(_) => Err(WireError::new("kind", Problem::UnknownKind)),
        }
    }
}

/// A request and what became of it. Its JSON is what `permission` and `question` print with `--json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestRecord {
    /// In which session.
    pub session: SessionId,
    /// The event that asked.
    pub sequence: Sequence,
    /// When it was asked.
    pub asked: Timestamp,
    /// What is asked.
    pub request: Pending,
    /// Which of its fields are previews, whose whole is a payload of the event that asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub previews: Vec<Preview>,
    /// `pending`, or how it ended in a word: `allowed`, `denied`, `answered`, `declined`, `withdrawn`, `expired`.
    pub state: String,
    /// Who or what decided, for people; empty while it waits.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub decided_by: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

impl RequestRecord {
    /// The request's id.
    pub const fn id(&self) -> &RequestId {
        match &self.request {
            Pending::Permission(request) => &request.id,
            Pending::Question(question) => &question.id,
        }
    }

    /// What is asked for.
    pub const fn kind(&self) -> RequestKind {
        match self.request {
            Pending::Permission(_) => RequestKind::Permission,
            Pending::Question(_) => RequestKind::Question,
        }
    }
}

impl From<RequestRecord> for v1::RequestRecord {
    fn from(record: RequestRecord) -> Self {
        Self {
            session_id: id_bytes(record.session.0),
            sequence: record.sequence.0,
            asked_us: record.asked.0,
            request: Some(match record.request {
                Pending::Permission(request) => Request::Permission(request.into()),
                Pending::Question(question) => Request::Question(question.into()),
            }),
            previews: list(record.previews),
            state: record.state,
            decided_by: record.decided_by,
            ended_us: record.ended.map(|time| time.0),
        }
    }
}

impl TryFrom<v1::RequestRecord> for RequestRecord {
    type Error = WireError;

    fn try_from(record: v1::RequestRecord) -> Result<Self, WireError> {
        Ok(Self {
            session: SessionId(read_id("session_id", &record.session_id)?),
            sequence: Sequence(record.sequence),
            asked: Timestamp(record.asked_us),
            request: match record.request {
                Some(Request::Permission(request)) => Pending::Permission(request.into()),
                Some(Request::Question(question)) => Pending::Question(question.into()),
                None => return Err(WireError::new("request", Problem::UnknownKind)),
            },
            previews: list(record.previews),
            state: record.state,
            decided_by: record.decided_by,
            ended: record.ended_us.map(Timestamp),
        })
    }
}

/// One decision. Its JSON is one line of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its number.
    pub id: u64,
    /// When.
    pub time: Timestamp,
    /// In which session.
    pub session: SessionId,
    /// The tool; `AskUserQuestion` or the like for a question.
    pub tool: String,
    /// The beginning of the input that ran or would have run, without secrets.
    pub input_preview: String,
    /// SHA-256 of that whole input in its canonical JSON form, in hexadecimal.
    pub input_sha256: String,
    /// How it ended in a word: `allowed`, `denied`, `answered`, `declined`, `withdrawn`, `expired`.
    pub outcome: String,
    /// Who, or which rule.
    pub by: String,
    /// The request.
    pub request: RequestId,
}

impl From<AuditEntry> for v1::AuditEntry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            time_us: entry.time.0,
            session_id: id_bytes(entry.session.0),
            tool: entry.tool,
            input_preview: entry.input_preview,
            input_sha256: entry.input_sha256,
            outcome: entry.outcome,
            by: entry.by,
            request_id: entry.request.0,
        }
    }
}

impl TryFrom<v1::AuditEntry> for AuditEntry {
    type Error = WireError;

    fn try_from(entry: v1::AuditEntry) -> Result<Self, WireError> {
        Ok(Self {
            id: entry.id,
            time: Timestamp(entry.time_us),
            session: SessionId(read_id("session_id", &entry.session_id)?),
            tool: entry.tool,
            input_preview: entry.input_preview,
            input_sha256: entry.input_sha256,
            outcome: entry.outcome,
            by: entry.by,
            request: entry.request_id.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    //! Records survive the wire.

    use betcode_core::event::{PermissionRequest, Question, QuestionItem};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn permission() -> Pending {
        Pending::Permission(PermissionRequest {
            id: "r".into(),
            tool: "Bash".into(),
            tool_call: Some("call".into()),
            input: json!({"command": "ls"}),
            description: "ls".into(),
            suggested_rules: vec!["Bash(ls:*)".into()],
            expires_at: Some(Timestamp(9)),
            is_replay: false,
            note: "again".into(),
        })
    }

    fn question() -> Pending {
        Pending::Question(Question {
            id: "q".into(),
            tool_call: None,
            items: vec![QuestionItem {
                question: "Which?".into(),
                header: "w".into(),
                multi_select: true,
                options: vec![],
            }],
            plan: Some(String::new()),
            input: json!({}),
            expires_at: None,
            is_replay: true,
            note: String::new(),
        })
    }

    fn record(request: Pending) -> RequestRecord {
        RequestRecord {
            session: SessionId(Uuid::from_u128(1)),
            sequence: Sequence(2),
            asked: Timestamp(3),
            request,
            previews: vec![Preview {
                field: "input".into(),
                size: 100,
                stored: 90,
            }],
            state: "allowed".into(),
            decided_by: "betcode (here)".into(),
            ended: Some(Timestamp(0)),
        }
    }

    #[test]
    fn a_record_is_the_same_after_the_wire() {
        for (request, id, kind) in [
            (permission(), "r", RequestKind::Permission),
            (question(), "q", RequestKind::Question),
        ] {
            let record = record(request);
            assert_eq!((record.id().0.as_str(), record.kind()), (id, kind));
            let after = RequestRecord::try_from(v1::RequestRecord::from(record.clone()));
            assert_eq!(after, Ok(record));
        }
    }

    #[test]
    fn a_record_without_a_request_is_refused() {
        let mut wire = v1::RequestRecord::from(record(question()));
        wire.request = None;
        assert_eq!(
            RequestRecord::try_from(wire),
            Err(WireError::new("request", Problem::UnknownKind))
        );
    }

    #[test]
    fn a_kind_is_the_same_after_the_wire_and_an_unknown_one_is_refused() {
        for kind in [
            None,
            Some(RequestKind::Permission),
            Some(RequestKind::Question),
        ] {
            assert_eq!(RequestKind::from_wire(RequestKind::to_wire(kind)), Ok(kind));
        }
        assert_eq!(RequestKind::from_wire(99).unwrap_err().field, "kind");
    }

    #[test]
    fn an_entry_of_the_audit_is_the_same_after_the_wire() {
        let entry = AuditEntry {
            id: 1,
            time: Timestamp(2),
            session: SessionId(Uuid::from_u128(3)),
            tool: "Bash".into(),
            input_preview: "{}".into(),
            input_sha256: "44136f".into(),
            outcome: "denied".into(),
            by: "unattended".into(),
            request: "r".into(),
        };
        assert_eq!(
            AuditEntry::try_from(v1::AuditEntry::from(entry.clone())),
            Ok(entry)
        );
    }
}
