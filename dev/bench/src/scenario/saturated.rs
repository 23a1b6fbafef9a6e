//! As many events as the server takes, to 1,000 subscribers.

use anyhow::Result;

use super::{PATH, Trial, Values};
use crate::crowd::Crowd;
use crate::figures::Metric;
use crate::load::saturate;

pub(super) fn run(trial: &mut Trial<'_>) -> Result<Values> {
    let mut crowd = Crowd::new(trial.subject.address, trial.interruption.clone())?;
    let found = saturate(&mut crowd, PATH, &trial.subject.process, &[], |count| {
        (0..count).try_for_each(|_| trial.production.send("bench").map(drop))
    })?;
    Ok(vec![
        (Metric::DeliveriesPerCpuSecond, found.deliveries / found.cpu_seconds),
        (Metric::DeliveriesPerSecond, found.deliveries / found.seconds),
        (Metric::BytesPerDelivery, found.bytes / found.deliveries),
    ])
}
