//! Words: enumerations without content. One table each, read in both directions.
//!
//! A word that this version does not know can only come from a newer peer; each table names what it is taken for. The
//! choice is the one that leaves nobody waiting for ever: a turn with an unknown stop reason has still ended, a request
//! with an unknown outcome no longer waits, a session with an unknown status is still busy with something. An allowance of
//! unknown scope was for one call, the least there is.

use betcode_core::event as core;

use crate::v1;

macro_rules! words {
    ($word:ident = $wire:ident, unknown is $unknown:ident: $($variant:ident),+) => {
        impl From<core::$word> for v1::$wire {
            fn from(word: core::$word) -> Self {
                match word {
                    $(core::$word::$variant => Self::$variant,)+
                }
            }
        }

        impl From<v1::$wire> for core::$word {
            fn from(word: v1::$wire) -> Self {
                match word {
                    v1::$wire::Unspecified => Self::$unknown,
                    $(v1::$wire::$variant => Self::$variant,)+
                }
            }
        }
    };
}

words!(Status = SessionStatus, unknown is Thinking:
    Starting, Thinking, RunningTool, WaitingForUser, Idle, Compacting, RateLimited, Retrying, Stalled, Crashed, Error, Closed);
words!(MessageEnd = MessageEnd, unknown is Finished: Finished, Aborted, Abandoned);
words!(PermissionOutcome = PermissionOutcome, unknown is Withdrawn: Allowed, Denied, Withdrawn, Expired);
words!(QuestionOutcome = QuestionOutcome, unknown is Withdrawn: Answered, Declined, Withdrawn, Expired);
words!(PermissionScope = PermissionScope, unknown is Once: Once, Session, Always);
words!(LockOutcome = LockOutcome, unknown is Withdrawn: Granted, Refused, TimedOut, Withdrawn);
words!(ClientKind = ClientKind, unknown is Interactive: Interactive, Run, OneShot);
words!(TodoState = TodoState, unknown is Pending: Pending, InProgress, Completed);
words!(StopReason = StopReason, unknown is Error:
    EndTurn, Cancelled, MaxTurns, MaxBudget, Refusal, MaxTokens, Error, AgentExited);
words!(TurnErrorKind = TurnErrorKind, unknown is Other:
    RateLimit, Authentication, Server, PromptTooLong, InvalidRequest, AgentExited, Other);

macro_rules! capabilities {
    ($($variant:ident),+) => {
        impl From<core::Capability> for v1::Capability {
            fn from(word: core::Capability) -> Self {
                match word {
                    $(core::Capability::$variant => Self::$variant,)+
                }
            }
        }

        /// None for a capability that this version does not know: it could not make use of it.
        pub(super) fn capability(word: v1::Capability) -> Option<core::Capability> {
            match word {
                v1::Capability::Unspecified => None,
                $(v1::Capability::$variant => Some(core::Capability::$variant),)+
            }
        }
    };
}

capabilities!(
    PartialText,
    Thinking,
    Permissions,
    EditedInput,
    Questions,
    Modes,
    Models,
    Resume,
    Compaction,
    Images,
    SubAgents,
    Usage,
    RulesEnforced
);
