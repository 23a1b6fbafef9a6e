//! The controller: what wakes a reconcile, and how it ends.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::{Stream, StreamExt, stream};
use kube::core::DeserializeGuard;
use kube::runtime::PredicateConfig;
use kube::runtime::controller::{self, Config, Controller};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, Resource, ResourceExt};
use realtime_crds::RealtimeStack;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::apply::memory::Memory;
use super::coalesce::coalesce;
use super::journal::Journal;
use super::reload::reloads;
use super::watches::{Trigger, Watches};
use super::{Context, error_policy, reconcile};
use crate::config::RunConfig;
use crate::metrics::Metrics;

/// Changes of a stack within this time after the first lead to one reconcile.
const WINDOW: Duration = Duration::from_secs(1);

type Guarded = DeserializeGuard<RealtimeStack>;

/// Reconciles until the token is cancelled, then lets the reconciles under way finish.
pub async fn run(client: Client, config: &RunConfig, metrics: Metrics, ends: CancellationToken) {
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
        ends: ends.clone(),
    });
    let (sender, changed) = mpsc::unbounded();
    let (store, errors) = stacks(&client, Arc::clone(&context), sender);
    let reloads = reloads(&client, store.clone());
    Controller::for_stream(errors, store)
        .with_config(Config::default().concurrency(config.concurrency))
        .reconcile_on(coalesce(stream::select(changed, stream::select(touched, reloads)), WINDOW))
        .graceful_shutdown_on(ends.cancelled_owned())
        .run(reconcile, error_policy, context)
        .for_each(|result| {
            // Failures of a reconcile were logged by the error policy, where they are handled.
            if let Err(controller::Error::QueueError(error)) = result {
                warn!(%error, kind = "RealtimeStack", "watch was cut, begins again");
            }
            std::future::ready(())
        })
        .await;
}

/// Fills a store with every stack. Those whose spec, reports or deletion have changed are sent to `changed`; our own status writes wake
/// nobody. The stream itself has only the watch's errors.
fn stacks(
    client: &Client,
    context: Arc<Context>,
    changed: mpsc::UnboundedSender<Trigger>,
) -> (Store<Guarded>, impl Stream<Item = Result<Guarded, watcher::Error>> + Send + 'static) {
    let (reader, writer) = reflector::store();
    let errors = watch(Api::<Guarded>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .modify(|stack| stack.managed_fields_mut().clear())
        .inspect(move |event| {
            if let Ok(Event::Delete(stack)) = event {
                forget(&context, stack);
            }
        })
        .reflect(writer)
        .applied_objects()
        .predicate_filter(fingerprint as fn(&Guarded) -> Option<u64>, PredicateConfig::default())
        .filter_map(move |stack| {
            let sent = stack.map(|stack| changed.unbounded_send(ObjectRef::from_obj(&stack)));
            // Nobody listens once the controller has ended.
            std::future::ready(sent.map(drop).err().map(Err))
        });
    (reader, errors)
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
