//! As many events as the server takes: so many are always on their way, and deliveries are counted against the time that the server
//! spends on its processor.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::crowd::{Crowd, Protocol, Watch};
use crate::process::Process;
use crate::record;
use crate::scenario::{GATHERING, number};

const SUBSCRIBERS: u64 = 1000;
/// Events on their way, as the mean of all subscribers. Their bytes fit into every queue on the way.
const WINDOW: u64 = 64;
const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(10);
const TURN: Duration = Duration::from_millis(5);

/// What was found while the server had all that it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saturation {
    pub(crate) deliveries: f64,
    /// Seconds of the clock.
    pub(crate) seconds: f64,
    /// Seconds of the server on its processor.
    pub(crate) cpu_seconds: f64,
    /// The same of the processes behind it.
    pub(crate) cpu_seconds_behind: f64,
    /// Bytes that all clients have read.
    pub(crate) bytes: f64,
}

/// Connects subscribers to `path`, and measures. `produce` produces so many events now; `behind` works for the server.
pub(crate) fn saturate<P: Protocol>(
    crowd: &mut Crowd<P>,
    path: &str,
    server: &Process,
    behind: &[&Process],
    mut produce: impl FnMut(u64) -> Result<()>,
) -> Result<Saturation> {
    let mut load = Load { since: record::now(), produced: 0, deliveries: 0 };
    crowd.gather(usize::try_from(SUBSCRIBERS)?, path, GATHERING, &mut load)?;
    load.keep_up(crowd, WARM_UP, &mut produce)?;
    let cpu_seconds = || -> Result<(f64, f64)> {
        let behind = behind.iter().map(|process| process.cpu_seconds_of_family()).sum::<Result<f64>>()?;
        Ok((server.cpu_seconds()?, behind))
    };
    let (begun, cpu, deliveries, bytes) = (Instant::now(), cpu_seconds()?, load.deliveries, crowd.bytes());
    load.keep_up(crowd, TIME, &mut produce)?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_after = cpu_seconds()?;
    Ok(Saturation {
        deliveries: number(load.deliveries - deliveries),
        seconds,
        cpu_seconds: cpu_after.0 - cpu.0,
        cpu_seconds_behind: cpu_after.1 - cpu.1,
        bytes: number(crowd.bytes() - bytes),
    })
}

struct Load {
    since: u64,
    produced: u64,
    deliveries: u64,
}

impl Load {
    /// Produces whenever less than the window is on its way.
    fn keep_up<P: Protocol>(
        &mut self,
        crowd: &mut Crowd<P>,
        time: Duration,
        produce: &mut impl FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            let wanted = (self.deliveries + WINDOW * SUBSCRIBERS).div_ceil(SUBSCRIBERS);
            if wanted > self.produced {
                produce(wanted - self.produced)?;
                self.produced = wanted;
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
