//! How much a client may send.

use std::time::{Duration, Instant};

/// Length of a message that costs as much as that it came, in bytes: a long one is more to read.
const BYTES_A_TOKEN: usize = 4096;

/// What a message of so many bytes costs, in tokens.
pub(crate) fn cost(bytes: usize) -> u32 {
    u32::try_from(bytes / BYTES_A_TOKEN).unwrap_or(u32::MAX).saturating_add(1)
}

/// A bucket of tokens, kept as the time at which it will be full again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    full_at: Instant,
}

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    token: Duration,
    whole: Duration,
}

impl Rate {
    /// So many tokens a second, and at most `burst` at once. Each is at least one.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let token = Duration::from_secs(1) / per_second.max(1);
        Self { token, whole: token * burst.max(1) }
    }
}

impl Allowance {
    /// A full bucket.
    pub(crate) const fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes so many tokens, if there are as many. What costs more than a bucket holds takes a whole one.
    pub(crate) fn take(&mut self, cost: u32, rate: Rate, now: Instant) -> bool {
        let cost = rate.token.saturating_mul(cost).min(rate.whole);
        let full_at = self.full_at.max(now) + cost;
        let has_them = full_at - now <= rate.whole;
        if has_them {
            self.full_at = full_at;
        }
        has_them
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_gives_a_burst_and_time_gives_the_rate() {
        let start = Instant::now();
        let rate = Rate::new(100, 5);
        let mut allowance = Allowance::new(start);
        let taken = |allowance: &mut Allowance, now| (0..50).filter(|_| allowance.take(1, rate, now)).count();
        assert_eq!(taken(&mut allowance, start), 5);
        assert_eq!(taken(&mut allowance, start + Duration::from_millis(9)), 0);
        assert_eq!(taken(&mut allowance, start + Duration::from_millis(10)), 1);
        assert_eq!(taken(&mut allowance, start + Duration::from_millis(40)), 3);
        assert_eq!(taken(&mut allowance, start + Duration::from_secs(9)), 5, "a pause gives more than the burst");
    }

    #[test]
    fn what_was_refused_costs_nothing() {
        let start = Instant::now();
        let rate = Rate::new(1, 1);
        let mut allowance = Allowance::new(start);
        assert!(allowance.take(1, rate, start));
        for _ in 0..100 {
            assert!(!allowance.take(1, rate, start));
        }
        assert!(allowance.take(1, rate, start + Duration::from_secs(1)));
    }

    #[test]
    fn a_long_message_costs_more_and_the_longest_a_whole_bucket() {
        assert_eq!([0, 4095, 4096, 131_072, usize::MAX].map(cost), [1, 1, 2, 33, u32::MAX]);
        let start = Instant::now();
        let rate = Rate::new(10, 5);
        let mut allowance = Allowance::new(start);
        assert!(allowance.take(3, rate, start));
        assert!(!allowance.take(3, rate, start), "there are two");
        assert!(allowance.take(2, rate, start));
        let later = start + Duration::from_millis(499);
        assert!(!allowance.take(u32::MAX, rate, later));
        assert!(allowance.take(u32::MAX, rate, later + Duration::from_millis(1)));
    }
}
