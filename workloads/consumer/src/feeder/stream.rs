//! The feed's tail in Redis.

use realtime_chassis::redis::Connection;
use realtime_contract::feed::{FeedEntry, STREAM, STREAM_EPOCH, STREAM_LENGTH, field};
use redis::streams::StreamRangeReply;
use redis::{Pipeline, RedisError};

/// The stream, and the key that says to which life of the store it belongs.
pub(super) struct Stream(Connection);

impl Stream {
    /// The stream over that connection.
    pub(super) const fn new(connection: Connection) -> Self {
        Self(connection)
    }

    /// The position of the newest entry. A stream of another epoch is emptied first.
    pub(super) async fn top(&mut self, epoch: &str) -> Result<Option<i64>, RedisError> {
        let mut query = Pipeline::new();
        query.cmd("GET").arg(STREAM_EPOCH).cmd("XREVRANGE").arg(STREAM).arg(&["+", "-", "COUNT", "1"]);
        let (known, newest): (Option<String>, StreamRangeReply) = query.query_async(&mut self.0).await?;
        if known.as_deref() != Some(epoch) {
            self.clear(epoch).await?;
            return Ok(None);
        }
        Ok(newest.ids.first().and_then(|entry| position(&entry.id)))
    }

    /// Empties the stream, which from now on belongs to that epoch.
    pub(super) async fn clear(&mut self, epoch: &str) -> Result<(), RedisError> {
        let mut change = Pipeline::new();
        change.atomic().cmd("DEL").arg(STREAM).cmd("SET").arg(STREAM_EPOCH).arg(epoch);
        change.exec_async(&mut self.0).await
    }

    /// Appends entries, in their order. Redis refuses one that is not above the newest, so two feeders cannot write one twice.
    pub(super) async fn extend(&mut self, entries: &[FeedEntry]) -> Result<(), RedisError> {
        let mut change = Pipeline::new();
        for entry in entries {
            add(&mut change, entry);
        }
        change.exec_async(&mut self.0).await
    }
}

fn add(change: &mut Pipeline, entry: &FeedEntry) {
    let command = change.cmd("XADD").arg(STREAM).arg(&["MAXLEN", "~"]).arg(STREAM_LENGTH);
    command
        .arg(format!("{}-0", entry.position))
        .arg(&[field::EVENT_ID, &entry.event_id.to_string()])
        .arg(&[field::CHANNEL, &entry.channel])
        .arg(&[field::NOTIFICATION, &entry.notification]);
    if let Some(traceparent) = &entry.traceparent {
        command.arg(&[field::TRACEPARENT, traceparent]);
    }
    command.ignore();
}

/// The position in an entry's id, `<position>-0`.
fn position(id: &str) -> Option<i64> {
    id.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_its_position_as_id_and_leaves_out_what_it_has_not() {
        let mut change = Pipeline::new();
        let entry = FeedEntry {
            position: 7,
            event_id: "0192d3a4-0000-7000-8000-000000000001".parse().unwrap(),
            channel: "default".into(),
            notification: "{}".into(),
            traceparent: None,
        };
        add(&mut change, &entry);
        let packed = String::from_utf8(change.get_packed_pipeline()).unwrap();
        let words: Vec<&str> =
            packed.split("\r\n").filter(|word| !word.starts_with(['*', '$']) && !word.is_empty()).collect();
        let expected = [
            "XADD",
            "realtime:feed",
            "MAXLEN",
            "~",
            "10000",
            "7-0",
            "event_id",
            "0192d3a4-0000-7000-8000-000000000001",
            "channel",
            "default",
            "notification",
            "{}",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_position_is_read_from_an_id() {
        assert_eq!(position("12-0"), Some(12));
        assert_eq!(position("x"), None);
    }
}
