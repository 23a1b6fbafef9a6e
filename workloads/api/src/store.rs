//! Every query of the API.

use std::{collections::HashMap, time::Duration};

use deadpool_postgres::{Object, Pool, PoolError};
use realtime_contract::{
    event::{JsonText, Notification, NotificationCreated, NotificationStatus},
    feed::{FeedEntry, NOTIFY_OUTBOX},
    topic,
};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{
    Row,
    types::{Json, ToSql},
};
use uuid::Uuid;

use crate::{cursor::PageCursor, shard::shard_of};

/// A request is answered within 2 s, also when Postgres is away.
const REQUEST_LIMIT: Duration = Duration::from_millis(1_700);
/// Bytes of messages and data in one page of the list, which the last one may exceed.
const LIST_BYTES: i64 = 4 * 1024 * 1024;

/// What a query could not do.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// No connection could be had.
    #[error("failed to connect to Postgres")]
    ConnectPostgres(#[source] PoolError),
    /// Nothing answered in time.
    #[error("failed to reach Postgres within {} ms", REQUEST_LIMIT.as_millis())]
    AwaitPostgres,
    /// The event cannot be written as JSON.
    #[error("failed to encode notification {id}")]
    EncodeNotification { id: Uuid, source: serde_json::Error },
    /// The transaction of a POST.
    #[error("failed to store notification {id}")]
    StoreNotification { id: Uuid, source: tokio_postgres::Error },
    /// The transaction of a POST was sent, and nothing came back in time.
    #[error("failed to learn whether notification {id} was stored")]
    AwaitCommit { id: Uuid },
    /// The list.
    #[error("failed to list notifications")]
    ListNotifications(#[source] tokio_postgres::Error),
    /// Epoch and position of the feed.
    #[error("failed to read where the feed stands")]
    ReadFeedState(#[source] tokio_postgres::Error),
    /// A part of the feed.
    #[error("failed to read the feed behind position {after}")]
    ReadFeed { after: u64, source: tokio_postgres::Error },
    /// A row is not what the schema promises.
    #[error("failed to decode column {column}")]
    DecodeColumn { column: &'static str },
}

/// Where the feed stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedState {
    pub(crate) epoch: Uuid,
    pub(crate) position: u64,
}

/// What was read of the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) notifications: Vec<Notification>,
    /// Notifications within the limit, also those that the bound on bytes left out.
    pub(crate) found: usize,
}

/// Where one read of the feed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedPage {
    /// Entries at most.
    pub(crate) entries: i64,
    /// Bytes of notifications, which the last entry may exceed.
    pub(crate) bytes: i64,
}

/// The queries, over a pool.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pool: Pool,
}

// One statement is one transaction: the row, its event, its outbox record and the wake-up of the relays, in one round trip.
const STORE_NOTIFICATION: &str = "
    WITH stored AS (
        INSERT INTO notifications (id, message, type, channel, status, data, created_at)
        VALUES ($1, $2, $3, $4, $5, $6::text::json, $7)
    ), happened AS (
        INSERT INTO events (id, aggregate_id, type, payload, trace_context, occurred_at)
        VALUES ($8, $1, $9, $10, $11, $7)
    ), outgoing AS (
        INSERT INTO outbox (shard, topic, key, payload, headers) VALUES ($12, $13, $4, $14, $11)
    )
    SELECT pg_notify($15, $12::smallint::text)";

