//! Times as clients know them.

use jiff::Timestamp;
use serde::Serializer;

/// RFC 3339 in UTC with exactly three digits of a second, as `Date.prototype.toISOString` writes it.
pub fn milliseconds(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// For `#[serde(serialize_with)]`.
///
/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&milliseconds(*time))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_has_three_digits_of_a_second_also_when_they_are_zeros() {
        let times = ["2026-11-21T07:41:18.72Z", "2026-11-21T07:41:18Z", "2026-11-21T07:41:18.123999Z"];
        let written = times.map(|time| super::milliseconds(time.parse().unwrap()));
        assert_eq!(written, ["2026-11-21T07:41:18.720Z", "2026-11-21T07:41:18.000Z", "2026-11-21T07:41:18.123Z"]);
    }
}
