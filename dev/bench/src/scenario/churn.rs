//! Connections that come and go: what the server keeps of them.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{PATH, Trial, Values, number};
use crate::crowd::{Crowd, Watch};
use crate::figures::Metric;

const FIRST: usize = 20_000;
const LAST: usize = 100_000;
/// Connections at once.
const TOGETHER: usize = 200;
/// Until memory is read: the server has noticed the last ones then.
const REST: Duration = Duration::from_secs(2);
const TURN: Duration = Duration::from_millis(50);
const LIMIT: Duration = Duration::from_secs(90);

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let mut crowd = Crowd::new(trial.subject.address, trial.interruption.clone())?;
    let mut greeted = Greeted::default();
    for _ in 0..TOGETHER {
        crowd.join(PATH, "")?;
    }
    let begun = Instant::now();
    let mut memory = [0; 2];
    let mut served = 0;
    for (memory, goal) in memory.iter_mut().zip([FIRST, LAST]) {
        while served < goal {
            crowd.turn(TURN, &mut greeted)?;
            crowd.demand_all()?;
            greeted.0.sort_unstable();
            greeted.0.dedup();
            for client in greeted.0.drain(..) {
                served += 1;
                crowd.rejoin(client, PATH, "")?;
            }
            if begun.elapsed() > LIMIT {
                bail!("{served} of {LAST} connections were served within {} s", LIMIT.as_secs());
            }
        }
        crowd.leave_all();
        greeted.0.clear();
        crowd.turn_for(REST, &mut greeted)?;
        *memory = trial.subject.process.resident()?;
        for client in 0..TOGETHER {
            crowd.rejoin(client, PATH, "")?;
        }
    }
    Ok(vec![(Metric::Churn, number(memory[1]) / number(memory[0]))])
}

/// Clients that have got a frame in this turn.
#[derive(Default)]
struct Greeted(Vec<usize>);

impl Watch for Greeted {
    fn frame(&mut self, client: usize, _frame: &[u8], _now: u64) {
        self.0.push(client);
    }
}
