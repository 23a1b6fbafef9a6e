//! The notifications that are produced, with the time of their production in them.

use jiff::Timestamp;
use realtime_contract::time::milliseconds;

/// Text of one of about 250 bytes, in the order of realtime-api. `run` and `number` make its id unique.
pub(super) fn text(run: u64, number: u64, sent_at: u64, channel: &str) -> String {
    let timestamp = milliseconds(Timestamp::from_nanosecond(i128::from(sent_at)).unwrap_or(Timestamp::UNIX_EPOCH));
    format!(
        "{{\"id\":\"{id}\",\"message\":\"A notification of the benchmark\",\"type\":\"info\",\"channel\":\"{channel}\",\
         \"status\":\"processed\",\"timestamp\":\"{timestamp}\",\"data\":{data}}}",
        id = id(run, number),
        data = data(number, sent_at),
    )
}

/// A version 7 UUID.
pub(super) fn id(run: u64, number: u64) -> String {
    let (high, low) = ((run >> 16) & 0xffff_ffff, run & 0xffff);
    format!("{high:08x}-{low:04x}-7000-8000-{:012x}", number & 0xffff_ffff_ffff)
}

/// The body of a POST that makes one.
pub(super) fn draft(number: u64, sent_at: u64) -> String {
    format!(
        "{{\"message\":\"A notification of the benchmark\",\"type\":\"info\",\"channel\":\"bench\",\"data\":{}}}",
        data(number, sent_at)
    )
}

fn data(number: u64, sent_at: u64) -> String {
    format!("{{\"product\":\"prod-{:06}\",\"sentAt\":{sent_at}}}", number % 1_000_000)
}

#[cfg(test)]
mod tests {
    use realtime_contract::event::Notification;

    use super::*;
    use crate::record;

    const SENT: u64 = 1_795_000_000_123_456_789;

    #[test]
    fn a_notification_of_about_250_bytes_tells_its_time() {
        let text = text(SENT, 7, SENT, "bench");
        let notification: Notification = serde_json::from_str(&text).unwrap();
        assert_eq!((notification.id.to_string(), notification.channel.as_str()), (id(SENT, 7), "bench"));
        assert_eq!(record::sent_at(text.as_bytes()), Some(SENT));
        assert!((220..280).contains(&text.len()), "{}", text.len());
        assert_ne!(id(SENT, 7), id(SENT, 8));
    }
}
