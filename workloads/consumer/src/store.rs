//! Postgres: one transaction per batch, and the offsets that fence it.

mod statements;
mod writer;

use deadpool_postgres::{Pool, PoolError};
use realtime_contract::topic;
use std::collections::HashMap;
use thiserror::Error;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use tracing::{info, warn};
use uuid::Uuid;

use crate::batch::{Batch, DeadLetters, FeedRows, NotificationRows, OffsetRows};
use writer::Writer;

/// A batch was not stored.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// No connection.
    #[error("failed to get a connection to Postgres")]
    GetConnection {
        /// The pool's reason.
        #[source]
        source: PoolError,
    },
    /// A statement failed; nothing of the transaction stands.
    #[error("failed to {attempt}")]
    Execute {
        /// What the statement does.
        attempt: &'static str,
        /// The client's or the server's reason.
        #[source]
        source: tokio_postgres::Error,
    },
    /// Somebody else stored these offsets, or this process did and did not hear of it. Nothing of the transaction stands.
    #[error("failed to advance the offsets of {partitions:?}: they are no longer where this process left them")]
    AdvanceOffsets {
        /// The partitions of the batch.
        partitions: Vec<i32>,
    },
    /// Somebody knows a newer life of the topic already.
    #[error("failed to read the offsets: Kafka tells id {topic_id}, which the topic had in a former life")]
    ReadFormerTopic {
        /// The id.
        topic_id: Uuid,
    },
}

impl Error {
    /// The server's message, when it refused the values themselves: the same batch can never be stored. Anything else is to be tried again.
    pub(crate) fn refusal(&self) -> Option<String> {
        let Self::Execute { source, .. } = self else { return None };
        let refused = source.as_db_error()?;
        is_of_values(refused.code().code(), refused.table()).then(|| refused.message().to_owned())
    }

    /// Whether the offsets have moved.
    pub(crate) const fn is_fenced(&self) -> bool {
        matches!(self, Self::AdvanceOffsets { .. })
    }
}

/// Whether an SQLSTATE speaks of values: data exceptions, limits such as the size of a row, and constraints of the table that has what producers
/// wrote. One of another table is violated because the store is in disorder, for which no record may pay.
fn is_of_values(code: &str, table: Option<&str>) -> bool {
    match code.get(..2) {
        Some("22" | "54") => true,
        Some("23") => table == Some("notifications"),
        _ => false,
    }
}

/// Position in the feed by event id, of the events that were new.
pub(crate) type Positions = HashMap<Uuid, i64>;

/// Stores what is consumed.
#[derive(Clone)]
pub(crate) struct Store(Pool);

impl Store {
    /// A store over the pool.
    pub(crate) const fn new(pool: Pool) -> Self {
        Self(pool)
    }

    /// Stores a batch whole or not at all: offsets, dead letters, final status, feed, history. Gives the new positions.
    ///
    /// # Errors
    /// [`Error`]; after a failed commit the batch may stand nevertheless, which the next attempt finds out by its offsets.
    pub(crate) async fn write(&self, batch: &Batch) -> Result<Positions, Error> {
        let mut client = self.0.get().await.map_err(|source| Error::GetConnection { source })?;
        let transaction = client.transaction().await.map_err(failed("begin the transaction"))?;
        let writer = Writer(transaction);
        writer.advance_offsets(batch.topic_id, batch.offsets()).await?;
        writer.keep_dead_letters(batch.topic_id, &DeadLetters::of(&batch.items)).await?;
        let feed = FeedRows::of(&batch.items);
        let positions = if feed.event_ids.is_empty() {
            Positions::new()
        } else {
            writer.settle_notifications(&NotificationRows::of(&batch.items)).await?;
            writer.extend_feed(&feed).await?
        };
        writer.0.commit().await.map_err(failed("commit the batch"))?;
        Ok(positions)
    }

