//! The steps of a batch's transaction.

use deadpool_postgres::Transaction;
use realtime_contract::feed::NOTIFY_FEED;
use realtime_contract::topic;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Error, Positions, failed, statements};
use crate::batch::{DeadLetters, FeedRows, NotificationRows, OffsetRows};

/// The transaction, until it is committed.
pub(super) struct Writer<'a>(pub(super) Transaction<'a>);

impl Writer<'_> {
    async fn execute(
        &self,
        attempt: &'static str,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        let prepared = self.0.prepare_cached(statement).await.map_err(failed(attempt))?;
        self.0.execute(&prepared, values).await.map_err(failed(attempt))
    }

    pub(super) async fn query(
        &self,
        attempt: &'static str,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let prepared = self.0.prepare_cached(statement).await.map_err(failed(attempt))?;
        self.0.query(&prepared, values).await.map_err(failed(attempt))
    }

    /// First of all, so that of two owners of a partition the second waits here and then finds that it is none.
    pub(super) async fn advance_offsets(&self, topic_id: Uuid, rows: OffsetRows) -> Result<(), Error> {
        let values: [&(dyn ToSql + Sync); 5] =
            [&topic::NOTIFICATIONS, &topic_id, &rows.partitions, &rows.expected, &rows.next];
        let advanced = self.execute("advance the offsets", statements::ADVANCE_OFFSETS, &values).await?;
        if advanced == rows.partitions.len() as u64 {
            Ok(())
        } else {
            Err(Error::AdvanceOffsets { partitions: rows.partitions })
        }
    }

    pub(super) async fn keep_dead_letters(&self, topic_id: Uuid, rows: &DeadLetters) -> Result<(), Error> {
        if rows.offsets.is_empty() {
            return Ok(());
        }
        let values: [&(dyn ToSql + Sync); 8] = [
            &topic::NOTIFICATIONS,
            &topic_id,
            &rows.partitions,
            &rows.offsets,
            &rows.reasons,
            &rows.keys,
            &rows.payloads,
            &rows.headers,
        ];
        self.execute("keep dead letters", statements::KEEP_DEAD_LETTERS, &values).await.map(drop)
    }

    /// Gives the notifications their final status. One that another producer put into Kafka gets its row here, and the beginning of its history.
    pub(super) async fn settle_notifications(&self, rows: &NotificationRows) -> Result<(), Error> {
        let values: [&(dyn ToSql + Sync); 8] = [
            &rows.ids,
            &rows.messages,
            &rows.kinds,
            &rows.channels,
            &rows.data,
            &rows.timestamps,
            &rows.events,
            &rows.trace_contexts,
        ];
        self.execute("settle notifications", statements::SETTLE_NOTIFICATIONS, &values).await.map(drop)
    }

    /// Last of all, because the counter's row is locked from here to the commit.
    pub(super) async fn extend_feed(&self, rows: &FeedRows) -> Result<Positions, Error> {
        let attempt = "extend the feed";
        let counter = self.0.prepare_cached(statements::LOCK_COUNTER).await.map_err(failed(attempt))?;
        let position: i64 = self.0.query_one(&counter, &[]).await.map_err(failed(attempt))?.get(0);
        let extend = self.0.prepare_cached(statements::EXTEND_FEED).await.map_err(failed(attempt))?;
        let values: [&(dyn ToSql + Sync); 7] = [
            &position,
            &rows.event_ids,
            &rows.channels,
            &rows.notifications,
            &rows.traceparents,
            &rows.notification_ids,
            &rows.trace_contexts,
        ];
        let placed = self.0.query(&extend, &values).await.map_err(failed(attempt))?;
        if !placed.is_empty() {
            let highest = position + placed.len() as i64;
            self.execute("move the feed's counter", statements::MOVE_COUNTER, &[&highest]).await?;
            self.execute("wake the feeder", statements::WAKE_FEEDER, &[&NOTIFY_FEED]).await?;
        }
        Ok(placed.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}
