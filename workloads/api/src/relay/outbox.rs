//! One batch of records: locked, produced, deleted in one transaction.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
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
/// Bytes of payload of one batch, which the last record may exceed.
const BATCH_BYTES: i64 = 4 * 1024 * 1024;
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
    pub(crate) shard: i16,
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
// A batch ends where the bytes of the records before reach the bound, so that it has one record at least.
const READ: &str = "
    SELECT id, shard, topic, key, payload, headers, found FROM (
        SELECT *, count(*) OVER () AS found, coalesce(sum(octet_length(payload)) OVER (
            ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
        FROM (
            SELECT id, shard, topic, key, payload, headers FROM outbox
            WHERE shard = ANY($1::smallint[]) ORDER BY id LIMIT $2
        ) AS oldest
    ) AS measured
    WHERE bytes_before < $3::bigint ORDER BY id";
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
    let (records, more) = lock_and_read(&transaction, shards).await.map_err(Error::ReadOutbox)?;
    let (acknowledged, failure) = produce(producer, &records).await;
    metrics.relayed.with_label_values(&["acknowledged"]).inc_by(acknowledged.len() as u64);
    let deleted = delete(transaction, &acknowledged).await;
    let deleted = deleted.map_err(|source| Error::DeleteAcknowledged { records: acknowledged.len(), source });
    // A failed delete only sends records again. A failed record is the graver news: the producer that holds it must go.
    match failure {
        None => deleted.map(|()| Worked { records: acknowledged.len(), more }),
        Some(error) => {
            metrics.relayed.with_label_values(&["failed"]).inc_by((records.len() - acknowledged.len()) as u64);
            Err(error)
        }
    }
}

/// The records, and whether there may be more of them.
async fn lock_and_read(
    transaction: &Transaction<'_>,
    shards: &BTreeSet<i16>,
) -> Result<(Vec<Record>, bool), tokio_postgres::Error> {
    let shards: Vec<i16> = shards.iter().copied().collect();
    let lock = transaction.prepare_cached(LOCK).await?;
    let locked = transaction.query(&lock, &[&shards, &LOCK_SPACE]).await?;
    let locked: Vec<i16> = locked.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if locked.is_empty() {
        return Ok((Vec::new(), false));
    }
    // A statement of its own: its snapshot is taken after the locks, so it sees what the last holder deleted.
    let read = transaction.prepare_cached(READ).await?;
    let rows = transaction.query(&read, &[&locked, &BATCH, &BATCH_BYTES]).await?;
    let found: i64 = rows.first().map_or(Ok(0), |row| row.try_get(6))?;
    let records: Vec<Record> = rows.iter().map(record).collect::<Result<_, _>>()?;
    let left_out = usize::try_from(found).is_ok_and(|found| found > records.len());
    Ok((records, left_out || found >= BATCH))
}

fn record(row: &Row) -> Result<Record, tokio_postgres::Error> {
    let Json(headers) = row.try_get(5)?;
    Ok(Record {
        id: row.try_get(0)?,
        shard: row.try_get(1)?,
        topic: row.try_get(2)?,
        key: row.try_get(3)?,
        payload: row.try_get(4)?,
        headers,
    })
}

/// Sends all, then waits for each until the lease ends. Gives what may be deleted, and the first failure.
async fn produce(producer: &Outgoing, records: &[Record]) -> (Vec<i64>, Option<Error>) {
    let deadline = Instant::now() + LEASE;
    let mut deliveries = Vec::with_capacity(records.len());
    let mut failure = None;
    for record in records {
        match producer.send(record) {
            Ok(delivery) => deliveries.push((record, delivery)),
            Err(source) => {
                failure = Some(Error::ProduceRecord { id: record.id, source });
                break;
            }
        }
    }
    let mut outcomes = Vec::with_capacity(deliveries.len());
    for (record, delivery) in deliveries {
        let outcome = producer::acknowledgement(delivery, deadline).await;
        outcomes.push((record.shard, record.id, outcome.is_ok()));
        if let Err(source) = outcome {
            failure.get_or_insert(Error::ProduceRecord { id: record.id, source });
        }
    }
    (settled(&outcomes), failure)
}

/// The ids of the records, given as shard, id and whether it was acknowledged, that are acknowledged with all before them in their shard: a shard
/// that fails holds no other up, and nothing is sent again behind what was deleted.
fn settled(outcomes: &[(i16, i64, bool)]) -> Vec<i64> {
    let mut stuck = HashSet::new();
    let mut settled = Vec::with_capacity(outcomes.len());
    for &(shard, id, acknowledged) in outcomes {
        if !acknowledged {
            stuck.insert(shard);
        } else if !stuck.contains(&shard) {
            settled.push(id);
        }
    }
    settled
}

async fn delete(transaction: Transaction<'_>, acknowledged: &[i64]) -> Result<(), tokio_postgres::Error> {
    if !acknowledged.is_empty() {
        let delete = transaction.prepare_cached(DELETE).await?;
        transaction.execute(&delete, &[&acknowledged]).await?;
    }
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_that_fails_keeps_what_comes_behind_and_no_other() {
        let outcomes = [(1, 10, true), (2, 11, true), (1, 12, false), (2, 13, true), (1, 14, true), (3, 15, true)];
        assert_eq!(settled(&outcomes), [10, 11, 13, 15]);
        assert!(settled(&[(1, 10, false), (1, 11, true)]).is_empty());
    }
}
