//! From what became of a turn to an exit code and one line for people. Pure.

use std::time::Duration;

use betcode_core::event::{StopReason, TurnErrorKind};

use super::turn::{Lost, TurnReport, Way};
use crate::error::{Exit, Failure};

/// So many rules are still read before they are used.
const MOST_RULES: usize = 4;

/// Why the client itself stopped the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// `--timeout` ran out after so long.
    Timeout(Duration),
    /// The first sign of a rate limit, with `--no-retry`.
    RateLimit,
    /// The agent's first death, with `--no-retry`.
    AgentDied,
}

/// How the process ends after this turn; none is success.
pub(crate) fn judge(report: &TurnReport, cut: Option<Cut>) -> Option<Failure> {
    match cut {
        Some(Cut::Interrupted) => {
            return Some(Failure::with(
                Exit::Interrupted,
                "CANCELLED",
                "INTERRUPTED",
                "interrupted",
            ));
        }
        Some(Cut::Terminated) => {
            return Some(Failure::with(
                Exit::Terminated,
                "CANCELLED",
                "TERMINATED",
                "terminated",
            ));
        }
        Some(Cut::Timeout(after)) => {
            let message = format!("no answer within {}", crate::duration::spell(after));
            return Some(Failure::with(
                Exit::Timeout,
                "DEADLINE_EXCEEDED",
                "TIMEOUT",
                message,
            ));
        }
        Some(Cut::RateLimit) => return Some(rate_limit(retry_after(report))),
        Some(Cut::AgentDied) => {
            let how = report.died.as_deref().unwrap_or_default();
            let how = how.strip_suffix(RESTARTED).unwrap_or(how);
            return Some(agent_error(report, how, "AGENT_EXITED"));
        }
        None => {}
    }
    let Some(turn) = &report.complete else {
        return Some(lost(report));
    };
    if let Some(error) = &turn.error {
        return Some(match error.kind {
            TurnErrorKind::RateLimit => rate_limit(error.retry_after_ms.map(Duration::from_millis)),
            TurnErrorKind::Authentication => {
                agent_error(report, &error.message, "AGENT_NOT_LOGGED_IN")
                    .hint("betcode agent check shows what to do")
            }
            TurnErrorKind::Server => agent_error(report, &error.message, "MODEL_SERVICE"),
            TurnErrorKind::PromptTooLong => agent_error(report, &error.message, "PROMPT_TOO_LONG"),
            TurnErrorKind::InvalidRequest => agent_error(report, &error.message, "INVALID_REQUEST"),
            TurnErrorKind::AgentExited => agent_error(report, &error.message, "AGENT_EXITED"),
            TurnErrorKind::Other => agent_error(report, &error.message, "AGENT_ERROR"),
        });
    }
    let general = |reason, message: &str| Some(Failure::general(reason, message));
    match turn.stop_reason {
        StopReason::EndTurn => denied(report),
        // Whoever denies a tool may end the turn with that.
        StopReason::Cancelled if report.cancelled_by.is_none() && denied(report).is_some() => {
            denied(report)
        }
        StopReason::Cancelled => {
            let by = report
                .cancelled_by
                .as_deref()
                .map(|by| format!(" by {by}"))
                .unwrap_or_default();
            Some(Failure::with(
                Exit::Failure,
                "CANCELLED",
                crate::error::CANCELLED,
                format!("the turn was stopped{by}"),
            ))
        }
        StopReason::MaxTurns => general(
            "MAX_TURNS",
            "the agent reached the allowed number of rounds (--max-turns)",
        ),
        StopReason::MaxBudget => general("MAX_BUDGET", "the agent reached the allowed cost"),
        StopReason::Refusal => general("REFUSAL", "the model refused to answer"),
        StopReason::MaxTokens => general(
            "MAX_TOKENS",
            "the answer was cut: the model reached its output limit",
        ),
        StopReason::Error => Some(agent_error(report, &turn.result, "AGENT_ERROR")),
        StopReason::AgentExited => Some(agent_error(report, "", "AGENT_EXITED")),
    }
}

