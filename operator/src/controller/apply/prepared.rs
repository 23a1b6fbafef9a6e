//! Whether schema and topics are prepared for the data that is there. Pure.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;

use crate::controller::build::{job, metadata};
use crate::controller::object::{Key, Kind};
use crate::controller::observed::Observed;
use crate::controller::stack::ValidatedStack;
use crate::controller::status::job::{JobState, state};

/// Whether workloads may start: the current prepare step has completed for the present volumes, now or when the workloads were last
/// applied. So a backend that is away later never stops the healing of workloads. A stopped stack has nothing to wait for.
pub(super) fn is_prepared(stack: &ValidatedStack, observed: &Observed) -> bool {
    !stack.running || has_completed(stack, observed) || is_remembered(stack, observed)
}

/// Whether the Job is to be run anew: it belongs to an earlier stack of this name, or it had completed before a volume was created.
pub(super) fn is_outdated(stack: &ValidatedStack, observed: &Observed, job: &Job) -> bool {
    !is_own(stack, observed, Kind::Job, job.metadata.name.as_deref())
        || matches!(state(job), JobState::Complete { since: Some(since) } if Some(since) < newest_volume(observed))
}

fn has_completed(stack: &ValidatedStack, observed: &Observed) -> bool {
    observed
        .job(&job::name(stack))
        .is_some_and(|job| matches!(state(job), JobState::Complete { .. }) && !is_outdated(stack, observed, job))
}

fn is_remembered(stack: &ValidatedStack, observed: &Observed) -> bool {
    let name = job::name(stack);
    observed.deployments.iter().any(|deployment| {
        let annotations = deployment.metadata.annotations.as_ref();
        annotations.and_then(|annotations| annotations.get(metadata::PREPARED_BY)) == Some(&name)
            && is_own(stack, observed, Kind::Deployment, deployment.metadata.name.as_deref())
            && deployment.metadata.creation_timestamp.as_ref().map(|time| time.0) >= newest_volume(observed)
    })
}

fn is_own(stack: &ValidatedStack, observed: &Observed, kind: Kind, name: Option<&str>) -> bool {
    let key = Key { kind, name: name.unwrap_or_default().to_owned() };
    observed.objects.get(&key).is_some_and(|object| object.owners.contains(&stack.uid))
}

fn newest_volume(observed: &Observed) -> Option<Timestamp> {
    observed.claims.iter().filter_map(|claim| claim.metadata.creation_timestamp.as_ref().map(|time| time.0)).max()
}
