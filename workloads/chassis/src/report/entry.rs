//! The entry of a pod, as a value.

use jiff::Timestamp;
use realtime_contract::Component;
use realtime_contract::readiness::DependencyState;
use realtime_crds::{DependencyStatus, InstanceStatus};
use serde_json::{Value, json};

use crate::dependencies::Snapshot;

/// What a report tells; two boards that tell the same make one report.
pub(super) type Observation = Vec<(&'static str, DependencyState)>;

/// The reported part of a board.
pub(super) fn observe(snapshot: &Snapshot) -> Observation {
    snapshot.dependencies.iter().map(|dependency| (dependency.name, dependency.state)).collect()
}

/// The entry in `status.instances`.
pub(super) fn instance(pod: &str, component: Component, observation: &Observation, since: Timestamp) -> InstanceStatus {
    let dependency = |(name, state): &(&'static str, DependencyState)| DependencyStatus {
        name: (*name).to_owned(),
        ready: state.is_ready(),
        message: state.message().to_owned(),
    };
    InstanceStatus {
        pod: pod.to_owned(),
        component: component.name().to_owned(),
        ready: observation.iter().all(|(_, state)| state.is_ready()),
        dependencies: observation.iter().map(dependency).collect(),
        since: format!("{since:.0}"),
    }
}

/// The object to apply: nothing but this one entry.
pub(super) fn patch(api_version: &str, kind: &str, stack: &str, entry: &InstanceStatus) -> Value {
    json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": stack},
        "status": {"instances": [entry]},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patch_has_one_entry_and_no_other_status_field() {
        let observation = vec![("kafka", DependencyState::Unreachable), ("redis", DependencyState::Ready)];
        let since = "2026-11-21T06:00:00.5Z".parse().unwrap();
        let entry = instance("demo-api-x", Component::Api, &observation, since);
        let expected = json!({
            "apiVersion": "realtimestack.io/v1alpha1",
            "kind": "RealtimeStack",
            "metadata": {"name": "demo"},
            "status": {"instances": [{
                "pod": "demo-api-x",
                "component": "api",
                "ready": false,
                "dependencies": [
                    {"name": "kafka", "ready": false, "message": "nothing answers at its address"},
                    {"name": "redis", "ready": true, "message": "answers"},
                ],
                "since": "2026-11-21T06:00:00Z",
            }]},
        });
        assert_eq!(patch("realtimestack.io/v1alpha1", "RealtimeStack", "demo", &entry), expected);
    }
}