/// What follows how an agent died, where it is told that it is started again.
const RESTARTED: &str = "; it is started again";

fn rate_limit(after: Option<Duration>) -> Failure {
    let message = match after {
        Some(after) => {
            let seconds = after.as_millis().div_ceil(1000);
            format!("Rate limit exceeded. Retry after {seconds} seconds.")
        }
        None => "Rate limit exceeded.".to_owned(),
    };
    Failure::with(
        Exit::RateLimited,
        "RESOURCE_EXHAUSTED",
        "RATE_LIMIT",
        message,
    )
}

fn retry_after(report: &TurnReport) -> Option<Duration> {
    let (seen, until) = report.rate_limited?;
    until.map(|until| until.since(seen))
}

const UNKNOWN: &str = "it cannot be known whether the agent received the prompt: look at what it did before you send it again";

fn agent_error(report: &TurnReport, message: &str, reason: &str) -> Failure {
    let told = report.error.as_ref();
    let message = match (message, told) {
        ("", Some((_, told, _))) => told.as_str(),
        ("", None) if reason == "AGENT_EXITED" => "the agent ended in the middle of the turn",
        ("", None) => "the agent failed without saying why",
        (message, _) => message,
    };
    let failure = Failure::general(reason, message);
    if report.lost == Some(Lost::DeliveryUnknown) {
        return failure.hint(UNKNOWN);
    }
    match told {
        Some((_, _, hint)) if !hint.is_empty() => failure.hint(hint.as_str()),
        Some(_) | None => failure,
    }
}

fn denied(report: &TurnReport) -> Option<Failure> {
    let mut tools = report.denied.clone();
    for denial in report
        .complete
        .iter()
        .flat_map(|turn| &turn.permission_denials)
    {
        if !tools.contains(&denial.tool) {
            tools.push(denial.tool.clone());
        }
    }
    let failure =
        |reason, message: String| Failure::with(Exit::Denied, "PERMISSION_DENIED", reason, message);
    let names = tools.join(", ");
    // A question that was refused is a denied tool for the agent; people should read what it was.
    let only_questions = report.unanswered > 0 && report.denied.is_empty();
    if only_questions {
        let who = match &report.declined_by {
            Some(who) => format!("{who} declined to answer"),
            None => "nobody was there to answer".to_owned(),
        };
        let failure = failure(
            "QUESTION_NOT_ANSWERED",
            format!("the agent asked a question and {who}"),
        );
        return Some(if report.waited {
            failure
        } else {
            failure.hint(
                "say it in the prompt, or answer from another terminal: --wait-for-permissions",
            )
        });
    }
    let hint = if report.way == Way::None {
        "no rule and no flag opens that; betcode audit says what it was".to_owned()
    } else if report.denied_by.is_empty() {
        let or = if report.waited {
            ""
        } else {
            "; with --wait-for-permissions somebody can decide meanwhile"
        };
        let rules = &report.would_allow;
        let readable = report.way == Way::Rules && (1..=MOST_RULES).contains(&rules.len());
        let allowed = if readable { rules } else { &tools }.join(",");
        format!(
            "--allowed-tools {} allows it for one run{or}",
            shell_words::quote(&allowed)
        )
    } else {
        format!(
            "forbidden by {}; betcode rules list --origin shows every rule",
            report.denied_by.join(" and ")
        )
    };
    (!tools.is_empty()).then(|| {
        failure(
            "PERMISSION_DENIED",
            format!("the agent was not allowed to use {names}"),
        )
        .hint(hint)
    })
}

fn lost(report: &TurnReport) -> Failure {
    match report.lost {
        Some(Lost::Removed) => Failure::with(
            Exit::Failure,
            "CANCELLED",
            "REMOVED",
            "the prompt was taken out of the queue before it was sent",
        ),
        Some(Lost::DeliveryUnknown) => {
            Failure::general("DELIVERY_UNKNOWN", "the agent's host died").hint(UNKNOWN)
        }
        Some(Lost::HistoryRemoved) => Failure::general(
            "HISTORY_REMOVED",
            "the session's history was removed before the end of this turn was read",
        )
        .hint("betcode session events ID shows what is left"),
        None => Failure::general("NOT_COMPLETE", "the turn did not end"),
    }
}

