//! A row as its history says, and a history as its row says where nothing else does.

use realtime_contract::event::history::CREATED;
use realtime_contract::event::{Notification, NotificationCreated, NotificationStatus};
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::Error;
use super::difference::{Difference, compare};
use super::past::State;
use super::reading::Reader;

const SET_ROW: &str = "
    UPDATE notifications
    SET message = $2, type = $3, channel = $4, status = $5, data = $6::text::json, created_at = $7, processed_at = $8, read_at = $9
    WHERE id = $1";

/// Whoever writes the row at the same time writes what belongs to the history, so his row stays.
const INSERT_ROW: &str = "
    INSERT INTO notifications (id, message, type, channel, status, data, created_at, processed_at, read_at)
    VALUES ($1, $2, $3, $4, $5, $6::text::json, $7, $8, $9) ON CONFLICT (id) DO NOTHING";

const RECORD_EVENT: &str = "
    INSERT INTO events (id, aggregate_id, type, payload, occurred_at) VALUES ($1, $2, $3, $4::text::json, $5)";

/// Mends one notification in a transaction of its own, and gives the differences that are left. The row is locked and everything read again, so a
/// consumer or an API that works on it waits, or has been before. Events are added and never changed.
///
/// # Errors
/// When Postgres does not answer; then nothing of it stands.
pub(super) async fn repair(client: &mut Client, reader: &Reader, id: Uuid) -> Result<Vec<Difference>, Error> {
    let mending = |source| Error::Repair { id, source };
    let transaction = client.transaction().await.map_err(mending)?;
    let mut known = reader.lock(&transaction, id).await?;
    if let Some(row) = &known.row {
        let missing = known.past.missing_events(row);
        if !missing.is_empty() {
            for (kind, at) in missing {
                let event = Uuid::now_v7();
                let payload = if kind == CREATED { creation(event, id, row)? } else { "{}".to_owned() };
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [&event, &id, &kind, &payload, &at];
                transaction.execute(RECORD_EVENT, &values).await.map_err(mending)?;
            }
            known = reader.lock(&transaction, id).await?;
        }
    }
    if let Some(rebuilt) = known.past.state().filter(|rebuilt| known.row.as_ref() != Some(rebuilt)) {
        let statement = if known.row.is_some() { SET_ROW } else { INSERT_ROW };
        write_row(&transaction, statement, id, &rebuilt).await.map_err(mending)?;
        known = reader.lock(&transaction, id).await?;
    }
    transaction.commit().await.map_err(mending)?;
    Ok(compare(known.row.as_ref(), &known.past))
}

async fn write_row(
    transaction: &Transaction<'_>,
    statement: &str,
    id: Uuid,
    state: &State,
) -> Result<u64, tokio_postgres::Error> {
    let data = state.data.as_ref().map(|data| data.text());
    let State { message, kind, channel, status, created_at, processed_at, read_at, .. } = state;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 9] =
        [&id, message, kind, channel, status, &data, created_at, processed_at, read_at];
    transaction.execute(statement, &values).await
}

/// The event by which the notification would have come.
fn creation(event: Uuid, id: Uuid, row: &State) -> Result<String, Error> {
    let notification = Notification {
        id,
        message: row.message.clone(),
        kind: row.kind.clone(),
        channel: row.channel.clone(),
        status: NotificationStatus::Pending,
        timestamp: row.created_at,
        data: row.data.clone(),
    };
    serde_json::to_string(&NotificationCreated::new(event, notification))
        .map_err(|source| Error::EncodeEvent { id, source })
}
