//! One reconcile: the steps in their order, the status from either result, and what follows from a failure.

pub mod apply;
pub mod backend;
pub mod build;
pub mod coalesce;
pub mod dereference;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod instances;
pub mod journal;
pub mod object;
pub mod observed;
pub mod publish;
pub mod reload;
pub mod run;
pub mod stack;
pub mod status;
pub mod validate;
pub mod watches;
pub(crate) mod workload;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::runtime::events::Recorder;
use kube::{Client, ResourceExt};
use realtime_crds::RealtimeStack;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};

use self::apply::{Applied, Outcome};
use self::journal::Journal;
use self::observed::Observed;
use self::stack::ValidatedStack;
use self::status::Facts;
use self::watches::Watches;
use crate::images::Images;
use crate::metrics::Metrics;

/// What every reconcile needs.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// Images of the installation.
    pub images: Images,
    /// What the cluster holds.
    pub watches: Watches,
    /// What was applied last.
    pub memory: apply::memory::Memory,
    /// What is known of each stack beside the cluster.
    pub journal: Journal,
    /// Events.
    pub recorder: Recorder,
    /// Metrics.
    pub metrics: Metrics,
    /// Cancelled when the process is to end.
    pub ends: CancellationToken,
}

/// What kept the operator from applying anything.
#[derive(Debug, Error)]
pub enum Failure {
    /// What the spec refers to could not be read or made.
    #[error("failed to read what the stack refers to")]
    Dereference(#[source] dereference::Error),
    /// The spec is refused.
    #[error("refused the spec")]
    Validate(#[source] validate::Error),
    /// The resource cannot be read at all.
    #[error("failed to decode the stack: {0}")]
    Decode(String),
}

impl Failure {
    /// The word for it in status, events and metrics.
    pub const fn category(&self) -> &'static str {
        match self {
            Self::Dereference(_) => "DereferenceFailed",
            Self::Validate(_) | Self::Decode(_) => "SpecRefused",
        }
    }

    /// The sentence for the user.
    pub fn sentence(&self) -> String {
        match self {
            Self::Dereference(error) => chain(error),
            Self::Validate(error) => chain(error),
            Self::Decode(_) => format!("{self}: compare it with kubectl explain realtimestack.spec"),
        }
    }
}

/// Why a reconcile is to be tried again.
#[derive(Debug, Error)]
pub enum Error {
    /// No object could be applied.
    #[error("failed to reconcile")]
    Steps(#[source] Failure),
    /// Some object could not be applied.
    #[error("failed to apply {count} objects")]
    Apply {
        /// How many.
        count: usize,
        /// The first.
        #[source]
        first: apply::Error,
    },
    /// The status could not be written.
    #[error("failed to publish the status")]
    Publish(#[source] publish::Error),
}

impl Error {
    /// The word for it in metrics.
    pub const fn category(&self) -> &'static str {
        match self {
            Self::Steps(failure) => failure.category(),
            Self::Apply { .. } => "ApplyFailed",
            Self::Publish(_) => "PublishFailed",
        }
    }

    /// Whether only the user can mend it.
    const fn waits_for_change(&self) -> bool {
        matches!(self, Self::Steps(Failure::Validate(_) | Failure::Decode(_)))
    }
}

/// An error with what caused it, in one sentence. An API server's answer is told by its message alone.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut sentence = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        sentence.push_str(": ");
        let boxed = cause.downcast_ref::<Box<kube::Error>>().map(AsRef::as_ref);
        if let Some(kube::Error::Api(status)) = cause.downcast_ref::<kube::Error>().or(boxed) {
            sentence.push_str(&status.message);
            return sentence;
        }
        sentence.push_str(&cause.to_string());
        next = cause.source();
    }
    sentence
}

/// What the steps before status came to.
struct Attempt {
    validated: Option<ValidatedStack>,
    /// `None` while paused.
    outcomes: Option<Result<Vec<Outcome>, Failure>>,
}

impl Attempt {
    const fn failed(failure: Failure) -> Self {
        Self { validated: None, outcomes: Some(Err(failure)) }
    }

    fn into_result(self) -> Result<(), Error> {
        match self.outcomes {
            None => Ok(()),
            Some(Err(failure)) => Err(Error::Steps(failure)),
            Some(Ok(outcomes)) => {
                let mut errors = outcomes.into_iter().filter_map(|outcome| outcome.result.err());
                let Some(first) = errors.next() else { return Ok(()) };
                Err(Error::Apply { count: 1 + errors.count(), first })
            }
        }
    }
}