#[cfg(test)]
mod tests {
    use betcode_core::event::{PermissionDenial, TurnComplete, TurnError, Usage};
    use betcode_core::time::Timestamp;
    use serde_json::Value;

    use super::*;

    fn complete(stop_reason: StopReason) -> TurnComplete {
        TurnComplete {
            stop_reason,
            error: None,
            num_turns: 1,
            duration_ms: 5,
            duration_api_ms: 0,
            usage: Usage::default(),
            result: String::new(),
            permission_denials: Vec::new(),
            origin: String::new(),
            raw: None,
        }
    }

    fn ended(stop_reason: StopReason) -> TurnReport {
        TurnReport {
            complete: Some(complete(stop_reason)),
            ..TurnReport::default()
        }
    }

    fn told(report: &TurnReport, cut: Option<Cut>) -> (u8, String) {
        let failure = judge(report, cut).expect("a failure");
        (failure.exit.code(), failure.report.unwrap().message)
    }

    #[test]
    fn an_ordinary_end_is_success() {
        assert_eq!(judge(&ended(StopReason::EndTurn), None), None);
    }

    #[test]
    fn a_denial_names_the_rule_that_forbids_or_those_that_would_allow() {
        let hint = |forbidden: &[&str], would: &[&str], way| {
            let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let report = TurnReport {
                denied: vec!["Bash".into(), "Edit".into()],
                denied_by: own(forbidden),
                would_allow: own(would),
                way,
                waited: true,
                ..ended(StopReason::EndTurn)
            };
            judge(&report, None).unwrap().report.unwrap().hint
        };
        let two = ["Bash(rm x)", "Edit(/a)"];
        assert_eq!(
            hint(&[], &two, Way::Rules),
            "--allowed-tools 'Bash(rm x),Edit(/a)' allows it for one run"
        );
        let tools = "--allowed-tools Bash,Edit allows it for one run";
        assert_eq!(hint(&[], &two, Way::Tools), tools);
        assert_eq!(hint(&[], &["a", "b", "c", "d", "e"], Way::Rules), tools);
        assert_eq!(
            hint(&["Bash(rm *) (.claude/settings.json:3)"], &two, Way::Rules),
            "forbidden by Bash(rm *) (.claude/settings.json:3); betcode rules list --origin shows every rule"
        );
    }

    #[test]
    fn a_rate_limit_says_in_seconds_when_to_come_back() {
        let mut report = ended(StopReason::Error);
        let error = TurnError {
            kind: TurnErrorKind::RateLimit,
            message: "429".into(),
            http_status: Some(429),
            retry_after_ms: Some(180_000),
        };
        report.complete.as_mut().unwrap().error = Some(error);
        assert_eq!(
            told(&report, None),
            (4, "Rate limit exceeded. Retry after 180 seconds.".into())
        );
        report
            .complete
            .as_mut()
            .unwrap()
            .error
            .as_mut()
            .unwrap()
            .retry_after_ms = None;
        assert_eq!(told(&report, None), (4, "Rate limit exceeded.".into()));

        let waiting = TurnReport {
            rate_limited: Some((Timestamp(1_000_000), Some(Timestamp(91_500_000)))),
            ..TurnReport::default()
        };
        assert_eq!(
            told(&waiting, Some(Cut::RateLimit)),
            (4, "Rate limit exceeded. Retry after 91 seconds.".into())
        );
    }

