//! As many events as the server takes, to 1,000 clients.

use anyhow::Result;

use super::{PATH, Trial, Values};
use crate::crowd::SocketCrowd;
use crate::figures::Metric;
use crate::load::saturate;
use crate::peer::Peer;

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let mut crowd = SocketCrowd::of_sockets(trial.subject.address, trial.interruption.clone())?;
    let behind = trial.backends.behind(trial.peer == Peer::Api);
    let found = saturate(&mut crowd, PATH, &trial.subject.process, &behind, |count| trial.source.produce(count))?;
    Ok(vec![
        (Metric::DeliveriesPerCpuSecond, found.deliveries / found.cpu_seconds),
        (Metric::DeliveriesPerCpuSecondOfAll, found.deliveries / (found.cpu_seconds + found.cpu_seconds_behind)),
        (Metric::DeliveriesPerSecond, found.deliveries / found.seconds),
        (Metric::BytesPerDelivery, found.bytes / found.deliveries),
    ])
}
