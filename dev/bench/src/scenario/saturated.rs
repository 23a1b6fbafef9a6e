//! As many events as the server takes: so many are always on their way, and deliveries are counted against the time that the server
//! spends on its processor.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{GATHERING, PATH, Trial, Values, number};
use crate::crowd::{Crowd, Watch};
use crate::figures::Metric;
use crate::record;

const SUBSCRIBERS: u64 = 1000;
/// Events on their way, as the mean of all subscribers. Their bytes fit into every queue on the way.
const WINDOW: u64 = 64;
const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(10);
const TURN: Duration = Duration::from_millis(5);

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let process = &trial.subject.process;
    let mut crowd = Crowd::new(trial.subject.address, trial.interruption.clone())?;
    let mut load = Load { since: record::now(), produced: 0, deliveries: 0 };
    crowd.gather(usize::try_from(SUBSCRIBERS)?, PATH, GATHERING, &mut load)?;
    load.keep_up(trial, &mut crowd, WARM_UP)?;
    let (begun, cpu, deliveries, bytes) = (Instant::now(), process.cpu_seconds()?, load.deliveries, crowd.bytes());
    load.keep_up(trial, &mut crowd, TIME)?;
    let delivered = number(load.deliveries - deliveries);
    Ok(vec![
        (Metric::DeliveriesPerCpuSecond, delivered / (process.cpu_seconds()? - cpu)),
        (Metric::DeliveriesPerSecond, delivered / begun.elapsed().as_secs_f64()),
        (Metric::BytesPerDelivery, number(crowd.bytes() - bytes) / delivered),
    ])
}

struct Load {
    since: u64,
    produced: u64,
    deliveries: u64,
}

impl Load {
    /// Produces whenever less than the window is on its way.
    fn keep_up(&mut self, trial: &mut Trial<'_>, crowd: &mut Crowd, time: Duration) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            while self.produced * SUBSCRIBERS < self.deliveries + WINDOW * SUBSCRIBERS {
                trial.production.send("bench")?;
                self.produced += 1;
            }
            crowd.turn(TURN, self)?;
        }
        crowd.demand_all()
    }
}

impl Watch for Load {
    fn frame(&mut self, _client: usize, frame: &[u8], _now: u64) {
        self.deliveries += u64::from(record::sent_at(frame).is_some_and(|sent_at| sent_at >= self.since));
    }
}
