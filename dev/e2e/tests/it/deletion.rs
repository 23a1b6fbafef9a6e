//! A stack that is deleted leaves its data, and the next one of its name adopts them.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::ResourceExt;
use realtime_crds::RealtimeStack;
use realtime_e2e::fixture::{DEFAULT, default_spec};
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, eventually};

macro_rules! names {
    ($stack:expr, $($kind:ty),+) => {{
        let mut names = BTreeSet::new();
        $(names.extend($stack.labelled::<$kind>().await.iter().map(|it| format!("{} {}", stringify!($kind), it.name_any())));)+
        names
    }};
}

async fn retained(stack: &Stack) -> BTreeSet<String> {
    let claims = stack.labelled::<PersistentVolumeClaim>().await;
    let secrets = stack.labelled::<Secret>().await;
    let claims = claims.iter().map(|it| format!("claim {} {:?}", it.name_any(), it.uid()));
    claims.chain(secrets.iter().map(|it| format!("secret {} {:?}", it.name_any(), it.uid()))).collect()
}

#[tokio::test]
async fn a_deleted_stack_leaves_volumes_and_credentials_which_the_next_one_adopts() {
    DEFAULT
        .change(async |stack| {
            stack.delivers("before the deletion", Duration::from_secs(10)).await;
            let kept = retained(stack).await;
            assert_eq!(kept.len(), 4, "{kept:?}");

            stack.delete::<RealtimeStack>(&stack.name).await;
            eventually("everything else is gone", Duration::from_secs(150), async || {
                let workloads = names!(stack, Deployment, ReplicaSet, StatefulSet, Job, Pod);
                let others = names!(stack, ConfigMap, Service, ServiceAccount, Role, RoleBinding);
                let left: BTreeSet<_> = workloads.union(&others).cloned().collect();
                if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
            })
            .await;
            assert_eq!(retained(stack).await, kept);

            stack.apply(&default_spec()).await;
            stack.ready(START_LIMIT).await;
            assert_eq!(retained(stack).await, kept, "the same volumes and credentials");
            let list = stack.api().await.get("/api/notifications").await.expect("the API answers");
            let messages: Vec<&str> =
                list.body.as_array().expect("a list").iter().filter_map(|item| item["message"].as_str()).collect();
            assert!(messages.contains(&"before the deletion"), "{messages:?}");
            stack.delivers("after the adoption", Duration::from_secs(10)).await;
        })
        .await;
}
