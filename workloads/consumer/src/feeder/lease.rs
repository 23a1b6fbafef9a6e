//! The right to feed, and the feed as the one who has it reads it: both over one session, so that losing it ends both.

use std::time::Duration;

use realtime_chassis::config::PostgresConfig;
use realtime_chassis::postgres::{self, Session, session};
use realtime_contract::feed::{FeedEntry, NOTIFY_FEED};
use thiserror::Error as ThisError;
use tokio::time::timeout;

/// Key of the advisory lock: "feeder" in ASCII.
const LOCK: i64 = 0x66_65_65_64_65_72;
/// Entries in one read.
const READ_LIMIT: i64 = 500;
/// How long a statement may take; a server that hangs must not keep the lease here.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// A session of a machine that died is noticed by the server after 11 s, and its lock falls free.
const SETTINGS: &str = "
    SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;
    SET statement_timeout = 8000";

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

/// The lease, if no other replica has it.
pub(super) async fn acquire(config: &PostgresConfig) -> Result<Option<Lease>, Error> {
    let name = "realtime-consumer-feeder";
    let session = session(config, name).await.map_err(|source| Error::OpenSession { source })?;
    bounded("set the feeder's session up", session.client.batch_execute(SETTINGS)).await?;
    let lock = session.client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]);
    if !bounded("try the feeder's lock", lock).await?.get::<_, bool>(0) {
        return Ok(None);
    }
    let listen = format!("LISTEN {NOTIFY_FEED}");
    bounded("listen to the feed", session.client.batch_execute(&listen)).await?;
    Ok(Some(Lease(session)))
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
                // Everything that is here already is covered by the next look.
                while self.0.notifications.try_recv().is_ok() {}
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    /// Epoch and highest position.
    pub(super) async fn feed(&self) -> Result<Feed, Error> {
        let statement = "SELECT meta.epoch::text, feed_counter.position FROM meta, feed_counter";
        let row = bounded("read the feed's position", self.0.client.query_one(statement, &[])).await?;
        Ok(Feed { epoch: row.get(0), position: row.get(1) })
    }

    /// The entries behind a position, in order.
    pub(super) async fn entries_after(&self, position: i64) -> Result<Vec<FeedEntry>, Error> {
        let statement = "SELECT position, event_id, channel, notification::text, traceparent
                         FROM feed WHERE position > $1 ORDER BY position LIMIT $2";
        let rows = bounded("read the feed", self.0.client.query(statement, &[&position, &READ_LIMIT])).await?;
        let entry = |row: tokio_postgres::Row| FeedEntry {
            position: row.get::<_, i64>(0).unsigned_abs(),
            event_id: row.get(1),
            channel: row.get(2),
            notification: row.get(3),
            traceparent: row.get(4),
        };
        Ok(rows.into_iter().map(entry).collect())
    }
}