    /// The next offset of each partition of the consumed topic, which has that id now. Offsets of a former life of the topic are put aside, those
    /// without id adopted, in one transaction.
    ///
    /// # Errors
    /// [`Error`] when Postgres does not answer, or when the id is a former one: then Kafka has not heard yet of the topic's new life.
    pub(crate) async fn offsets(&self, topic_id: Uuid) -> Result<HashMap<i32, i64>, Error> {
        let attempt = "read the offsets";
        let topic: [&(dyn ToSql + Sync); 2] = [&topic::NOTIFICATIONS, &topic_id];
        let mut client = self.0.get().await.map_err(|source| Error::GetConnection { source })?;
        let writer = Writer(client.transaction().await.map_err(failed("begin the transaction"))?);
        let is_former = writer.query(attempt, statements::IS_FORMER, &topic).await?;
        if is_former.iter().any(|row| row.get(0)) {
            return Err(Error::ReadFormerTopic { topic_id });
        }
        let retired = writer.query("put former offsets aside", statements::RETIRE_TOPIC, &topic).await?;
        let adopted = writer.query("adopt the offsets", statements::ADOPT_OFFSETS, &topic).await?;
        let rows = writer.query(attempt, statements::OFFSETS, &topic).await?;
        writer.0.commit().await.map_err(failed("commit the topic's id"))?;
        tell_changes(topic_id, &retired, &adopted);
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Notes where partitions begin that were never consumed; one that has been meanwhile stays as it is.
    ///
    /// # Errors
    /// [`Error`] when Postgres does not answer.
    pub(crate) async fn begin_partitions(&self, topic_id: Uuid, starts: &[(i32, i64)]) -> Result<(), Error> {
        let (partitions, next): (Vec<i32>, Vec<i64>) = starts.iter().copied().unzip();
        let values: [&(dyn ToSql + Sync); 4] = [&topic::NOTIFICATIONS, &topic_id, &partitions, &next];
        self.query("begin new partitions", statements::BEGIN_PARTITIONS, &values).await.map(drop)
    }

    /// Sets partitions back: of each its number, the offset that is expected, and the one that is next instead. All or none.
    ///
    /// # Errors
    /// [`Error`] when Postgres does not answer, or somebody else moved an offset meanwhile.
    pub(crate) async fn rewind_partitions(&self, topic_id: Uuid, moves: &[(i32, i64, i64)]) -> Result<(), Error> {
        let mut client = self.0.get().await.map_err(|source| Error::GetConnection { source })?;
        let writer = Writer(client.transaction().await.map_err(failed("begin the transaction"))?);
        writer.advance_offsets(topic_id, OffsetRows::of(moves)).await?;
        writer.0.commit().await.map_err(failed("commit the offsets"))
    }

    async fn query(
        &self,
        attempt: &'static str,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let client = self.0.get().await.map_err(|source| Error::GetConnection { source })?;
        let prepared = client.prepare_cached(statement).await.map_err(failed(attempt))?;
        client.query(&prepared, values).await.map_err(failed(attempt))
    }
}

fn tell_changes(topic_id: Uuid, retired: &[Row], adopted: &[Row]) {
    let topic = topic::NOTIFICATIONS;
    for row in retired {
        let (partition, former_id, next): (i32, Uuid, i64) = (row.get(0), row.get(1), row.get(2));
        warn!(topic, partition, %former_id, next, %topic_id, "topic was created anew, the partition begins at its beginning");
    }
    if !adopted.is_empty() {
        let partitions: Vec<i32> = adopted.iter().map(|row| row.get(0)).collect();
        info!(topic, ?partitions, %topic_id, "stored offsets adopted for the topic's id");
    }
}

fn failed(attempt: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    move |source| Error::Execute { attempt, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_producer_wrote_makes_a_dead_letter() {
        assert!(is_of_values("22P02", None) && is_of_values("54000", Some("feed")));
        assert!(is_of_values("23514", Some("notifications")));
        for table in [Some("feed"), Some("feed_counter"), Some("events"), None] {
            assert!(!is_of_values("23505", table), "{table:?}");
        }
        assert!(!is_of_values("40001", Some("notifications")) && !is_of_values("", None));
    }
}
