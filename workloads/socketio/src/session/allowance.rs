//! How many packets a client may send.

use std::time::{Duration, Instant};

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

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + rate.token;
        let has_one = full_at - now <= rate.whole;
        if has_one {
            self.full_at = full_at;
        }
        has_one
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
        let taken = |allowance: &mut Allowance, now| (0..50).filter(|_| allowance.take(rate, now)).count();
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
        assert!(allowance.take(rate, start));
        for _ in 0..100 {
            assert!(!allowance.take(rate, start));
        }
        assert!(allowance.take(rate, start + Duration::from_secs(1)));
    }
}
