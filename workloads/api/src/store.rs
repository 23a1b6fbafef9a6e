//! Every query of the API.

mod inbox;
mod lease;
mod list;
mod publish;
mod rows;
mod single;

use std::time::Duration;

use deadpool_postgres::{Pool, PoolError};
use realtime_contract::feed::FeedEntry;
use thiserror::Error;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

pub(crate) use self::{
    inbox::COUNTED,
    publish::{Claim, Published},
    rows::Stored,
    single::Happening,
};
use self::{
    lease::Lease,
    rows::{column, feed_entry, position},
};

/// A request is answered within 2 s, also when Postgres is away.
const REQUEST_LIMIT: Duration = Duration::from_millis(1_700);

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
    /// The transaction of a POST was refused, and undone.
    #[error("failed to store notifications")]
    StoreNotifications(#[source] tokio_postgres::Error),
    /// The transaction of a POST was sent, and its connection broke before the answer.
    #[error("failed to learn whether notifications were stored")]
    LearnOutcome(#[source] tokio_postgres::Error),
    /// The transaction of a POST was sent, and nothing came back in time.
    #[error("failed to learn in time whether notifications were stored")]
    AwaitOutcome,
    /// An earlier request has the key, and its answer cannot be had.
    #[error("failed to read the answer to the request that had the key before")]
    ReadAnswer(#[source] Option<Box<Self>>),
    /// The list.
    #[error("failed to list notifications")]
    ListNotifications(#[source] tokio_postgres::Error),
    /// One notification, or its history.
    #[error("failed to read notification {id}")]
    ReadNotification { id: Uuid, source: tokio_postgres::Error },
    /// What a user has not read.
    #[error("failed to count what is not read")]
    CountUnread(#[source] tokio_postgres::Error),
    /// What a user has read.
    #[error("failed to mark notifications")]
    MarkNotifications(#[source] tokio_postgres::Error),
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

impl Error {
    /// Whether what was to be stored may have been.
    pub(crate) const fn leaves_open(&self) -> bool {
        matches!(self, Self::LearnOutcome(_) | Self::AwaitOutcome | Self::ReadAnswer(_))
    }
}

/// Where the feed stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedState {
    pub(crate) epoch: Uuid,
    pub(crate) position: u64,
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
        query(&mut self.lease().await?, text, parameters).await
    }

    async fn lease(&self) -> Result<Lease, Error> {
        Lease::of(&self.pool).await
    }
}

/// The inner result is the server's answer, for which each caller has its own words.
async fn query(
    lease: &mut Lease,
    text: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Result<Vec<Row>, tokio_postgres::Error>, Error> {
    match lease.prepare(text).await.map_err(|_| Error::AwaitPostgres)? {
        Ok(statement) => lease.query(&statement, parameters).await.map_err(|_| Error::AwaitPostgres),
        Err(error) => Ok(Err(error)),
    }
}