    #[test]
    fn each_kind_of_failure_has_its_exit_code_and_its_reason() {
        for (kind, code, reason) in [
            (TurnErrorKind::RateLimit, 4, "RATE_LIMIT"),
            (TurnErrorKind::Authentication, 1, "AGENT_NOT_LOGGED_IN"),
            (TurnErrorKind::Server, 1, "MODEL_SERVICE"),
            (TurnErrorKind::PromptTooLong, 1, "PROMPT_TOO_LONG"),
            (TurnErrorKind::InvalidRequest, 1, "INVALID_REQUEST"),
            (TurnErrorKind::AgentExited, 1, "AGENT_EXITED"),
            (TurnErrorKind::Other, 1, "AGENT_ERROR"),
        ] {
            let mut report = ended(StopReason::Error);
            report.complete.as_mut().unwrap().error = Some(TurnError {
                kind,
                message: "what went wrong".into(),
                http_status: None,
                retry_after_ms: None,
            });
            let failure = judge(&report, None).unwrap();
            let told = failure.report.unwrap();
            assert_eq!((failure.exit.code(), told.reason.as_str()), (code, reason));
        }
        for (stop_reason, reason) in [
            (StopReason::Refusal, "REFUSAL"),
            (StopReason::MaxTokens, "MAX_TOKENS"),
            (StopReason::Cancelled, "CANCELLED"),
        ] {
            let failure = judge(&ended(stop_reason), None).unwrap();
            let told = failure.report.unwrap();
            assert_eq!((failure.exit.code(), told.reason.as_str()), (1, reason));
        }
    }

    #[test]
    fn what_nobody_allowed_ends_with_three_even_though_the_agent_was_content() {
        let mut report = ended(StopReason::EndTurn);
        report.complete.as_mut().unwrap().permission_denials = vec![PermissionDenial {
            tool: "Bash".into(),
            tool_call: "t".into(),
            input: Value::Null,
        }];
        assert_eq!(
            told(&report, None),
            (3, "the agent was not allowed to use Bash".into())
        );
        report.unanswered = 1;
        assert_eq!(
            told(&report, None),
            (
                3,
                "the agent asked a question and nobody was there to answer".into()
            )
        );
        report.denied = vec!["Edit".into()];
        assert_eq!(
            told(&report, None),
            (3, "the agent was not allowed to use Edit, Bash".into())
        );
    }

    #[test]
    fn our_own_reason_to_stop_comes_before_what_the_agent_made_of_it() {
        let report = ended(StopReason::Cancelled);
        assert_eq!(told(&report, Some(Cut::Interrupted)).0, 130);
        assert_eq!(told(&report, Some(Cut::Terminated)).0, 143);
        assert_eq!(
            told(&report, Some(Cut::Timeout(Duration::from_secs(90)))),
            (124, "no answer within 90s".into())
        );
        assert_eq!(told(&report, None), (1, "the turn was stopped".into()));
    }

    #[test]
    fn a_turn_that_ended_with_a_denial_is_a_denial() {
        let mut report = ended(StopReason::Cancelled);
        report.denied = vec!["Bash".into()];
        assert_eq!(told(&report, None).0, 3);
        report.cancelled_by = Some("somebody".into());
        assert_eq!(told(&report, None).0, 1);
    }

    #[test]
    fn an_agent_that_died_is_explained_by_the_last_error_that_was_told() {
        let mut report = ended(StopReason::AgentExited);
        assert_eq!(
            told(&report, None),
            (1, "the agent ended in the middle of the turn".into())
        );
        report.error = Some((
            "AGENT_EXITED".into(),
            "the agent ended with exit code 1".into(),
            "look".into(),
        ));
        let failure = judge(&report, None).unwrap().report.unwrap();
        assert_eq!(
            (failure.message.as_str(), failure.hint.as_str()),
            ("the agent ended with exit code 1", "look")
        );
    }

    #[test]
    fn with_no_retry_a_death_is_told_as_the_end() {
        let report = TurnReport {
            died: Some("the agent was ended by signal 9; it is started again".into()),
            ..ended(StopReason::Cancelled)
        };
        assert_eq!(
            told(&report, Some(Cut::AgentDied)),
            (1, "the agent was ended by signal 9".into())
        );
    }

    #[test]
    fn a_turn_that_never_completed_is_never_called_success() {
        let lost = [Lost::Removed, Lost::DeliveryUnknown, Lost::HistoryRemoved];
        for lost in lost.map(Some).into_iter().chain([None]) {
            let report = TurnReport {
                lost,
                ..TurnReport::default()
            };
            assert_eq!(told(&report, None).0, 1, "{lost:?}");
        }
    }
}
