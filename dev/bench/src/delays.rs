//! How long deliveries take from production to arrival.

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use crate::crowd::Watch;
use crate::record;
use crate::scenario::milliseconds;

/// A delivery that takes longer counts as this.
const LONGEST: u64 = 60_000_000_000;

/// Delays of the deliveries that count.
pub(crate) struct Delays {
    /// Events from this time on count, in nanoseconds since 1970.
    pub(crate) since: u64,
    histogram: Histogram<u64>,
}

impl Delays {
    /// Nothing counts yet.
    pub(crate) fn new() -> Result<Self> {
        let histogram = Histogram::new_with_bounds(1000, LONGEST, 3).context("failed to create the histogram")?;
        Ok(Self { since: u64::MAX, histogram })
    }

    /// How many deliveries counted.
    pub(crate) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The delay that so many of all do not exceed, in milliseconds.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        milliseconds(self.histogram.value_at_quantile(quantile))
    }
}

impl Watch for Delays {
    fn frame(&mut self, _client: usize, frame: &[u8], now: u64) {
        if let Some(sent_at) = record::sent_at(frame).filter(|sent_at| *sent_at >= self.since) {
            self.histogram.saturating_record(now.saturating_sub(sent_at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_that_count_are_recorded_each_with_its_delay() {
        let mut delays = Delays::new().unwrap();
        delays.since = 1_000_000;
        for (sent_at, now) in [(999_999, 9_000_000), (1_000_000, 3_000_000), (2_000_000, 2_000_000 + 2 * LONGEST)] {
            delays.frame(0, format!("data: {{\"sentAt\":{sent_at}}}\n\n").as_bytes(), now);
        }
        assert_eq!(delays.histogram.len(), 2);
        assert!(delays.histogram.equivalent(delays.histogram.min(), 2_000_000));
        assert!(delays.histogram.max() >= LONGEST);
    }
}
