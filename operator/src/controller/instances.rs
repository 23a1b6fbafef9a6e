//! Entries of `status.instances` whose pods are gone: each was written by its pod under the pod's name, so it is removed under it.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use realtime_crds::RealtimeStack;
use serde_json::json;

use super::observed::Observed;
use super::publish::{self, Error};
use super::status::pod::has_ended;

/// Removes the entries of pods that are gone. The watch may not have seen a new pod yet, so each is asked for by name first.
///
/// # Errors
/// [`Error::ReadPod`] and [`Error::RemoveInstance`].
pub async fn forget_dead(client: &Client, stack: &RealtimeStack, observed: &Observed) -> Result<(), Error> {
    let namespace = stack.namespace().unwrap_or_default();
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let stacks = publish::undecoded(client, &namespace);
    for pod in unseen(stack, observed) {
        let found = pods.get_opt(pod).await.map_err(|source| Error::ReadPod { pod: pod.to_owned(), source })?;
        if found.is_some_and(|found| !has_ended(&found)) {
            continue;
        }
        let empty = json!({
            "apiVersion": RealtimeStack::api_version(&()),
            "kind": RealtimeStack::kind(&()),
            "metadata": {"name": stack.name_any(), "uid": stack.uid()},
        });
        match stacks.patch_status(&stack.name_any(), &PatchParams::apply(pod).force(), &Patch::Apply(&empty)).await {
            Ok(_) => {}
            Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => {}
            Err(source) => {
                return Err(Error::RemoveInstance { stack: stack.name_any(), pod: pod.to_owned(), source });
            }
        }
    }
    Ok(())
}

fn unseen<'a>(stack: &'a RealtimeStack, observed: &'a Observed) -> impl Iterator<Item = &'a str> {
    let instances = stack.status.iter().flat_map(|status| &status.instances);
    let names = instances.map(|instance| instance.pod.as_str());
    let alive =
        |name: &str| observed.pods.iter().any(|pod| pod.metadata.name.as_deref() == Some(name) && !has_ended(pod));
    names.filter(move |name| !alive(name))
}
