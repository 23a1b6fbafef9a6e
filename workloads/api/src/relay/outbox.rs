//! One batch of records: locked, produced, deleted in one transaction.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use deadpool_postgres::{Pool, PoolError, Transaction};
use thiserror::Error;
use tokio::time::Instant;
use tokio_postgres::{Row, types::Json};

use super::producer::{self, Outgoing};
use crate::metrics::Metrics;

/// How long a batch may hold its shards.
const LEASE: Duration = Duration::from_secs(5);
/// Records of one batch at most.
const BATCH: i64 = 1000;
/// First key of the advisory locks; the second is the shard.
const LOCK_SPACE: i32 = 0x6f62;

/// Why a batch ended early. What was not acknowledged stays in the outbox.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// No connection could be had.
    #[error("failed to connect to Postgres")]
    ConnectPostgres(#[source] PoolError),
    /// Begin, lock or read.
    #[error("failed to read the outbox")]
    ReadOutbox(#[source] tokio_postgres::Error),
    /// Delete or commit.
    #[error("failed to delete {records} acknowledged records from the outbox")]
    DeleteAcknowledged { records: usize, source: tokio_postgres::Error },
    /// The producer cannot be made.
    #[error("failed to make the producer")]
    MakeProducer(#[from] producer::Error),
    /// Kafka did not take all records in time.
    #[error("failed to hand outbox record {id} to Kafka")]
    ProduceRecord { id: i64, source: producer::Error },
}

/// A batch that went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Worked {
    /// Records that Kafka acknowledged.
    pub(crate) records: usize,
    /// Whether there may be more.
    pub(crate) more: bool,
}

/// A record that waits.
pub(crate) struct Record {
    pub(crate) id: i64,
    pub(crate) topic: String,
    pub(crate) key: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) headers: HashMap<String, String>,
}

// Materialized: the lock is tried only for shards that were asked for and have records.
const LOCK: &str = "
    WITH asked AS MATERIALIZED (
        SELECT asked_shard AS shard FROM unnest($1::smallint[]) AS asked_shard
        WHERE EXISTS (SELECT FROM outbox WHERE outbox.shard = asked_shard)
    )
    SELECT shard FROM asked WHERE pg_try_advisory_xact_lock($2::integer, shard::integer)";
const READ: &str = "
    SELECT id, topic, key, payload, headers FROM outbox WHERE shard = ANY($1::smallint[]) ORDER BY id LIMIT $2";
const DELETE: &str = "DELETE FROM outbox WHERE id = ANY($1::bigint[])";

/// Relays one batch of the shards that no other relay holds.
pub(crate) async fn work(
    pool: &Pool,
    producer: &Outgoing,
    shards: &BTreeSet<i16>,
    metrics: &Metrics,
) -> Result<Worked, Error> {
    let mut client = pool.get().await.map_err(Error::ConnectPostgres)?;
    let transaction = client.transaction().await.map_err(Error::ReadOutbox)?;
    let records = lock_and_read(&transaction, shards).await.map_err(Error::ReadOutbox)?;
    let more = i64::try_from(records.len()).is_ok_and(|count| count == BATCH);
    let (acknowledged, failure) = produce(producer, &records).await;
    metrics.relayed.with_label_values(&["acknowledged"]).inc_by(acknowledged.len() as u64);
    let deleted = delete(transaction, &acknowledged).await;
    deleted.map_err(|source| Error::DeleteAcknowledged { records: acknowledged.len(), source })?;
    match failure {
        None => Ok(Worked { records: acknowledged.len(), more }),
        Some(error) => {
            metrics.relayed.with_label_values(&["failed"]).inc_by((records.len() - acknowledged.len()) as u64);
            Err(error)
        }
    }
}

async fn lock_and_read(
    transaction: &Transaction<'_>,
    shards: &BTreeSet<i16>,
) -> Result<Vec<Record>, tokio_postgres::Error> {
    let shards: Vec<i16> = shards.iter().copied().collect();
    let lock = transaction.prepare_cached(LOCK).await?;
    let locked = transaction.query(&lock, &[&shards, &LOCK_SPACE]).await?;
    let locked: Vec<i16> = locked.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if locked.is_empty() {
        return Ok(Vec::new());
    }
    // A statement of its own: its snapshot is taken after the locks, so it sees what the last holder deleted.
    let read = transaction.prepare_cached(READ).await?;
    transaction.query(&read, &[&locked, &BATCH]).await?.iter().map(record).collect()
}

fn record(row: &Row) -> Result<Record, tokio_postgres::Error> {
    let Json(headers) = row.try_get(4)?;
    Ok(Record { id: row.try_get(0)?, topic: row.try_get(1)?, key: row.try_get(2)?, payload: row.try_get(3)?, headers })
}

/// Sends all, then waits for each in order until the lease ends or one fails.
async fn produce(producer: &Outgoing, records: &[Record]) -> (Vec<i64>, Option<Error>) {
    let deadline = Instant::now() + LEASE;
    let mut acknowledged = Vec::with_capacity(records.len());
    let mut deliveries = Vec::with_capacity(records.len());
    let mut failure = None;
    for record in records {
        match producer.send(record) {
            Ok(delivery) => deliveries.push((record.id, delivery)),
            Err(source) => {
                failure = Some(Error::ProduceRecord { id: record.id, source });
                break;
            }
        }
    }
    for (id, delivery) in deliveries {
        match producer::acknowledgement(delivery, deadline).await {
            Ok(()) => acknowledged.push(id),
            Err(source) => return (acknowledged, Some(Error::ProduceRecord { id, source })),
        }
    }
    (acknowledged, failure)
}

async fn delete(transaction: Transaction<'_>, acknowledged: &[i64]) -> Result<(), tokio_postgres::Error> {
    if !acknowledged.is_empty() {
        let delete = transaction.prepare_cached(DELETE).await?;
        transaction.execute(&delete, &[&acknowledged]).await?;
    }
    transaction.commit().await
}
