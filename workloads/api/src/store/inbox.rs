//! What a user has read, and what not: a change of `read_at` and the event that tells of it, in one statement.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_postgres::{
    error::SqlState,
    types::{Json, ToSql},
};
use uuid::Uuid;

use super::{Error, REQUEST_LIMIT, Store, lease::Lease, query, rows::column};

/// What is not read is counted up to this number.
pub(crate) const COUNTED: i64 = 1_000;
/// Notifications that one statement marks.
const MARKED: i64 = 1_000;

/// The statement that marks the oldest, under such locks.
macro_rules! mark_all_read {
    ($lock:literal) => {
        concat!(
            "
    WITH chosen AS (
        SELECT id FROM notifications
        WHERE channel = $1 AND channel LIKE 'user:%' AND read_at IS NULL AND created_at <= $2
        ORDER BY created_at, id LIMIT $3 ",
            $lock,
            "
    ), changed AS (
        UPDATE notifications SET read_at = date_trunc('milliseconds', clock_timestamp())
        FROM chosen WHERE notifications.id = chosen.id AND notifications.read_at IS NULL
        RETURNING notifications.id, notifications.read_at
    )
    INSERT INTO events (id, aggregate_id, type, payload, trace_context, occurred_at)
    SELECT gen_random_uuid(), id, 'NotificationRead', '{}', $4, read_at FROM changed RETURNING 1"
        )
    };
}

const COUNT_UNREAD: &str = "
    SELECT count(*) FROM (
        SELECT FROM notifications WHERE channel = $1 AND channel LIKE 'user:%' AND read_at IS NULL LIMIT $2
    ) AS unread";

// The event is inserted under the lock of the row, so that the history tells marks in the order in which they were made, and only those that
// changed something.
const MARK_READ: &str = "
    WITH changed AS (
        UPDATE notifications SET read_at = date_trunc('milliseconds', clock_timestamp())
        WHERE id = $2 AND channel = $1 AND read_at IS NULL
        RETURNING id, read_at
    )
    INSERT INTO events (id, aggregate_id, type, payload, trace_context, occurred_at)
    SELECT gen_random_uuid(), id, 'NotificationRead', '{}', $3, read_at FROM changed RETURNING 1";

const MARK_UNREAD: &str = "
    WITH changed AS (
        UPDATE notifications SET read_at = NULL WHERE id = $2 AND channel = $1 AND read_at IS NOT NULL RETURNING id
    )
    INSERT INTO events (id, aggregate_id, type, payload, trace_context, occurred_at)
    SELECT gen_random_uuid(), id, 'NotificationUnread', '{}', $3, date_trunc('milliseconds', clock_timestamp())
    FROM changed RETURNING 1";

// Of many rows those are left out that somebody else has locked: the consumer locks several, too, in the order of their records, and the two would
// lock each other out.
const MARK_MANY_READ: &str = mark_all_read!("FOR UPDATE SKIP LOCKED");
// Of one row at a time the lock is waited for: nothing else is held meanwhile.
const MARK_NEXT_READ: &str = mark_all_read!("FOR UPDATE");
// The server itself gives the wait up, so that it is known what was marked when the client is answered.
const BEGIN_WAITING: &str = "BEGIN; SET LOCAL lock_timeout = '500ms'";

/// How many notifications were marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) changed: usize,
    /// Whether none is left.
    pub(crate) is_all: bool,
}

impl Store {
    /// How many notifications of the channel its user has not read: [`COUNTED`] and one more stand for any number above.
    pub(crate) async fn unread(&self, channel: &str) -> Result<i64, Error> {
        let rows = self.query(COUNT_UNREAD, &[&channel, &(COUNTED + 1)]).await?.map_err(Error::CountUnread)?;
        rows.first().map_or(Ok(0), |row| column(row, 0, "count"))
    }

    /// Marks a notification of the channel; whether it was not marked so before.
    pub(crate) async fn mark(
        &self,
        channel: &str,
        id: Uuid,
        is_read: bool,
        trace_context: &HashMap<String, String>,
    ) -> Result<bool, Error> {
        let statement = if is_read { MARK_READ } else { MARK_UNREAD };
        let rows = self.query(statement, &[&channel, &id, &Json(trace_context)]).await?;
        Ok(!rows.map_err(Error::MarkNotifications)?.is_empty())
    }

    /// Marks all notifications of the channel that are not newer than that as read, as many as there is time for. What somebody else has locked
    /// is waited for, but not for long.
    pub(crate) async fn mark_all_read(
        &self,
        channel: &str,
        until: Timestamp,
        trace_context: &HashMap<String, String>,
    ) -> Result<Marked, Error> {
        let begun = Instant::now();
        let (trace_context, mut changed) = (Json(trace_context), 0);
        let mut lease = self.lease().await?;
        loop {
            let many: [&(dyn ToSql + Sync); 4] = [&channel, &until, &MARKED, &trace_context];
            let rows = query(&mut lease, MARK_MANY_READ, &many).await?;
            changed += rows.map_err(Error::MarkNotifications)?.len();
            let one: [&(dyn ToSql + Sync); 4] = [&channel, &until, &1_i64, &trace_context];
            let next = mark_next_read(&mut lease, &one).await?;
            changed += next.unwrap_or(0);
            // None was left, not even under somebody's lock.
            let is_all = next == Some(0);
            if is_all || next.is_none() || begun.elapsed() > REQUEST_LIMIT / 2 {
                return Ok(Marked { changed, is_all });
            }
        }
    }
}

/// Marks the oldest one; how many these are. Nothing when its lock was not to be had.
async fn mark_next_read(lease: &mut Lease, values: &[&(dyn ToSql + Sync)]) -> Result<Option<usize>, Error> {
    let begun = lease.run(BEGIN_WAITING).await.map_err(|_| Error::AwaitPostgres)?;
    begun.map_err(Error::MarkNotifications)?;
    let outcome = query(lease, MARK_NEXT_READ, values).await?;
    let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = lease.run(end).await.map_err(|_| Error::AwaitPostgres)?;
    match outcome {
        Ok(rows) => ended.map(|()| Some(rows.len())).map_err(Error::MarkNotifications),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(None),
        Err(error) => Err(Error::MarkNotifications(error)),
    }
}
