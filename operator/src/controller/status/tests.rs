//! The table of cases in `docs/architecture.md`, row by row, and what makes a status truthful.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateWaiting, ContainerStatus};
use realtime_contract::Component;
use realtime_crds::{
    ComponentState, ConditionType, Conditions, DependencyStatus, InstanceStatus, RealtimeStack, RealtimeStackStatus,
};

use super::{Facts, compute};
use crate::controller::apply::{self, Applied, Outcome};
use crate::controller::dereference::token_key;
use crate::controller::fixtures::{
    change_deployment, change_stateful_set, ended, pod, settled, stack, unchanged, validated,
};
use crate::controller::object::{Key, Kind};
use crate::controller::observed::Observed;
use crate::controller::stack::ValidatedStack;
use crate::controller::{Failure, validate};

/// A situation, from which a test changes what it is about.
struct Scene {
    stack: RealtimeStack,
    previous: RealtimeStackStatus,
    validated: Option<ValidatedStack>,
    outcomes: Option<Result<Vec<Outcome>, Failure>>,
    observed: Observed,
}

impl Scene {
    fn of(spec: &str) -> Self {
        let validated = validated(spec);
        let mut scene = Self {
            stack: stack(spec),
            previous: RealtimeStackStatus::default(),
            outcomes: validated.active.then(|| Ok(unchanged(&validated))),
            observed: settled(&validated),
            validated: Some(validated),
        };
        scene.previous = scene.status();
        scene
    }

    fn status(&self) -> RealtimeStackStatus {
        self.status_at(1_000)
    }

    fn status_at(&self, second: i64) -> RealtimeStackStatus {
        compute(&Facts {
            stack: &self.stack,
            previous: &self.previous,
            validated: self.validated.as_ref(),
            outcomes: self.outcomes.as_ref(),
            observed: &self.observed,
            now: Timestamp::from_second(second).unwrap(),
        })
    }

    /// Ready, Reconciled, Progressing, Degraded, Paused.
    fn row(&self) -> [String; 5] {
        let status = self.status();
        [
            ConditionType::Ready,
            ConditionType::Reconciled,
            ConditionType::Progressing,
            ConditionType::Degraded,
            ConditionType::Paused,
        ]
        .map(|condition| status.conditions.of(condition).unwrap().status.clone())
    }

    fn reason(&self, condition: ConditionType) -> (String, String) {
        let status = self.status();
        let condition = status.conditions.of(condition).unwrap();
        (condition.reason.clone(), condition.message.clone())
    }

    fn state(&self, component: Component) -> ComponentState {
        self.status().components.into_iter().find(|it| it.name == component.name()).unwrap().state
    }

    fn report_away(&mut self, pod: &str, dependency: &str) {
        let status = self.stack.status.get_or_insert_default();
        status.instances.push(InstanceStatus {
            pod: pod.to_owned(),
            component: "api".to_owned(),
            ready: false,
            dependencies: vec![DependencyStatus {
                name: dependency.to_owned(),
                ready: false,
                message: "nothing answers at its address".to_owned(),
            }],
            since: String::new(),
        });
    }
}

#[test]
fn a_settled_stack_is_ready_and_nothing_else() {
    let scene = Scene::of("{}");
    assert_eq!(scene.row(), ["True", "True", "False", "False", "False"]);
    assert_eq!(scene.status().observed_generation, Some(1));
    assert_eq!(scene.status().conditions.len(), ConditionType::ALL.len());
}

#[test]
fn a_status_follows_from_itself_so_that_it_is_not_written_again() {
    let mut scene = Scene::of("{}");
    let first = scene.status_at(1_000);
    scene.previous = first.clone();
    assert_eq!(scene.status_at(2_000), first);
}

#[test]
fn a_first_apply_is_progressing_and_not_degraded() {
    let mut scene = Scene::of("{}");
    scene.previous = RealtimeStackStatus::default();
    change_deployment(&mut scene.observed, Component::Api, |it| it.status.as_mut().unwrap().ready_replicas = Some(0));
    assert_eq!(scene.row(), ["False", "True", "True", "False", "False"]);
}

#[test]
fn workloads_that_wait_say_for_which_job_and_what_keeps_it() {
    let mut scene = Scene::of("{}");
    scene.previous = RealtimeStackStatus::default();
    scene.observed.deployments.clear();
    Arc::make_mut(&mut scene.observed.jobs[0]).status = Some(ended("Failed", Some("BackoffLimitExceeded")));
    let waiting = |component| Outcome {
        key: Key { kind: Kind::Deployment, name: format!("demo-{component}") },
        result: Ok(Applied::Waiting),
    };
    let outcomes = scene.outcomes.as_mut().unwrap().as_mut().unwrap();
    outcomes.retain(|outcome| outcome.key.kind != Kind::Deployment);
    outcomes.extend(Component::WORKLOADS.map(waiting));
    assert_eq!(scene.row(), ["False", "True", "True", "False", "False"]);
    let (_, message) = scene.reason(ConditionType::Ready);
    assert!(message.contains("which failed: BackoffLimitExceeded; see kubectl logs job/demo-prepare-"), "{message}");
}

