//! How one component is.

use k8s_openapi::api::apps::v1::DeploymentStatus;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::Component;
use realtime_crds::{ComponentMode, ComponentState, ComponentStatus};

use super::pod::{self, Problem};
use super::{Facts, job, key_of};
use crate::controller::apply::Applied;
use crate::controller::build::{job as build_job, labels};
use crate::controller::object::{Key, Kind};
use crate::controller::stack::ValidatedStack;
use crate::images;

/// How a component is, and what the conditions need to know beside.
pub struct ComponentView {
    /// What the status says.
    pub status: ComponentStatus,
    /// Whether as many instances serve as should, and no dependency of theirs is away.
    pub available: bool,
    /// Whether one of its instances reports a dependency away.
    pub dependency_away: bool,
}

/// What a Deployment and a StatefulSet have in common.
struct Live {
    generation: i64,
    observed_generation: i64,
    wanted: i32,
    replicas: i32,
    updated: i32,
    ready: i32,
    image: Option<String>,
    /// Why no pod can be made: a quota, a policy.
    refused: Option<Problem>,
}

/// How a component of the stack is.
pub fn of(facts: &Facts<'_>, component: Component) -> ComponentView {
    let key = key_of(facts.stack, component);
    let live = live(facts, &key);
    let desired =
        facts.validated.map_or_else(|| live.as_ref().map_or(0, |live| live.wanted), |stack| desired(stack, component));
    let away = live.as_ref().and_then(|_| reported(facts, component));
    let (state, problem) = state(facts, &key, component, live.as_ref(), desired, away.clone());
    let ready = live.as_ref().map_or(0, |live| live.ready);
    let held = facts.is(&key, &Applied::Waiting) || facts.is(&key, &Applied::Replacing);
    let current = !held && live.as_ref().is_some_and(|live| is_observed(facts, &key, live));
    ComponentView {
        available: current && ready >= desired && away.is_none(),
        dependency_away: away.is_some(),
        status: ComponentStatus {
            name: component.name().to_owned(),
            mode: ComponentMode::Managed,
            state,
            ready,
            desired,
            version: live.and_then(|live| live.image).map(|image| images::version(&image).to_owned()),
            reason: problem.as_ref().map(|problem| problem.reason.clone()),
            message: problem.map(|problem| problem.message),
        },
    }
}

fn desired(stack: &ValidatedStack, component: Component) -> i32 {
    let replicas = stack.workloads.iter().find(|workload| workload.component == component).map_or(1, |it| it.replicas);
    if stack.running { replicas } else { 0 }
}

fn live(facts: &Facts<'_>, key: &Key) -> Option<Live> {
    let (metadata, spec_replicas, status, template, refused) = if key.kind == Kind::Deployment {
        let it = facts.observed.deployment(&key.name)?;
        let (spec, status) = (it.spec.as_ref()?, it.status.clone().unwrap_or_default());
        let counts = (status.observed_generation, status.replicas, status.updated_replicas, status.ready_replicas);
        (&it.metadata, spec.replicas, counts, &spec.template, refused(&status))
    } else {
        let it = facts.observed.stateful_set(&key.name)?;
        let (spec, status) = (it.spec.as_ref()?, it.status.clone().unwrap_or_default());
        let counts =
            (status.observed_generation, Some(status.replicas), status.updated_replicas, status.ready_replicas);
        (&it.metadata, spec.replicas, counts, &spec.template, None)
    };
    let image = template.spec.as_ref().and_then(|spec| spec.containers.first()?.image.clone());
    Some(Live {
        generation: metadata.generation.unwrap_or_default(),
        observed_generation: status.0.unwrap_or_default(),
        wanted: spec_replicas.unwrap_or(1),
        replicas: status.1.unwrap_or_default(),
        updated: status.2.unwrap_or_default(),
        ready: status.3.unwrap_or_default(),
        image,
        refused,
    })
}

fn refused(status: &DeploymentStatus) -> Option<Problem> {
    let mut conditions = status.conditions.iter().flatten();
    let failure = conditions.find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")?;
    Some(problem(failure.reason.as_deref().unwrap_or("ReplicaFailure"), failure.message.clone().unwrap_or_default()))
}

/// Whether what is observed is at least what was applied, and its controller has seen it.
fn is_observed(facts: &Facts<'_>, key: &Key, live: &Live) -> bool {
    let applied = facts.applied_version(key).and_then(|version| version.parse::<i64>().ok()).unwrap_or(0);
    live.generation >= applied && live.observed_generation >= live.generation
}

