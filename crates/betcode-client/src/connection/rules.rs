//! What the rules say, and where they come from, as plain data. The JSON of these types is what `betcode rules` prints.

use std::collections::BTreeMap;

use betcode_core::id::SessionId;
use betcode_proto::convert::{Problem, WireError};
use betcode_proto::v1;
use serde::Serialize;
use serde_json::Value;

use super::optional;

/// Whose rules count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleScope {
    /// The working directory, absolute.
    pub cwd: String,
    /// The environment of whoever asks.
    pub environment: BTreeMap<String, String>,
    /// Rules of the command line for what is allowed.
    pub allowed_tools: Vec<String>,
    /// Rules of the command line for what is denied.
    pub disallowed_tools: Vec<String>,
    /// A session whose grants count too.
    pub session: Option<SessionId>,
}

impl From<RuleScope> for v1::RuleScope {
    fn from(scope: RuleScope) -> Self {
        Self {
            cwd: scope.cwd,
            environment: scope.environment.into_iter().collect(),
            allowed_tools: scope.allowed_tools,
            disallowed_tools: scope.disallowed_tools,
            session_id: optional(scope.session),
        }
    }
}

/// Calls of tools about which the rules are asked. Nothing is called.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleTest {
    /// Whose rules count.
    pub scope: RuleScope,
    /// The permission mode in the agent's own word; empty for the usual one.
    pub permission_mode: String,
    /// Whatever no rule allows is denied.
    pub only_allowed: bool,
    /// Tools and their inputs.
    pub calls: Vec<(String, Value)>,
}

impl From<RuleTest> for v1::TestRulesRequest {
    fn from(test: RuleTest) -> Self {
        let calls = test.calls.into_iter().map(|(tool, input)| v1::ToolCall {
            tool,
            input_json: input.to_string(),
        });
        Self {
            scope: Some(test.scope.into()),
            permission_mode: test.permission_mode,
            only_allowed: test.only_allowed,
            calls: calls.collect(),
        }
    }
}

/// What the rules say about calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVerdicts {
    /// One for each call, in their order.
    pub verdicts: Vec<RuleVerdict>,
    /// What is wrong with the files.
    pub problems: Vec<RuleProblem>,
}

impl TryFrom<v1::TestRulesResponse> for RuleVerdicts {
    type Error = WireError;

    fn try_from(response: v1::TestRulesResponse) -> Result<Self, WireError> {
        Ok(Self {
            verdicts: each(response.verdicts)?,
            problems: response.problems.into_iter().map(Into::into).collect(),
        })
    }
}

/// What the rules say about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVerdict {
    /// What would happen.
    pub decision: RuleDecision,
    /// The rule that decided, if one did.
    pub by: Option<MatchedRule>,
    /// Why, as a sentence.
    pub reason: String,
    /// What was decided about each part.
    pub parts: Vec<RulePart>,
    /// The rules that "always" would write; none when no rule can stand for this call.
    pub proposed: Vec<String>,
}

impl TryFrom<v1::RuleVerdict> for RuleVerdict {
    type Error = WireError;

    fn try_from(verdict: v1::RuleVerdict) -> Result<Self, WireError> {
        Ok(Self {
            decision: verdict.decision().try_into()?,
            by: verdict.by.map(TryInto::try_into).transpose()?,
            reason: verdict.reason,
            parts: each(verdict.parts)?,
            proposed: verdict.proposed,
        })
    }
}

/// What was decided about a part of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePart {
    /// The part, for people.
    pub what: String,
    /// What would happen.
    pub decision: RuleDecision,
    /// The rule that decided, if one did.
    pub by: Option<MatchedRule>,
    /// Why.
    pub reason: String,
}

impl TryFrom<v1::RulePart> for RulePart {
    type Error = WireError;

    fn try_from(part: v1::RulePart) -> Result<Self, WireError> {
        Ok(Self {
            decision: part.decision().try_into()?,
            by: part.by.map(TryInto::try_into).transpose()?,
            what: part.what,
            reason: part.reason,
        })
    }
}

/// What happens to a call, in the order of how much is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleDecision {
    /// It runs.
    Allow,
    /// Somebody is asked.
    Ask,
    /// It does not run.
    Deny,
}

impl RuleDecision {
    /// As it is written in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

impl TryFrom<v1::RuleDecision> for RuleDecision {
    type Error = WireError;

    fn try_from(decision: v1::RuleDecision) -> Result<Self, WireError> {
        match decision {
            v1::RuleDecision::Unspecified => Err(unknown("decision")),
            v1::RuleDecision::Allow => Ok(Self::Allow),
            v1::RuleDecision::Ask => Ok(Self::Ask),
            v1::RuleDecision::Deny => Ok(Self::Deny),
        }
    }
}

/// Where a rule comes from, the most specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleOrigin {
    /// Granted for a session.
    Session,
    /// The command line.
    Flag,
    /// An environment variable.
    Environment,
    /// The user's own file for one project.
    ProjectLocal,
    /// The project's file.
    Project,
    /// The user's file.
    User,
    /// The program itself.
    Builtin,
}