/// Reconciles one stack. Never fails silently: the status tells what the error tells.
///
/// # Errors
/// [`enum@Error`], for the next attempt.
pub async fn reconcile(guarded: Arc<DeserializeGuard<RealtimeStack>>, context: Arc<Context>) -> Result<Action, Error> {
    let started = Instant::now();
    let (namespace, name) = (guarded.namespace().unwrap_or_default(), guarded.name_any());
    let span = info_span!("reconcile", stack = %name, namespace = %namespace, trace_id = tracing::field::Empty);
    let result = async {
        let begun = context.ends.run_until_cancelled(context.watches.ready()).await;
        if begun.is_none() {
            return Ok(());
        }
        match &guarded.0 {
            Ok(stack) => reconcile_stack(stack, None, &context).await,
            Err(invalid) => {
                let undecodable =
                    RealtimeStack { metadata: invalid.metadata.clone(), spec: Default::default(), status: None };
                reconcile_stack(&undecodable, Some(Failure::Decode(invalid.error.clone())), &context).await
            }
        }
    }
    .instrument(span)
    .await;
    let label = result.as_ref().map_or_else(Error::category, |()| "ok");
    context.metrics.reconciled(label, started.elapsed());
    result.map(|()| {
        context.journal.succeeded(&guarded.uid().unwrap_or_default());
        Action::await_change()
    })
}

async fn reconcile_stack(stack: &RealtimeStack, undecodable: Option<Failure>, context: &Context) -> Result<(), Error> {
    if stack.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let observed = context.watches.observe(stack);
    let now = Timestamp::now();
    let attempt = match undecodable {
        Some(failure) => Attempt::failed(failure),
        None => attempt(stack, &observed, now, context).await,
    };
    let uid = stack.uid().unwrap_or_default();
    let previous = context.journal.last_status(&uid).or_else(|| stack.status.clone()).unwrap_or_default();
    let facts = Facts {
        stack,
        previous: &previous,
        validated: attempt.validated.as_ref(),
        outcomes: attempt.outcomes.as_ref(),
        observed: &observed,
        now,
    };
    let status = status::compute(&facts);
    publish::publish(context, stack, &previous, status).await.map_err(Error::Publish)?;
    instances::forget_dead(&context.client, stack, &observed).await.map_err(Error::Publish)?;
    attempt.into_result()
}

/// The steps before status: dereference, validate, build, apply.
async fn attempt(stack: &RealtimeStack, observed: &Observed, now: Timestamp, context: &Context) -> Attempt {
    let references = match dereference::dereference(&context.client, stack, observed).await {
        Ok(references) => references,
        Err(error) => return Attempt::failed(Failure::Dereference(error)),
    };
    let validated = match validate::validate(stack, &references, &context.images) {
        Ok(validated) => validated,
        Err(error) => return Attempt::failed(Failure::Validate(error)),
    };
    if !validated.active {
        return Attempt { validated: Some(validated), outcomes: None };
    }
    let objects = build::build(&validated);
    let outcomes = apply::apply(&context.client, &validated, &objects, observed, &context.memory, now).await;
    for outcome in &outcomes {
        if matches!(outcome.result, Ok(Applied::Current { written: true, .. } | Applied::Pruned)) {
            context.metrics.wrote(outcome.key.kind.name());
        }
    }
    Attempt { validated: Some(validated), outcomes: Some(Ok(outcomes)) }
}

/// What follows from a failure: a refused spec waits for its next change, anything else is tried again, each time later.
#[expect(clippy::needless_pass_by_value, reason = "the signature is the controller's")]
pub fn error_policy(stack: Arc<DeserializeGuard<RealtimeStack>>, error: &Error, context: Arc<Context>) -> Action {
    let (namespace, name) = (stack.namespace().unwrap_or_default(), stack.name_any());
    if error.waits_for_change() {
        tracing::warn!(%namespace, stack = %name, error = %chain(error), "refused the stack");
        return Action::await_change();
    }
    let failures = context.journal.failed(&stack.uid().unwrap_or_default());
    let delay = retry_delay(failures, fastrand::f64());
    tracing::warn!(%namespace, stack = %name, error = %chain(error), retry_seconds = delay.as_secs_f64(), "failed to reconcile");
    Action::requeue(delay)
}

/// One second, doubled by each failure in a row up to five minutes; `jitter` in 0 to 1 takes away up to a quarter.
fn retry_delay(failures: u32, jitter: f64) -> Duration {
    let seconds = f64::from(1_u32 << failures.saturating_sub(1).min(9)).min(300.0);
    Duration::from_secs_f64(seconds * (1.0 - 0.25 * jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_and_later_up_to_five_minutes() {
        let delays: Vec<u64> = [1, 2, 3, 9, 10, 40].map(|failures| retry_delay(failures, 0.0).as_secs()).to_vec();
        assert_eq!(delays, [1, 2, 4, 256, 300, 300]);
        assert_eq!(retry_delay(3, 1.0), Duration::from_secs(3));
    }
}
