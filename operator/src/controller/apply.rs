//! The apply step: server-side apply in waves, one outcome an object, and the pruning of what the stack no longer has. Only writes.
//!
//! An object is skipped when what is desired and what is observed are those of the last apply: a no-op apply is a write, too.

pub mod memory;

#[cfg(test)]
mod tests;

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, PropagationPolicy};
use thiserror::Error;

use self::memory::{Memory, Record};
use super::build::{job, metadata};
use super::object::{DesiredObject, Key, Kind, Wave};
use super::observed::{Observed, ObservedObject};
use super::stack::ValidatedStack;
use super::status::job::{self as job_state, JobState};

/// The operator's name at server-side apply.
pub const MANAGER: &str = "realtime-operator";

/// Writes of one stack that are under way at once.
const CONCURRENCY: usize = 4;

/// Seconds after which a failed prepare step is replaced; its pods have been retried with growing delays before.
const PREPARE_RETRY_SECONDS: i64 = 30;

/// What became of one object.
#[derive(Debug)]
pub struct Outcome {
    /// Which.
    pub key: Key,
    /// What.
    pub result: Result<Applied, Error>,
}

/// What became of an object that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It was written, or needed no write; now it has this version.
    Current {
        /// See [`ObservedObject::version`].
        version: String,
        /// Whether it was written.
        written: bool,
    },
    /// Its turn has not come: the prepare step has not completed.
    Waiting,
    /// It was deleted, because the stack no longer has it.
    Pruned,
}

/// Which attempt failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The API server refused an object or did not answer.
    #[error("failed to apply {key}")]
    ApplyObject {
        /// Which.
        key: Key,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// An object could not be deleted.
    #[error("failed to delete {key}")]
    DeleteObject {
        /// Which.
        key: Key,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// The prepare step failed and is replaced after a while.
    #[error("failed to prepare schema and topics: job {job}: {reason}; it is tried again, see kubectl logs job/{job}")]
    Prepare {
        /// Name of the Job.
        job: String,
        /// The Job's own reason.
        reason: String,
    },
}

/// Makes the cluster hold the objects. Goes on after a failure: one object never keeps the others from being healed.
pub async fn apply(
    client: &Client,
    stack: &ValidatedStack,
    objects: &[DesiredObject],
    observed: &Observed,
    memory: &Memory,
    now: Timestamp,
) -> Vec<Outcome> {
    let step = Step { client, stack, observed, memory, now };
    let mut outcomes = Vec::new();
    for wave in Wave::ALL {
        let turn = objects.iter().filter(|object| object.key.kind.wave() == wave);
        if wave == Wave::Workloads && !is_prepared(stack, observed) {
            outcomes.extend(turn.map(|object| Outcome { key: object.key.clone(), result: Ok(Applied::Waiting) }));
            continue;
        }
        let writes: Vec<_> = turn.map(|object| step.apply_object(object)).collect();
        outcomes.extend(stream::iter(writes).buffered(CONCURRENCY).collect::<Vec<_>>().await);
    }
    for (key, object) in superfluous(stack, objects, observed) {
        outcomes.push(step.prune(key, object).await);
    }
    outcomes
}

/// Whether workloads may start: the current prepare step has completed, now or when the workloads were last applied. A stopped stack
/// has nothing to wait for.
fn is_prepared(stack: &ValidatedStack, observed: &Observed) -> bool {
    let name = job::name(stack);
    let completed = observed.job(&name).is_some_and(|job| job_state::state(job) == JobState::Complete);
    let remembered = observed.deployments.iter().any(|deployment| {
        deployment.metadata.annotations.as_ref().and_then(|it| it.get(metadata::PREPARED_BY)) == Some(&name)
    });
    !stack.running || completed || remembered
}

/// What this stack owns but does not want. Never a Secret, never a volume; while stopped, the prepare step stays as the proof that it
/// has completed.
fn superfluous<'a>(
    stack: &'a ValidatedStack,
    objects: &'a [DesiredObject],
    observed: &'a Observed,
) -> impl Iterator<Item = (&'a Key, &'a ObservedObject)> {
    observed.objects.iter().filter(|(key, object)| {
        object.owners.contains(&stack.uid)
            && key.kind != Kind::Secret
            && (stack.running || key.kind != Kind::Job)
            && !objects.iter().any(|desired| desired.key == **key)
    })
}

