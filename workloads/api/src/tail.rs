//! Follows the feed and broadcasts each notification once, in order, to the connections of this replica.
//!
//! The Redis stream is the quick way, Postgres the sure one: it is read for positions that the stream skipped, whenever the stream is
//! quiet for a while, and as long as Redis is away.

mod sequence;
mod stream;

use std::time::Duration;

use realtime_contract::feed::FeedEntry;
use realtime_fanout::{Engine, Publisher};
use thiserror::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use self::sequence::{Place, place};
pub(crate) use self::stream::StreamReader;
use crate::{
    cache::Cache,
    feed::{Epoch, LANE, draft},
    metrics::Metrics,
    store::{self, FeedPage, FeedState, Store},
    tail::stream::Batch,
};

/// Between two attempts to find out where the feed stands when the process starts.
const START_PAUSE: Duration = Duration::from_millis(500);
/// How long entries wait at most until lists are forgotten. Redis takes a fraction of a millisecond.
const FORGOTTEN: Duration = Duration::from_millis(20);
/// Rows of one read from Postgres.
const PAGE: FeedPage = FeedPage { entries: 500, bytes: 4 * 1024 * 1024 };

/// The feed cannot be followed any longer by this process.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The store is another one than at the start: positions and cursors of this process mean nothing there.
    #[error("failed to follow the feed: its epoch was {before} and is {now}")]
    FollowEpoch { before: Uuid, now: Uuid },
    /// The store has lost what this process broadcast: its positions are given out again, for other notifications.
    #[error("failed to follow the feed: its position was {before} and is {now}")]
    FollowPosition { before: u64, now: u64 },
}

/// The feed cannot be read now.
#[derive(Debug, Error)]
enum Interruption {
    /// Postgres does not serve.
    #[error("failed to read the feed from Postgres")]
    ReadStore(#[source] store::Error),
    /// Postgres does not have what stands before an entry of the stream: it is none of this store's feed.
    #[error("failed to place entry {position} of the stream behind position {last}")]
    PlaceEntry { position: u64, last: u64 },
}

/// What the tail needs.
pub(crate) struct Tail {
    pub(crate) store: Store,
    pub(crate) stream: StreamReader,
    pub(crate) engine: Engine,
    pub(crate) publisher: Publisher,
    pub(crate) cache: Cache,
    pub(crate) metrics: Metrics,
    /// Set once the feed was found; streams are served from then on.
    pub(crate) epoch: Epoch,
}

impl Tail {
    /// Follows until the token is cancelled.
    pub(crate) async fn run(mut self, token: CancellationToken) -> Result<(), Error> {
        token.clone().run_until_cancelled(self.follow()).await.unwrap_or(Ok(()))
    }

    async fn follow(&mut self) -> Result<(), Error> {
        let FeedState { epoch, position } = self.start().await;
        self.publisher.begin(LANE, position + 1);
        self.metrics.feed_position.set(i64::try_from(position).unwrap_or(i64::MAX));
        let epoch = self.epoch.found(epoch);
        self.engine.open();
        info!(%epoch, position, "feed found, broadcasting what is newer");
        let mut last = position;
        let (mut healthy, mut redis_in_sight) = (true, true);
        loop {
            let batch = self.stream.next(last, epoch).await;
            let in_sight = !matches!(batch, Batch::Away);
            if std::mem::replace(&mut redis_in_sight, in_sight) && !in_sight {
                self.cache.suspect();
            }
            let outcome = match batch {
                Batch::Entries(entries) => self.accept(entries, &mut last).await,
                Batch::Quiet | Batch::Away => self.catch_up(epoch, &mut last).await?,
            };
            if let Err(error) = &outcome
                && healthy
            {
                warn!(error = error as &dyn std::error::Error, position = last, "feed cannot be read, trying again");
            }
            if matches!(outcome, Err(Interruption::PlaceEntry { .. })) {
                // Postgres knows whether the feed is still the same; an answer that does not come is asked for again in the next round.
                drop(self.catch_up(epoch, &mut last).await?);
            }
            healthy = outcome.is_ok();
            if !healthy {
                tokio::time::sleep(START_PAUSE).await;
            }
        }
    }

