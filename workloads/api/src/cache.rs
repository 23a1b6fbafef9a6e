//! The list of notifications, kept in Redis and in the process. It is a cache: whatever fails here, Postgres answers.
//!
//! ```text
//! page ─► generation (Redis; those who wait share one read) ─┬─ known here ────────────────────────────► hit
//!                                                            └─ one flight for each page ─┬─ in Redis ─► hit
//!                                                                                         └─ Postgres ─► miss
//! forget ─► another generation (Redis; those who wait share one write)
//! ```
//!
//! Every change of the list gives it another generation before it is answered, and every read asks for the generation after it began. So
//! who reads after a write was answered, from whichever instance, never gets a page from before the write.
//!
//! When Redis fails once, all reads of this instance go to Postgres until a new generation could be written: what could not be forgotten
//! meanwhile is forgotten then.

mod flight;
mod key;
mod local;
mod outage;
mod page;
mod rounds;
mod shared;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::FutureExt;
use realtime_chassis::redis::Connection;
use tokio::{sync::oneshot, time::sleep};
use tracing::{debug, info, warn};

pub(crate) use self::{
    key::Key,
    page::{Page, Source},
    shared::Error,
};
use self::{
    local::{Local, Place},
    outage::Outage,
    rounds::Rounds,
    shared::Shared,
};
use crate::{metrics::Metrics, store};

/// Between two attempts to reach Redis again, at first and at most.
const ATTEMPTS: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// A page, or why Postgres did not give it. Those who asked for it together share it.
type Outcome = Result<(Page, Source), Arc<store::Error>>;

/// The cache. Its clones are one.
#[derive(Clone)]
pub(crate) struct Cache(Arc<Inner>);

struct Inner {
    shared: Shared,
    metrics: Metrics,
    outage: Outage,
    local: Mutex<Local>,
    /// Reads of the generation: whether it was found.
    generations: Rounds<bool>,
    /// Writes of another generation.
    renewals: Rounds<Result<(), Arc<Error>>>,
    /// Reads of Postgres while Redis is away.
    detours: Mutex<HashMap<Key, Arc<Rounds<Outcome>>>>,
}