/// What every write of one apply step needs.
struct Step<'a> {
    client: &'a Client,
    stack: &'a ValidatedStack,
    observed: &'a Observed,
    memory: &'a Memory,
    now: Timestamp,
}

impl Step<'_> {
    fn api(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.stack.namespace, &kind.resource())
    }

    async fn apply_object(&self, desired: &DesiredObject) -> Outcome {
        let key = desired.key.clone();
        let observed = self.observed.objects.get(&key);
        if let Some(version) = self.memory.unchanged(&self.stack.uid, desired, observed) {
            let failed = self.replace_failed_job(&key).await;
            return Outcome { key, result: failed.map_or(Ok(Applied::Current { version, written: false }), Err) };
        }
        let result = match self.write(desired).await {
            Err(error) if is_immutable(&error) && is_recreatable(key.kind) => self.recreate(desired).await,
            result => result,
        };
        let result = result.map(|object| {
            let applied = ObservedObject::of(&object);
            let version = applied.version.clone();
            self.memory.remember(&self.stack.uid, &key, Record { hash: desired.hash.clone(), object: applied });
            Applied::Current { version, written: true }
        });
        let result = result.map_err(|source| Error::ApplyObject { key: key.clone(), source: Box::new(source) });
        Outcome { key, result }
    }

    /// Server-side apply; but for the Secret a merge of its metadata, which never creates one without values.
    async fn write(&self, desired: &DesiredObject) -> Result<DynamicObject, kube::Error> {
        let api = self.api(desired.key.kind);
        let name = &desired.key.name;
        if desired.key.kind == Kind::Secret {
            let ownership = serde_json::json!({"metadata": desired.manifest["metadata"]});
            let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
            return api.patch(name, &parameters, &Patch::Merge(&ownership)).await;
        }
        api.patch(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(&desired.manifest)).await
    }

    /// Deletes the object but not what it owns, and applies it anew.
    async fn recreate(&self, desired: &DesiredObject) -> Result<DynamicObject, kube::Error> {
        let parameters =
            DeleteParams { propagation_policy: Some(PropagationPolicy::Orphan), ..DeleteParams::default() };
        self.api(desired.key.kind).delete(&desired.key.name, &parameters).await?;
        self.write(desired).await
    }

    async fn replace_failed_job(&self, key: &Key) -> Option<Error> {
        let job = (key.kind == Kind::Job).then(|| self.observed.job(&key.name)).flatten()?;
        let JobState::Failed { reason, since } = job_state::state(job) else { return None };
        let waited = since.is_some_and(|since| self.now.as_second() - since.as_second() >= PREPARE_RETRY_SECONDS);
        let object = self.observed.objects.get(key)?;
        if waited && let Err(error) = self.delete(key, object).await {
            return Some(error);
        }
        Some(Error::Prepare { job: key.name.clone(), reason })
    }

    async fn prune(&self, key: &Key, object: &ObservedObject) -> Outcome {
        let result = self.delete(key, object).await.map(|()| Applied::Pruned);
        Outcome { key: key.clone(), result }
    }

    async fn delete(&self, key: &Key, object: &ObservedObject) -> Result<(), Error> {
        let parameters = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: Some(Preconditions { uid: Some(object.uid.clone()), resource_version: None }),
            ..DeleteParams::default()
        };
        match self.api(key.kind).delete(&key.name, &parameters).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(source) => Err(Error::DeleteObject { key: key.clone(), source: Box::new(source) }),
        }
    }
}

fn is_immutable(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 422)
}

const fn is_recreatable(kind: Kind) -> bool {
    matches!(kind, Kind::StatefulSet | Kind::RoleBinding)
}
