//! Follows the feed and broadcasts each notification once, in order, to the connections of this replica.
//!
//! The Redis stream is the quick way, Postgres the sure one: it is read for positions that the stream skipped, whenever the stream is
//! quiet for a while, and as long as Redis is away.

mod sequence;
mod stream;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use realtime_contract::feed::FeedEntry;
use realtime_fanout::{Hub, Publication};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use self::sequence::{Place, place};
pub(crate) use self::stream::StreamReader;
use crate::{
    cache::Cache,
    feed::notification_frame,
    metrics::Metrics,
    socketio::SocketIoServer,
    store::{self, FeedState, Store},
    tail::stream::Batch,
};

/// Between two attempts to find out where the feed stands when the process starts.
const START_PAUSE: Duration = Duration::from_millis(500);
/// Rows of one read from Postgres.
const PAGE: i64 = 500;

/// The feed cannot be followed any longer by this process.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// The store is another one than at the start: positions and cursors of this process mean nothing there.
    #[error("failed to follow the feed: its epoch was {before} and is {now}")]
    FollowEpoch { before: Uuid, now: Uuid },
}

/// What the tail needs.
pub(crate) struct Tail {
    pub(crate) store: Store,
    pub(crate) stream: StreamReader,
    pub(crate) hub: Arc<Hub>,
    pub(crate) socketio: SocketIoServer,
    pub(crate) cache: Cache,
    pub(crate) metrics: Metrics,
    /// Set once the feed was found; streams are served from then on.
    pub(crate) epoch: Arc<OnceLock<Uuid>>,
}

impl Tail {
    /// Follows until the token is cancelled.
    pub(crate) async fn run(mut self, token: CancellationToken) -> Result<(), Error> {
        token.clone().run_until_cancelled(self.follow()).await.unwrap_or(Ok(()))
    }

    async fn follow(&mut self) -> Result<(), Error> {
        let FeedState { epoch, position } = self.start().await;
        self.hub.start_at(position);
        self.metrics.feed_position.set(i64::try_from(position).unwrap_or(i64::MAX));
        let epoch = *self.epoch.get_or_init(|| epoch);
        info!(%epoch, position, "feed found, broadcasting what is newer");
        let mut last = position;
        let mut healthy = true;
        loop {
            let outcome = match self.stream.next(last).await {
                Batch::Entries(entries) => self.accept(entries, epoch, &mut last).await,
                Batch::Quiet | Batch::Away => self.catch_up(epoch, &mut last).await?,
            };
            if let Err(error) = &outcome
                && healthy
            {
                warn!(
                    error = error as &dyn std::error::Error,
                    position = last,
                    "feed cannot be read from Postgres, trying again"
                );
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

    /// Broadcasts entries of the stream; what it skipped comes from Postgres first.
    async fn accept(&self, entries: Vec<FeedEntry>, epoch: Uuid, last: &mut u64) -> Result<(), store::Error> {
        for entry in entries {
            match place(*last, entry.position) {
                Place::Known => continue,
                Place::Next => {}
                Place::Ahead => self.read_store(entry.position - 1, epoch, last).await?,
            }
            if place(*last, entry.position) != Place::Next {
                // Postgres does not have what stands before it: the entry is none of this store's feed.
                warn!(position = entry.position, last, "entry of the stream does not follow the feed");
                break;
            }
            self.broadcast(&entry, epoch, last, "redis").await;
        }
        self.forget_cached_list().await;
        Ok(())
    }

    /// Broadcasts what Postgres has and the stream did not bring.
    async fn catch_up(&self, epoch: Uuid, last: &mut u64) -> Result<Result<(), store::Error>, Error> {
        let state = match self.store.feed_state().await {
            Ok(state) => state,
            Err(error) => return Ok(Err(error)),
        };
        if state.epoch != epoch {
            return Err(Error::FollowEpoch { before: epoch, now: state.epoch });
        }
        if state.position <= *last {
            return Ok(Ok(()));
        }
        let outcome = self.read_store(state.position, epoch, last).await;
        self.forget_cached_list().await;
        Ok(outcome)
    }

    async fn read_store(&self, until: u64, epoch: Uuid, last: &mut u64) -> Result<(), store::Error> {
        while *last < until {
            let entries = self.store.feed(*last, until, PAGE).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                self.broadcast(&entry, epoch, last, "postgres").await;
            }
        }
        Ok(())
    }

    async fn broadcast(&self, entry: &FeedEntry, epoch: Uuid, last: &mut u64, source: &str) {
        let frame = notification_frame(epoch, entry);
        self.hub.publish(Publication { channel: &entry.channel, position: entry.position, frame: &frame });
        self.socketio.broadcast(&entry.notification).await;
        *last = entry.position;
        self.metrics.feed_position.set(i64::try_from(entry.position).unwrap_or(i64::MAX));
        self.metrics.broadcast.with_label_values(&[source]).inc();
    }

    /// A notification in the feed has its final status, which the cached list does not show.
    async fn forget_cached_list(&self) {
        if let Err(error) = self.cache.clear().await {
            tracing::debug!(error = &error as &dyn std::error::Error, "cached list not cleared, it expires by itself");
        }
    }
}
