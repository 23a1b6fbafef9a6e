//! The status step: what the operator says of a stack, from what was applied, what is observed, what the pods report, and the time.
//! Pure. It never speaks of `instances`, which belong to the pods.

pub mod component;
pub mod condition;
pub mod job;
pub mod pod;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use realtime_contract::{Component, ports};
use realtime_crds::{ComponentStatus, Endpoints, RealtimeStack, RealtimeStackStatus, Reconciliation};

use super::Failure;
use super::apply::{Applied, Outcome};
use super::object::{Key, Kind};
use super::observed::Observed;
use super::stack::{ValidatedStack, object_name};

/// What a status is made of.
pub struct Facts<'a> {
    /// The stack, with the instances' reports.
    pub stack: &'a RealtimeStack,
    /// The status that was written last.
    pub previous: &'a RealtimeStackStatus,
    /// The stack as it was accepted, if it was.
    pub validated: Option<&'a ValidatedStack>,
    /// What became of its objects, or what kept the operator from applying any. `None` while paused.
    pub outcomes: Option<&'a Result<Vec<Outcome>, Failure>>,
    /// What the cluster holds.
    pub observed: &'a Observed,
    /// Now.
    pub now: Timestamp,
}

impl Facts<'_> {
    fn outcome(&self, key: &Key) -> Option<&Outcome> {
        self.outcomes?.as_ref().ok()?.iter().find(|outcome| outcome.key == *key)
    }

    /// The version that an object has since it was applied.
    fn applied_version(&self, key: &Key) -> Option<&str> {
        match &self.outcome(key)?.result {
            Ok(Applied::Current { version, .. }) => Some(version),
            _ => None,
        }
    }

    fn is(&self, key: &Key, applied: &Applied) -> bool {
        self.outcome(key).is_some_and(|outcome| outcome.result.as_ref().ok() == Some(applied))
    }

    fn is_paused(&self) -> bool {
        let operation = self.stack.spec.operation.as_ref();
        operation.and_then(|operation| operation.reconciliation) == Some(Reconciliation::Paused)
    }

    /// The first thing that went wrong, as category and sentence.
    fn failure(&self) -> Option<(&'static str, String)> {
        match self.outcomes? {
            Err(failure) => Some((failure.category(), failure.sentence())),
            Ok(outcomes) => outcomes.iter().find_map(|outcome| {
                let error = outcome.result.as_ref().err()?;
                Some(("ApplyFailed", super::chain(error)))
            }),
        }
    }
}

/// The status of a stack, without `instances`.
pub fn compute(facts: &Facts<'_>) -> RealtimeStackStatus {
    let components: Vec<_> = Component::ALL.into_iter().map(|component| component::of(facts, component)).collect();
    let statuses: Vec<ComponentStatus> = components.iter().map(|component| component.status.clone()).collect();
    let applied = facts.outcomes.is_some() && facts.failure().is_none();
    RealtimeStackStatus {
        observed_generation: facts.stack.metadata.generation,
        version: if applied { Some(env!("CARGO_PKG_VERSION").to_owned()) } else { facts.previous.version.clone() },
        conditions: condition::all(facts, &components),
        components: statuses,
        instances: Vec::new(),
        endpoints: Some(endpoints(facts.stack)),
    }
}

fn endpoints(stack: &RealtimeStack) -> Endpoints {
    let name = stack.metadata.name.as_deref().unwrap_or_default();
    let namespace = stack.metadata.namespace.as_deref().unwrap_or_default();
    let address = |component| Some(format!("http://{}.{namespace}.svc:{}", object_name(name, component), ports::HTTP));
    Endpoints { api: address(Component::Api), notifications: address(Component::Notifications) }
}

fn key_of(stack: &RealtimeStack, component: Component) -> Key {
    let kind = if Component::BACKENDS.contains(&component) { Kind::StatefulSet } else { Kind::Deployment };
    Key { kind, name: object_name(stack.metadata.name.as_deref().unwrap_or_default(), component) }
}
