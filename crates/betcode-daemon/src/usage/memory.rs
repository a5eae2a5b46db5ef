//! What is remembered over a restart, as it is written down. No token and no text of an answer is in it.

use std::collections::{BTreeMap, BTreeSet};

use betcode_core::id::{LogEpoch, Sequence};
use betcode_core::time::Timestamp;
use betcode_proto::convert::usage::UsageAccount;
use serde::{Deserialize, Serialize};
use usage_core::planner::State;
use usage_core::reading::Reading;
use usage_core::{alert, planner};

/// Everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// Of which log the cursor is.
    pub(super) epoch: Option<LogEpoch>,
    /// Entries of the feed up to this one have been taken.
    pub(super) cursor: Sequence,
    /// By their keys, also of accounts that are not followed now.
    pub(super) accounts: BTreeMap<String, Kept>,
    pub(super) alerts: alert::Memory,
    /// Windows that began anew up to this moment were told of.
    pub(super) resets: Option<Timestamp>,
}

/// What is remembered of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    pub(super) planner: planner::Memory,
    /// What the feed said of it last.
    pub(super) told: Option<Told>,
    /// Subjects of what was said about its sources and is not over.
    pub(super) standing: BTreeSet<String>,
}

/// What a person sees of an account. When it was observed is not part of it: the same values, read again, are no news.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    state: State,
    readings: Vec<Reading>,
}

impl Told {
    pub(super) fn of(account: &UsageAccount) -> Self {
        let mut readings = account.readings.clone();
        for reading in &mut readings {
            reading.observed_at = Timestamp(0);
            // From which source the same value comes is no news either.
            reading.source = usage_core::reading::Source::GetUsage;
        }
        Self {
            state: account.state.clone(),
            readings,
        }
    }

    /// Nothing was ever known, so there is nothing to tell.
    pub(super) fn is_nothing(&self) -> bool {
        let nowhere = matches!(
            self.state,
            State::Loading | State::Unavailable { .. } | State::NoSubscription
        );
        nowhere && self.readings.is_empty()
    }
}

impl Memory {
    /// True when nothing is remembered here that is not remembered there, but for how far the feed was read.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.epoch == other.epoch
            && self.accounts == other.accounts
            && self.alerts == other.alerts
            && self.resets == other.resets
    }
}
