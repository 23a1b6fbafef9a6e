//! Scenarios against an API server that keeps a record of what it was asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::memory::Memory;
use super::{Applied, Error, Outcome, apply};
use crate::controller::build::build;
use crate::controller::fixtures::{ended, settled, validated};
use crate::controller::object::{Key, Kind};
use crate::controller::observed::{Observed, ObservedObject};
use crate::controller::stack::ValidatedStack;

type Requests = Arc<Mutex<Vec<(Method, String)>>>;

/// An API server that takes everything, but for what `refuse` has an answer to.
fn api_server(refuse: fn(&Method, &str) -> Option<StatusCode>) -> (Client, Requests) {
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    let service = tower::service_fn(move |request: Request<Body>| {
        let seen = Arc::clone(&seen);
        async move {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let earlier = seen.lock().unwrap().iter().filter(|it| **it == (method.clone(), path.clone())).count();
            seen.lock().unwrap().push((method.clone(), path.clone()));
            let unknown = (method == Method::GET).then_some(StatusCode::NOT_FOUND);
            let refused = refuse(&method, &path).filter(|_| earlier == 0).or(unknown);
            let body = refused.map_or_else(|| accepted(&path), refusal);
            let response = Response::builder().status(refused.unwrap_or(StatusCode::OK));
            Ok::<_, Infallible>(response.body(Body::from(body.to_string().into_bytes())).unwrap())
        }
    });
    (Client::new(service, "default"), requests)
}

fn accepted(path: &str) -> Value {
    let name = path.rsplit('/').next().unwrap();
    json!({"apiVersion": "v1", "kind": "Any", "metadata": {"name": name, "uid": format!("uid-{name}"), "generation": 1}})
}

fn refusal(status: StatusCode) -> Value {
    let message = "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden";
    let reason = if status == StatusCode::NOT_FOUND { "NotFound" } else { "Invalid" };
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": status.as_u16()})
}

async fn run(client: &Client, stack: &ValidatedStack, observed: &Observed, memory: &Memory) -> Vec<Outcome> {
    apply(client, stack, &build(stack), observed, memory, Timestamp::from_second(1_000).unwrap()).await
}

fn taken(requests: &Requests) -> Vec<String> {
    let paths = std::mem::take(&mut *requests.lock().unwrap());
    paths.into_iter().map(|(method, path)| format!("{method} {}", path.split("/rt/").last().unwrap())).collect()
}

fn writes(requests: Vec<String>) -> Vec<String> {
    requests.into_iter().filter(|request| !request.starts_with("GET")).collect()
}

/// What the API server has answered stands in the watches.
fn caught_up(observed: &mut Observed, stack: &ValidatedStack) {
    for object in build(stack) {
        let uid = format!("uid-{}", object.key.name);
        let owners = vec![stack.uid.clone()];
        observed.objects.insert(object.key, ObservedObject { uid, version: "1".to_owned(), owners });
    }
}

#[tokio::test]
async fn a_first_apply_writes_everything_but_the_workloads() {
    let stack = validated("{}");
    let (client, requests) = api_server(|_, _| None);
    let outcomes = run(&client, &stack, &Observed::default(), &Memory::default()).await;
    let waiting = outcomes.iter().filter(|outcome| matches!(outcome.result, Ok(Applied::Waiting)));
    assert!(waiting.clone().all(|outcome| outcome.key.kind == Kind::Deployment));
    assert_eq!(waiting.count(), 3);
    let requests = writes(taken(&requests));
    assert_eq!(requests.len(), build(&stack).len() - 3);
    let position = |text: &str| requests.iter().position(|request| request.contains(text)).unwrap();
    assert!(position("roles/demo") < position("rolebindings/demo"));
    assert!(position("services/demo-kafka") < position("statefulsets/demo-kafka"));
    assert!(position("statefulsets/demo-kafka") < position("jobs/demo-prepare"));
}

