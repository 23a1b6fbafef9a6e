//! Whether the client still follows. It may stop without a word: then another one joins the group in its place.

use realtime_chassis::kafka::patience::Patience;
use thiserror::Error;
use tokio::time::Instant;

/// Looks in a row without a sign of life of the client, which gives one each second.
const SILENT_ROUNDS: u32 = 3;
/// Signs of life in a row that tell of no broker.
const LONELY_SIGNS: u32 = 3;

/// Why a client is given up.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Stall {
    /// Its own threads do nothing any more.
    #[error("the client gives no sign of life")]
    Silent,
    /// It has forgotten its brokers, the configured ones included, and will never ask anybody again.
    #[error("the client knows no broker any more")]
    Lonely,
}

impl Stall {
    /// For the metrics.
    pub(super) const fn cause(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Lonely => "lonely",
        }
    }
}

/// What is known of the client.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Rounds since its last sign of life.
    silent: u32,
    patience: Patience,
}

impl Watch {
    /// The client gave a sign of life, and so many in a row told of no broker.
    pub(super) fn heard(&mut self, lonely: u32, now: Instant) -> Option<Stall> {
        self.silent = 0;
        (lonely >= LONELY_SIGNS && self.patience.is_over(now)).then_some(Stall::Lonely)
    }

    /// A round has passed.
    pub(super) fn round(&mut self, now: Instant) -> Option<Stall> {
        self.silent += 1;
        (self.silent > SILENT_ROUNDS && self.patience.is_over(now)).then_some(Stall::Silent)
    }

    /// The brokers answered the client, so the next stall is another one.
    pub(super) const fn follows(&mut self) {
        self.patience = Patience::new();
    }

    /// Another client takes over.
    pub(super) fn give_up(&mut self, now: Instant) {
        *self = Self { silent: 0, patience: self.patience.after_giving_up(now) };
    }
}

#[cfg(test)]
mod tests {
    use realtime_chassis::kafka::patience::{LONGEST, SHORTEST};

    use super::*;

    #[test]
    fn a_client_without_a_sign_of_life_is_given_up_and_one_that_gives_signs_is_not() {
        let (mut watch, now) = (Watch::default(), Instant::now());
        for _ in 0..100 {
            assert_eq!(watch.round(now), None);
            assert_eq!(watch.heard(0, now), None);
        }
        let rounds: Vec<_> = (0..4).map(|_| watch.round(now)).collect();
        assert_eq!(rounds, [None, None, None, Some(Stall::Silent)]);
    }

    #[test]
    fn a_client_that_has_forgotten_its_brokers_is_given_up_and_the_next_one_has_its_time() {
        let (mut watch, mut now) = (Watch::default(), Instant::now());
        let told = [1, 2, 0, 1, 2, 3].map(|lonely| watch.heard(lonely, now));
        assert_eq!(told, [None, None, None, None, None, Some(Stall::Lonely)]);
        watch.give_up(now);
        assert_eq!(watch.heard(9, now), None);
        now += SHORTEST;
        assert_eq!(watch.heard(9, now), Some(Stall::Lonely));
        watch.give_up(now);
        now += SHORTEST;
        assert_eq!(watch.heard(9, now), None, "each has twice the time of the one before");
        watch.follows();
        assert_eq!(watch.heard(9, now), Some(Stall::Lonely), "until one follows");
    }

    #[test]
    fn no_client_is_let_be_for_longer_than_five_minutes() {
        let (mut watch, now) = (Watch::default(), Instant::now());
        (0..99).for_each(|_| watch.give_up(now));
        assert_eq!(watch.heard(9, now + LONGEST), Some(Stall::Lonely));
    }
}
