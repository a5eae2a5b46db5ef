//! What an agent said about the limits of its plan, as an entry of the feed.

use betcode_core::id::{AgentName, SessionId};
use betcode_core::reading::{Overage, UsageReading, UsageWindow};
use betcode_core::time::Timestamp;
use serde::Serialize;

use super::part::{json_text, json_value};
use super::{WireError, id_bytes, read_id};
use crate::v1;

/// A reading with the session that it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionReading {
    /// Which session.
    pub session_id: SessionId,
    /// Its agent.
    pub agent: AgentName,
    /// What its login is, in its own words; empty when it has not said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// When it was read.
    pub observed_at: Timestamp,
    /// What was said.
    #[serde(flatten)]
    pub reading: UsageReading,
}

impl From<SessionReading> for v1::UsageReading {
    fn from(entry: SessionReading) -> Self {
        let reading = entry.reading;
        Self {
            session_id: id_bytes(entry.session_id.0),
            agent: entry.agent.0,
            account: entry.account,
            observed_at_us: entry.observed_at.0,
            source: reading.source,
            status: reading.status,
            limit: reading.limit,
            utilization: reading.utilization,
            resets_at_us: reading.resets_at.map(|at| at.0),
            surpassed_threshold: reading.surpassed_threshold,
            windows: reading.windows.into_iter().map(Into::into).collect(),
            overage_in_use: reading.overage.in_use,
            overage_status: reading.overage.status,
            overage_resets_at_us: reading.overage.resets_at.map(|at| at.0),
            overage_disabled_reason: reading.overage.disabled_reason,
            raw_json: if reading.raw.is_null() {
                String::new()
            } else {
                json_text(&reading.raw)
            },
        }
    }
}

impl TryFrom<v1::UsageReading> for SessionReading {
    type Error = WireError;

    fn try_from(entry: v1::UsageReading) -> Result<Self, WireError> {
        Ok(Self {
            session_id: SessionId(read_id("session_id", &entry.session_id)?),
            agent: AgentName(entry.agent),
            account: entry.account,
            observed_at: Timestamp(entry.observed_at_us),
            reading: UsageReading {
                source: entry.source,
                status: entry.status,
                limit: entry.limit,
                utilization: entry.utilization,
                resets_at: entry.resets_at_us.map(Timestamp),
                surpassed_threshold: entry.surpassed_threshold,
                windows: entry.windows.into_iter().map(Into::into).collect(),
                overage: Overage {
                    in_use: entry.overage_in_use,
                    status: entry.overage_status,
                    resets_at: entry.overage_resets_at_us.map(Timestamp),
                    disabled_reason: entry.overage_disabled_reason,
                },
                raw: json_value(entry.raw_json),
            },
        })
    }
}

impl From<(String, UsageWindow)> for v1::UsageWindow {
    fn from((name, window): (String, UsageWindow)) -> Self {
        Self {
            name,
            utilization: window.utilization,
            resets_at_us: window.resets_at.map(|at| at.0),
            status: window.status,
            surpassed_threshold: window.surpassed_threshold,
        }
    }
}

impl From<v1::UsageWindow> for (String, UsageWindow) {
    fn from(window: v1::UsageWindow) -> Self {
        let it = UsageWindow {
            utilization: window.utilization,
            resets_at: window.resets_at_us.map(Timestamp),
            status: window.status,
            surpassed_threshold: window.surpassed_threshold,
        };
        (window.name, it)
    }
}
