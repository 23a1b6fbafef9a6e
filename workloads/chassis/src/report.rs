//! The readiness report: what this pod says of its dependencies, in `status.instances` of its stack.
//!
//! Each pod applies its own entry under its own field manager, when something changed and not as a heartbeat: an idle stack writes nothing.

mod entry;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Client, Resource};
use realtime_contract::Component;
use realtime_crds::RealtimeStack;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::api_server;
use crate::config::ReportConfig;
use crate::dependencies::{Board, Snapshot};
use entry::Observation;

/// Changes within this time make one report; half as much again by chance, so that the pods of a stack do not write together.
const DEBOUNCE: Duration = Duration::from_millis(500);

/// The report did not arrive.
#[derive(Debug, Error)]
enum Error {
    #[error(transparent)]
    ReachApiServer(#[from] api_server::Error),
    #[error("failed to apply the entry of pod {pod} to the status of stack {stack}")]
    ApplyEntry {
        pod: String,
        stack: String,
        #[source]
        source: kube::Error,
    },
}

/// Who reports, and to whom.
#[derive(Clone, Debug)]
struct Reporter {
    stack: String,
    namespace: String,
    pod: String,
    component: Component,
}

/// Starts the report, when the configuration names stack, namespace and pod; else there is none.
pub fn spawn(
    config: &ReportConfig,
    component: Component,
    board: &Board,
    token: CancellationToken,
) -> Option<JoinHandle<()>> {
    let reporter = Reporter {
        stack: config.stack.clone()?,
        namespace: config.namespace.clone()?,
        pod: config.pod.clone()?,
        component,
    };
    let changes = board.subscribe();
    Some(tokio::spawn(async move {
        token.run_until_cancelled(report_forever(&reporter, changes)).await;
    }))
}

async fn report_forever(reporter: &Reporter, mut changes: watch::Receiver<Snapshot>) {
    let mut reported: Option<Observation> = None;
    loop {
        // The board lives as long as the process, so an error means the end.
        if changes.wait_for(|snapshot| has_news(snapshot, reported.as_ref())).await.is_err() {
            return;
        }
        sleep(DEBOUNCE + Duration::from_millis(fastrand::u64(0..250))).await;
        let observation = entry::observe(&changes.borrow_and_update());
        if reported.as_ref() != Some(&observation) {
            reported = Some(deliver(reporter, &mut changes, observation).await);
        }
    }
}

/// A board on which a check is still out says nothing yet.
fn has_news(snapshot: &Snapshot, reported: Option<&Observation>) -> bool {
    snapshot.is_known() && reported != Some(&entry::observe(snapshot))
}

/// Tries until a report is taken, each time with what is true then; gives what was taken.
async fn deliver(
    reporter: &Reporter,
    changes: &mut watch::Receiver<Snapshot>,
    mut observation: Observation,
) -> Observation {
    let limits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(60))
        .with_jitter()
        .without_max_times();
    let mut delays = limits.build();
    let mut since = Timestamp::now();
    loop {
        match apply(reporter, &observation, since).await {
            Ok(()) => {
                debug!(stack = reporter.stack, "readiness reported");
                return observation;
            }
            Err(error) => warn!(error = &error as &dyn std::error::Error, "readiness report failed, trying again"),
        }
        sleep(delays.next().unwrap_or(Duration::from_secs(60))).await;
        let current = entry::observe(&changes.borrow_and_update());
        if current != observation {
            observation = current;
            since = Timestamp::now();
        }
    }
}

async fn apply(reporter: &Reporter, observation: &Observation, since: Timestamp) -> Result<(), Error> {
    apply_over(api_server::client()?, reporter, observation, since).await
}

/// One server-side apply of this pod's entry, under the pod's name as field manager.
async fn apply_over(
    client: Client,
    reporter: &Reporter,
    observation: &Observation,
    since: Timestamp,
) -> Result<(), Error> {
    let stacks = api_server::stacks(client, &reporter.namespace);
    let entry = entry::instance(&reporter.pod, reporter.component, observation, since);
    let patch = entry::patch(&RealtimeStack::api_version(&()), &RealtimeStack::kind(&()), &reporter.stack, &entry);
    let parameters = PatchParams::apply(&reporter.pod).force();
    let applied = stacks.patch_status(&reporter.stack, &parameters, &Patch::Apply(patch)).await;
    applied.map(drop).map_err(|source| Error::ApplyEntry {
        pod: reporter.pod.clone(),
        stack: reporter.stack.clone(),
        source,
    })
}

#[cfg(test)]
mod tests;
