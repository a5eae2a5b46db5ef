//! What an agent says about the limits of its plan: a reading as it came, at one moment, of one session's account.
//!
//! A reading is a fact of the machine and not of a conversation, so it is an entry of the feed and not of a session's log.
//! Not here: what follows from several readings (which account it is, what is left, when to warn).
//! What an agent does not say stays absent: an unknown utilisation is not zero.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::Timestamp;

/// The longest raw reading that is kept, in bytes of JSON; a longer one is left out.
pub const LONGEST_RAW: usize = 16 * 1024;
/// The most windows that are kept.
pub const MOST_WINDOWS: usize = 64;

/// What an agent says about the limits of its plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UsageReading {
    /// Where it comes from: the name of the agent's message.
    pub source: String,
    /// Whether requests are served, in the agent's word: `allowed`, `allowed_warning`, `rejected`.
    pub status: String,
    /// The window that the status is about, in the agent's word, such as `five_hour`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub limit: String,
    /// How much of that window is used, from 0 to 1, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilization: Option<f64>,
    /// When that window begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
    /// The utilisation that was passed and is worth a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surpassed_threshold: Option<f64>,
    /// Every window that it speaks of, by the agent's name for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub windows: BTreeMap<String, UsageWindow>,
    /// What is used beyond the plan.
    #[serde(default, skip_serializing_if = "Overage::is_unknown")]
    pub overage: Overage,
    /// The agent's own object, unless it is too long.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub raw: Value,
}

/// One window of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UsageWindow {
    /// How much of it is used, from 0 to 1, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilization: Option<f64>,
    /// When it begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
    /// Whether it lets requests through, in the agent's word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The utilisation that was passed and is worth a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surpassed_threshold: Option<f64>,
}

/// What is used beyond a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overage {
    /// Whether requests are paid for beyond the plan now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<bool>,
    /// Whether that is possible, in the agent's word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// When its limit begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
    /// Why it is not possible, in the agent's word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub disabled_reason: String,
}

impl Overage {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl UsageReading {
    /// True when requests are refused until a window begins anew.
    pub fn is_rejected(&self) -> bool {
        self.status == REJECTED
    }

    /// From when on requests are served again. Limits hold together, so the last of those that are used up counts.
    pub fn served_from(&self) -> Option<Timestamp> {
        if !self.is_rejected() {
            return None;
        }
        let used_up = self.windows.values();
        let used_up = used_up.filter(|window| window.status == REJECTED);
        let ends = used_up.filter_map(|window| window.resets_at);
        ends.chain(self.resets_at).max()
    }
}

const REJECTED: &str = "rejected";

#[cfg(test)]
mod tests {
    use super::*;

    fn window(status: &str, resets_at: i64) -> UsageWindow {
        UsageWindow {
            status: status.into(),
            resets_at: Some(Timestamp(resets_at)),
            ..UsageWindow::default()
        }
    }

    #[test]
    fn limits_hold_together_so_the_last_one_that_is_used_up_counts() {
        let mut reading = UsageReading {
            status: "rejected".into(),
            resets_at: Some(Timestamp(5)),
            windows: [
                ("five_hour".into(), window("rejected", 5)),
                ("seven_day".into(), window("rejected", 9)),
                ("other".into(), window("allowed", 20)),
            ]
            .into(),
            ..UsageReading::default()
        };
        assert_eq!(reading.served_from(), Some(Timestamp(9)));
        reading.windows.clear();
        assert_eq!(reading.served_from(), Some(Timestamp(5)));
        reading.resets_at = None;
        assert_eq!(reading.served_from(), None);
        reading.status = "allowed_warning".into();
        reading.resets_at = Some(Timestamp(5));
        assert_eq!(reading.served_from(), None);
    }

    #[test]
    fn what_was_not_said_is_not_in_the_json() {
        let reading = UsageReading {
            source: "s".into(),
            status: "allowed".into(),
            ..UsageReading::default()
        };
        assert_eq!(
            serde_json::to_string(&reading).unwrap(),
            r#"{"source":"s","status":"allowed"}"#
        );
    }
}
