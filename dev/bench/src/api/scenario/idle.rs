//! 5,000 clients: their memory while nothing happens but a ping, and after some events.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{PATH, Trial, Values};
use crate::crowd::{SocketCrowd, Watch};
use crate::figures::Metric;
use crate::record;
use crate::scenario::{GATHERING, TAIL, number};

const CLIENTS: usize = 5000;
/// Until memory is read: what opening a connection needed for a moment is free again.
const REST: Duration = Duration::from_secs(2);
/// Servers ping every 25 s, and some at once: the same time for all.
const PINGED: Duration = Duration::from_secs(26);
const EVENTS: u64 = 20;
const INTERVAL: Duration = Duration::from_millis(100);

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let process = &trial.subject.process;
    let mut crowd = SocketCrowd::of_sockets(trial.subject.address, trial.interruption.clone())?;
    let mut heard = Heard { since: record::now(), is_pinged: vec![false; CLIENTS], pinged: 0, deliveries: 0 };
    crowd.turn_for(REST, &mut heard)?;
    let before = (process.resident()?, process.proportional()?);
    let each = |after: u64, before: u64| (number(after) - number(before)) / CLIENTS as f64;
    crowd.gather(CLIENTS, PATH, GATHERING, &mut heard)?;
    crowd.turn_for(PINGED, &mut heard)?;
    if heard.pinged < CLIENTS {
        bail!("{} of {CLIENTS} clients were pinged within {} s", heard.pinged, PINGED.as_secs());
    }
    let mut values = vec![
        (Metric::IdleMemory, each(process.resident()?, before.0)),
        (Metric::IdleMemoryProportional, each(process.proportional()?, before.1)),
    ];
    for _ in 0..EVENTS {
        trial.source.produce(1)?;
        crowd.turn_for(INTERVAL, &mut heard)?;
    }
    let all = EVENTS * u64::try_from(CLIENTS)?;
    crowd.turn_until(TAIL, "the last deliveries", &mut heard, |heard| heard.deliveries == all)?;
    values.push((Metric::UsedMemory, each(process.resident()?, before.0)));
    Ok(values)
}

/// Which clients were pinged, and how many events came.
struct Heard {
    since: u64,
    is_pinged: Vec<bool>,
    pinged: usize,
    deliveries: u64,
}

impl Watch for Heard {
    fn frame(&mut self, client: usize, frame: &[u8], _now: u64) {
        if frame.first() == Some(&b'2') {
            self.pinged += usize::from(!std::mem::replace(&mut self.is_pinged[client], true));
        } else if record::sent_at(frame).is_some_and(|sent_at| sent_at > self.since) {
            self.deliveries += 1;
        }
    }
}
