//! What somebody deletes comes back, and the stack works on.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt};
use realtime_e2e::fixture::{DEFAULT, REPLICATED};
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, eventually};
use serde::de::DeserializeOwned;

/// An object is back this soon.
const HEALED: Duration = Duration::from_secs(15);
/// The stack delivers again this soon; its status may speak of a moment before the deletion when the test looks.
const DELIVERED: Duration = Duration::from_secs(60);

async fn uid<K>(stack: &Stack, name: &str) -> Option<String>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let object = stack.objects::<K>().get_opt(name).await.expect("the API server answers");
    object.and_then(|object| object.uid())
}

/// Deletes an object and waits for another one of its name.
async fn comes_back<K>(stack: &Stack, name: &str)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let old = uid::<K>(stack, name).await;
    assert!(old.is_some(), "{name} exists");
    stack.delete::<K>(name).await;
    eventually(&format!("{} {name} is back", K::kind(&())), HEALED, async || match uid::<K>(stack, name).await {
        Some(new) if Some(&new) != old.as_ref() => Ok(()),
        found => Err(format!("found {found:?}, deleted {old:?}")),
    })
    .await;
}

#[tokio::test]
async fn a_deleted_deployment_comes_back() {
    REPLICATED
        .change(async |stack| {
            for name in ["demo-api", "demo-consumer", "demo-notifications"] {
                comes_back::<Deployment>(stack, name).await;
            }
            stack.ready(Duration::from_secs(90)).await;
            stack.delivers("after the deployments", DELIVERED).await;
        })
        .await;
}

#[tokio::test]
async fn a_deleted_service_comes_back() {
    REPLICATED
        .change(async |stack| {
            for name in ["demo-api", "demo-kafka"] {
                comes_back::<Service>(stack, name).await;
            }
            stack.notify_eventually("while addresses change", Duration::from_secs(20)).await;
            stack.ready(Duration::from_secs(60)).await;
            stack.delivers("after the services", DELIVERED).await;
        })
        .await;
}

#[tokio::test]
async fn a_deleted_config_map_comes_back() {
    REPLICATED
        .change(async |stack| {
            for name in ["demo-redis", "demo-kafka", "demo-postgres"] {
                comes_back::<ConfigMap>(stack, name).await;
            }
            stack.ready(Duration::from_secs(60)).await;
            stack.delivers("after the config maps", DELIVERED).await;
        })
        .await;
}

/// Other credentials on volumes that exist: each backend enforces the new ones and refuses the old ones.
#[tokio::test]
async fn deleted_credentials_are_generated_anew_and_enforced() {
    DEFAULT
        .change(async |stack| {
            let old = (stack.credential("redis-password").await, stack.credential("postgres-password").await);
            comes_back::<Secret>(stack, "demo-credentials").await;
            let new = (stack.credential("redis-password").await, stack.credential("postgres-password").await);
            assert!(old.0 != new.0 && old.1 != new.1, "each password is another one");
            stack.condition(realtime_crds::ConditionType::Ready, "is False", HEALED, |it| it.status == "False").await;
            stack.ready(START_LIMIT).await;

            let redis = stack.log_in_to_redis(&new.0).await;
            assert!(redis.stdout.contains("PONG"), "{redis:?}");
            let redis = stack.log_in_to_redis(&old.0).await;
            assert!(redis.stderr.contains("WRONGPASS") || redis.stdout.contains("WRONGPASS"), "{redis:?}");
            assert!(!redis.stdout.contains("PONG"), "{redis:?}");
            let postgres = stack.log_in_to_postgres(&new.1).await;
            assert_eq!((postgres.success, postgres.stdout.trim()), (true, "1"), "{postgres:?}");
            let postgres = stack.log_in_to_postgres(&old.1).await;
            assert!(!postgres.success && postgres.stderr.contains("password authentication failed"), "{postgres:?}");
            stack.delivers("with new credentials", DELIVERED).await;
        })
        .await;
}
