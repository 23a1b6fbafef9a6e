//! 8,000 subscribers of one channel: their memory while nothing happens, and when each event reaches the last of them.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{GATHERING, PATH, TAIL, Trial, Values, milliseconds, number};
use crate::crowd::{Crowd, Watch};
use crate::figures::{Metric, median};
use crate::record;

/// Subscribers.
const SUBSCRIBERS: u64 = 8000;
/// Their channel: the key of the records.
const CHANNEL: &str = "bench";
/// Until memory is read: what opening a connection needed for a moment is free again.
const REST: Duration = Duration::from_secs(2);
const EVENTS: usize = 20;
const INTERVAL: Duration = Duration::from_millis(500);

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let process = &trial.subject.process;
    let mut crowd = Crowd::new(trial.subject.address, trial.interruption.clone())?;
    let mut arrivals = Arrivals::default();
    crowd.turn_for(REST, &mut arrivals)?;
    let before = (process.resident()?, process.proportional()?);
    let each = |after: u64, before: u64| (number(after) - number(before)) / number(SUBSCRIBERS);
    let count = usize::try_from(SUBSCRIBERS).context("too many subscribers")?;
    crowd.gather(count, &format!("{PATH}?channels={CHANNEL}"), GATHERING, &mut arrivals)?;
    crowd.turn_for(REST, &mut arrivals)?;
    let mut values = vec![
        (Metric::IdleMemory, each(process.resident()?, before.0)),
        (Metric::IdleMemoryProportional, each(process.proportional()?, before.1)),
    ];
    for _ in 0..EVENTS {
        let sent_at = trial.production.send(CHANNEL)?;
        arrivals.of.insert(sent_at, (0, 0));
        crowd.turn_for(INTERVAL, &mut arrivals)?;
    }
    let all = |arrivals: &Arrivals| arrivals.of.values().all(|(count, _)| *count == SUBSCRIBERS);
    crowd.turn_until(TAIL, "the last deliveries", &mut arrivals, all)?;
    let delays = arrivals.of.iter().map(|(sent_at, (_, last))| milliseconds(last.saturating_sub(*sent_at)));
    values.push((Metric::LastDelivery, median(delays.collect()).context("no event was sent")?));
    values.push((Metric::UsedMemory, each(process.resident()?, before.0)));
    Ok(values)
}

/// Deliveries of each event, by its time of production, and the time of the last one.
#[derive(Default)]
struct Arrivals {
    of: HashMap<u64, (u64, u64)>,
}

impl Watch for Arrivals {
    fn frame(&mut self, _client: usize, frame: &[u8], now: u64) {
        if let Some((count, last)) = record::sent_at(frame).and_then(|sent_at| self.of.get_mut(&sent_at)) {
            *count += 1;
            *last = now;
        }
    }
}
