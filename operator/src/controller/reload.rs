//! Secrets of the user's own that wake the operator: those with the label, by their metadata.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use realtime_crds::{Auth, RealtimeStack, TokenKey};

use super::dereference::token_key::RELOAD;
use super::watches::Trigger;

type Guarded = DeserializeGuard<RealtimeStack>;

/// The stacks that refer to a Secret with the label which was made, changed, or is gone.
pub fn reloads(client: &Client, stacks: Store<Guarded>) -> BoxStream<'static, Trigger> {
    let configuration = watcher::Config::default().labels(&format!("{RELOAD}=true"));
    watcher(Api::<PartialObjectMeta<Secret>>::all(client.clone()), configuration)
        .default_backoff()
        .touched_objects()
        .flat_map(move |secret| {
            let touched = match secret {
                Ok(secret) => of(&secret.metadata, &stacks.state()),
                Err(error) => {
                    tracing::warn!(%error, kind = "Secret", "watch was cut, begins again");
                    Vec::new()
                }
            };
            stream::iter(touched)
        })
        .boxed()
}

fn of(secret: &ObjectMeta, stacks: &[Arc<Guarded>]) -> Vec<Trigger> {
    let refers = |guarded: &&Arc<Guarded>| {
        let stack = guarded.0.as_ref().ok();
        stack.is_some_and(|it| it.metadata.namespace == secret.namespace && secret_of(it) == secret.name.as_deref())
    };
    let trigger = |stack: &Arc<Guarded>| Some(ObjectRef::new(&stack.name_any()).within(&stack.namespace()?));
    stacks.iter().filter(refers).filter_map(trigger).collect()
}

/// The Secret of the user's that a stack refers to.
fn secret_of(stack: &RealtimeStack) -> Option<&str> {
    match stack.spec.security.as_ref()?.auth.as_ref()? {
        Auth::Jwt(jwt) => match jwt.key.as_ref()? {
            TokenKey::Secret(source) => Some(&source.name),
            TokenKey::Generated(_) | TokenKey::Jwks(_) => None,
        },
        Auth::Anonymous(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::fixtures::stack;

    fn stacks(specs: &[(&str, &str)]) -> Vec<Arc<Guarded>> {
        let guarded = |(name, spec): &(&str, &str)| {
            let mut stack = stack(spec);
            stack.metadata.name = Some((*name).to_owned());
            Arc::new(DeserializeGuard(Ok(stack)))
        };
        specs.iter().map(guarded).collect()
    }

    fn touched(namespace: &str, name: &str) -> Vec<String> {
        let keys = |name: &str| format!("{{security: {{auth: {{jwt: {{key: {{secret: {{name: {name}}}}}}}}}}}}}");
        let specs = [("one", keys("keys")), ("two", keys("other")), ("three", "{}".to_owned()), ("four", keys("keys"))];
        let specs: Vec<_> = specs.iter().map(|(name, spec)| (*name, spec.as_str())).collect();
        let secret =
            ObjectMeta { name: Some(name.to_owned()), namespace: Some(namespace.to_owned()), ..ObjectMeta::default() };
        of(&secret, &stacks(&specs)).into_iter().map(|stack| stack.name).collect()
    }

    #[test]
    fn a_secret_wakes_the_stacks_that_refer_to_it() {
        assert_eq!(touched("rt", "keys"), ["one", "four"]);
        assert_eq!(touched("rt", "nobodys"), [""; 0]);
    }

    #[test]
    fn a_secret_of_another_namespace_wakes_nobody() {
        assert_eq!(touched("elsewhere", "keys"), [""; 0]);
    }
}
