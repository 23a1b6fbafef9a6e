//! From the feed in Postgres to its tail in Redis. One replica does it at a time, under a lock that lasts as long as its session.

mod lease;
mod stream;
mod tail;

use std::time::Duration;

use realtime_chassis::config::PostgresConfig;
use realtime_chassis::redis::Connection;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::measures::Measures;
use lease::Lease;
use stream::Stream;

/// Between two looks at the feed when nothing woke the feeder.
const POLL: Duration = Duration::from_secs(1);
/// Between two attempts while Redis or Postgres is away.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two rounds of trimming, and between two steps of one, so that the feed goes first.
const TRIM_PERIOD: Duration = Duration::from_secs(30);
const TRIM_STEP: Duration = Duration::from_millis(100);

/// The feeder cannot go on now.
#[derive(Debug, Error)]
enum Error {
    /// The session or the lock is gone; another replica may feed.
    #[error("failed to keep the feeder's lease")]
    KeepLease {
        #[source]
        source: lease::Error,
    },
    /// Redis does not take entries.
    #[error("failed to extend the Redis stream")]
    ExtendStream {
        #[source]
        source: redis::RedisError,
    },
}

/// How far copying came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copied {
    /// The stream has what the feed has.
    All,
    /// There is more, and something else to do first.
    Some,
    /// The feed has nothing behind that position, although its counter is ahead.
    Lacking(i64),
}

/// Feeds Redis until the token is cancelled.
pub(crate) struct Feeder {
    postgres: PostgresConfig,
    redis: Connection,
    /// How long the feed keeps what clients may come back for.
    retention: Duration,
    measures: Measures,
}

impl Feeder {
    /// A feeder that connects when it runs.
    pub(crate) const fn new(
        postgres: PostgresConfig,
        redis: Connection,
        retention: Duration,
        measures: Measures,
    ) -> Self {
        Self { postgres, redis, retention, measures }
    }

    /// Feeds whenever this replica has the lease.
    pub(crate) async fn run(self, token: CancellationToken) {
        token.run_until_cancelled(self.feed_forever()).await;
        self.measures.feeder_leading.set(0);
        info!("feeder stopped");
    }

    async fn feed_forever(&self) {
        loop {
            match lease::acquire(&self.postgres).await {
                Ok(lease) => {
                    self.measures.feeder_leading.set(1);
                    info!("feeding redis");
                    let error = self.feed(lease).await;
                    self.measures.feeder_leading.set(0);
                    warn!(error = &error as &dyn std::error::Error, "feeding ended, trying for the lease again");
                }
                // The board of dependencies says that Postgres is away.
                Err(error) => debug!(error = &error as &dyn std::error::Error, "no lease to feed"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Feeds as long as the lease lasts; gives what ended it.
    async fn feed(&self, mut lease: Lease) -> lease::Error {
        let mut stream = Stream::new(self.redis.clone());
        let mut next_trim = Instant::now();
        let mut is_lacking = false;
        loop {
            let copied = match self.catch_up(&mut lease, &mut stream, next_trim).await {
                Ok(copied) => Some(copied),
                Err(Error::KeepLease { source }) => return source,
                Err(Error::ExtendStream { source }) => {
                    debug!(error = &source as &dyn std::error::Error, "redis takes no entries, trying on");
                    None
                }
            };
            if let Some(copied) = copied {
                tell_lack(copied, &mut is_lacking);
            }
            // Whether Redis is there or not: the feed must not grow without end for it.
            if next_trim <= Instant::now() {
                match self.trim(&lease).await {
                    Ok(pause) => next_trim = Instant::now() + pause,
                    Err(error) => return error,
                }
            }
            match copied {
                Some(Copied::Some) => {}
                Some(Copied::All | Copied::Lacking(_)) => {
                    let pause = POLL.min(next_trim.duration_since(Instant::now()));
                    if let Err(error) = lease.woken(pause).await {
                        return error;
                    }
                }
                None => lease.rest(PAUSE).await,
            }
        }
    }

    /// Removes some of what is kept no longer, of the feed and of the keys of requests; gives the time until the next step.
    async fn trim(&self, lease: &Lease) -> Result<Duration, lease::Error> {
        let may_be_more_keys = lease.forget_keys().await?;
        let position = lease.feed().await?.position;
        let may_be_more = match tail::trim_until(position) {
            Some(until) => lease.trim(until, self.retention).await?,
            None => false,
        };
        Ok(if may_be_more || may_be_more_keys { TRIM_STEP } else { TRIM_PERIOD })
    }

    /// Copies what the stream lacks, one page at least, until that time. Where the stream stands is asked each time, so that a loss is seen and
    /// mended.
    async fn catch_up(&self, lease: &mut Lease, stream: &mut Stream, until: Instant) -> Result<Copied, Error> {
        let kept = |source| Error::KeepLease { source };
        let extended = |source| Error::ExtendStream { source };
        loop {
            let feed = lease.feed().await.map_err(kept)?;
            let top = stream.top(&feed.epoch).await.map_err(extended)?;
            self.measures.feed_position.set(feed.position);
            self.measures.feeder_lag.set(feed.position - top.unwrap_or(0).min(feed.position));
            let Some(after) = tail::copy_after(top, feed.position) else { return Ok(Copied::All) };
            if after.stream_is_ahead {
                warn!(position = feed.position, ?top, "the redis stream is ahead of the feed, dropping it");
                stream.clear(&feed.epoch).await.map_err(extended)?;
            }
            let entries = lease.entries_after(after.position).await.map_err(kept)?;
            if entries.is_empty() {
                return Ok(Copied::Lacking(after.position));
            }
            if let Err(error) = stream.extend(&entries).await {
                let has_room = stream::is_full(&error) && stream.shed().await.map_err(extended)?;
                if !has_room {
                    return Err(extended(error));
                }
            }
            if until <= Instant::now() {
                return Ok(Copied::Some);
            }
        }
    }
}

/// Says it once when the feed lacks what its counter promises. It cannot be mended here, and the next entries may come all the same.
fn tell_lack(copied: Copied, is_lacking: &mut bool) {
    let was_lacking = std::mem::replace(is_lacking, matches!(copied, Copied::Lacking(_)));
    if let Copied::Lacking(after) = copied
        && !was_lacking
    {
        warn!(after, "the feed has nothing behind this position, although its counter is ahead");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_is_over_with_the_next_entries() {
        let mut is_lacking = false;
        let told = [Copied::Lacking(7), Copied::Lacking(7), Copied::Some].map(|copied| {
            tell_lack(copied, &mut is_lacking);
            is_lacking
        });
        assert_eq!(told, [true, true, false]);
    }
}
