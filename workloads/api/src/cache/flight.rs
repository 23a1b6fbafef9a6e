//! How a page that is not known here is got: from Redis, from another instance that reads it, or from Postgres.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::{Error, Inner, Key, Outcome, Page, Source, local::life, shared::Generation};
use crate::store;

/// How long another instance is waited for that reads the same page; then it is read here, too.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks for what another instance reads, at first and at most.
const LOOKS: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(50)];

/// What there is of a page in Redis, and in which generation.
enum Look {
    /// The page, and how long it is kept yet.
    Page(Generation, Page, Duration),
    /// Nothing, and it is on us to read it.
    Ours(Generation),
    /// Nothing yet, though another instance has set out to read it.
    Theirs(Generation),
}

/// What a flight brought: of which generation, and how long it may be kept.
struct Fetched {
    outcome: Outcome,
    generation: Generation,
    life: Duration,
}

impl Inner {
    /// Gets the page for all who wait for it, and keeps it.
    pub(super) async fn fly(
        self: Arc<Self>,
        generation: Generation,
        key: Key,
        begin: oneshot::Sender<Outcome>,
        read: impl Future<Output = Result<Page, store::Error>>,
    ) {
        let Fetched { outcome, generation: newest, life } = self.fetch(generation, &key, read).await;
        let page = outcome.as_ref().ok().filter(|_| newest == generation).map(|(page, _)| (page, life));
        self.local().arrived(generation, &key, page);
        // Nobody waits for it any longer.
        drop(begin.send(outcome));
    }

    /// From Redis, or from Postgres if no other instance is about to get it.
    async fn fetch(
        self: &Arc<Self>,
        generation: Generation,
        key: &Key,
        read: impl Future<Output = Result<Page, store::Error>>,
    ) -> Fetched {
        let (generation, is_ours) = match self.look_for(key).await {
            Ok(Look::Page(generation, page, life)) => {
                return Fetched { outcome: Ok((page, Source::Hit)), generation, life };
            }
            Ok(Look::Ours(generation)) => (generation, true),
            Ok(Look::Theirs(generation)) => (generation, false),
            Err(error) => {
                self.lose(&error);
                let outcome = self.query(|| read, Source::Bypass).await;
                return Fetched { outcome, generation, life: Duration::ZERO };
            }
        };
        let (outcome, life) = (self.query(|| read, Source::Miss).await, life());
        if let Err(error) = self.keep(generation, key, &outcome, life, is_ours).await {
            self.lose(&error);
        }
        Fetched { outcome, generation, life }
    }

    /// Gives the page to the other instances, and lets them look for it.
    async fn keep(
        &self,
        generation: Generation,
        key: &Key,
        outcome: &Outcome,
        life: Duration,
        is_ours: bool,
    ) -> Result<(), Error> {
        if let Some((page, _)) = outcome.as_ref().ok().filter(|(page, _)| page.fits()) {
            self.shared.write(generation, key, page, life).await?;
        }
        if is_ours { self.shared.release(generation, key).await } else { Ok(()) }
    }

    /// The page in Redis as the list stands now, for which another instance is waited that reads it, but not for ever.
    async fn look_for(&self, key: &Key) -> Result<Look, Error> {
        let (begun, mut pause) = (Instant::now(), LOOKS[0]);
        loop {
            let (generation, page) = self.shared.read(key).await?;
            if let Some((page, left)) = page {
                return Ok(Look::Page(generation, page, left));
            }
            if self.shared.lease(generation, key).await? {
                return self.look_again(generation, key).await;
            }
            if begun.elapsed() >= PATIENCE {
                return Ok(Look::Theirs(generation));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LOOKS[1]);
        }
    }

    /// The one who had the lease before may have written the page meanwhile.
    async fn look_again(&self, generation: Generation, key: &Key) -> Result<Look, Error> {
        match self.shared.read(key).await? {
            (now, Some((page, left))) => {
                self.shared.release(generation, key).await?;
                Ok(Look::Page(now, page, left))
            }
            _ => Ok(Look::Ours(generation)),
        }
    }
}