    async fn start(&self) -> FeedState {
        let mut attempts = 0_u32;
        loop {
            match self.store.feed_state().await {
                Ok(state) => return state,
                Err(error) if attempts == 0 => {
                    warn!(error = &error as &dyn std::error::Error, "feed not found yet, trying again");
                }
                Err(_) => {}
            }
            attempts += 1;
            tokio::time::sleep(START_PAUSE).await;
        }
    }

    /// Lets the lists be read anew, before anybody hears of what changed them: who reads one because of it gets what it heard of. A Redis that is
    /// slow holds nobody up for long, and forgets a little later.
    async fn forget_lists(&self) {
        drop(timeout(FORGOTTEN, self.cache.forget()).await);
    }

    /// Broadcasts entries of the stream; what it skipped comes from Postgres first.
    async fn accept(&mut self, entries: Vec<FeedEntry>, last: &mut u64) -> Result<(), Interruption> {
        self.forget_lists().await;
        let mut run: Vec<FeedEntry> = Vec::new();
        for entry in entries {
            let before = run.last().map_or(*last, |entry| entry.position);
            match place(before, entry.position) {
                Place::Known => continue,
                Place::Next => {}
                Place::Ahead => {
                    self.broadcast(&std::mem::take(&mut run), last, "redis");
                    self.read_store(entry.position - 1, last).await?;
                    if place(*last, entry.position) != Place::Next {
                        return Err(Interruption::PlaceEntry { position: entry.position, last: *last });
                    }
                }
            }
            run.push(entry);
        }
        self.broadcast(&run, last, "redis");
        Ok(())
    }

    /// Broadcasts what Postgres has and the stream did not bring.
    async fn catch_up(&mut self, epoch: Uuid, last: &mut u64) -> Result<Result<(), Interruption>, Error> {
        let state = match self.store.feed_state().await {
            Ok(state) => state,
            Err(error) => return Ok(Err(Interruption::ReadStore(error))),
        };
        if !grown(FeedState { epoch, position: *last }, state)? {
            return Ok(Ok(()));
        }
        self.forget_lists().await;
        Ok(self.read_store(state.position, last).await)
    }

    async fn read_store(&mut self, until: u64, last: &mut u64) -> Result<(), Interruption> {
        while *last < until {
            let entries = self.store.feed(*last, until, PAGE).await.map_err(Interruption::ReadStore)?;
            let Some(first) = entries.first() else { return Ok(()) };
            if place(*last, first.position) == Place::Ahead {
                let (last, next) = (*last, first.position);
                warn!(last, next, "feed was trimmed before it was read, all streams begin anew and are told");
                self.publisher.lose(LANE, next);
            }
            self.broadcast(&entries, last, "postgres");
        }
        Ok(())
    }

    /// Sends out entries that came together, at once.
    fn broadcast(&mut self, entries: &[FeedEntry], last: &mut u64, source: &str) {
        let Some(newest) = entries.last().map(|entry| entry.position) else { return };
        for entry in entries {
            self.publisher.push(&draft(entry));
        }
        self.publisher.flush();
        *last = newest;
        self.metrics.feed_position.set(i64::try_from(newest).unwrap_or(i64::MAX));
        self.metrics.broadcast.with_label_values(&[source]).inc_by(entries.len() as u64);
    }
}

/// Whether the feed has gone on, if it is still the one that was followed.
fn grown(before: FeedState, now: FeedState) -> Result<bool, Error> {
    if now.epoch != before.epoch {
        return Err(Error::FollowEpoch { before: before.epoch, now: now.epoch });
    }
    if now.position < before.position {
        return Err(Error::FollowPosition { before: before.position, now: now.position });
    }
    Ok(now.position > before.position)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn state(epoch: u128, position: u64) -> FeedState {
        FeedState { epoch: Uuid::from_u128(epoch), position }
    }

    #[test]
    fn a_feed_stands_or_grows() {
        assert!(!grown(state(1, 7), state(1, 7)).unwrap());
        assert!(grown(state(1, 7), state(1, 8)).unwrap());
    }

    #[test]
    fn a_feed_of_another_epoch_or_of_the_past_is_not_followed() {
        assert!(matches!(grown(state(1, 7), state(2, 9)), Err(Error::FollowEpoch { .. })));
        assert!(matches!(grown(state(1, 7), state(1, 6)), Err(Error::FollowPosition { before: 7, now: 6 })));
    }
}
