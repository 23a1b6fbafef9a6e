//! A steady stream of events: how long each delivery takes from production to arrival.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use super::{GATHERING, PATH, TAIL, Trial, Values, milliseconds};
use crate::crowd::{Crowd, Watch};
use crate::figures::Metric;
use crate::record;

const SUBSCRIBERS: usize = 1000;
const INTERVAL: Duration = Duration::from_millis(50);
const EVENTS: u32 = 300;
/// Events before those that count: code and memory of the server are warm then.
const WARM_UP: u32 = 20;
/// A delivery that takes longer counts as this.
const LONGEST: u64 = 60_000_000_000;

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let mut crowd = Crowd::new(trial.subject.address, trial.interruption.clone())?;
    let mut delays = Delays::new()?;
    crowd.gather(SUBSCRIBERS, PATH, GATHERING, &mut delays)?;
    let begun = Instant::now();
    for event in 0..WARM_UP + EVENTS {
        if let Some(left) = (INTERVAL * event).checked_sub(begun.elapsed()) {
            crowd.turn_for(left, &mut delays)?;
        }
        if event == WARM_UP {
            delays.since = record::now();
        }
        trial.production.send("bench")?;
    }
    let all = u64::from(EVENTS) * u64::try_from(SUBSCRIBERS)?;
    crowd.turn_until(TAIL, "the last deliveries", &mut delays, |delays| delays.histogram.len() == all)?;
    let quantile = |quantile| milliseconds(delays.histogram.value_at_quantile(quantile));
    Ok(vec![(Metric::LatencyMedian, quantile(0.5)), (Metric::LatencyTail, quantile(0.99))])
}

struct Delays {
    since: u64,
    histogram: Histogram<u64>,
}

impl Delays {
    fn new() -> Result<Self> {
        let histogram = Histogram::new_with_bounds(1000, LONGEST, 3).context("failed to create the histogram")?;
        Ok(Self { since: u64::MAX, histogram })
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
