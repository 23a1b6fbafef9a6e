//! Shards whose records Kafka does not take.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use tracing::{info, warn};

use super::outbox::Refusal;
use crate::metrics::Metrics;

/// The shards, which are tried one after the other.
pub(super) struct Failing {
    round: Mutex<Round>,
    notify: Notify,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Round {
    shards: BTreeSet<i16>,
    /// Those of which it was said why they fail.
    told: BTreeSet<i16>,
    /// The last one that was tried.
    last: i16,
}

impl Round {
    fn next(&mut self) -> Option<i16> {
        let next = self.shards.range(self.last + 1..).next().or_else(|| self.shards.first()).copied()?;
        self.last = next;
        Some(next)
    }

    /// Whether it is to be said now why that shard fails: once, as long as it does.
    fn is_news(&mut self, shard: i16) -> bool {
        self.shards.contains(&shard) && self.told.insert(shard)
    }
}

impl Failing {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self { round: Mutex::default(), notify: Notify::new(), metrics }
    }

    /// These failed just now, for that reason. Told once, when they begin to.
    pub(super) fn add(&self, shards: BTreeSet<i16>, refusal: Option<Refusal>) {
        if let Some(refusal) = refusal {
            let error = &refusal as &dyn std::error::Error;
            warn!(error, ?shards, "records wait in the outbox, their shards are tried one by one");
        }
        self.change(|known| known.extend(shards));
        self.notify.notify_one();
    }

    /// This one was tried by itself and failed again. Told once: in a turn with others, the reason may have been another shard's.
    pub(super) fn refused(&self, shard: i16, refusal: &Refusal) {
        if self.round().is_news(shard) {
            warn!(error = refusal as &dyn std::error::Error, shard, "shard of the outbox fails by itself, trying on");
        }
    }

    /// This one goes on.
    pub(super) fn recovered(&self, shard: i16) {
        self.change(|shards| {
            shards.remove(&shard);
        });
        self.round().told.remove(&shard);
        info!(shard, "shard of the outbox goes on");
    }

    pub(super) fn has(&self, shard: i16) -> bool {
        self.round().shards.contains(&shard)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.round().shards.is_empty()
    }

    /// The one whose turn it is, as soon as there is one.
    pub(super) async fn next(&self) -> i16 {
        loop {
            let next = self.round().next();
            match next {
                Some(shard) => return shard,
                None => self.notify.notified().await,
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<i16>)) {
        let mut round = self.round();
        change(&mut round.shards);
        self.metrics.failing_shards.set(i64::try_from(round.shards.len()).unwrap_or(i64::MAX));
    }

    fn round(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::*;

    #[test]
    fn the_reason_of_a_shard_is_news_once_until_it_goes_on() {
        let mut round = Round { shards: [3, 7].into(), ..Round::default() };
        assert_eq!([3, 3, 7, 4].map(|shard| round.is_news(shard)), [true, false, true, false]);
        let failing = Failing::new(Metrics::new(Registry::new()).unwrap());
        *failing.round() = round;
        failing.recovered(3);
        failing.add([3].into(), None);
        assert_eq!([3, 7].map(|shard| failing.round().is_news(shard)), [true, false]);
    }

    #[tokio::test]
    async fn each_shard_has_its_turn_until_it_recovers() {
        let metrics = Metrics::new(Registry::new()).unwrap();
        let failing = Failing::new(metrics.clone());
        failing.add([0, 3, 7].into(), None);
        let turns = [failing.next().await, failing.next().await, failing.next().await, failing.next().await];
        assert_eq!(turns, [3, 7, 0, 3]);
        failing.recovered(7);
        assert_eq!([failing.next().await, failing.next().await], [0, 3]);
        assert!(failing.has(3) && !failing.has(7));
        assert_eq!(metrics.failing_shards.get(), 2);
    }
}