#[test]
fn workloads_that_run_while_a_new_version_is_prepared_are_not_ready_for_it() {
    let mut scene = Scene::of("{}");
    let outcomes = scene.outcomes.as_mut().unwrap().as_mut().unwrap();
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.key.kind == Kind::Deployment) {
        outcome.result = Ok(Applied::Waiting);
    }
    assert_eq!(scene.row(), ["False", "True", "True", "False", "False"]);
    assert!(
        scene.reason(ConditionType::Ready).1.starts_with("api 1/1, consumer 1/1, notifications 1/1: waits for job")
    );
}

#[test]
fn an_evicted_pod_has_no_say() {
    let mut scene = Scene::of("{}");
    let mut evicted = pod(Component::Api, "demo-api-evicted");
    evicted.status.as_mut().unwrap().phase = Some("Failed".to_owned());
    scene.observed.pods.push(Arc::new(evicted));
    scene.report_away("demo-api-evicted", "kafka");
    assert_eq!(scene.row(), ["True", "True", "False", "False", "False"]);
}

#[test]
fn a_paused_stack_that_cannot_be_read_is_still_paused() {
    let mut scene = Scene::of("{operation: {reconciliation: Paused}}");
    scene.outcomes = Some(Err(Failure::Validate(validate::Error::ReadIdentity { field: "uid" })));
    assert_eq!(scene.row()[4], "True");
}

#[test]
fn an_instance_missing_beside_others_is_degraded_and_still_ready() {
    let mut scene = Scene::of("{api: {scaling: {fixed: {replicas: 2}}}}");
    change_deployment(&mut scene.observed, Component::Api, |it| it.status.as_mut().unwrap().ready_replicas = Some(1));
    assert_eq!(scene.row(), ["True", "True", "False", "True", "False"]);
    assert_eq!(scene.reason(ConditionType::Ready).0, "ReadyDegraded");
}

#[test]
fn a_component_without_an_instance_is_not_ready() {
    let mut scene = Scene::of("{}");
    change_stateful_set(&mut scene.observed, Component::Redis, |it| it.status.as_mut().unwrap().ready_replicas = None);
    assert_eq!(scene.row(), ["False", "True", "False", "True", "False"]);
}

#[test]
fn a_dependency_that_an_instance_reports_away_is_told_in_its_words() {
    let mut scene = Scene::of("{}");
    scene.report_away("demo-api-0", "kafka");
    assert_eq!(scene.row(), ["False", "True", "False", "True", "False"]);
    let (reason, message) = scene.reason(ConditionType::Ready);
    assert_eq!(reason, "ComponentsNotReady");
    assert!(message.contains("api 1/1: pod demo-api-0: kafka nothing answers at its address"), "{message}");
}

#[test]
fn a_report_of_a_pod_that_is_gone_has_no_say() {
    let mut scene = Scene::of("{}");
    scene.report_away("demo-api-gone", "kafka");
    assert_eq!(scene.row(), ["True", "True", "False", "False", "False"]);
}

#[test]
fn a_report_can_only_lower_readiness() {
    let mut scene = Scene::of("{}");
    change_deployment(&mut scene.observed, Component::Api, |it| it.status.as_mut().unwrap().ready_replicas = Some(0));
    scene.report_away("demo-api-0", "kafka");
    scene.stack.status.as_mut().unwrap().instances[0].dependencies[0].ready = true;
    assert_eq!(scene.row()[0], "False");
}

#[test]
fn a_generation_that_no_controller_has_seen_is_not_ready() {
    let mut scene = Scene::of("{}");
    change_deployment(&mut scene.observed, Component::Api, |it| it.metadata.generation = Some(2));
    assert_eq!(scene.state(Component::Api), ComponentState::RollingOut);
    assert_eq!(scene.row(), ["False", "True", "True", "False", "False"]);
}

#[test]
fn a_watch_that_is_behind_what_was_applied_is_not_ready() {
    let mut scene = Scene::of("{}");
    let outcomes = scene.outcomes.as_mut().unwrap().as_mut().unwrap();
    let api = outcomes.iter_mut().find(|it| it.key.to_string() == "Deployment demo-api").unwrap();
    api.result = Ok(Applied::Current { version: "2".to_owned(), written: true });
    assert_eq!(scene.row(), ["False", "True", "True", "False", "False"]);
}

#[test]
fn a_rolling_update_that_keeps_every_instance_stays_ready() {
    let mut scene = Scene::of("{}");
    change_deployment(&mut scene.observed, Component::Api, |it| it.status.as_mut().unwrap().replicas = Some(2));
    assert_eq!(scene.row(), ["True", "True", "True", "False", "False"]);
}

#[test]
fn a_stopped_stack_is_not_ready_on_request() {
    let scene = Scene::of("{operation: {state: Stopped}}");
    assert_eq!(scene.row(), ["False", "True", "False", "False", "False"]);
    assert_eq!(scene.reason(ConditionType::Ready).0, "Stopped");
    assert_eq!(scene.state(Component::Kafka), ComponentState::Stopped);
}