#[tokio::test]
async fn a_second_apply_of_the_same_writes_nothing() {
    let stack = validated("{}");
    let (client, requests) = api_server(|_, _| None);
    let (memory, mut observed) = (Memory::default(), settled(&stack));
    run(&client, &stack, &observed, &memory).await;
    caught_up(&mut observed, &stack);
    assert_eq!(taken(&requests).len(), build(&stack).len() - 1, "all but the Job, which is left as it is");
    let outcomes = run(&client, &stack, &observed, &memory).await;
    assert_eq!(taken(&requests), Vec::<String>::new());
    assert!(outcomes.iter().all(|outcome| matches!(outcome.result, Ok(Applied::Current { written: false, .. }))));
}

#[tokio::test]
async fn an_object_that_is_gone_is_written_again_and_no_other() {
    let stack = validated("{}");
    let (client, requests) = api_server(|_, _| None);
    let (memory, mut observed) = (Memory::default(), settled(&stack));
    run(&client, &stack, &observed, &memory).await;
    caught_up(&mut observed, &stack);
    observed.objects.remove(&Key { kind: Kind::Service, name: "demo-api".to_owned() });
    taken(&requests);
    run(&client, &stack, &observed, &memory).await;
    assert_eq!(taken(&requests), ["GET services/demo-api", "PATCH services/demo-api"]);
}

#[tokio::test]
async fn what_the_stack_owns_but_does_not_want_is_deleted_and_nothing_else() {
    let stack = validated("{}");
    let (client, requests) = api_server(|_, _| None);
    let (memory, mut observed) = (Memory::default(), settled(&stack));
    let old =
        |owner: &str| ObservedObject { uid: "old".to_owned(), version: "1".to_owned(), owners: vec![owner.to_owned()] };
    let key = |kind, name: &str| Key { kind, name: name.to_owned() };
    observed.objects.insert(key(Kind::Job, "demo-prepare-old"), old("uid-demo"));
    observed.objects.insert(key(Kind::ConfigMap, "of-another"), old("uid-another"));
    observed.objects.insert(key(Kind::Secret, "demo-old"), old("uid-demo"));
    run(&client, &stack, &observed, &memory).await;
    let deleted: Vec<String> = taken(&requests).into_iter().filter(|request| request.starts_with("DELETE")).collect();
    assert_eq!(deleted, ["DELETE jobs/demo-prepare-old"]);
}

#[tokio::test]
async fn a_stateful_set_whose_fixed_fields_change_is_made_anew_around_its_pods() {
    let stack = validated("{}");
    let (client, requests) = api_server(|method, path| {
        (method == Method::PATCH && path.ends_with("statefulsets/demo-redis"))
            .then_some(StatusCode::UNPROCESSABLE_ENTITY)
    });
    let outcomes = run(&client, &stack, &settled(&stack), &Memory::default()).await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    let of_redis: Vec<String> =
        taken(&requests).into_iter().filter(|it| it.ends_with("statefulsets/demo-redis")).collect();
    assert_eq!(of_redis, ["PATCH statefulsets/demo-redis", "DELETE statefulsets/demo-redis"]);
    let redis =
        outcomes.iter().find(|outcome| outcome.key.name == "demo-redis" && outcome.key.kind == Kind::StatefulSet);
    assert_eq!(redis.unwrap().result.as_ref().unwrap(), &Applied::Replacing);
}

#[tokio::test]
async fn one_refused_object_keeps_no_other_from_being_applied() {
    let stack = validated("{}");
    let (client, requests) =
        api_server(|_, path| path.ends_with("configmaps/demo-kafka").then_some(StatusCode::FORBIDDEN));
    let outcomes = run(&client, &stack, &settled(&stack), &Memory::default()).await;
    let failed: Vec<String> = outcomes.iter().filter(|it| it.result.is_err()).map(|it| it.key.to_string()).collect();
    assert_eq!(failed, ["ConfigMap demo-kafka"]);
    assert_eq!(taken(&requests).len(), build(&stack).len() - 1, "all but the Job, which is left as it is");
}

