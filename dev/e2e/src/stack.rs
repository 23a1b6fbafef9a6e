//! A stack under test.

mod reading;

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PropagationPolicy};
use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt};
use realtime_contract::Component;
use realtime_crds::RealtimeStack;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cluster::Cluster;

/// Field manager of the tests.
pub const MANAGER: &str = "realtime-e2e";

/// How long a stack may take from nothing to Ready when both processors are busy with other tests.
pub const START_LIMIT: Duration = Duration::from_secs(240);

/// A stack under test.
#[derive(Clone)]
pub struct Stack {
    /// Where it is.
    pub cluster: Cluster,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Stack {
    /// The objects of one kind in the stack's namespace.
    pub fn objects<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.cluster.client.clone(), &self.namespace)
    }

    /// Name of the object of a component.
    pub fn object_name(&self, component: Component) -> String {
        format!("{}-{component}", self.name)
    }

    /// Applies the stack with that spec, all of it: what an earlier spec of ours had and this one has not, goes.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn try_apply(&self, spec: &Value) -> Result<RealtimeStack, kube::Error> {
        let stack = json!({
            "apiVersion": RealtimeStack::api_version(&()),
            "kind": RealtimeStack::kind(&()),
            "metadata": {"name": self.name},
            "spec": spec,
        });
        let parameters = PatchParams::apply(MANAGER).force();
        self.objects::<RealtimeStack>().patch(&self.name, &parameters, &Patch::Apply(&stack)).await
    }

    /// Applies the stack with that spec.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub async fn apply(&self, spec: &Value) -> RealtimeStack {
        let applied = self.try_apply(spec).await;
        applied.unwrap_or_else(|error| panic!("failed to apply stack {} with {spec}: {error}", self.name))
    }

    /// Deletes an object of the stack and leaves it to the cluster to delete what it owns.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn delete<K>(&self, name: &str)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
    {
        let parameters =
            DeleteParams { propagation_policy: Some(PropagationPolicy::Background), ..DeleteParams::default() };
        let deleted = self.objects::<K>().delete(name, &parameters).await;
        deleted.unwrap_or_else(|error| panic!("failed to delete {} {name}: {error}", K::kind(&())));
    }

    /// Objects of one kind that carry the stack's labels.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub async fn labelled<K>(&self) -> Vec<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
    {
        self.selected(&format!("app.kubernetes.io/instance={}", self.name)).await
    }

    /// Pods of a component that are not about to go, by name.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub async fn pods(&self, component: Component) -> Vec<Pod> {
        let selector = format!("app.kubernetes.io/instance={},app.kubernetes.io/component={component}", self.name);
        let mut pods: Vec<Pod> = self.selected(&selector).await;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        pods.sort_by_key(ResourceExt::name_any);
        pods
    }

    /// Base URLs of the pods of a component, each pod by its own address.
    ///
    /// # Panics
    /// When a pod has no address.
    pub async fn pod_urls(&self, component: Component) -> Vec<String> {
        let address = |pod: &Pod| {
            let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
            let address = address.unwrap_or_else(|| panic!("pod {} has no address", pod.name_any()));
            format!("http://{address}:{}", realtime_contract::ports::HTTP)
        };
        self.pods(component).await.iter().map(address).collect()
    }

    async fn selected<K>(&self, selector: &str) -> Vec<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
    {
        let listed = self.objects::<K>().list(&ListParams::default().labels(selector)).await;
        listed.unwrap_or_else(|error| panic!("failed to list {} by {selector}: {error}", K::plural(&()))).items
    }
}
