//! The feed as the streams see it: one lane, whose offsets are the feed's positions.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use jiff::Timestamp;
use realtime_contract::feed::FeedEntry;
use realtime_contract::time::milliseconds;
use realtime_fanout::{CursorCodec, Draft, Lane, Vector, sse::Frame};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cursor::FeedCursor,
    history::{Gap, Piece},
};

/// The feed has one order.
pub(crate) const LANE: Lane = Lane(0);
/// The type of all that it holds.
const KIND: &str = "notification";

/// Names the life of the store; unset until the feed was found. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epoch(Arc<OnceLock<Uuid>>);

impl Epoch {
    /// The epoch, once the feed was found.
    pub(crate) fn get(&self) -> Option<Uuid> {
        self.0.get().copied()
    }

    /// Sets the epoch, the first time; says which one it is.
    pub(crate) fn found(&self, epoch: Uuid) -> Uuid {
        *self.0.get_or_init(|| epoch)
    }
}

impl CursorCodec for Epoch {
    /// Before the feed was found no stream is served; a client takes an empty text for no cursor.
    fn encode(&self, vector: &Vector) -> String {
        self.get().map(|epoch| FeedCursor { epoch, position: position(vector) }.to_string()).unwrap_or_default()
    }
}

/// What a client has that has everything up to the position.
pub(crate) fn vector(position: u64) -> Vector {
    Vector::from_iter([(LANE, position + 1)])
}

/// The position up to which a client has everything.
pub(crate) fn position(vector: &Vector) -> u64 {
    vector.next(LANE).saturating_sub(1)
}

/// What becomes an event: the feed's own bytes.
pub(crate) fn draft(entry: &FeedEntry) -> Draft<'_> {
    Draft {
        lane: LANE,
        offset: entry.position,
        channel: &entry.channel,
        kind: KIND,
        data: &entry.notification,
        recorded_at: created_at(&entry.notification),
    }
}

/// When the notification was accepted, in milliseconds since 1970.
fn created_at(notification: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Stamped {
        timestamp: Timestamp,
    }
    serde_json::from_str(notification).ok().map(|Stamped { timestamp }| timestamp.as_millisecond())
}

/// The frame of a notification that is read from the store: the same bytes as of one that is broadcast.
pub(crate) fn notification_frame(epoch: Uuid, entry: &FeedEntry) -> Bytes {
    let cursor = FeedCursor { epoch, position: entry.position };
    Frame::new().id(&cursor.to_string()).data(&entry.notification).encode()
}

/// The frame of a part of a history.
pub(crate) fn piece_frame(epoch: Uuid, piece: Piece<'_>) -> Bytes {
    match piece {
        Piece::Entry(entry) => notification_frame(epoch, entry),
        Piece::Gap(gap) => {
            let to = FeedCursor { epoch, position: gap.to }.to_string();
            Frame::new().event("gap").id(&to).data(&gap_data(epoch, gap).to_string()).encode()
        }
    }
}

/// What a client is told about a part of the feed that it does not get.
pub(crate) fn gap_data(epoch: Uuid, gap: &Gap) -> Value {
    let to = FeedCursor { epoch, position: gap.to }.to_string();
    json!({ "reason": gap.reason.name(), "from": gap.from(epoch), "to": to })
}

/// Data of the first frame of a connection.
pub(crate) fn greeting(now: Timestamp) -> String {
    let data = json!({
        "type": "connection",
        "message": "Connected to notifications stream",
        "timestamp": milliseconds(now),
    });
    data.to_string()
}

#[cfg(test)]
mod tests {
    use realtime_fanout::Event;

    use super::*;
    use crate::resume::{GapReason, Resume};

    const EPOCH: &str = "0192d3a4-0000-7000-8000-000000000001";

    fn entry(notification: &str) -> FeedEntry {
        FeedEntry {
            position: 7,
            event_id: Uuid::nil(),
            channel: "default".to_owned(),
            notification: notification.to_owned(),
            traceparent: None,
        }
    }

    fn epoch() -> Epoch {
        let epoch = Epoch::default();
        epoch.found(EPOCH.parse().unwrap());
        epoch
    }

    #[test]
    fn a_notification_keeps_its_bytes() {
        let entry = entry(r#"{"id":"x", "message":"hello"}"#);
        let frame = notification_frame(epoch().get().unwrap(), &entry);
        assert_eq!(frame, format!("id: {EPOCH}-7\ndata: {{\"id\":\"x\", \"message\":\"hello\"}}\n\n"));
        assert_eq!(Event::new(&draft(&entry), &epoch().encode(&vector(7))).frame(), &frame);
    }

    #[test]
    fn a_gap_says_why_and_where_the_client_goes_on() {
        let lost = Resume::Lost { reason: GapReason::Invalid, from: "x\"y".to_owned() };
        let gap = Gap::of(lost, 9).unwrap();
        let data = format!(r#"{{"reason":"invalid","from":"x\"y","to":"{EPOCH}-9"}}"#);
        let frame = piece_frame(epoch().get().unwrap(), Piece::Gap(&gap));
        assert_eq!(frame, format!("event: gap\nid: {EPOCH}-9\ndata: {data}\n\n"));
    }

    #[test]
    fn an_event_is_as_old_as_its_notification() {
        let entry = entry(r#"{"id":"x","timestamp":"2026-11-21T06:00:00.120Z","data":{"timestamp":"other"}}"#);
        let expected: Timestamp = "2026-11-21T06:00:00.12Z".parse().unwrap();
        assert_eq!(draft(&entry).recorded_at, Some(expected.as_millisecond()));
        assert_eq!(created_at("{}"), None);
    }

    #[test]
    fn a_cursor_says_what_the_client_has() {
        assert_eq!(epoch().encode(&vector(9)), format!("{EPOCH}-9"));
        assert_eq!(position(&vector(9)), 9);
        assert_eq!(epoch().encode(&Vector::default()), format!("{EPOCH}-0"));
        assert_eq!(Epoch::default().encode(&vector(9)), "");
    }

    #[test]
    fn the_first_epoch_stays() {
        let epoch = epoch();
        assert_eq!(epoch.found(Uuid::from_u128(8)).to_string(), EPOCH);
    }

    #[test]
    fn a_connection_begins_with_its_greeting() {
        let now = "2026-11-21T06:00:00.12Z".parse().unwrap();
        assert_eq!(
            greeting(now),
            r#"{"type":"connection","message":"Connected to notifications stream","timestamp":"2026-11-21T06:00:00.120Z"}"#
        );
    }
}
