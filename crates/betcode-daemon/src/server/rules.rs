//! The rules service: what the rules of a directory say about calls of tools, and where they stand. Nothing is called and
//! nothing is changed. What rules mean is not decided here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use betcode_core::command::{Environment, Rejected};
use betcode_core::event::TurnPolicy;
use betcode_core::id::SessionId;
use betcode_proto::status::Refusal;
use betcode_proto::v1;
use betcode_proto::v1::rules_service_server::RulesService;
use betcode_rules::{Decision, Layer, Matched, Origin, OriginKind, Placed, Verdict};
use serde_json::Value;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::agent::resolve::check_directory;
use crate::machine::Machine;
use crate::rules::book::{Book, Call, Whose, mode_of};
use crate::rules::sources::{self, Problem, Sources};

/// The rules service.
#[derive(Debug, Clone)]
pub struct RulesServer {
    machine: Arc<Machine>,
}

/// Whose rules are asked for.
struct Scope {
    cwd: PathBuf,
    environment: Environment,
    trusted: Option<PathBuf>,
    policy: TurnPolicy,
    grants: Vec<String>,
}

impl RulesServer {
    /// Serves the rules that count on this machine.
    pub fn new(machine: Arc<Machine>) -> Self {
        Self { machine }
    }

    async fn scope(&self, scope: Option<v1::RuleScope>) -> Result<Scope, Rejected> {
        let scope = scope.unwrap_or_default();
        let cwd = PathBuf::from(&scope.cwd);
        let directory = cwd.clone();
        blocking(move || check_directory(&directory)).await??;
        let trusted = self.machine.trusted_by(&scope.cwd).await;
        let mut policy = TurnPolicy {
            allowed_tools: scope.allowed_tools,
            disallowed_tools: scope.disallowed_tools,
            ..TurnPolicy::default()
        };
        let mut grants = Vec::new();
        if !scope.session_id.is_empty() {
            let id = Uuid::from_slice(&scope.session_id).map_err(|_| Rejected::Invalid {
                field: "scope.session_id",
                problem: "it is not 16 bytes".to_owned(),
            })?;
            let session = self.machine.open(SessionId(id)).await?.view().await?;
            grants.extend(session.requests().grants().map(str::to_owned));
            let present = session.present_policy();
            policy
                .allowed_tools
                .extend(present.allowed_tools.iter().cloned());
            policy
                .disallowed_tools
                .extend(present.disallowed_tools.iter().cloned());
        }
        Ok(Scope {
            cwd,
            environment: Environment(scope.environment.into_iter().collect()),
            trusted,
            policy,
            grants,
        })
    }
}

#[tonic::async_trait]
impl RulesService for RulesServer {
    async fn test_rules(
        &self,
        request: Request<v1::TestRulesRequest>,
    ) -> Result<Response<v1::TestRulesResponse>, Status> {
        let request = request.into_inner();
        let calls = calls(&request.calls).map_err(Refusal::from)?;
        let mut scope = self.scope(request.scope).await.map_err(Refusal::from)?;
        scope.policy.only_allowed = request.only_allowed;
        let mode = mode_of(&request.permission_mode, &scope.policy);
        let machine = self.machine.clone();
        let tested = blocking(move || {
            let mut book = Book::default();
            let whose = whose(&machine, &scope);
            let verdicts = calls
                .iter()
                .map(|(tool, input)| {
                    let (verdict, proposal) =
                        book.judge(whose, &scope.grants, Call { tool, input, mode });
                    to_wire(verdict, proposal.exact)
                })
                .collect();
            let problems = problems(&book.sources(whose).problems);
            v1::TestRulesResponse { verdicts, problems }
        });
        Ok(Response::new(tested.await.map_err(Refusal::from)?))
    }

    async fn list_rules(
        &self,
        request: Request<v1::ListRulesRequest>,
    ) -> Result<Response<v1::ListRulesResponse>, Status> {
        let scope = self.scope(request.into_inner().scope).await;
        let scope = scope.map_err(Refusal::from)?;
        let machine = self.machine.clone();
        let listed = blocking(move || {
            let whose = whose(&machine, &scope);
            let project = whose.project().display().to_string();
            let mut book = Book::default();
            let sources = book.sources(whose);
            v1::ListRulesResponse {
                rules: listed(sources),
                problems: problems(&sources.problems),
                files: files(sources),
                project,
                trusted: scope.trusted.is_some(),
            }
        });
        Ok(Response::new(listed.await.map_err(Refusal::from)?))
    }
}

