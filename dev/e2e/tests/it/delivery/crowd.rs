//! Instances of the API that are rolled and killed, and an empty Redis, under clients of every kind.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::Component;
use realtime_e2e::fixture::DELIVERY;
use realtime_e2e::postings::Poster;
use realtime_e2e::{Stack, container, environment, eventually, kubectl};

use super::audience::Audience;
use super::{CAUGHT_UP, CHANNELS, settled};
use crate::streams::{restarts, run_name, started_again};

/// Rolls the API, and empties Redis when the first of the old instances is about to go. The last one is gone when this returns.
async fn roll_over_an_empty_redis(stack: &Stack) {
    let before: Vec<String> = stack.pods(Component::Api).await.iter().map(ResourceExt::name_any).collect();
    let deployment = format!("deployment/{}", stack.object_name(Component::Api));
    kubectl::run(&["rollout", "restart", &deployment, "--namespace", &stack.namespace]).await;
    eventually("the first instance is about to go", CAUGHT_UP, async || {
        let now: Vec<String> = stack.pods(Component::Api).await.iter().map(ResourceExt::name_any).collect();
        if before.iter().any(|pod| !now.contains(pod)) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    let keys = stack.empty_redis().await;
    assert!(keys > 0, "there was something in Redis");
    kubectl::run(&["rollout", "status", &deployment, "--namespace", &stack.namespace, "--timeout=120s"]).await;
    eventually("the old instances are gone", CAUGHT_UP, async || {
        let now: Vec<String> = stack.labelled::<Pod>().await.iter().map(ResourceExt::name_any).collect();
        let rest: Vec<&String> = before.iter().filter(|pod| now.contains(pod)).collect();
        if rest.is_empty() { Ok(()) } else { Err(format!("{rest:?}")) }
    })
    .await;
}

/// Ends each instance without a word, one after the other.
async fn kill_each(stack: &Stack, audience: &Audience) {
    for pod in stack.pods(Component::Api).await {
        container::kill(&pod, "realtime-api");
        started_again(stack, &pod.name_any(), restarts(&pod)).await;
        audience.tell("one was killed").await;
    }
}

/// The figures can be raised by hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_client_gets_every_notification_once_while_instances_are_rolled_and_killed_and_redis_is_emptied() {
    DELIVERY
        .change(async |stack| {
            let clients = environment::number(environment::DELIVERY_CLIENTS, 500) as usize;
            let per_second = environment::number(environment::DELIVERY_POSTS, 10);
            let run = run_name();
            let audience = Audience::gather(stack, &run, clients).await;
            let poster = Poster::start(&stack.url(Component::Api).await, &run, per_second, CHANNELS);
            audience.goes_on(20).await;
            kill_each(stack, &audience).await;
            audience.goes_on(20).await;
            roll_over_an_empty_redis(stack).await;
            audience.tell("all were rolled, and Redis was emptied").await;
            audience.goes_on(20).await;

            let postings = settled(stack, poster, &run).await;
            let sockets = audience.complete(&postings).await;
            let ended = audience.streams.of_each(|record| record.ended.len());
            assert!(ended.iter().all(|ended| *ended > 1), "each stream was ended: {ended:?}");
            assert!(sockets.iter().all(|record| record.opened > 2), "each socket has come back");
            // Known again after the kills, and by the last offset once Redis had forgotten them.
            let recovered: u32 = sockets.iter().map(|record| record.recovered).sum();
            let resumed = sockets.iter().map(|record| record.opened - 1).sum::<u32>() - recovered;
            assert!(recovered > 0 && resumed > 0, "{recovered} were recovered, {resumed} resumed");
        })
        .await;
}
