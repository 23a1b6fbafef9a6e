//! The list of notifications, newest first.

use std::{sync::LazyLock, time::Duration};

use jiff::Timestamp;
use realtime_contract::event::NotificationStatus;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    Error, Store, query,
    rows::{COLUMNS, Stored, column, stored},
};
use crate::{cursor::PageCursor, selection::Selection};

/// Bytes of messages and data in one page, which the last one may exceed.
const LIST_BYTES: i64 = 4 * 1024 * 1024;
/// Rows that one statement looks at for a page. Where few of them are asked for, a request looks on for [`LOOK_TIME`] and is then answered with
/// what was found, and where to go on: nobody makes Postgres read a table of any size in one go.
const LOOKED_AT: i64 = 20_000;
const LOOKED_AT_LEAST: i64 = 500;
const LOOK_TIME: Duration = Duration::from_millis(600);

/// What was read of the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) rows: Vec<Stored>,
    /// Where the next page begins, if there may be one.
    pub(crate) next: Option<PageCursor>,
}

// Rows come in the order of an index from each source, so that what is not needed is not read: the channels by name, those that are no user's by
// patterns, those of users by patterns. A source without names or patterns costs nothing.
const LIST: &str = "
    WITH found AS (
        SELECT near.* FROM unnest($8::text[]) AS name CROSS JOIN LATERAL (
            SELECT * FROM (
                SELECT * FROM notifications WHERE channel = name AND {NAMED} AND {BEFORE} {NEWEST} LIMIT $4
            ) AS scanned WHERE {ASKED} {NEWEST} LIMIT $3
        ) AS near
        UNION ALL
        SELECT * FROM (
            SELECT * FROM (
                SELECT * FROM notifications
                WHERE channel NOT LIKE 'user:%' AND cardinality($9::text[]) > 0 AND {BEFORE} {NEWEST} LIMIT $4
            ) AS scanned WHERE channel LIKE ANY ($9) AND {ASKED} {NEWEST} LIMIT $3
        ) AS public
        UNION ALL
        SELECT * FROM (
            SELECT * FROM (
                SELECT * FROM notifications WHERE cardinality($10::text[]) > 0 AND {BEFORE} {NEWEST} LIMIT $4
            ) AS scanned WHERE channel LIKE ANY ($10) AND {ASKED} {NEWEST} LIMIT $3
        ) AS users
    )
    -- A page ends where the bytes of the rows before reach the bound, so that it has one row at least.
    SELECT id, message, type, channel, status, data, created_at, read_at, found FROM (
        SELECT *, count(*) OVER () AS found, coalesce(sum(octet_length(message) + coalesce(octet_length(data), 0)) OVER (
            {NEWEST} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
        FROM (SELECT {COLUMNS} FROM found {NEWEST} LIMIT $3) AS newest
    ) AS measured
    WHERE bytes_before < $11::bigint {NEWEST}";

// How far [`LIST`] has looked in every source: the newest of the places at which a source was left.
const LOOKED: &str = "
    SELECT created_at, id FROM (
        SELECT last.* FROM unnest($4::text[]) AS name CROSS JOIN LATERAL (
            SELECT created_at, id FROM notifications
            WHERE channel = name AND {NAMED} AND {BEFORE} {NEWEST} OFFSET $3::bigint - 1 LIMIT 1
        ) AS last
        UNION ALL
        SELECT * FROM (
            SELECT created_at, id FROM notifications
            WHERE channel NOT LIKE 'user:%' AND cardinality($5::text[]) > 0 AND {BEFORE} {NEWEST} OFFSET $3::bigint - 1 LIMIT 1
        ) AS public
        UNION ALL
        SELECT * FROM (
            SELECT created_at, id FROM notifications
            WHERE cardinality($6::text[]) > 0 AND {BEFORE} {NEWEST} OFFSET $3::bigint - 1 LIMIT 1
        ) AS users
    ) AS places {NEWEST} LIMIT 1";

/// The two statements, for one condition on channels by name.
struct Statements {
    list: String,
    looked: String,
}

/// For any, and for what is not read: that has an index of its own, which the planner takes for exactly this condition.
static ANY: LazyLock<Statements> = LazyLock::new(|| Statements::new("true"));
static UNREAD: LazyLock<Statements> = LazyLock::new(|| Statements::new("channel LIKE 'user:%' AND read_at IS NULL"));

impl Statements {
    fn new(named: &str) -> Self {
        // Without a cursor everything is before the end of time: a condition that the index takes, with or without.
        let before = "(created_at, id) < (coalesce($1::timestamptz, 'infinity'),
                    coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))";
        let asked = "($5::text[] IS NULL OR type = ANY ($5)) AND ($6::text IS NULL OR status = $6)
                AND ($7::boolean IS NULL OR (read_at IS NOT NULL) = $7)";
        let fill = |text: &str| {
            [
                ("{NAMED}", named),
                ("{BEFORE}", before),
                ("{ASKED}", asked),
                ("{NEWEST}", "ORDER BY created_at DESC, id DESC"),
                ("{COLUMNS}", COLUMNS),
            ]
            .iter()
            .fold(text.to_owned(), |text, (name, part)| text.replace(name, part))
        };
        Self { list: fill(LIST), looked: fill(LOOKED) }
    }

    fn of(selection: &Selection) -> &'static Self {
        let channels = &selection.channels;
        let is_inbox = channels.public.is_empty() && channels.users.is_empty();
        if is_inbox && selection.read == Some(false) { &UNREAD } else { &ANY }
    }
}

