//! The controller: what wakes a reconcile, and how it ends.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::PredicateConfig;
use kube::runtime::controller::{Config, Controller};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, Resource, ResourceExt};
use realtime_crds::RealtimeStack;

use super::apply::memory::Memory;
use super::journal::Journal;
use super::watches::Watches;
use super::{Context, error_policy, reconcile};
use crate::config::RunConfig;
use crate::metrics::Metrics;

/// Changes within this time lead to one reconcile.
const DEBOUNCE: Duration = Duration::from_secs(1);

type Guarded = DeserializeGuard<RealtimeStack>;

/// Reconciles until `ends` does, then lets the reconciles under way finish.
pub async fn run(
    client: Client,
    config: &RunConfig,
    metrics: Metrics,
    ends: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let (watches, touched) = Watches::start(&client);
    let reporter = Reporter { controller: "realtime-operator".to_owned(), instance: Some(config.pod.clone()) };
    let context = Arc::new(Context {
        recorder: Recorder::new(client.clone(), reporter),
        images: config.images.clone(),
        memory: Memory::default(),
        journal: Journal::default(),
        client: client.clone(),
        watches,
        metrics,
    });
    let (store, stacks) = stacks(&client, Arc::clone(&context));
    Controller::for_stream(stacks, store)
        .with_config(Config::default().debounce(DEBOUNCE).concurrency(config.concurrency))
        .reconcile_on(touched)
        .graceful_shutdown_on(ends)
        .run(reconcile, error_policy, context)
        // Failures were logged by the error policy, where they are handled.
        .for_each(|_| std::future::ready(()))
        .await;
}

/// Every stack, and those whose spec, reports or deletion have changed. Our own status writes wake nobody.
fn stacks(
    client: &Client,
    context: Arc<Context>,
) -> (Store<Guarded>, impl futures::Stream<Item = Result<Guarded, watcher::Error>> + Send + 'static) {
    let (reader, writer) = reflector::store();
    let changed = watch(Api::<Guarded>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .modify(|stack| stack.managed_fields_mut().clear())
        .inspect(move |event| {
            if let Ok(Event::Delete(stack)) = event {
                forget(&context, stack);
            }
        })
        .reflect(writer)
        .applied_objects()
        .predicate_filter(fingerprint as fn(&Guarded) -> Option<u64>, PredicateConfig::default());
    (reader, changed)
}

fn forget(context: &Context, stack: &Guarded) {
    let uid = stack.meta().uid.clone().unwrap_or_default();
    context.memory.forget(&uid);
    context.journal.forget(&uid);
    context.metrics.forget(&stack.namespace().unwrap_or_default(), &stack.name_any());
}

/// What a reconcile depends on in the resource itself.
fn fingerprint(stack: &Guarded) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let metadata = stack.meta();
    (metadata.generation, metadata.deletion_timestamp.is_some()).hash(&mut hasher);
    if let Ok(stack) = &stack.0 {
        for instance in stack.status.iter().flat_map(|status| &status.instances) {
            (&instance.pod, instance.ready, &instance.since).hash(&mut hasher);
            for dependency in &instance.dependencies {
                (&dependency.name, dependency.ready, &dependency.message).hash(&mut hasher);
            }
        }
    }
    Some(hasher.finish())
}