impl Cache {
    /// Over a connection that heals itself.
    pub(crate) fn new(connection: Connection, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            shared: Shared::new(connection, metrics.clone()),
            metrics,
            outage: Outage::default(),
            local: Mutex::default(),
            generations: Rounds::default(),
            renewals: Rounds::default(),
            detours: Mutex::default(),
        }))
    }

    /// The page that stands under the key, or what `read` gets from Postgres. Those who ask for the same page at the same time cause one
    /// read; without a key each causes its own.
    ///
    /// # Errors
    /// Those of `read`. Redis causes none.
    pub(crate) async fn page<R, F>(&self, key: Option<Key>, read: R) -> Outcome
    where
        R: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<Page, store::Error>> + Send + 'static,
    {
        let outcome = match key {
            None => self.0.query(read, Source::Miss).await,
            Some(key) if self.is_current().await => self.land(key, read).await,
            Some(key) => self.detour(key, read).await,
        };
        match &outcome {
            Ok((_, Source::Hit)) => self.0.metrics.cache_hits.inc(),
            _ => self.0.metrics.cache_misses.inc(),
        }
        outcome
    }

    /// Makes every page a thing of the past, in all instances: called when a change of the list is committed, and before it is answered.
    /// While Redis is away this is made up for when it is back.
    pub(crate) async fn forget(&self) {
        if !self.0.outage.note_loss_if_away() {
            drop(self.renewed().await);
        }
    }

    /// The same at the wish of a client, who is told when it fails.
    pub(crate) async fn clear(&self) -> Result<(), Arc<Error>> {
        if self.0.outage.is_away() { Err(Arc::new(Error::AwaitRecovery)) } else { self.renewed().await }
    }

    /// Called when Redis was lost from sight, and may have gone back to an earlier state: nothing of it is believed until there is another
    /// generation.
    pub(crate) fn suspect(&self) {
        self.0.lose(&Error::FollowFeed);
    }

    /// Adds one to the counter of the cache test and gives it.
    pub(crate) async fn count(&self) -> Result<u64, Error> {
        self.0.shared.count().await
    }

    /// Finds the generation out; not, while Redis is away.
    async fn is_current(&self) -> bool {
        if self.0.outage.is_away() {
            return false;
        }
        let asked = self.0.generations.ask(|| self.0.clone().find_generation().boxed()).await;
        asked == Some(true) && !self.0.outage.is_away()
    }

    async fn renewed(&self) -> Result<(), Arc<Error>> {
        let asked = self.0.renewals.ask(|| self.0.clone().renew().boxed()).await;
        asked.unwrap_or_else(|| Err(Arc::new(Error::AwaitRecovery)))
    }

    /// The page from this process, or from the flight that gets it.
    async fn land<R, F>(&self, key: Key, read: R) -> Outcome
    where
        R: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<Page, store::Error>> + Send + 'static,
    {
        let (begin, flight) = oneshot::channel();
        let place = self.0.local().place(&key, || flight.shared());
        let (generation, flight, is_first) = match place {
            Place::Page(page) => return Ok((page, Source::Hit)),
            Place::Nowhere => return self.0.query(read, Source::Miss).await,
            Place::Flight { generation, flight } => (generation, flight, false),
            Place::Begun { generation, flight } => (generation, flight, true),
        };
        if is_first {
            // It goes on when its first passenger leaves.
            tokio::spawn(self.0.clone().fly(generation, key, begin, async move { read().await }));
            return flight.await.unwrap_or_else(|_| Err(Arc::new(store::Error::AwaitPostgres)));
        }
        match flight.await {
            // Others caused no read.
            Ok(outcome) => outcome.map(|(page, source)| (page, source.of_companion())),
            Err(_) => self.0.query(read, Source::Miss).await,
        }
    }

    /// From Postgres, because Redis is away. Who asks while a read is under way shares the next one: the one under way may have begun
    /// before a write that was answered meanwhile.
    async fn detour<R, F>(&self, key: Key, read: R) -> Outcome
    where
        R: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<Page, store::Error>> + Send + 'static,
    {
        let detours = || self.0.detours.lock().unwrap_or_else(PoisonError::into_inner);
        let rounds = detours().entry(key.clone()).or_default().clone();
        let inner = self.0.clone();
        let asked = rounds.ask(|| async move { inner.query(read, Source::Bypass).await }.boxed()).await;
        let mut detours = detours();
        if rounds.is_idle() {
            detours.remove(&key);
        }
        asked.unwrap_or_else(|| Err(Arc::new(store::Error::AwaitPostgres)))
    }
}

impl Inner {
    fn local(&self) -> MutexGuard<'_, Local> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn query<F>(&self, read: impl FnOnce() -> F, source: Source) -> Outcome
    where
        F: Future<Output = Result<Page, store::Error>>,
    {
        self.metrics.list_queries.inc();
        if source == Source::Bypass {
            self.metrics.cache_bypassed.inc();
        }
        read().await.map(|page| (page, source)).map_err(Arc::new)
    }

    async fn find_generation(self: Arc<Self>) -> bool {
        match self.shared.generation().await {
            Ok(generation) => self.local().turn_to(generation),
            Err(error) => {
                self.lose(&error);
                return false;
            }
        }
        true
    }

    async fn renew(self: Arc<Self>) -> Result<(), Arc<Error>> {
        self.shared.renew().await.map(drop).inspect_err(|error| self.lose(error)).map_err(Arc::new)
    }

    /// Redis failed.
    fn lose(self: &Arc<Self>, error: &Error) {
        if self.outage.begin() {
            warn!(error = error as &dyn std::error::Error, "lists are read from Postgres because their cache is away");
            tokio::spawn(self.clone().recover());
        } else {
            debug!(error = error as &dyn std::error::Error, "cache does not answer");
        }
    }

    /// Tries until Redis has taken another generation, later than all that was lost.
    async fn recover(self: Arc<Self>) {
        let mut pause = ATTEMPTS[0];
        loop {
            let losses = self.outage.losses();
            if self.shared.renew().await.is_ok() && self.outage.end(losses) {
                info!("lists are cached again");
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(ATTEMPTS[1]);
        }
    }
}

#[cfg(test)]
mod tests;
