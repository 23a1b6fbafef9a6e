//! The records that are produced: product events with the time of their production in them.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use memchr::memmem::Finder;
use realtime_contract::time::milliseconds;

/// What stands before the time of production, in the record and in every frame made of it.
const MARK: &[u8] = b"\"sentAt\":";

/// Prepared once: clients look into a million frames a second.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));

/// Nanoseconds since 1970 by the clock that all processes of the machine share.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A product event of about 200 bytes. `run` and `number` make its id unique.
pub(crate) fn text(run: u64, number: u64, sent_at: u64) -> String {
    let timestamp = milliseconds(Timestamp::from_nanosecond(i128::from(sent_at)).unwrap_or(Timestamp::UNIX_EPOCH));
    format!(
        "{{\"id\":\"event-{run:x}-{number:08}\",\"type\":\"ProductUpdated\",\"timestamp\":\"{timestamp}\",\"product\":\
         {{\"id\":\"prod-{product:06}\",\"name\":\"A product of the benchmark\",\"price\":99.99,\"stock\":100,\
         \"sentAt\":{sent_at}}}}}",
        product = number % 1_000_000,
    )
}

/// The record's text with `broadcastTimestamp` spliced in, as all peers send it.
pub(crate) fn spliced(record: &str, time: Timestamp) -> String {
    let fields = record.trim_end().strip_suffix('}').unwrap_or(record);
    format!("{fields},\"broadcastTimestamp\":\"{}\"}}", milliseconds(time))
}

/// The time of production in a frame; none in greetings and heartbeats.
pub(crate) fn sent_at(frame: &[u8]) -> Option<u64> {
    let start = FINDER.find(frame)? + MARK.len();
    let digits = frame[start..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(None, |time: Option<u64>, digit| Some(time.unwrap_or(0) * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use realtime_contract::event::ProductEvent;

    use super::*;

    const SENT: u64 = 1_795_000_000_123_456_789;

    #[test]
    fn a_record_is_a_product_event_of_about_200_bytes() {
        let record = text(0xab, 7, SENT);
        let event = ProductEvent::from_record(record.as_bytes()).unwrap();
        assert_eq!((event.id.as_str(), event.product.id.as_str()), ("event-ab-00000007", "prod-000007"));
        assert!((180..240).contains(&record.len()), "{}", record.len());
    }

    #[test]
    fn the_time_of_production_is_found_in_the_spliced_text() {
        let spliced = spliced(&text(1, 2, SENT), Timestamp::UNIX_EPOCH);
        assert!(spliced.ends_with(",\"broadcastTimestamp\":\"1970-01-01T00:00:00.000Z\"}"), "{spliced}");
        assert!(ProductEvent::from_record(spliced.as_bytes()).is_ok());
        assert_eq!(sent_at(format!("data: {spliced}\n\n").as_bytes()), Some(SENT));
    }

    #[test]
    fn a_frame_without_a_time_or_without_digits_has_none() {
        assert_eq!(sent_at(b"data: {\"type\":\"heartbeat\"}\n\n"), None);
        assert_eq!(sent_at(b"data: {\"sentAt\":\"x\"}\n\n"), None);
    }
}
