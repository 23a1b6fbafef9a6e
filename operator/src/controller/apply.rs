//! The apply step: server-side apply in waves, one outcome an object, and the pruning of what the stack no longer has. Only writes.
//!
//! An object is skipped when what is desired and what is observed are those of the last apply: a no-op apply is a write, too.

pub mod memory;
mod prepared;

#[cfg(test)]
mod tests;

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, PropagationPolicy};
use thiserror::Error;

use self::memory::{Memory, Record};
use super::build::labels;
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
    /// It was deleted, to be made anew as soon as it is gone.
    Replacing,
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
    /// It could not be found out whose an object is.
    #[error("failed to read {key}")]
    ReadObject {
        /// Which.
        key: Key,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// An object of that name is there and is not the stack's.
    #[error(
        "failed to apply {key}: one of that name exists and does not belong to the stack; rename the stack, or delete the other one"
    )]
    TakeOver {
        /// Which.
        key: Key,
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
        if wave == Wave::Workloads && !prepared::is_prepared(stack, observed) {
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
        let result = match desired.key.kind {
            Kind::Job => self.apply_job(desired).await,
            _ => self.apply_unless_unchanged(desired).await,
        };
        Outcome { key: desired.key.clone(), result }
    }

    /// A Job's template cannot change, and its name says all that matters: one that is there is left alone, unless it has failed or
    /// prepared other volumes than those that are there.
    async fn apply_job(&self, desired: &DesiredObject) -> Result<Applied, Error> {
        let key = &desired.key;
        let (Some(job), Some(object)) = (self.observed.job(&key.name), self.observed.objects.get(key)) else {
            return self.apply_unless_unchanged(desired).await;
        };
        if prepared::is_outdated(self.stack, self.observed, job) {
            return self.delete(key, object).await.map(|()| Applied::Replacing);
        }
        let JobState::Failed { reason, since } = job_state::state(job) else {
            return Ok(Applied::Current { version: object.version.clone(), written: false });
        };
        if since.is_some_and(|since| self.now.as_second() - since.as_second() >= PREPARE_RETRY_SECONDS) {
            self.delete(key, object).await?;
        }
        Err(Error::Prepare { job: key.name.clone(), reason })
    }

    async fn apply_unless_unchanged(&self, desired: &DesiredObject) -> Result<Applied, Error> {
        let key = &desired.key;
        let observed = self.observed.objects.get(key);
        if let Some(version) = self.memory.unchanged(&self.stack.uid, desired, observed) {
            return Ok(Applied::Current { version, written: false });
        }
        if observed.is_none() {
            self.refuse_foreign(key).await?;
        }
        match (self.write(desired).await, observed) {
            (Ok(object), _) => {
                let object = ObservedObject::of(&object);
                let version = object.version.clone();
                self.memory.remember(&self.stack.uid, key, Record { hash: desired.hash.clone(), object });
                Ok(Applied::Current { version, written: true })
            }
            (Err(error), Some(object)) if is_immutable(&error) && object.owners.contains(&self.stack.uid) => {
                self.delete_alone(key, object).await.map(|()| Applied::Replacing)
            }
            (Err(source), _) => Err(Error::ApplyObject { key: key.clone(), source: Box::new(source) }),
        }
    }

    /// The watches know all objects with the stack's labels. What they do not know is looked at before it is written for the first
    /// time, so that nobody else's object of that name is taken over.
    async fn refuse_foreign(&self, key: &Key) -> Result<(), Error> {
        let found = self.api(key.kind).get_metadata_opt(&key.name).await;
        let found = found.map_err(|source| Error::ReadObject { key: key.clone(), source: Box::new(source) })?;
        match found {
            Some(object) if !labels::belongs_to(&object.metadata, &self.stack.name) => {
                Err(Error::TakeOver { key: key.clone() })
            }
            _ => Ok(()),
        }
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

    async fn prune(&self, key: &Key, object: &ObservedObject) -> Outcome {
        let result = self.delete(key, object).await.map(|()| Applied::Pruned);
        Outcome { key: key.clone(), result }
    }

    /// With all that it owns.
    async fn delete(&self, key: &Key, object: &ObservedObject) -> Result<(), Error> {
        self.delete_with(key, object, PropagationPolicy::Background).await
    }

    /// Without what it owns, which the next one of that name takes up.
    async fn delete_alone(&self, key: &Key, object: &ObservedObject) -> Result<(), Error> {
        self.delete_with(key, object, PropagationPolicy::Orphan).await
    }

    async fn delete_with(&self, key: &Key, object: &ObservedObject, policy: PropagationPolicy) -> Result<(), Error> {
        let parameters = DeleteParams {
            propagation_policy: Some(policy),
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

/// Whether the API server refused a change of what cannot change, in its words for StatefulSets and bindings of roles.
fn is_immutable(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let sentences = ["updates to statefulset spec for fields other than", "cannot change roleRef"];
    status.code == 422 && sentences.iter().any(|sentence| status.message.contains(sentence))
}
