//! One turn: shards are locked, their oldest records taken out, produced, and the deletion committed, in one transaction.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use deadpool_postgres::{Pool, PoolError, Transaction};
use futures::join;
use thiserror::Error;
use tokio_postgres::{
    Row,
    types::{Json, ToSql},
};

use super::producer::{self, Outgoing};

/// How long a turn waits for acknowledgements while it holds its shards.
const PATIENCE: Duration = Duration::from_secs(5);
/// First key of the advisory locks; the second is the shard.
const LOCK_SPACE: i32 = 0x6f62;

/// Why a turn came to nothing. What was not acknowledged stays in the outbox.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// No connection could be had.
    #[error("failed to connect to Postgres")]
    ConnectPostgres(#[source] PoolError),
    /// Begin, lock or take.
    #[error("failed to read the outbox")]
    ReadOutbox(#[source] tokio_postgres::Error),
    /// Delete or commit.
    #[error("failed to delete {records} acknowledged records from the outbox")]
    DeleteAcknowledged { records: usize, source: tokio_postgres::Error },
    /// The producer cannot be made.
    #[error("failed to make the producer")]
    MakeProducer(#[from] producer::Error),
}

/// Kafka did not take a record.
#[derive(Debug, Error)]
#[error("failed to hand outbox record {id} to Kafka")]
pub(crate) struct Refusal {
    id: i64,
    source: producer::Error,
}

/// What became of the shards that were asked for. Those without records are not named.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Records that Kafka acknowledged and that are deleted.
    pub(crate) delivered: usize,
    /// Records that stay.
    pub(crate) kept: usize,
    /// Shards that may have more.
    pub(crate) more: BTreeSet<i16>,
    /// Shards that another relay works on.
    pub(crate) busy: BTreeSet<i16>,
    /// Shards that Kafka did not take all records of. The producer holds some and must go.
    pub(crate) failed: BTreeSet<i16>,
    /// The first reason.
    pub(crate) refusal: Option<Refusal>,
}

/// A record that waits.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: i64,
    pub(crate) shard: i16,
    pub(crate) topic: String,
    pub(crate) key: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) headers: HashMap<String, String>,
}

/// How much one turn takes. It is shared out among the shards, so that none has to wait for what stands in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portion {
    /// Records.
    pub(crate) records: i64,
    /// Bytes of payload, which the last record of each shard may exceed.
    pub(crate) bytes: i64,
}

impl Portion {
    /// What each of so many shards may have.
    fn of_each(self, shards: usize) -> Self {
        let shards = i64::try_from(shards).unwrap_or(i64::MAX).max(1);
        Self { records: (self.records / shards).max(1), bytes: (self.bytes / shards).max(1) }
    }
}

// Materialized: the lock is tried only for shards that were asked for and have records.
const LOCK: &str = "
    WITH asked AS MATERIALIZED (
        SELECT asked_shard AS shard FROM unnest($1::smallint[]) AS asked_shard
        WHERE EXISTS (SELECT FROM outbox WHERE outbox.shard = asked_shard)
    )
    SELECT shard, pg_try_advisory_xact_lock($2::integer, shard::integer) FROM asked";
