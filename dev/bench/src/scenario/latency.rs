//! A steady stream of events: how long each delivery takes from production to arrival.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{GATHERING, PATH, TAIL, Trial, Values};
use crate::crowd::Crowd;
use crate::delays::Delays;
use crate::figures::Metric;
use crate::record;

const SUBSCRIBERS: usize = 1000;
const INTERVAL: Duration = Duration::from_millis(50);
const EVENTS: u32 = 300;
/// Events before those that count: code and memory of the server are warm then.
const WARM_UP: u32 = 20;

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
    crowd.turn_until(TAIL, "the last deliveries", &mut delays, |delays| delays.count() == all)?;
    Ok(vec![(Metric::LatencyMedian, delays.quantile(0.5)), (Metric::LatencyTail, delays.quantile(0.99))])
}