fn state(
    facts: &Facts<'_>,
    key: &Key,
    component: Component,
    live: Option<&Live>,
    desired: i32,
    away: Option<Problem>,
) -> (ComponentState, Option<Problem>) {
    let Some(live) = live else { return absent(facts, key, desired) };
    if facts.is(key, &Applied::Waiting) {
        return (ComponentState::RollingOut, Some(problem("WaitsForPrepare", prepare_sentence(facts))));
    }
    if facts.is(key, &Applied::Replacing) {
        return (ComponentState::RollingOut, Some(problem("Replacing", format!("{key} is made anew around its pods"))));
    }
    let worst_pod = || live.refused.clone().or_else(|| worst_pod(facts, component));
    let settled =
        is_observed(facts, key, live) && live.updated >= desired.min(live.wanted) && live.replicas == live.wanted;
    if live.wanted != desired {
        let sentence = format!("{key} is scaled to {}, the stack wants {desired}", live.wanted);
        return (ComponentState::NotReady, Some(problem("Scaled", sentence)));
    }
    if !settled {
        let taken_up = is_observed(facts, key, live);
        let updated = format!("{} of {desired} instances are up to date", live.updated);
        let sentence =
            if taken_up { updated } else { format!("{key} has changed and its controller has not seen it yet") };
        let otherwise = problem("RollingOut", sentence);
        return (ComponentState::RollingOut, Some(worst_pod().unwrap_or(otherwise)));
    }
    if desired == 0 {
        return (ComponentState::Stopped, None);
    }
    if live.ready < desired {
        let otherwise = problem("NotReady", format!("{} of {desired} instances are ready", live.ready));
        return (ComponentState::NotReady, Some(worst_pod().unwrap_or(otherwise)));
    }
    match away {
        Some(away) => (ComponentState::NotReady, Some(away)),
        None => (ComponentState::Ready, None),
    }
}

/// What keeps the component's pods; one that stays says more than one that goes.
fn worst_pod(facts: &Facts<'_>, component: Component) -> Option<Problem> {
    let problems = || pods(facts, component).filter_map(pod::problem);
    problems().find(|problem| problem.reason != "Terminating").or_else(|| problems().next())
}

fn problem(reason: &str, message: String) -> Problem {
    Problem { reason: reason.to_owned(), message }
}

/// A component without an object: it waits for the prepare step, or its object could not be applied, or somebody deleted it.
fn absent(facts: &Facts<'_>, key: &Key, desired: i32) -> (ComponentState, Option<Problem>) {
    if facts.is(key, &Applied::Waiting) {
        return (ComponentState::RollingOut, Some(problem("WaitsForPrepare", prepare_sentence(facts))));
    }
    if facts.applied_version(key).is_some() {
        return (ComponentState::RollingOut, Some(problem("RollingOut", format!("{key} is being created"))));
    }
    if desired == 0 {
        return (ComponentState::Stopped, None);
    }
    (ComponentState::NotReady, Some(problem("Missing", format!("{key} does not exist"))))
}

fn prepare_sentence(facts: &Facts<'_>) -> String {
    let name = facts.validated.map(build_job::name).unwrap_or_default();
    let job = facts.observed.job(&name);
    if let Some(job::JobState::Failed { reason, .. }) = job.map(job::state) {
        return format!("waits for job {name}, which failed: {reason}; see kubectl logs job/{name}");
    }
    let pods =
        facts.observed.pods.iter().filter(|pod| labels::component_of(&pod.metadata) == Some(build_job::COMPONENT));
    let stuck = pods
        .filter_map(|pod| pod::problem(pod))
        .find(|problem| problem.reason != "NotReady" && problem.reason != "Completed");
    let why = stuck.map(|problem| format!(": {}", problem.message)).unwrap_or_default();
    format!("waits for job {name} to prepare schema and topics{why}")
}

/// Pods of the component that have not ended: an evicted one stays as an object and has no say.
fn pods<'a>(facts: &'a Facts<'_>, component: Component) -> impl Iterator<Item = &'a Pod> {
    let of_component = move |pod: &&Pod| labels::component_of(&pod.metadata) == Some(component.name());
    facts.observed.pods.iter().map(AsRef::as_ref).filter(of_component).filter(|pod| !pod::has_ended(pod))
}

/// What the component's instances report of their dependencies, when one is away. Only pods that exist and stay have a say.
fn reported(facts: &Facts<'_>, component: Component) -> Option<Problem> {
    let alive: Vec<String> = pods(facts, component)
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .map(ResourceExt::name_any)
        .collect();
    let instances = facts.stack.status.iter().flat_map(|status| &status.instances);
    let mut sentences = instances.filter(|instance| alive.contains(&instance.pod)).flat_map(|instance| {
        let away = instance.dependencies.iter().filter(|dependency| !dependency.ready);
        away.map(|dependency| format!("pod {}: {} {}", instance.pod, dependency.name, dependency.message))
    });
    let first = sentences.next()?;
    let more = sentences.count();
    let message = if more == 0 { first } else { format!("{first} (and {more} more such reports)") };
    Some(problem("DependencyNotReady", message))
}
