//! The operator is killed while it applies a stack for the first time; the next one finishes the job.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams};
use realtime_e2e::cluster::{OPERATOR, OPERATOR_NAMESPACE};
use realtime_e2e::fixture::with_the_operator_to_itself;
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, eventually};
use serde_json::json;

/// Deletes the operator's pods without any grace.
async fn kill_operator(stack: &Stack) {
    let pods: Api<Pod> = Api::namespaced(stack.cluster.client.clone(), OPERATOR_NAMESPACE);
    let listed = pods.list(&ListParams::default()).await.expect("the operator's pods can be listed");
    let operators: Vec<String> =
        listed.items.iter().map(ResourceExt::name_any).filter(|name| name.starts_with(OPERATOR)).collect();
    assert!(!operators.is_empty(), "an operator runs");
    for name in operators {
        pods.delete(&name, &DeleteParams::default().grace_period(0)).await.expect("the operator's pod can be killed");
    }
}

#[tokio::test]
async fn an_operator_killed_twice_during_a_first_apply_leaves_exactly_one_stack() {
    with_the_operator_to_itself("interrupted", async |stack| {
        stack.apply(&json!({})).await;
        eventually("the first object is there", Duration::from_secs(60), async || {
            let objects = stack.labelled::<ServiceAccount>().await.len() + stack.labelled::<Secret>().await.len();
            if objects > 0 { Ok(()) } else { Err("nothing yet".to_owned()) }
        })
        .await;
        kill_operator(stack).await;
        eventually("a backend is there", Duration::from_secs(60), async || {
            let sets = stack.labelled::<StatefulSet>().await.len();
            if sets > 0 { Ok(()) } else { Err("no StatefulSet".to_owned()) }
        })
        .await;
        let workloads = stack.labelled::<Deployment>().await;
        assert!(
            workloads.iter().all(|it| it.status.as_ref().is_none_or(|it| it.ready_replicas.is_none())),
            "in the middle"
        );
        kill_operator(stack).await;

        stack.ready(START_LIMIT).await;
        assert_eq!(objects(stack).await, expected());
        stack.delivers("after two interruptions", Duration::from_secs(10)).await;
    })
    .await;
}

macro_rules! collect {
    ($stack:expr, $names:expr, $($kind:ident),+) => {
        $($names.extend($stack.labelled::<$kind>().await.iter().map(|it| format!("{} {}", stringify!($kind), it.name_any())));)+
    };
}

/// Every object with the stack's label. Names that a controller makes up end in `*`.
async fn objects(stack: &Stack) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    collect!(stack, names, ServiceAccount, Role, RoleBinding, ConfigMap, Secret, Service);
    collect!(stack, names, StatefulSet, Deployment, PersistentVolumeClaim);
    for pod in stack.labelled::<Pod>().await {
        names.push(format!("Pod of {}", pod.labels()["app.kubernetes.io/component"]));
    }
    for set in stack.labelled::<ReplicaSet>().await {
        names.push(format!("ReplicaSet of {}", set.labels()["app.kubernetes.io/component"]));
    }
    for job in stack.labelled::<Job>().await {
        let name = job.name_any();
        names.push(format!("Job {}*", &name[..name.rfind('-').expect("a hash ends the name") + 1]));
    }
    names.sort();
    names
}

fn expected() -> Vec<String> {
    let (workloads, backends) = (["api", "consumer", "notifications"], ["kafka", "postgres", "redis"]);
    let mut names = BTreeSet::from([
        "Job demo-prepare-*".to_owned(),
        "Pod of prepare".to_owned(),
        "Role demo-readiness-report".to_owned(),
        "Role demo-stack-reader".to_owned(),
        "RoleBinding demo-readiness-report".to_owned(),
        "RoleBinding demo-stack-reader".to_owned(),
        "Secret demo-credentials".to_owned(),
    ]);
    for name in workloads {
        for kind in ["Deployment", "Service", "ServiceAccount"] {
            names.insert(format!("{kind} demo-{name}"));
        }
        names.extend([format!("ReplicaSet of {name}"), format!("Pod of {name}")]);
    }
    for name in backends {
        for kind in ["ConfigMap", "Service", "StatefulSet"] {
            names.insert(format!("{kind} demo-{name}"));
        }
        names.extend([format!("PersistentVolumeClaim data-demo-{name}-0"), format!("Pod of {name}")]);
    }
    names.into_iter().collect()
}
