//! Rows and histories side by side, in batches of bounded size.

use std::collections::BTreeMap;
use std::pin::pin;

use futures::TryStreamExt;
use realtime_contract::event::JsonText;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, GenericClient, IsolationLevel, Row, Statement};
use uuid::Uuid;

use super::Error;
use super::past::{Event, Past, State};

/// Notifications of a batch at most.
const BATCH: i64 = 512;
/// Bytes of a batch's messages and data, in rows and creations, which the last notification may exceed.
const BATCH_BYTES: i64 = 8 * 1024 * 1024;

const NEXT: &str = "
    WITH next AS (
        SELECT id FROM (
            (SELECT DISTINCT aggregate_id AS id FROM events WHERE aggregate_id >= $1 ORDER BY aggregate_id LIMIT $2)
            UNION
            (SELECT id FROM notifications WHERE id >= $1 ORDER BY id LIMIT $2)
        ) AS known ORDER BY id LIMIT $2
    ), measured AS (
        SELECT next.id, coalesce((
                SELECT max(octet_length(payload::text)) FROM events
                WHERE events.aggregate_id = next.id AND events.type = 'NotificationCreated'
            ), 0) + coalesce((
                SELECT octet_length(message) + coalesce(octet_length(data::text), 0) FROM notifications
                WHERE notifications.id = next.id
            ), 0) AS bytes
        FROM next
    )
    SELECT id FROM (
        SELECT id, coalesce(sum(bytes) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
        FROM measured
    ) AS summed
    WHERE bytes_before < $3::bigint ORDER BY id";

const ROWS: &str = "
    SELECT id, message, type, channel, status, data::text, created_at, processed_at, read_at FROM notifications
    WHERE id = ANY($1::uuid[])";

/// Locks what it reads, so that whoever writes about the notification waits.
const LOCK_ROW: &str = "
    SELECT id, message, type, channel, status, data::text, created_at, processed_at, read_at FROM notifications
    WHERE id = $1 FOR UPDATE";

/// Only creations say more than that and when they happened.
const EVENTS: &str = "
    SELECT aggregate_id, id, type, CASE WHEN type = 'NotificationCreated' THEN payload::text ELSE '' END, occurred_at
    FROM events WHERE aggregate_id = ANY($1::uuid[]) ORDER BY aggregate_id, ordinal";

const SAME_VALUES: &str = "
    SELECT first::jsonb = second::jsonb FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS pair (first, second, place)
    ORDER BY place";

/// What is known of one notification.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) row: Option<State>,
    pub(super) past: Past,
    pub(super) events: u64,
}

/// The statements, prepared once.
pub(super) struct Reader {
    next: Statement,
    rows: Statement,
    events: Statement,
}

impl Reader {
    /// # Errors
    /// When Postgres does not answer, or lacks a table or column.
    pub(super) async fn prepare(client: &Client) -> Result<Self, Error> {
        let prepare = async |text| client.prepare(text).await.map_err(Error::reading);
        Ok(Self { next: prepare(NEXT).await?, rows: prepare(ROWS).await?, events: prepare(EVENTS).await? })
    }

    /// The notifications from that id on, by id: as many as a batch takes, all as they were at one moment. A change writes row and event in one
    /// transaction, so what is going on meanwhile makes no difference.
    ///
    /// # Errors
    /// When Postgres does not answer, or has something in a row that its schema does not allow.
    pub(super) async fn batch(&self, client: &mut Client, from: Uuid) -> Result<BTreeMap<Uuid, Known>, Error> {
        let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let snapshot = snapshot.start().await.map_err(Error::reading)?;
        let next = snapshot.query(&self.next, &[&from, &BATCH, &BATCH_BYTES]).await.map_err(Error::reading)?;
        let ids: Vec<Uuid> = next.iter().map(|row| row.get(0)).collect();
        let mut batch: BTreeMap<Uuid, Known> = ids.iter().map(|id| (*id, Known::default())).collect();
        for row in snapshot.query(&self.rows, &[&ids]).await.map_err(Error::reading)? {
            batch.entry(row.get(0)).or_default().row = Some(state(&row)?);
        }
        fold(&snapshot, &self.events, ids, &mut batch).await?;
        forgive_forms(&snapshot, &mut batch).await?;
        snapshot.commit().await.map_err(Error::reading)?;
        Ok(batch)
    }

    /// One notification, whose row is locked from here to the end of the transaction.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub(super) async fn lock(&self, transaction: &impl GenericClient, id: Uuid) -> Result<Known, Error> {
        let row = transaction.query_opt(LOCK_ROW, &[&id]).await.map_err(Error::reading)?;
        let row = row.as_ref().map(state).transpose()?;
        let mut batch = BTreeMap::from([(id, Known { row, ..Known::default() })]);
        fold(transaction, &self.events, vec![id], &mut batch).await?;
        forgive_forms(transaction, &mut batch).await?;
        Ok(batch.remove(&id).unwrap_or_default())
    }
}

/// Folds the events as they come: a long history takes no more memory than a short one.
async fn fold(
    client: &impl GenericClient,
    statement: &Statement,
    ids: Vec<Uuid>,
    batch: &mut BTreeMap<Uuid, Known>,
) -> Result<(), Error> {
    let values: [&(dyn ToSql + Sync); 1] = [&ids];
    let events = client.query_raw(statement, values).await.map_err(Error::reading)?;
    let mut events = pin!(events);
    while let Some(row) = events.try_next().await.map_err(Error::reading)? {
        let id = row.get(0);
        let known = batch.entry(id).or_default();
        let event = Event { id: row.get(1), kind: row.get(2), payload: row.get(3), occurred_at: row.get(4) };
        known.past.apply(id, &event);
        known.events += 1;
    }
    Ok(())
}

/// Histories of version 0.1 before `ordinal` have data in the form that `jsonb` gave it. The same value in another form is no difference; Postgres
/// compares, because it loses no digit of a number.
async fn forgive_forms(client: &impl GenericClient, batch: &mut BTreeMap<Uuid, Known>) -> Result<(), Error> {
    let mut differing: Vec<&mut Known> = batch.values_mut().filter(|known| forms(known).is_some()).collect();
    if differing.is_empty() {
        return Ok(());
    }
    let (stored, rebuilt): (Vec<String>, Vec<String>) = differing.iter().filter_map(|known| forms(known)).unzip();
    let rows = client.query(SAME_VALUES, &[&stored, &rebuilt]).await.map_err(Error::reading)?;
    for (known, row) in differing.iter_mut().zip(&rows) {
        if row.get(0) {
            known.past.take_form(known.row.as_ref());
        }
    }
    Ok(())
}

/// Data of the row and of the history, where their texts differ.
fn forms(known: &Known) -> Option<(String, String)> {
    let stored = known.row.as_ref()?.data.as_ref()?;
    let rebuilt = known.past.data()?;
    (stored != rebuilt).then(|| (stored.text().to_owned(), rebuilt.text().to_owned()))
}

fn state(row: &Row) -> Result<State, Error> {
    let id: Uuid = row.get(0);
    let data: Option<String> = row.get(5);
    let data = data.map(JsonText::from_text).transpose();
    Ok(State {
        message: row.get(1),
        kind: row.get(2),
        channel: row.get(3),
        status: row.get(4),
        data: data.map_err(|source| Error::DecodeData { id, source })?,
        created_at: row.get(6),
        processed_at: row.get(7),
        read_at: row.get(8),
    })
}
