//! Lenient reading of JSON: what is missing or of another type is absent.

use betcode_core::time::Timestamp;
use serde_json::Value;

/// Numbers below this are seconds since the Unix epoch, others milliseconds: as seconds it is the year 5138, as milliseconds
/// 1973.
const FIRST_MILLISECONDS: f64 = 1e11;
/// The year 9999, in seconds.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// A text that is there and not empty.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    let text = object.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}

/// A number.
pub(crate) fn number(object: &Value, name: &str) -> Option<f64> {
    object.get(name).and_then(Value::as_f64)
}

/// A moment: RFC 3339 text, or seconds or milliseconds since the Unix epoch.
pub(crate) fn moment(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str() {
        let moment: jiff::Timestamp = text.parse().ok()?;
        return Some(Timestamp(moment.as_microsecond()));
    }
    let number = value.as_f64()?;
    if number < FIRST_MILLISECONDS {
        of_seconds(number)
    } else {
        of_seconds(number / 1e3)
    }
}

/// A moment in milliseconds since the Unix epoch.
pub(crate) fn milliseconds(value: &Value) -> Option<Timestamp> {
    of_seconds(value.as_f64()? / 1e3)
}

fn of_seconds(seconds: f64) -> Option<Timestamp> {
    if seconds > 0.0 && seconds <= LAST_SECOND {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is below the year 9999, and parts of a microsecond mean nothing"
        )]
        return Some(Timestamp((seconds * 1e6).round() as i64));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_moment_is_text_seconds_or_milliseconds() {
        let expected = Some(Timestamp(1_795_292_536_000_000));
        for value in [
            json!(1_795_292_536),
            json!(1_795_292_536_000_i64),
            json!("2026-11-21T20:22:16Z"),
            json!("2026-11-21T20:22:16.000000+00:00"),
        ] {
            assert_eq!(moment(&value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_moment_is_absent() {
        for value in [
            json!(null),
            json!(0),
            json!(-1),
            json!(1e300),
            json!(i64::MIN),
            json!(u64::MAX),
            json!("soon"),
            json!("99999-01-01T00:00:00Z"),
            json!([]),
        ] {
            assert_eq!(moment(&value), None, "{value}");
        }
    }
}
