//! `rate_limit_event`: what Claude Code says about the limits of the plan that the user is logged in with. It says so for a
//! subscription only, never for an API key.
//!
//! Read leniently, because its fields come and go: whatever is missing or of another type is absent, and the object itself is
//! kept. Shares are from 0 to 1 here (other sources of the same numbers have percents), so nothing is scaled.

use betcode_core::observation::{Observation, Observations};
use betcode_core::reading::{LONGEST_RAW, MOST_WINDOWS, Overage, UsageReading, UsageWindow};
use betcode_core::time::Timestamp;
use serde_json::Value;

use super::Claude;
use super::wire::{RateLimitLine, read};

/// Times below this are seconds since the Unix epoch, others milliseconds: as seconds it is the year 5138, as milliseconds 1973.
const FIRST_MILLISECONDS: f64 = 1e11;

impl Claude {
    pub(super) fn rate_limit(line: &str, out: &mut Observations) -> Option<()> {
        let info = read::<RateLimitLine>(line)?.rate_limit_info;
        info.as_object()?;
        out.push(None, Observation::PlanUsage(Box::new(reading(info))));
        Some(())
    }
}

fn reading(info: Value) -> UsageReading {
    let of_all = window(&info);
    let windows = info.get("unifiedWindows").and_then(Value::as_object);
    let windows = windows
        .into_iter()
        .flatten()
        .filter(|(_, it)| it.is_object());
    UsageReading {
        source: "rate_limit_event".to_owned(),
        limit: text(&info, "rateLimitType"),
        windows: windows
            .take(MOST_WINDOWS)
            .map(|(name, it)| (name.clone(), window(it)))
            .collect(),
        overage: Overage {
            in_use: info.get("isUsingOverage").and_then(Value::as_bool),
            status: text(&info, "overageStatus"),
            resets_at: time(&info, "overageResetsAt"),
            disabled_reason: text(&info, "overageDisabledReason"),
        },
        status: of_all.status,
        utilization: of_all.utilization,
        resets_at: of_all.resets_at,
        surpassed_threshold: of_all.surpassed_threshold,
        raw: if info.to_string().len() <= LONGEST_RAW {
            info
        } else {
            Value::Null
        },
    }
}

fn window(object: &Value) -> UsageWindow {
    UsageWindow {
        utilization: object.get("utilization").and_then(Value::as_f64),
        resets_at: time(object, "resetsAt"),
        status: text(object, "status"),
        surpassed_threshold: object.get("surpassedThreshold").and_then(Value::as_f64),
    }
}

fn text(object: &Value, name: &str) -> String {
    let text = object.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn time(object: &Value, name: &str) -> Option<Timestamp> {
    let number = object.get(name)?;
    if let Some(text) = number.as_str() {
        return serde_json::from_value(Value::from(text)).ok();
    }
    let number = number.as_f64().filter(|number| *number > 0.0)?;
    let scale = if number < FIRST_MILLISECONDS {
        1e6
    } else {
        1e3
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float becomes the nearest whole number that there is"
    )]
    let micros = (number * scale) as i64;
    Some(Timestamp(micros))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::claude::tests::told;

    fn read_of(info: &Value) -> UsageReading {
        let line = json!({"type": "rate_limit_event", "rate_limit_info": info});
        match told(&[line]).pop() {
            Some(Observation::PlanUsage(reading)) => *reading,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn shares_stay_as_they_are_and_times_are_seconds_or_milliseconds() {
        let reading = read_of(&json!({
            "status": "rejected", "resetsAt": 1_795_292_536, "rateLimitType": "seven_day", "isUsingOverage": true,
            "overageStatus": "rejected", "overageDisabledReason": "out_of_credits", "overageResetsAt": 1_795_292_537_500_i64,
            "unifiedWindows": {
                "five_hour": {"utilization": 1, "resetsAt": 1_795_200_000, "status": "rejected"},
                "seven_day": {"utilization": 1.02, "resetsAt": "2026-11-21T20:22:16Z", "surpassedThreshold": 0.9},
            },
        }));
        assert_eq!(reading.limit, "seven_day");
        assert_eq!(reading.utilization, None, "not said is not zero");
        assert_eq!(reading.resets_at, Some(Timestamp(1_795_292_536_000_000)));
        assert_eq!(
            reading.overage,
            Overage {
                in_use: Some(true),
                status: "rejected".into(),
                resets_at: Some(Timestamp(1_795_292_537_500_000)),
                disabled_reason: "out_of_credits".into(),
            }
        );
        assert_eq!(reading.windows["five_hour"].utilization, Some(1.0));
        let week = &reading.windows["seven_day"];
        assert_eq!(
            (week.utilization, week.surpassed_threshold),
            (Some(1.02), Some(0.9))
        );
        assert_eq!(week.resets_at, Some(Timestamp(1_795_292_536_000_000)));
        assert_eq!(reading.raw["rateLimitType"], "seven_day");
        assert!(reading.is_rejected());
    }

    #[test]
    fn fields_of_another_type_are_absent_and_the_rest_counts() {
        let reading = read_of(&json!({
            "status": "allowed", "utilization": "12 %", "resetsAt": null, "isUsingOverage": "no", "rateLimitType": 5,
            "unifiedWindows": {"five_hour": null, "seven_day": {"utilization": 0}},
        }));
        let windows = [(
            "seven_day".to_owned(),
            UsageWindow {
                utilization: Some(0.0),
                ..UsageWindow::default()
            },
        )];
        let expected = UsageReading {
            source: "rate_limit_event".into(),
            status: "allowed".into(),
            windows: windows.into(),
            raw: reading.raw.clone(),
            ..UsageReading::default()
        };
        assert_eq!(reading, expected);
    }

    #[test]
    fn a_reading_that_is_too_long_to_keep_is_kept_without_its_raw_form() {
        let reading = read_of(&json!({"status": "allowed", "new": "x".repeat(LONGEST_RAW)}));
        assert_eq!(
            (reading.status.as_str(), reading.raw),
            ("allowed", Value::Null)
        );
    }

    #[test]
    fn a_line_without_a_reading_is_not_understood() {
        let line = json!({"type": "rate_limit_event", "rate_limit_info": "soon"});
        assert!(matches!(told(&[line])[..], [Observation::Unknown { .. }]));
    }
}