#[test]
fn a_paused_stack_is_as_its_children_are() {
    let mut scene = Scene::of("{operation: {reconciliation: Paused}}");
    assert_eq!(scene.row(), ["True", "Unknown", "False", "False", "True"]);
    change_stateful_set(&mut scene.observed, Component::Kafka, |it| {
        it.spec.as_mut().unwrap().replicas = Some(0);
        let status = it.status.as_mut().unwrap();
        (status.replicas, status.ready_replicas, status.updated_replicas) = (0, None, None);
    });
    scene.report_away("demo-api-0", "kafka");
    assert_eq!(scene.row(), ["False", "Unknown", "False", "True", "True"]);
    let (_, message) = scene.reason(ConditionType::Ready);
    assert!(message.contains("kafka 0/1: StatefulSet demo-kafka is scaled to 0, the stack wants 1"), "{message}");
    assert!(message.contains("pod demo-api-0: kafka nothing answers"), "{message}");
}

#[test]
fn a_refused_spec_is_told_by_its_sentence() {
    let mut scene = Scene::of("{}");
    scene.validated = None;
    scene.outcomes = Some(Err(Failure::Validate(validate::Error::ReadIdentity { field: "uid" })));
    assert_eq!(scene.row(), ["False", "False", "False", "False", "False"]);
    let expected = ("SpecRefused".to_owned(), "the stack has no uid: apply it to a cluster".to_owned());
    assert_eq!(scene.reason(ConditionType::Ready), expected);
    assert_eq!(scene.reason(ConditionType::Reconciled), expected);
}

#[test]
fn a_secret_whose_changes_nothing_tells_of_is_named_with_what_to_do() {
    let mut scene = Scene::of("{}");
    scene.validated.as_mut().unwrap().unwatched_secret = Some("keys".to_owned());
    assert_eq!(scene.row(), ["True", "True", "False", "False", "False"]);
    let (reason, message) = scene.reason(ConditionType::Reconciled);
    assert_eq!(reason, "Applied");
    assert!(
        message.ends_with(
            "secret keys is noticed only with the next change of the stack: label it realtimestack.io/reload=true"
        ),
        "{message}"
    );
}

#[test]
fn a_missing_key_of_tokens_is_told_with_what_to_create() {
    let mut scene = Scene::of("{}");
    let error = token_key::Error::FindSecret { name: "keys".to_owned() };
    scene.validated = None;
    scene.outcomes = Some(Err(Failure::Dereference(error.into())));
    let (reason, message) = scene.reason(ConditionType::Ready);
    assert_eq!(reason, "DereferenceFailed");
    let sentence = "failed to find secret keys, which security.auth.jwt.key names: create it, with";
    assert!(message.starts_with(sentence) && message.matches("secret keys").count() == 1, "{message}");
}

#[test]
fn an_object_that_cannot_be_applied_is_named() {
    let mut scene = Scene::of("{}");
    let outcomes = scene.outcomes.as_mut().unwrap().as_mut().unwrap();
    outcomes[0].result = Err(apply::Error::Prepare { job: "demo-prepare-1".to_owned(), reason: "Failed".to_owned() });
    assert_eq!(scene.row()[..2], ["False", "False"]);
    assert!(scene.reason(ConditionType::Reconciled).1.contains("job demo-prepare-1"));
}

#[test]
fn a_pod_that_waits_says_why() {
    let mut scene = Scene::of("{}");
    change_deployment(&mut scene.observed, Component::Api, |it| it.status.as_mut().unwrap().ready_replicas = Some(0));
    let mut stuck = pod(Component::Api, "demo-api-0");
    let waiting = ContainerStateWaiting {
        reason: Some("ImagePullBackOff".to_owned()),
        message: Some("no such image".to_owned()),
    };
    stuck.status.as_mut().unwrap().container_statuses = Some(vec![ContainerStatus {
        name: "api".to_owned(),
        state: Some(ContainerState { waiting: Some(waiting), ..ContainerState::default() }),
        ..ContainerStatus::default()
    }]);
    scene.observed.pods = vec![Arc::new(stuck)];
    let api = scene.status().components.into_iter().find(|it| it.name == "api").unwrap();
    assert_eq!(api.reason.as_deref(), Some("ImagePullBackOff"));
    assert_eq!(api.message.as_deref(), Some("pod demo-api-0: container api waits: ImagePullBackOff: no such image"));
}

#[test]
fn the_time_of_a_transition_moves_only_when_the_status_flips() {
    let mut scene = Scene::of("{}");
    scene.previous = scene.status_at(1_000);
    change_stateful_set(&mut scene.observed, Component::Redis, |it| it.status.as_mut().unwrap().ready_replicas = None);
    let flipped = scene.status_at(2_000);
    let time = |condition| flipped.conditions.of(condition).unwrap().last_transition_time.0.as_second();
    assert_eq!(time(ConditionType::Ready), 2_000);
    assert_eq!(time(ConditionType::Reconciled), 1_000);
}
