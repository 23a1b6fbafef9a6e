//! One notification, and what happened to it.

use jiff::Timestamp;
use realtime_contract::event::JsonText;
use uuid::Uuid;

use super::{
    Error, Store,
    rows::{COLUMNS, Stored, column, json, stored},
};

/// An event of a notification's history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Happening {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) occurred_at: Timestamp,
    pub(crate) data: JsonText,
    /// Its place in the history.
    pub(crate) ordinal: i64,
}

const READ_HISTORY: &str = "
    SELECT id, type, occurred_at, payload::text, ordinal FROM events
    WHERE aggregate_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3";

impl Store {
    /// The notification with that id.
    pub(crate) async fn notification(&self, id: Uuid) -> Result<Option<Stored>, Error> {
        let statement = format!("SELECT {COLUMNS} FROM notifications WHERE id = $1");
        let rows = self.query(&statement, &[&id]).await?;
        rows.map_err(|source| Error::ReadNotification { id, source })?.first().map(stored).transpose()
    }

    /// Events of the notification behind that place in its history, oldest first.
    pub(crate) async fn history(&self, id: Uuid, after: i64, limit: i64) -> Result<Vec<Happening>, Error> {
        let rows = self.query(READ_HISTORY, &[&id, &after, &limit]).await?;
        let rows = rows.map_err(|source| Error::ReadNotification { id, source })?;
        rows.iter()
            .map(|row| {
                Ok(Happening {
                    id: column(row, 0, "id")?,
                    kind: column(row, 1, "type")?,
                    occurred_at: column(row, 2, "occurred_at")?,
                    data: json(column(row, 3, "payload")?, "payload")?,
                    ordinal: column(row, 4, "ordinal")?,
                })
            })
            .collect()
    }
}
