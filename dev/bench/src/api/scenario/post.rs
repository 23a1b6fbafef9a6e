//! A steady stream of POSTs: how long it takes until the frame is at each client.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{PATH, Trial, Values};
use crate::api::notification;
use crate::api::posts::Posts;
use crate::crowd::SocketCrowd;
use crate::delays::Delays;
use crate::figures::Metric;
use crate::record;
use crate::scenario::{GATHERING, TAIL};

const CLIENTS: usize = 100;
const INTERVAL: Duration = Duration::from_millis(50);
const POSTS: u32 = 600;
/// POSTs before those that count: code, connections and memory are warm then.
const WARM_UP: u32 = 20;
/// Nanoseconds by which the time of a POST may come back too early.
const ROUNDING: u64 = 1000;
const TURN: Duration = Duration::from_millis(5);

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let mut crowd = SocketCrowd::of_sockets(trial.subject.address, trial.interruption.clone())?;
    let mut posts = Posts::to(trial.subject.address);
    let mut delays = Delays::new()?;
    crowd.gather(CLIENTS, PATH, GATHERING, &mut delays)?;
    let begun = Instant::now();
    for post in 0..WARM_UP + POSTS {
        while let Some(left) = (INTERVAL * post).checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
            posts.read()?;
            crowd.turn(left.min(TURN), &mut delays)?;
        }
        crowd.demand_all()?;
        let sent_at = record::now();
        if post == WARM_UP {
            // JavaScript rounds so large a number.
            delays.since = sent_at - ROUNDING;
        }
        posts.send("/api/notifications", &notification::draft(u64::from(post), sent_at))?;
    }
    let all = u64::from(POSTS) * u64::try_from(CLIENTS)?;
    crowd.turn_until(TAIL, "the last deliveries", &mut delays, |delays| delays.count() == all)?;
    posts.read()?;
    Ok(vec![(Metric::PostMedian, delays.quantile(0.5)), (Metric::PostTail, delays.quantile(0.99))])
}
