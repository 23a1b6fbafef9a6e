//! REST as fast as it goes, over connections that are kept: the newest page from the cache, and POSTs.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::{Trial, Values};
use crate::api::database::Database;
use crate::api::requests::{List, Posts, Requests};
use crate::figures::Metric;
use crate::peer::Peer;

const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(10);
/// Until all that was posted has gone its way.
const SETTLING: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);

/// The newest page, which does not change.
pub(super) fn read(trial: &mut Trial<'_>) -> Result<Values> {
    let mut requests = Requests::to(trial.subject.address, trial.interruption.clone())?;
    // More than the page has room for.
    requests.run(WARM_UP, &mut Posts::default())?;
    settle(trial)?;
    let mut list = List::default();
    requests.run(WARM_UP, &mut list)?;
    let cpu = trial.subject.process.cpu_seconds()?;
    let answers = requests.run(TIME, &mut list)?;
    let cpu = trial.subject.process.cpu_seconds()? - cpu;
    Ok(vec![
        (Metric::ReadsPerCpuSecond, answers.count() / cpu),
        (Metric::ReadsPerSecond, answers.count() / answers.seconds),
        (Metric::ReadMedian, answers.quantile(0.5)),
        (Metric::ReadTail, answers.quantile(0.99)),
    ])
}

/// POSTs. The time that the server spends until the last of them has gone its way counts.
pub(super) fn write(trial: &mut Trial<'_>) -> Result<Values> {
    let mut requests = Requests::to(trial.subject.address, trial.interruption.clone())?;
    let mut posts = Posts::default();
    requests.run(WARM_UP, &mut posts)?;
    settle(trial)?;
    let cpu = trial.subject.process.cpu_seconds()?;
    let answers = requests.run(TIME, &mut posts)?;
    settle(trial)?;
    let cpu = trial.subject.process.cpu_seconds()? - cpu;
    Ok(vec![
        (Metric::WritesPerCpuSecond, answers.count() / cpu),
        (Metric::WritesPerSecond, answers.count() / answers.seconds),
        (Metric::WriteMedian, answers.quantile(0.5)),
        (Metric::WriteTail, answers.quantile(0.99)),
    ])
}

/// Until the relay has handed everything to Kafka, and the consumer has processed it. The peer has nothing left to do when it answers.
fn settle(trial: &Trial<'_>) -> Result<()> {
    if trial.peer != Peer::Api {
        return Ok(());
    }
    let mut database = Database::connect(trial.backends.postgres.url())?;
    let begun = Instant::now();
    loop {
        let rows = database.query(UNSETTLED, &[])?;
        if rows.first().is_some_and(|row| !row.get::<_, bool>(0)) {
            // The last entries of the feed reach the server.
            thread::sleep(PAUSE * 4);
            return Ok(());
        }
        trial.interruption.check()?;
        if begun.elapsed() > SETTLING {
            bail!("not everything was processed within {} s", SETTLING.as_secs());
        }
        thread::sleep(PAUSE);
    }
}

const UNSETTLED: &str =
    "SELECT EXISTS (SELECT FROM outbox) OR EXISTS (SELECT FROM notifications WHERE status = 'pending')";
