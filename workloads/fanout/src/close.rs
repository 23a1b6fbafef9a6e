//! Why a connection ended: one table for every transport.

use std::{ops::Range, time::Duration};

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client, or the network between, closed it.
    Gone,
    /// Its queue was full: the client reads more slowly than events come.
    Slow,
    /// The process drains.
    Draining,
    /// It cannot be served now: the process still starts, or what its history needs does not answer.
    Unavailable,
    /// It has reached its age: connections are renewed, so that they spread over the instances.
    Aged,
    /// Events that come next for it left memory before it took them: it comes back and gets them from the log.
    Overtaken,
    /// There are too many connections, in all or of its address; or its client asks too often.
    Limited,
    /// Its client may listen no longer: what it showed of itself has expired.
    Expired,
}

impl CloseReason {
    /// Every reason, in the order of the metrics.
    pub const ALL: [Self; 8] = [
        Self::Gone,
        Self::Slow,
        Self::Draining,
        Self::Unavailable,
        Self::Aged,
        Self::Overtaken,
        Self::Limited,
        Self::Expired,
    ];

    /// Name in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Slow => "slow",
            Self::Draining => "draining",
            Self::Unavailable => "unavailable",
            Self::Aged => "aged",
            Self::Overtaken => "overtaken",
            Self::Limited => "limited",
            Self::Expired => "expired",
        }
    }

    /// How long the client of the connection with that number waits before it comes back: spread, so that those who were closed
    /// together do not return together.
    pub fn retry(self, number: u64) -> Duration {
        let Range { start, end } = self.retry_milliseconds();
        Duration::from_millis(start + scatter(number) % (end - start))
    }

    /// How long such clients wait, in milliseconds.
    pub const fn retry_milliseconds(self) -> Range<u64> {
        match self {
            Self::Gone | Self::Slow | Self::Draining | Self::Aged | Self::Overtaken | Self::Expired => 1_000..5_000,
            Self::Unavailable | Self::Limited => 5_000..15_000,
        }
    }
}

/// The finalizer of SplitMix64: neighbouring numbers give results that are far apart.
pub(crate) const fn scatter(number: u64) -> u64 {
    let first = (number.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let second = (first ^ (first >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    second ^ (second >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::CloseReason;

    #[test]
    fn spreads_returning_clients_over_the_window() {
        let delays: HashSet<u128> = (0..100).map(|number| CloseReason::Draining.retry(number).as_millis()).collect();
        assert!(delays.len() > 90, "only {} different delays", delays.len());
        assert!(delays.iter().all(|delay| (1_000..5_000).contains(delay)));
    }

    #[test]
    fn gives_each_reason_its_own_place() {
        let places: Vec<usize> = CloseReason::ALL.iter().map(|reason| *reason as usize).collect();
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