// A page ends where the bytes of the rows before reach the bound, so that it has one row at least.
const LIST_NOTIFICATIONS: &str = "
    SELECT id, message, type, channel, status, data, created_at, found FROM (
        SELECT *, count(*) OVER () AS found, coalesce(sum(octet_length(message) + coalesce(octet_length(data), 0)) OVER (
            ORDER BY created_at DESC, id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
        FROM (
            SELECT id, message, type, channel, status, data::text AS data, created_at FROM notifications
            WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2)
            ORDER BY created_at DESC, id DESC LIMIT $3
        ) AS newest
    ) AS measured
    WHERE bytes_before < $4::bigint ORDER BY created_at DESC, id DESC";

const READ_FEED_STATE: &str = "SELECT meta.epoch, feed_counter.position FROM meta, feed_counter";

const READ_FEED: &str = "
    SELECT position, event_id, channel, notification, traceparent FROM (
        SELECT *, coalesce(sum(octet_length(notification)) OVER (
            ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
        FROM (
            SELECT position, event_id, channel, notification::text AS notification, traceparent FROM feed
            WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
        ) AS next
    ) AS measured
    WHERE bytes_before < $4::bigint ORDER BY position";

impl Store {
    pub(crate) const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Stores the notification, its event and its outbox record. When this returns, it is committed.
    pub(crate) async fn store(
        &self,
        notification: &Notification,
        trace_context: &HashMap<String, String>,
    ) -> Result<(), Error> {
        let id = notification.id;
        let event = NotificationCreated::new(Uuid::now_v7(), notification.clone());
        let payload = serde_json::to_vec(&event).map_err(|source| Error::EncodeNotification { id, source })?;
        let (client, deadline) = self.client().await?;
        timeout_at(deadline, insert(&client, &event, &payload, trace_context))
            .await
            .map_err(|_| Error::AwaitCommit { id })?
            .map_err(|source| Error::StoreNotification { id, source })
    }

    /// Notifications older than the cursor, newest first: at most `limit`, and about 4 MiB.
    pub(crate) async fn list(&self, before: Option<PageCursor>, limit: i64) -> Result<Listed, Error> {
        let (timestamp, id) = before.map(|cursor| (cursor.timestamp, cursor.id)).unzip();
        let rows = self.query(LIST_NOTIFICATIONS, &[&timestamp, &id, &limit, &LIST_BYTES]).await?;
        let rows = rows.map_err(Error::ListNotifications)?;
        let found: i64 = rows.first().map_or(Ok(0), |row| column(row, 7, "found"))?;
        let notifications = rows.iter().map(notification).collect::<Result<_, _>>()?;
        Ok(Listed { notifications, found: usize::try_from(found).unwrap_or(usize::MAX) })
    }

    /// Epoch and highest position.
    pub(crate) async fn feed_state(&self) -> Result<FeedState, Error> {
        let rows = self.query(READ_FEED_STATE, &[]).await?.map_err(Error::ReadFeedState)?;
        let row = rows.first().ok_or(Error::DecodeColumn { column: "epoch" })?;
        Ok(FeedState { epoch: column(row, 0, "epoch")?, position: position(row, 1)? })
    }

    /// Entries behind `after` up to `until`, in order, as many as the page may have.
    pub(crate) async fn feed(&self, after: u64, until: u64, page: FeedPage) -> Result<Vec<FeedEntry>, Error> {
        let [first, last] = [after, until].map(|position| i64::try_from(position).unwrap_or(i64::MAX));
        let rows = self.query(READ_FEED, &[&first, &last, &page.entries, &page.bytes]).await?;
        rows.map_err(|source| Error::ReadFeed { after, source })?.iter().map(feed_entry).collect()
    }

    async fn query(
        &self,
        text: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Result<Vec<Row>, tokio_postgres::Error>, Error> {
        let (client, deadline) = self.client().await?;
        let query = async {
            let statement = client.prepare_cached(text).await?;
            client.query(&statement, parameters).await
        };
        timeout_at(deadline, query).await.map_err(|_| Error::AwaitPostgres)
    }

    /// A connection, and until when all work of the request has to be done.
    async fn client(&self) -> Result<(Object, Instant), Error> {
        let deadline = Instant::now() + REQUEST_LIMIT;
        let client = timeout_at(deadline, self.pool.get()).await.map_err(|_| Error::AwaitPostgres)?;
        Ok((client.map_err(Error::ConnectPostgres)?, deadline))
    }
}

async fn insert(
    client: &Object,
    event: &NotificationCreated,
    payload: &[u8],
    trace_context: &HashMap<String, String>,
) -> Result<(), tokio_postgres::Error> {
    let statement = client.prepare_cached(STORE_NOTIFICATION).await?;
    let notification = &event.notification;
    client
        .execute(
            &statement,
            &[
                &notification.id,
                &notification.message,
                &notification.kind,
                &notification.channel,
                &notification.status.name(),
                &notification.data.as_ref().map(JsonText::text),
                &notification.timestamp,
                &event.id,
                &event.kind,
                &Json(event),
                &Json(trace_context),
                &shard_of(&notification.channel),
                &topic::NOTIFICATIONS,
                &payload,
                &NOTIFY_OUTBOX,
            ],
        )
        .await?;
    Ok(())
}

fn notification(row: &Row) -> Result<Notification, Error> {
    let status: String = column(row, 4, "status")?;
    let status = [NotificationStatus::Pending, NotificationStatus::Processed]
        .into_iter()
        .find(|candidate| candidate.name() == status)
        .ok_or(Error::DecodeColumn { column: "status" })?;
    Ok(Notification {
        id: column(row, 0, "id")?,
        message: column(row, 1, "message")?,
        kind: column(row, 2, "type")?,
        channel: column(row, 3, "channel")?,
        status,
        data: data(row, 5)?,
        timestamp: column(row, 6, "created_at")?,
    })
}

fn data(row: &Row, index: usize) -> Result<Option<JsonText>, Error> {
    let text = column::<Option<String>>(row, index, "data")?;
    text.map(JsonText::from_text).transpose().map_err(|_| Error::DecodeColumn { column: "data" })
}

fn feed_entry(row: &Row) -> Result<FeedEntry, Error> {
    Ok(FeedEntry {
        position: position(row, 0)?,
        event_id: column(row, 1, "event_id")?,
        channel: column(row, 2, "channel")?,
        notification: column(row, 3, "notification")?,
        traceparent: column(row, 4, "traceparent")?,
    })
}

fn position(row: &Row, index: usize) -> Result<u64, Error> {
    u64::try_from(column::<i64>(row, index, "position")?).map_err(|_| Error::DecodeColumn { column: "position" })
}

fn column<'row, T: tokio_postgres::types::FromSql<'row>>(
    row: &'row Row,
    index: usize,
    column: &'static str,
) -> Result<T, Error> {
    row.try_get(index).map_err(|_| Error::DecodeColumn { column })
}