fn whose<'a>(machine: &'a Machine, scope: &'a Scope) -> Whose<'a> {
    Whose {
        settings: machine.settings(),
        cwd: Path::new(&scope.cwd),
        environment: &scope.environment,
        trusted: scope.trusted.as_deref(),
        policy: &scope.policy,
        add_dirs: &[],
    }
}

fn calls(calls: &[v1::ToolCall]) -> Result<Vec<(String, Value)>, Rejected> {
    let invalid = |field, problem: &str| Rejected::Invalid {
        field,
        problem: problem.to_owned(),
    };
    calls
        .iter()
        .map(|call| {
            if call.tool.is_empty() {
                return Err(invalid("calls.tool", "it is empty"));
            }
            let input = serde_json::from_str(&call.input_json)
                .map_err(|_| invalid("calls.input_json", "it is not JSON"))?;
            Ok((call.tool.clone(), input))
        })
        .collect()
}

fn to_wire(verdict: Verdict, proposed: Vec<String>) -> v1::RuleVerdict {
    let parts = verdict.parts.into_iter().map(|part| v1::RulePart {
        what: part.what,
        decision: decision(part.decision).into(),
        by: part.by.map(matched),
        reason: part.reason,
    });
    v1::RuleVerdict {
        parts: parts.collect(),
        decision: decision(verdict.decision).into(),
        by: verdict.by.map(matched),
        reason: verdict.reason,
        proposed,
    }
}

fn decision(decision: Decision) -> v1::RuleDecision {
    match decision {
        Decision::Allow => v1::RuleDecision::Allow,
        Decision::Ask => v1::RuleDecision::Ask,
        Decision::Deny => v1::RuleDecision::Deny,
    }
}

fn origin(kind: OriginKind) -> v1::RuleOrigin {
    match kind {
        OriginKind::Session => v1::RuleOrigin::Session,
        OriginKind::Flag => v1::RuleOrigin::Flag,
        OriginKind::Environment => v1::RuleOrigin::Environment,
        OriginKind::ProjectLocal => v1::RuleOrigin::ProjectLocal,
        OriginKind::Project => v1::RuleOrigin::Project,
        OriginKind::User => v1::RuleOrigin::User,
        OriginKind::Builtin => v1::RuleOrigin::Builtin,
    }
}

fn matched(matched: Matched) -> v1::MatchedRule {
    v1::MatchedRule {
        rule: matched.rule,
        origin: origin(matched.origin.kind).into(),
        file: matched.origin.file.unwrap_or_default(),
        line: matched.line.unwrap_or_default(),
    }
}

/// One of the lists of a layer.
type List = fn(&Layer) -> &Vec<Placed>;

/// Deny, ask and allow, each of the most specific origin first.
fn listed(sources: &Sources) -> Vec<v1::ListedRule> {
    let kinds: [(v1::RuleDecision, List); 3] = [
        (v1::RuleDecision::Deny, |layer| &layer.deny),
        (v1::RuleDecision::Ask, |layer| &layer.ask),
        (v1::RuleDecision::Allow, |layer| &layer.allow),
    ];
    let mut rules = Vec::new();
    for (action, list) in kinds {
        for layer in &sources.layers {
            let counts = layer.trusted || action != v1::RuleDecision::Allow;
            let ignored = if counts {
                ""
            } else {
                "the directory is not trusted"
            };
            rules.extend(list(layer).iter().map(|placed| v1::ListedRule {
                action: action.into(),
                rule: Some(one(&layer.origin, placed)),
                ignored: ignored.to_owned(),
                remark: placed.rule.remark().unwrap_or_default().to_owned(),
            }));
        }
    }
    rules
}

fn one(source: &Origin, placed: &Placed) -> v1::MatchedRule {
    v1::MatchedRule {
        rule: placed.rule.to_string(),
        origin: origin(source.kind).into(),
        file: source.file.clone().unwrap_or_default(),
        line: placed.line.unwrap_or_default(),
    }
}

fn files(sources: &Sources) -> Vec<v1::RuleFile> {
    let file = |(file, exists): &(sources::File, bool)| v1::RuleFile {
        path: file.path.display().to_string(),
        origin: origin(file.kind).into(),
        exists: *exists,
    };
    sources.files.iter().map(file).collect()
}

fn problems(problems: &[Problem]) -> Vec<v1::RuleProblem> {
    let problem = |problem: &Problem| v1::RuleProblem {
        file: problem.file.clone(),
        line: problem.line.unwrap_or_default(),
        message: problem.message.clone(),
    };
    problems.iter().map(problem).collect()
}

async fn blocking<T, F>(work: F) -> Result<T, Rejected>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Rejected::Unavailable("looking at the rules failed".to_owned()))
}