/// What one statement found.
struct Chunk {
    rows: Vec<Stored>,
    /// Rows within the limit, also those that the bound on bytes left out.
    found: usize,
    /// Rows behind this place were not looked at; they may have been without it.
    looked: Option<PageCursor>,
}

impl Store {
    /// Selected notifications older than the cursor, newest first: at most `limit`, and about 4 MiB.
    pub(crate) async fn list(
        &self,
        selection: &Selection,
        before: Option<PageCursor>,
        limit: usize,
    ) -> Result<Listed, Error> {
        let begun = Instant::now();
        let (mut rows, mut before) = (Vec::new(), before);
        loop {
            // One more than asked for tells whether there is another page.
            let chunk = self.chunk(selection, before, limit + 1 - rows.len()).await?;
            let all = rows.len() + chunk.found;
            rows.extend(chunk.rows);
            if rows.len() < all || all > limit {
                rows.truncate(limit);
                let next = rows.last().map(|last| place(&last.notification.timestamp, last.notification.id));
                return Ok(Listed { rows, next });
            }
            before = chunk.looked;
            if before.is_none() || begun.elapsed() > LOOK_TIME {
                return Ok(Listed { rows, next: before });
            }
        }
    }

    async fn chunk(&self, selection: &Selection, before: Option<PageCursor>, limit: usize) -> Result<Chunk, Error> {
        let statements = Statements::of(selection);
        let channels = &selection.channels;
        let (timestamp, id) = before.map(|cursor| (cursor.timestamp, cursor.id)).unzip();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sources = i64::try_from(channels.sources()).unwrap_or(i64::MAX).max(1);
        let looked_at = (LOOKED_AT / sources).max(LOOKED_AT_LEAST);
        let status = selection.status.map(NotificationStatus::name);
        let values: [&(dyn ToSql + Sync); 11] = [
            &timestamp,
            &id,
            &limit,
            &looked_at,
            &selection.kinds,
            &status,
            &selection.read,
            &channels.names,
            &channels.public,
            &channels.users,
            &LIST_BYTES,
        ];
        let mut lease = self.lease().await?;
        let read = query(&mut lease, &statements.list, &values).await?.map_err(Error::ListNotifications)?;
        let found: i64 = read.first().map_or(Ok(0), |row| column(row, 8, "found"))?;
        let rows = read.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        let found = usize::try_from(found).unwrap_or(usize::MAX);
        let is_done = found == usize::try_from(limit).unwrap_or(usize::MAX) && sources == 1;
        if !selection.skips() || is_done {
            return Ok(Chunk { rows, found, looked: None });
        }
        let values: [&(dyn ToSql + Sync); 6] =
            [&timestamp, &id, &looked_at, &channels.names, &channels.public, &channels.users];
        let looked = query(&mut lease, &statements.looked, &values).await?.map_err(Error::ListNotifications)?;
        let looked =
            looked.first().map(|row| Ok((column(row, 0, "created_at")?, column(row, 1, "id")?))).transpose()?;
        Ok(until(rows, found, looked))
    }
}

/// Leaves out what is older than the place down to which every source was looked at: newer ones may be missing.
fn until(mut rows: Vec<Stored>, found: usize, looked: Option<(Timestamp, Uuid)>) -> Chunk {
    let Some((timestamp, id)) = looked else { return Chunk { rows, found, looked: None } };
    let read = rows.len();
    rows.retain(|row| (row.notification.timestamp, row.notification.id) >= (timestamp, id));
    let found = if rows.len() < read { rows.len() } else { found };
    Chunk { rows, found, looked: Some(place(&timestamp, id)) }
}

const fn place(timestamp: &Timestamp, id: Uuid) -> PageCursor {
    PageCursor { timestamp: *timestamp, id }
}
