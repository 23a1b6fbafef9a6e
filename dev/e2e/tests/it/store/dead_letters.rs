//! Records that cannot be read.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::{Component, topic};
use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::log::Log;
use realtime_e2e::{Stack, eventually};
use uuid::Uuid;

/// What goes through Kafka is there within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Topic, partition, offset and text of the kept records with that key, and whether a reason is given.
async fn letters(stack: &Stack, key: &str) -> Vec<String> {
    let kept = format!(
        "SELECT topic, partition, record_offset, convert_from(payload, 'UTF8'), reason <> '' FROM dead_letters
         WHERE key = convert_to('{key}', 'UTF8') ORDER BY partition"
    );
    stack.query(&kept).await.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_kept_once_and_holds_up_none_behind_it() {
    REPLICATED
        .change(async |stack| {
            let log = Log::open(stack, env!("CARGO_BIN_EXE_realtime-e2e-log")).await;
            let key = format!("unreadable-{}", Uuid::new_v4().simple());
            let mut expected = Vec::new();
            for partition in 0..i32::from(topic::DEFAULT_PARTITIONS) {
                let (_, offset) = log.produce(topic::NOTIFICATIONS, partition, &key, "{ no event").await;
                expected.push(format!("{}|{partition}|{offset}|{{ no event|t", topic::NOTIFICATIONS));
            }
            // Whichever partition it is in, an unreadable one stands before it.
            stack.delivers("behind what cannot be read", PATIENCE).await;
            eventually("what cannot be read is kept", PATIENCE, async || {
                let kept = letters(stack, &key).await;
                if kept == expected { Ok(()) } else { Err(format!("{kept:#?}")) }
            })
            .await;
            for pod in stack.pods(Component::Consumer).await {
                stack.delete::<Pod>(&pod.name_any()).await;
            }
            stack.ready(PATIENCE * 4).await;
            stack.delivers("behind it, by other instances", PATIENCE).await;
            assert_eq!(letters(stack, &key).await, expected, "none is kept twice");
        })
        .await;
}
