//! A backend that is away: what is accepted arrives later, what is refused names it, and the status says so in the words of the pods.
//!
//! The stack is paused, so that nobody brings back what the tests scale to zero by hand.

use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use realtime_contract::Component;
use realtime_crds::{ComponentState, ConditionType, Conditions};
use realtime_e2e::fixture::{DEFAULT, default_spec};
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, eventually, kubectl, sse};
use serde_json::json;

/// What comes at once comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// The status tells of it this soon after the pod was gone.
const TOLD: Duration = Duration::from_secs(15);
/// What was accepted is delivered this soon after the stack is Ready again.
const DELIVERED: Duration = Duration::from_secs(30);

pub(crate) async fn pause(stack: &Stack) {
    stack.apply(&json!({"operation": {"reconciliation": "Paused"}})).await;
    stack.condition(ConditionType::Paused, "is True", Duration::from_secs(15), |it| it.status == "True").await;
}

pub(crate) async fn resume(stack: &Stack) {
    stack.apply(&default_spec()).await;
    stack.ready(START_LIMIT).await;
}

/// Scales a backend to zero by hand, and waits until its pod is gone.
pub(crate) async fn take_away(stack: &Stack, component: Component) {
    let patch = Patch::Merge(json!({"spec": {"replicas": 0}}));
    let sets = stack.objects::<StatefulSet>();
    sets.patch(&stack.object_name(component), &PatchParams::default(), &patch).await.expect("anyone may scale");
    let selector = format!("app.kubernetes.io/component={component}");
    kubectl::run(&[
        "wait",
        "--for=delete",
        "pod",
        "--namespace",
        &stack.namespace,
        "--selector",
        &selector,
        "--timeout=120s",
    ])
    .await;
}

/// Waits until a pod of the API itself says that the backend is away, and the stack is not Ready for it.
async fn told_by_the_api(stack: &Stack, backend: Component) {
    let begin = Instant::now();
    let message = eventually(&format!("the status tells that {backend} is away"), TOLD, async || {
        let status = stack.status().await;
        let instances = status.instances.iter().filter(|instance| instance.component == "api");
        let mut dependencies = instances.flat_map(|instance| &instance.dependencies);
        let away = dependencies.find(|dependency| dependency.name == backend.name() && !dependency.ready);
        let away = away.ok_or_else(|| format!("no instance says so: {:?}", status.instances))?;
        let ready = status.conditions.of(ConditionType::Ready).ok_or("no condition Ready")?;
        let named = ready.message.contains(backend.name()) && ready.message.contains(&away.message);
        let told = format!("{} {}: {}", ready.status, ready.reason, ready.message);
        if ready.status == "False" && named { Ok(ready.message.clone()) } else { Err(told) }
    })
    .await;
    eprintln!("told after {:?}: {message}", begin.elapsed());
    let component = stack.component(backend, "is not ready", TOLD, |it| it.state == ComponentState::NotReady).await;
    assert_eq!((component.ready, component.desired), (0, 1), "{component:?}");
    assert!(component.message.is_some_and(|message| message.contains(backend.name())));
}

/// Ends a workload's pods without giving them time for anything.
async fn kill(stack: &Stack, component: Component) {
    for pod in stack.pods(component).await {
        let parameters = DeleteParams::default().grace_period(0);
        stack.objects::<Pod>().delete(&pod.name_any(), &parameters).await.expect("a pod can be killed");
    }
}

/// Accepted means kept: also when the instance that accepted them dies before it could hand them on.
#[tokio::test]
async fn without_kafka_notifications_are_accepted_and_arrive_when_it_is_back() {
    DEFAULT
        .change(async |stack| {
            pause(stack).await;
            take_away(stack, Component::Kafka).await;
            told_by_the_api(stack, Component::Kafka).await;
            let described = kubectl::run(&["describe", "rts", &stack.name, "--namespace", &stack.namespace]).await;
            assert!(described.contains("StatefulSet demo-kafka is scaled to 0, the stack wants 1"), "{described}");
            assert!(described.contains("kafka nothing answers at its address"), "{described}");

            let url = format!("{}/api/sse/notifications", stack.url(Component::Api).await);
            let mut stream = sse::listen(&url, None).await;
            let greeting = stream.wait("greeting", PATIENCE, |event| event["data"]["type"] == "connection").await;
            let cursor = greeting.event["id"].as_str().expect("each frame has a cursor");
            let posted = [stack.api().await.notify("first").await, stack.api().await.notify("second").await];
            kill(stack, Component::Api).await;
            resume(stack).await;

            // To another instance of the API, from where the first one had begun.
            let url = format!("{}/api/sse/notifications", stack.url(Component::Api).await);
            let mut stream = sse::listen(&url, Some(cursor)).await;
            for notification in &posted {
                stream.notification(&notification.id, DELIVERED).await;
            }
            let order: Vec<_> = stream.seen().iter().filter_map(|arrival| arrival.data()["message"].as_str()).collect();
            assert_eq!(order[order.len() - 2..], ["first", "second"], "once each, and in order: {order:?}");
        })
        .await;
}

#[tokio::test]
async fn without_redis_notifications_are_accepted_and_arrive() {
    DEFAULT
        .change(async |stack| {
            pause(stack).await;
            take_away(stack, Component::Redis).await;
            told_by_the_api(stack, Component::Redis).await;
            let url = format!("{}/api/sse/notifications", stack.url(Component::Api).await);
            let mut stream = sse::listen(&url, None).await;
            let posted = stack.api().await.notify("without redis").await;
            resume(stack).await;
            stream.notification(&posted.id, DELIVERED).await;
            stack.delivers("with redis again", Duration::from_secs(10)).await;
        })
        .await;
}

#[tokio::test]
async fn without_postgres_the_api_answers_503_with_its_name() {
    DEFAULT
        .change(async |stack| {
            pause(stack).await;
            take_away(stack, Component::Postgres).await;
            told_by_the_api(stack, Component::Postgres).await;
            let body = r#"{"message":"lost"}"#;
            let answer = stack.api().await.post("application/json", body).await.expect("the API answers");
            assert_eq!((answer.status, &answer.body["dependency"]), (503, &json!("postgres")), "{}", answer.body);
            assert!(answer.headers.contains_key("retry-after"), "{:?}", answer.headers);
            resume(stack).await;
            stack.delivers("with postgres again", Duration::from_secs(10)).await;
            let refused = stack.query("SELECT count(*) FROM notifications WHERE message = 'lost'").await;
            assert_eq!(refused, "0", "what was refused is not stored");
        })
        .await;
}
