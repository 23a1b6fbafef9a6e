//! Rows as what they stand for.

use jiff::Timestamp;
use realtime_contract::{
    event::{JsonText, Notification, NotificationStatus},
    feed::FeedEntry,
};
use tokio_postgres::{Row, types::FromSql};

use super::Error;

/// A notification as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) notification: Notification,
    /// When its user read it, if it is one of an inbox.
    pub(crate) read_at: Option<Timestamp>,
}

/// The columns that [`stored`] reads, in their order, of a table with the columns of `notifications`.
pub(super) const COLUMNS: &str = "id, message, type, channel, status, data::text AS data, created_at, read_at";

pub(super) fn stored(row: &Row) -> Result<Stored, Error> {
    let status: String = column(row, 4, "status")?;
    let status = [NotificationStatus::Pending, NotificationStatus::Processed]
        .into_iter()
        .find(|candidate| candidate.name() == status)
        .ok_or(Error::DecodeColumn { column: "status" })?;
    let notification = Notification {
        id: column(row, 0, "id")?,
        message: column(row, 1, "message")?,
        kind: column(row, 2, "type")?,
        channel: column(row, 3, "channel")?,
        status,
        data: column::<Option<String>>(row, 5, "data")?.map(|text| json(text, "data")).transpose()?,
        timestamp: column(row, 6, "created_at")?,
    };
    Ok(Stored { notification, read_at: column(row, 7, "read_at")? })
}

pub(super) fn json(text: String, column: &'static str) -> Result<JsonText, Error> {
    JsonText::from_text(text).map_err(|_| Error::DecodeColumn { column })
}

pub(super) fn feed_entry(row: &Row) -> Result<FeedEntry, Error> {
    Ok(FeedEntry {
        position: position(row, 0)?,
        event_id: column(row, 1, "event_id")?,
        channel: column(row, 2, "channel")?,
        notification: column(row, 3, "notification")?,
        traceparent: column(row, 4, "traceparent")?,
    })
}

pub(super) fn position(row: &Row, index: usize) -> Result<u64, Error> {
    u64::try_from(column::<i64>(row, index, "position")?).map_err(|_| Error::DecodeColumn { column: "position" })
}

pub(super) fn column<'row, T: FromSql<'row>>(row: &'row Row, index: usize, column: &'static str) -> Result<T, Error> {
    row.try_get(index).map_err(|_| Error::DecodeColumn { column })
}
