//! Whether the Kafka client still follows. It may stop without a word: its own threads wait for one another, or it fetches nothing although the
//! log goes on. Then another client takes its place.

use std::{collections::BTreeMap, time::Duration};

use realtime_chassis::kafka::patience::Patience;
use thiserror::Error;
use tokio::time::Instant;

/// Looks in a row without a sign of life of the client, which gives one each second.
const SILENT_ROUNDS: u32 = 3;
/// Signs of life in a row that tell of no broker.
const LONELY_SIGNS: u32 = 3;
/// How long questions may stay without an answer.
const UNANSWERED: Duration = Duration::from_secs(20);
/// How long a partition may stand before records that are there.
const BEHIND: Duration = Duration::from_secs(10);

/// Why a client is given up.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Stall {
    /// Its own threads do nothing any more.
    #[error("the client gives no sign of life")]
    Silent,
    /// It has forgotten its brokers, the configured ones included, and will never ask anybody again. librdkafka does so when a broker that has just
    /// started answers that the cluster has none.
    #[error("the client knows no broker any more")]
    Lonely,
    /// Its questions fail. The brokers may be away, or the client takes them for away.
    #[error("the client has had no answer of the brokers for {0:?}")]
    Unanswered(Duration),
    /// It does not fetch what is there.
    #[error(
        "the client does not read partition {partition} of topic {topic} on from {next}, although its log ends at {end}"
    )]
    Behind { topic: Box<str>, partition: i32, next: u64, end: u64 },
}

impl Stall {
    /// Every cause, for the metrics.
    pub(super) const fn cause(&self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Lonely => "lonely",
            Self::Unanswered(_) => "unanswered",
            Self::Behind { .. } => "behind",
        }
    }
}

/// A partition, by topic and number.
pub(super) type Place = (Box<str>, i32);

/// Where a partition stood.
#[derive(Clone, Copy, Debug)]
struct Stand {
    next: u64,
    /// Since when it is known that there is more.
    more: Option<Instant>,
}

/// What is known of the client.
#[derive(Debug)]
pub(super) struct Watch {
    /// Rounds since its last sign of life.
    silent: u32,
    /// Signs of life since the last one that told of brokers.
    lonely: u32,
    /// Since when its questions fail.
    failing: Option<Instant>,
    /// Where partitions stood at the last look.
    stands: BTreeMap<Place, Stand>,
    patience: Patience,
}

impl Watch {
    /// Of a client that has just begun.
    pub(super) const fn new() -> Self {
        Self { silent: 0, lonely: 0, failing: None, stands: BTreeMap::new(), patience: Patience::new() }
    }

    /// The client gave a sign of life, and knows so many brokers. Tells when it has known none for long.
    pub(super) fn heard(&mut self, brokers: usize, now: Instant) -> Option<Stall> {
        self.silent = 0;
        self.lonely = if brokers == 0 { self.lonely + 1 } else { 0 };
        (self.lonely >= LONELY_SIGNS && self.patience.is_over(now)).then_some(Stall::Lonely)
    }

    /// A round has passed. Tells what is wrong with the client by now.
    pub(super) fn round(&mut self, now: Instant) -> Option<Stall> {
        self.silent += 1;
        let silent = (self.silent > SILENT_ROUNDS && self.patience.is_over(now)).then_some(Stall::Silent);
        silent.or_else(|| self.unanswered(now))
    }

    /// Whether questions have failed for too long.
    pub(super) fn unanswered(&self, now: Instant) -> Option<Stall> {
        let failing = now - self.failing?;
        (failing >= UNANSWERED && self.patience.is_over(now)).then_some(Stall::Unanswered(failing))
    }

    /// A question failed.
    pub(super) fn failed(&mut self, now: Instant) {
        self.failing.get_or_insert(now);
    }

    /// Partitions that have not moved since the last look: where they end is worth a question.
    pub(super) fn still(&self, positions: &BTreeMap<Place, u64>) -> Vec<Place> {
        let still = positions.iter().filter(|(place, next)| self.stand(place, **next).is_some());
        still.map(|(place, _)| place.clone()).collect()
    }

    /// The brokers answered: partitions stand there, and the logs end there of those that were asked for. Tells of a partition that has stood for
    /// long although there is more.
    pub(super) fn look(
        &mut self,
        positions: &BTreeMap<Place, u64>,
        ends: &BTreeMap<Place, u64>,
        now: Instant,
    ) -> Option<Stall> {
        self.failing = None;
        let (mut behind, mut stands) = (None, BTreeMap::new());
        for (place, next) in positions {
            let known = self.stand(place, *next).and_then(|stand| stand.more);
            let more = match ends.get(place) {
                Some(end) => (end > next).then(|| known.unwrap_or(now)),
                None => known,
            };
            if let Some((since, end)) = more.zip(ends.get(place))
                && now - since >= BEHIND
            {
                let (topic, partition) = place.clone();
                behind = Some(Stall::Behind { topic, partition, next: *next, end: *end });
            }
            stands.insert(place.clone(), Stand { next: *next, more });
        }
        let moved = |(place, next): (&Place, &u64)| self.stands.get(place).is_some_and(|stand| stand.next < *next);
        if behind.is_none() && positions.iter().any(moved) {
            // It follows, so the next stall is another one.
            self.patience = Patience::new();
        }
        self.stands = stands;
        behind.filter(|_| self.patience.is_over(now))
    }

    /// Another client takes over.
    pub(super) fn give_up(&mut self, now: Instant) {
        *self = Self { patience: self.patience.after_giving_up(now), ..Self::new() };
    }

    fn stand(&self, place: &Place, next: u64) -> Option<Stand> {
        self.stands.get(place).copied().filter(|stand| stand.next == next)
    }
}

#[cfg(test)]
mod tests;