// Deletes exactly what it gives out: ids are not committed in their order, so a range of them could cover a record that nobody has read. A row
// of the outbox is never updated and only deleted under its shard's lock, so its ctid holds. Of each shard it ends where the bytes of the records
// before reach the bound, so that it has one record at least.
const TAKE: &str = "
    DELETE FROM outbox WHERE ctid = ANY (ARRAY(
        SELECT oldest.ctid FROM unnest($1::smallint[]) AS locked (shard) CROSS JOIN LATERAL (
            SELECT ctid, coalesce(sum(octet_length(payload)) OVER (
                ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
            FROM (
                SELECT ctid, id, payload FROM outbox WHERE outbox.shard = locked.shard ORDER BY id LIMIT $2
            ) AS next
        ) AS oldest WHERE bytes_before < $3::bigint
    )) RETURNING id, shard, topic, key, payload, headers";
const DELETE: &str = "DELETE FROM outbox WHERE id = ANY($1::bigint[])";

/// Relays the oldest records of the shards that no other relay holds.
pub(crate) async fn work(
    pool: &Pool,
    producer: &Outgoing,
    shards: &BTreeSet<i16>,
    portion: Portion,
) -> Result<Turn, Error> {
    let mut client = pool.get().await.map_err(Error::ConnectPostgres)?;
    let transaction = client.transaction().await.map_err(Error::ReadOutbox)?;
    let (locked, busy) = lock(&transaction, shards).await.map_err(Error::ReadOutbox)?;
    if locked.is_empty() {
        return Ok(Turn { busy, ..Turn::default() });
    }
    let each = portion.of_each(locked.len());
    let records = take(&transaction, &locked, each).await.map_err(Error::ReadOutbox)?;
    let outcomes = producer.deliver(&records, PATIENCE).await;
    let Settled { acknowledged, failed, refusal } = settle(&records, outcomes);
    let kept = records.len() - acknowledged.len();
    let undo = (kept > 0).then_some(acknowledged.as_slice());
    let committed = commit(transaction, undo).await;
    committed.map_err(|source| Error::DeleteAcknowledged { records: acknowledged.len(), source })?;
    Ok(Turn { delivered: acknowledged.len(), kept, more: unfinished(&records, each), busy, failed, refusal })
}

/// The shards that are locked now, and those that another relay has.
async fn lock(
    transaction: &Transaction<'_>,
    shards: &BTreeSet<i16>,
) -> Result<(Vec<i16>, BTreeSet<i16>), tokio_postgres::Error> {
    let shards: Vec<i16> = shards.iter().copied().collect();
    let lock = transaction.prepare_cached(LOCK).await?;
    let (mut locked, mut busy) = (Vec::new(), BTreeSet::new());
    for row in transaction.query(&lock, &[&shards, &LOCK_SPACE]).await? {
        let shard = row.try_get(0)?;
        if row.try_get(1)? {
            locked.push(shard);
        } else {
            busy.insert(shard);
        }
    }
    Ok((locked, busy))
}

/// The oldest records of each shard, in the order of their ids. A statement of its own: its snapshot is taken after the locks, so it sees what the
/// last holder deleted.
async fn take(
    transaction: &Transaction<'_>,
    locked: &[i16],
    each: Portion,
) -> Result<Vec<Record>, tokio_postgres::Error> {
    let take = transaction.prepare_cached(TAKE).await?;
    let portion: [&(dyn ToSql + Sync); 3] = [&locked, &each.records, &each.bytes];
    let (saved, rows) = join!(transaction.batch_execute("SAVEPOINT taken"), transaction.query(&take, &portion));
    saved?;
    let mut records: Vec<Record> = rows?.iter().map(record).collect::<Result<_, _>>()?;
    records.sort_unstable_by_key(|record| record.id);
    Ok(records)
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

/// Commits the deletion; of these ids only, when it has to be undone for others.
async fn commit(transaction: Transaction<'_>, only: Option<&[i64]>) -> Result<(), tokio_postgres::Error> {
    if let Some(acknowledged) = only {
        transaction.batch_execute("ROLLBACK TO SAVEPOINT taken").await?;
        if !acknowledged.is_empty() {
            let delete = transaction.prepare_cached(DELETE).await?;
            transaction.execute(&delete, &[&acknowledged]).await?;
        }
    }
    transaction.commit().await
}

/// What may be deleted, and what may not.
#[derive(Debug, Default)]
struct Settled {
    /// Ids of the records that are acknowledged with all before them in their shard: a shard that fails holds no other up, and nothing is sent
    /// again behind what was deleted.
    acknowledged: Vec<i64>,
    failed: BTreeSet<i16>,
    refusal: Option<Refusal>,
}

fn settle(records: &[Record], outcomes: Vec<Result<(), producer::Error>>) -> Settled {
    let mut settled = Settled::default();
    for (record, outcome) in records.iter().zip(outcomes) {
        match outcome {
            Ok(()) if !settled.failed.contains(&record.shard) => settled.acknowledged.push(record.id),
            Ok(()) => {}
            Err(source) => {
                settled.failed.insert(record.shard);
                settled.refusal.get_or_insert(Refusal { id: record.id, source });
            }
        }
    }
    settled
}

/// Shards that used up what each may have.
fn unfinished(records: &[Record], each: Portion) -> BTreeSet<i16> {
    let mut taken: BTreeMap<i16, (i64, i64)> = BTreeMap::new();
    for record in records {
        let (number, bytes) = taken.entry(record.shard).or_default();
        *number += 1;
        *bytes += i64::try_from(record.payload.len()).unwrap_or(i64::MAX);
    }
    let used_up = |(_, (number, bytes)): &(i16, (i64, i64))| *number >= each.records || *bytes >= each.bytes;
    taken.into_iter().filter(used_up).map(|(shard, _)| shard).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(shard: i16, id: i64) -> Record {
        Record {
            id,
            shard,
            topic: "notifications".into(),
            key: "key".into(),
            payload: vec![0; 100],
            headers: [].into(),
        }
    }

    fn outcomes(acknowledged: &[bool]) -> Vec<Result<(), producer::Error>> {
        let outcome = |yes: &bool| if *yes { Ok(()) } else { Err(producer::Error::AwaitAcknowledgement) };
        acknowledged.iter().map(outcome).collect()
    }

    #[test]
    fn a_shard_that_fails_keeps_what_comes_behind_and_no_other() {
        let records = [record(1, 10), record(2, 11), record(1, 12), record(2, 13), record(1, 14), record(3, 15)];
        let settled = settle(&records, outcomes(&[true, true, false, true, true, true]));
        assert_eq!(settled.acknowledged, [10, 11, 13, 15]);
        assert_eq!(settled.failed, [1].into());
        assert_eq!(settled.refusal.unwrap().id, 12);
    }

    #[test]
    fn nothing_is_deleted_behind_a_first_record_that_failed() {
        let settled = settle(&[record(1, 10), record(1, 11)], outcomes(&[false, true]));
        assert!(settled.acknowledged.is_empty());
    }

    #[test]
    fn a_portion_is_shared_out_and_never_nothing() {
        let portion = Portion { records: 100, bytes: 1000 };
        assert_eq!(portion.of_each(4), Portion { records: 25, bytes: 250 });
        assert_eq!(portion.of_each(3000), Portion { records: 1, bytes: 1 });
        assert_eq!(portion.of_each(0), portion);
    }

    #[test]
    fn a_shard_has_more_when_its_records_or_bytes_are_used_up() {
        let records = [record(1, 10), record(1, 11), record(2, 12), record(3, 13)];
        assert_eq!(unfinished(&records, Portion { records: 2, bytes: 1000 }), [1].into());
        assert_eq!(unfinished(&records, Portion { records: 9, bytes: 100 }), [1, 2, 3].into());
        assert!(unfinished(&records, Portion { records: 3, bytes: 201 }).is_empty());
    }
}