impl RuleOrigin {
    /// For people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::ProjectLocal => "project-local",
            Self::Project => "project",
            Self::User => "user",
            Self::Builtin => "built in",
        }
    }
}

impl TryFrom<v1::RuleOrigin> for RuleOrigin {
    type Error = WireError;

    fn try_from(origin: v1::RuleOrigin) -> Result<Self, WireError> {
        match origin {
            v1::RuleOrigin::Unspecified => Err(unknown("origin")),
            v1::RuleOrigin::Session => Ok(Self::Session),
            v1::RuleOrigin::Flag => Ok(Self::Flag),
            v1::RuleOrigin::Environment => Ok(Self::Environment),
            v1::RuleOrigin::ProjectLocal => Ok(Self::ProjectLocal),
            v1::RuleOrigin::Project => Ok(Self::Project),
            v1::RuleOrigin::User => Ok(Self::User),
            v1::RuleOrigin::Builtin => Ok(Self::Builtin),
        }
    }
}

/// A rule and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatchedRule {
    /// As it was written; a sentence for what is built in.
    pub rule: String,
    /// Where it comes from.
    pub origin: RuleOrigin,
    /// Its file, flag or variable.
    pub file: Option<String>,
    /// The line it stands on, from 1.
    pub line: Option<u32>,
}

impl TryFrom<v1::MatchedRule> for MatchedRule {
    type Error = WireError;

    fn try_from(matched: v1::MatchedRule) -> Result<Self, WireError> {
        Ok(Self {
            origin: matched.origin().try_into()?,
            rule: matched.rule,
            file: text(matched.file),
            line: line(matched.line),
        })
    }
}

/// Every rule that is written down for a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleList {
    /// The root of the project.
    pub project: String,
    /// Whether the user trusts the directory.
    pub trusted: bool,
    /// Deny, ask and allow, of the most specific origin first.
    pub rules: Vec<ListedRule>,
    /// What is wrong with the files.
    pub problems: Vec<RuleProblem>,
    /// Every file that was looked for.
    pub files: Vec<RuleFile>,
}

impl TryFrom<v1::ListRulesResponse> for RuleList {
    type Error = WireError;

    fn try_from(response: v1::ListRulesResponse) -> Result<Self, WireError> {
        Ok(Self {
            project: response.project,
            trusted: response.trusted,
            rules: each(response.rules)?,
            problems: response.problems.into_iter().map(Into::into).collect(),
            files: each(response.files)?,
        })
    }
}

/// A rule that is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedRule {
    /// What it does.
    pub action: RuleDecision,
    /// The rule and where it stands.
    #[serde(flatten)]
    pub rule: MatchedRule,
    /// Why it does not count; none when it does.
    pub ignored: Option<String>,
    /// What its author may not expect of it.
    pub remark: Option<String>,
}

impl TryFrom<v1::ListedRule> for ListedRule {
    type Error = WireError;

    fn try_from(listed: v1::ListedRule) -> Result<Self, WireError> {
        Ok(Self {
            action: listed.action().try_into()?,
            rule: super::present("rule", listed.rule)?.try_into()?,
            ignored: text(listed.ignored),
            remark: text(listed.remark),
        })
    }
}

/// A file in which rules may stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleFile {
    /// Its path.
    pub path: String,
    /// What it is.
    pub origin: RuleOrigin,
    /// Whether it is there.
    pub exists: bool,
}

impl TryFrom<v1::RuleFile> for RuleFile {
    type Error = WireError;

    fn try_from(file: v1::RuleFile) -> Result<Self, WireError> {
        Ok(Self {
            origin: file.origin().try_into()?,
            path: file.path,
            exists: file.exists,
        })
    }
}

/// Something that is wrong with the rules in a file, flag or variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleProblem {
    /// The file, flag or variable.
    pub file: String,
    /// The line, from 1, if it is known.
    pub line: Option<u32>,
    /// What is wrong and what follows from that.
    pub message: String,
}

impl From<v1::RuleProblem> for RuleProblem {
    fn from(problem: v1::RuleProblem) -> Self {
        Self {
            file: problem.file,
            line: line(problem.line),
            message: problem.message,
        }
    }
}

fn each<W, T: TryFrom<W, Error = WireError>>(wire: Vec<W>) -> Result<Vec<T>, WireError> {
    wire.into_iter().map(T::try_from).collect()
}

fn text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn line(line: u32) -> Option<u32> {
    Some(line).filter(|line| *line > 0)
}

const fn unknown(field: &'static str) -> WireError {
    WireError {
        field,
        problem: Problem::UnknownKind,
    }
}
