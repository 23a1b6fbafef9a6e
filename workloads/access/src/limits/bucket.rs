//! A bucket's arithmetic. All that is kept of a bucket is when it will be full again.

use std::str::FromStr;

use thiserror::Error;

/// Microseconds of a second.
const SECOND: f64 = 1e6;
/// Bounds of what a bucket gets in a second, and of what it holds.
const LEAST: f64 = 0.001;
const MOST: f64 = 100_000.0;
const LARGEST: u32 = 1_000_000;

/// What a bucket gets and holds, `<a second>/<at once>`, as in `10/50` or `0.5/5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Microseconds in which a bucket gets one more.
    pub(super) interval: u64,
    /// What it holds.
    pub(super) burst: u32,
}

/// A text is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a limit is <a second>/<at once>, as in 10/50 or 0.5/5: 0.001 to 100000 a second, 1 to 1000000 at once")]
pub struct InvalidRate;

impl FromStr for Rate {
    type Err = InvalidRate;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 10 and a thousand million")]
    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (rate, burst) = text.trim().split_once('/').ok_or(InvalidRate)?;
        let rate: f64 = rate.trim().parse().map_err(|_| InvalidRate)?;
        let burst = burst.trim().parse().map_err(|_| InvalidRate)?;
        if !(LEAST..=MOST).contains(&rate) || !(1..=LARGEST).contains(&burst) {
            return Err(InvalidRate);
        }
        Ok(Self { interval: (SECOND / rate).round() as u64, burst })
    }
}

impl Rate {
    /// Takes `cost` from a bucket that is full at `full`, and gives when it will be full then. Times are in microseconds of one clock.
    ///
    /// # Errors
    /// After how many microseconds there will be enough.
    pub(super) fn take(self, full: u64, now: u64, cost: u32) -> Result<u64, u64> {
        let full = full.max(now);
        let missing = (full - now) + u64::from(cost.min(self.burst)) * self.interval;
        let holds = u64::from(self.burst) * self.interval;
        if missing > holds { Err(missing - holds) } else { Ok(full + u64::from(cost) * self.interval) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_is_read() {
        assert_eq!(rate("10/50"), Rate { interval: 100_000, burst: 50 });
        assert_eq!(rate(" 0.5 / 5 "), Rate { interval: 2_000_000, burst: 5 });
        assert_eq!(rate("0.001/1000000").interval, 1_000_000_000);
        assert_eq!(rate("100000/1").interval, 10);
    }

    #[test]
    fn refuses_what_is_no_rate() {
        for text in
            ["", "10", "10/", "/10", "0/10", "10/0", "-1/10", "NaN/10", "inf/10", "100001/1", "1/1000001", "1/1.5"]
        {
            assert_eq!(text.parse::<Rate>(), Err(InvalidRate), "{text}");
        }
    }

    #[test]
    fn a_full_bucket_gives_what_it_holds_at_once_and_then_what_it_gets() {
        let (rate, now) = (rate("10/3"), 5_000_000);
        let mut full = 0;
        for _ in 0..3 {
            full = rate.take(full, now, 1).unwrap();
        }
        assert_eq!(rate.take(full, now, 1), Err(100_000));
        assert_eq!(rate.take(full, now + 99_999, 1), Err(1));
        let full = rate.take(full, now + 100_000, 1).unwrap();
        assert_eq!(rate.take(full, now + 100_000, 1), Err(100_000));
        assert_eq!(rate.take(full, now + 400_000, 3), Ok(now + 700_000));
    }

    #[test]
    fn what_is_refused_costs_nothing() {
        let rate = rate("1/5");
        let full = rate.take(0, 0, 4).unwrap();
        assert_eq!(rate.take(full, 0, 2), Err(1_000_000));
        assert!(rate.take(full, 0, 1).is_ok());
    }

    #[test]
    fn what_a_bucket_cannot_hold_is_paid_off_afterwards() {
        let rate = rate("1/5");
        let full = rate.take(0, 0, 100).unwrap();
        assert_eq!(full, 100_000_000);
        assert_eq!(rate.take(full, 0, 1), Err(96_000_000));
        assert_eq!(rate.take(rate.take(0, 0, 1).unwrap(), 0, 100), Err(1_000_000), "only a full one");
    }
}
