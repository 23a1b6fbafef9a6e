//! The right to feed, and the feed as the one who has it reads it: both over one session, so that losing it ends both.

use std::time::Duration;

use realtime_chassis::config::PostgresConfig;
use realtime_chassis::postgres::{self, Session, session};
use realtime_contract::feed::{FeedEntry, NOTIFY_FEED};
use thiserror::Error as ThisError;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

/// Key of the advisory lock: "feeder" in ASCII.
const LOCK: i64 = 0x66_65_65_64_65_72;
/// Entries in one read.
const READ_LIMIT: i64 = 500;
/// Bytes of notifications in one read, unless the first alone has more.
const READ_BYTES: i64 = 4 * 1024 * 1024;
/// Rows that one statement trims.
const TRIM_LIMIT: i64 = 1000;
/// How long a request that was made with a key can be made again.
const KEYS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a statement may take; a server that hangs must not keep the lease here.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// A session of a machine that died is noticed by the server after 11 s, and its lock falls free.
const SETTINGS: &str = "
    SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;
    SET statement_timeout = 8000; SET lock_timeout = 3000";

/// The lease cannot be had, or is lost.
#[derive(Debug, ThisError)]
pub(super) enum Error {
    #[error("failed to open the feeder's session")]
    OpenSession {
        #[source]
        source: postgres::Error,
    },
    #[error("failed to {attempt}")]
    Execute {
        attempt: &'static str,
        #[source]
        source: tokio_postgres::Error,
    },
    #[error("failed to {attempt} in time")]
    AwaitAnswer { attempt: &'static str },
    #[error("failed to listen to the feed: the session ended")]
    ListenToFeed,
}

/// The feed at one moment.
pub(super) struct Feed {
    /// Which life of the store this is.
    pub(super) epoch: String,
    /// The highest position.
    pub(super) position: i64,
}

/// The right to feed, as long as the session lasts.
pub(super) struct Lease(Session);

/// The entries behind a position, as many as the limits allow, at least one.
const ENTRIES: &str = "
    SELECT position, event_id, channel, notification, traceparent FROM (
        SELECT page.*, row_number() OVER in_order AS number, sum(octet_length(notification)) OVER in_order AS bytes
        FROM (
            SELECT position, event_id, channel, notification::text, traceparent
            FROM feed WHERE position > $1 ORDER BY position LIMIT $2
        ) AS page
        WINDOW in_order AS (ORDER BY position)
    ) AS sized WHERE number = 1 OR bytes <= $3 ORDER BY position";

/// Only a beginning of the feed is trimmed, so that what is left has no hole: up to the first row that is too young.
const TRIM: &str = "
    WITH oldest AS MATERIALIZED (
        SELECT position, created_at FROM feed WHERE position <= $1 ORDER BY position LIMIT $2
    ), young AS (
        SELECT min(position) AS position FROM oldest WHERE created_at >= now() - make_interval(secs => $3)
    )
    DELETE FROM feed USING oldest, young
    WHERE feed.position = oldest.position AND (young.position IS NULL OR oldest.position < young.position)";

/// The oldest keys of requests, as far as they are older than that.
const FORGET_KEYS: &str = "
    WITH oldest AS (
        SELECT subject, route, key FROM idempotency_keys
        WHERE created_at < now() - make_interval(secs => $2) ORDER BY created_at LIMIT $1
    )
    DELETE FROM idempotency_keys USING oldest
    WHERE idempotency_keys.subject = oldest.subject AND idempotency_keys.route = oldest.route
        AND idempotency_keys.key = oldest.key";

/// The lease, as soon as no other replica has it. The session of one that waits stays open.
pub(super) async fn acquire(config: &PostgresConfig) -> Result<Lease, Error> {
    let name = "realtime-consumer-feeder";
    let session = session(config, name).await.map_err(|source| Error::OpenSession { source })?;
    bounded("set the feeder's session up", session.client.batch_execute(SETTINGS)).await?;
    while !lock(&session).await? {}
    let listen = format!("LISTEN {NOTIFY_FEED}");
    bounded("listen to the feed", session.client.batch_execute(&listen)).await?;
    Ok(Lease(session))
}

/// Waits in the server's queue, so that the lease is here as soon as its holder is gone; not, when that takes longer than a statement should.
async fn lock(session: &Session) -> Result<bool, Error> {
    let attempt = "wait for the feeder's lock";
    match bounded(attempt, session.client.query_one("SELECT pg_advisory_lock($1)", &[&LOCK])).await {
        Ok(_) => Ok(true),
        Err(Error::Execute { source, .. }) if source.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn bounded<T>(
    attempt: &'static str,
    statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Error> {
    let answer = timeout(STATEMENT_TIMEOUT, statement).await.map_err(|_| Error::AwaitAnswer { attempt })?;
    answer.map_err(|source| Error::Execute { attempt, source })
}

impl Lease {
    /// Waits until the feed may have grown, or for the time given.
    pub(super) async fn woken(&mut self, poll: Duration) -> Result<(), Error> {
        match timeout(poll, self.0.notifications.recv()).await {
            Ok(None) => Err(Error::ListenToFeed),
            Ok(Some(_)) => {
                self.forget_wakes();
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    /// Waits for that time, whatever happens to the feed; what woke meanwhile does not pile up.
    pub(super) async fn rest(&mut self, pause: Duration) {
        tokio::time::sleep(pause).await;
        self.forget_wakes();
    }

    /// Everything that is here already is covered by the next look.
    fn forget_wakes(&mut self) {
        while self.0.notifications.try_recv().is_ok() {}
    }

    /// Epoch and highest position.
    pub(super) async fn feed(&self) -> Result<Feed, Error> {
        let statement = "SELECT meta.epoch::text, feed_counter.position FROM meta, feed_counter";
        let row = bounded("read the feed's position", self.0.client.query_one(statement, &[])).await?;
        Ok(Feed { epoch: row.get(0), position: row.get(1) })
    }

    /// The entries behind a position, in order.
    pub(super) async fn entries_after(&self, position: i64) -> Result<Vec<FeedEntry>, Error> {
        let values: [&(dyn ToSql + Sync); 3] = [&position, &READ_LIMIT, &READ_BYTES];
        let rows = bounded("read the feed", self.0.client.query(ENTRIES, &values)).await?;
        let entry = |row: tokio_postgres::Row| FeedEntry {
            position: row.get::<_, i64>(0).unsigned_abs(),
            event_id: row.get(1),
            channel: row.get(2),
            notification: row.get(3),
            traceparent: row.get(4),
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Removes some of the rows up to that position that are older than the retention; whether there may be more.
    pub(super) async fn trim(&self, until: i64, retention: Duration) -> Result<bool, Error> {
        let seconds = retention.as_secs_f64();
        let values: [&(dyn ToSql + Sync); 3] = [&until, &TRIM_LIMIT, &seconds];
        let trimmed = bounded("trim the feed", self.0.client.execute(TRIM, &values)).await?;
        Ok(trimmed >= TRIM_LIMIT.unsigned_abs())
    }

    /// Forgets some of the keys whose requests cannot be made again any more; whether there may be more.
    pub(super) async fn forget_keys(&self) -> Result<bool, Error> {
        let values: [&(dyn ToSql + Sync); 2] = [&TRIM_LIMIT, &KEYS_KEPT.as_secs_f64()];
        let forgotten = bounded("forget keys of requests", self.0.client.execute(FORGET_KEYS, &values)).await?;
        Ok(forgotten >= TRIM_LIMIT.unsigned_abs())
    }
}