#[tokio::test]
async fn a_failed_prepare_step_is_replaced_after_a_while() {
    let stack = validated("{}");
    let (client, requests) = api_server(|_, _| None);
    let (memory, mut observed) = (Memory::default(), settled(&stack));
    run(&client, &stack, &observed, &memory).await;
    caught_up(&mut observed, &stack);
    taken(&requests);
    for (failed_at, deletions) in [(990, 0), (900, 1)] {
        let job = Arc::make_mut(&mut observed.jobs[0]);
        job.status = Some(ended("Failed", Some("BackoffLimitExceeded")));
        let condition = &mut job.status.as_mut().unwrap().conditions.as_mut().unwrap()[0];
        let time = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::from_second(failed_at).unwrap());
        condition.last_transition_time = Some(time);
        let outcomes = run(&client, &stack, &observed, &memory).await;
        assert!(outcomes.iter().any(|outcome| matches!(outcome.result, Err(Error::Prepare { .. }))));
        assert_eq!(taken(&requests).len(), deletions, "failed at second {failed_at}");
    }
}

#[tokio::test]
async fn an_object_of_somebody_else_is_left_alone() {
    let stack = validated("{}");
    let service = tower::service_fn(|request: Request<Body>| async move {
        assert_eq!(request.method(), Method::GET, "nothing is written over what belongs to another");
        let body = accepted(request.uri().path());
        Ok::<_, Infallible>(Response::new(Body::from(body.to_string().into_bytes())))
    });
    let outcomes = run(&Client::new(service, "default"), &stack, &Observed::default(), &Memory::default()).await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome.result, Err(Error::TakeOver { .. })));
    assert_eq!(refused.count(), build(&stack).len() - 3, "workloads wait, everything else is refused");
}

#[tokio::test]
async fn a_job_that_prepared_other_volumes_is_run_anew_and_workloads_wait_for_it() {
    let stack = validated("{}");
    let (client, requests) = api_server(|_, _| None);
    let mut observed = settled(&stack);
    let at = |second| k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::from_second(second).unwrap());
    let job = Arc::make_mut(&mut observed.jobs[0]);
    job.status.as_mut().unwrap().conditions.as_mut().unwrap()[0].last_transition_time = Some(at(500));
    for deployment in &mut observed.deployments {
        Arc::make_mut(deployment).metadata.creation_timestamp = Some(at(500));
    }
    let mut claim = k8s_openapi::api::core::v1::PersistentVolumeClaim::default();
    claim.metadata.creation_timestamp = Some(at(600));
    observed.claims.push(Arc::new(claim));
    let outcomes = run(&client, &stack, &observed, &Memory::default()).await;
    let deleted: Vec<String> = taken(&requests).into_iter().filter(|request| request.starts_with("DELETE")).collect();
    assert_eq!(deleted.len(), 1);
    assert!(deleted[0].starts_with("DELETE jobs/demo-prepare-"), "{deleted:?}");
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome.result, Ok(Applied::Waiting))).count(), 3);
}

#[tokio::test]
async fn a_job_of_an_earlier_stack_of_the_same_name_proves_nothing() {
    let stack = validated("{}");
    let (client, _) = api_server(|_, _| None);
    let mut observed = settled(&stack);
    for object in observed.objects.values_mut() {
        object.owners = vec!["uid-earlier".to_owned()];
    }
    let outcomes = run(&client, &stack, &observed, &Memory::default()).await;
    assert!(
        outcomes
            .iter()
            .any(|outcome| outcome.key.kind == Kind::Job && matches!(outcome.result, Ok(Applied::Replacing)))
    );
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome.result, Ok(Applied::Waiting))).count(), 3);
}

#[tokio::test]
async fn workloads_are_healed_while_a_deleted_prepare_step_runs_again() {
    let stack = validated("{}");
    let (client, requests) = api_server(|_, _| None);
    let mut observed = settled(&stack);
    observed.jobs.clear();
    observed.objects.retain(|key, _| key.kind != Kind::Job);
    run(&client, &stack, &observed, &Memory::default()).await;
    assert!(taken(&requests).iter().any(|request| request == "PATCH deployments/demo-api"));
}
