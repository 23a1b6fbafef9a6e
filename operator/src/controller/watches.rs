//! What the cluster holds, kept by watches on our own objects: a label selects them, so memory follows our stacks and not the cluster.

use std::fmt::Debug;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use realtime_crds::RealtimeStack;
use serde::de::DeserializeOwned;

use super::build::labels;
use super::object::{Key, Kind};
use super::observed::{Observed, ObservedObject};

/// A stack to reconcile because something of it has changed.
pub type Trigger = ObjectRef<DeserializeGuard<RealtimeStack>>;

type Metadata<K> = Store<PartialObjectMeta<K>>;

/// The stores behind the watches: whole objects where their status matters, metadata elsewhere.
pub struct Watches {
    deployments: Store<Deployment>,
    stateful_sets: Store<StatefulSet>,
    jobs: Store<Job>,
    pods: Store<Pod>,
    claims: Store<PersistentVolumeClaim>,
    service_accounts: Metadata<ServiceAccount>,
    roles: Metadata<Role>,
    role_bindings: Metadata<RoleBinding>,
    config_maps: Metadata<ConfigMap>,
    secrets: Metadata<Secret>,
    services: Metadata<Service>,
}

impl Watches {
    /// The stores, and the stream that fills them as long as it is polled and tells which stack is touched.
    pub fn start(client: &Client) -> (Self, impl Stream<Item = Trigger> + Send + 'static) {
        let mut triggers = Vec::new();
        let watches = Self {
            deployments: watch(client, &mut triggers),
            stateful_sets: watch(client, &mut triggers),
            jobs: watch(client, &mut triggers),
            pods: watch(client, &mut triggers),
            claims: watch(client, &mut triggers),
            service_accounts: watch(client, &mut triggers),
            roles: watch(client, &mut triggers),
            role_bindings: watch(client, &mut triggers),
            config_maps: watch(client, &mut triggers),
            secrets: watch(client, &mut triggers),
            services: watch(client, &mut triggers),
        };
        (watches, stream::select_all(triggers))
    }

    /// Waits until every store has been filled once.
    pub async fn ready(&self) {
        // A dropped writer means that the process ends; a reconcile on half a picture does not begin then either.
        let stores = futures::join!(
            self.deployments.wait_until_ready(),
            self.stateful_sets.wait_until_ready(),
            self.jobs.wait_until_ready(),
            self.pods.wait_until_ready(),
            self.claims.wait_until_ready(),
            self.service_accounts.wait_until_ready(),
            self.roles.wait_until_ready(),
            self.role_bindings.wait_until_ready(),
            self.config_maps.wait_until_ready(),
            self.secrets.wait_until_ready(),
            self.services.wait_until_ready(),
        );
        let (a, b, c, d, e, f, g, h, i, j, k) = stores;
        if [a, b, c, d, e, f, g, h, i, j, k].iter().any(Result::is_err) {
            std::future::pending::<()>().await;
        }
    }

    /// What the cluster holds of a stack.
    pub fn observe(&self, stack: &RealtimeStack) -> Observed {
        let mut observed = Observed {
            deployments: of_stack(&self.deployments, stack),
            stateful_sets: of_stack(&self.stateful_sets, stack),
            jobs: of_stack(&self.jobs, stack),
            pods: of_stack(&self.pods, stack),
            claims: of_stack(&self.claims, stack),
            ..Observed::default()
        };
        let objects = [
            keyed(Kind::Deployment, &observed.deployments),
            keyed(Kind::StatefulSet, &observed.stateful_sets),
            keyed(Kind::Job, &observed.jobs),
            keyed(Kind::ServiceAccount, &of_stack(&self.service_accounts, stack)),
            keyed(Kind::Role, &of_stack(&self.roles, stack)),
            keyed(Kind::RoleBinding, &of_stack(&self.role_bindings, stack)),
            keyed(Kind::ConfigMap, &of_stack(&self.config_maps, stack)),
            keyed(Kind::Secret, &of_stack(&self.secrets, stack)),
            keyed(Kind::Service, &of_stack(&self.services, stack)),
        ];
        observed.objects = objects.into_iter().flatten().collect();
        observed
    }
}

/// Watches our own objects of a kind.
fn watch<K>(client: &Client, triggers: &mut Vec<BoxStream<'static, Trigger>>) -> Store<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let (reader, writer) = reflector::store();
    let configuration = watcher::Config::default().labels(labels::ALL);
    let touched = watcher(Api::<K>::all(client.clone()), configuration)
        .default_backoff()
        .modify(|object| object.managed_fields_mut().clear())
        .reflect(writer)
        .touched_objects()
        .filter_map(|object| async move {
            match object {
                Ok(object) => trigger(&object),
                Err(error) => {
                    tracing::warn!(%error, kind = %K::kind(&()), "watch was cut, begins again");
                    None
                }
            }
        });
    triggers.push(touched.boxed());
    reader
}

fn trigger<K: Resource>(object: &K) -> Option<Trigger> {
    let metadata = object.meta();
    let stack = labels::stack_of(metadata)?;
    Some(ObjectRef::new(stack).within(metadata.namespace.as_deref()?))
}

fn of_stack<K>(store: &Store<K>, stack: &RealtimeStack) -> Vec<std::sync::Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let belongs = |object: &K| {
        let metadata = object.meta();
        metadata.namespace == stack.metadata.namespace && labels::stack_of(metadata) == stack.metadata.name.as_deref()
    };
    let mut objects = store.state_filter(belongs);
    objects.sort_by(|left, right| left.meta().name.cmp(&right.meta().name));
    objects
}

fn keyed<K: ResourceExt>(kind: Kind, objects: &[std::sync::Arc<K>]) -> Vec<(Key, ObservedObject)> {
    let entry = |object: &std::sync::Arc<K>| (Key { kind, name: object.name_any() }, ObservedObject::of(&**object));
    objects.iter().map(entry).collect()
}
