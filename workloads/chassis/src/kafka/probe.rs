//! The check of Kafka, by a small client of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext};
use realtime_contract::readiness::DependencyState;
use realtime_contract::topic;
use thiserror::Error;
use tracing::warn;

use crate::config::KafkaConfig;

/// How long the brokers' list may take; below the limit of a check, so that the reason is known.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the client's own events are read after an answer; a shorter read ends at the first of them.
const EVENTS_TIMEOUT: Duration = Duration::from_millis(20);

/// The probe cannot be made.
#[derive(Debug, Error)]
pub enum Error {
    /// A setting was refused.
    #[error("failed to build the Kafka client that checks the brokers")]
    BuildClient {
        /// The client's reason.
        #[source]
        source: KafkaError,
    },
}

/// Asks the brokers for their list; nothing else runs over its connections.
#[derive(Clone)]
pub struct Probe(Arc<BaseProducer<Refusals>>);

/// What the client hears beside the answer to a request, which says only that it took too long.
#[derive(Default)]
struct Refusals {
    /// A broker refused the credentials.
    credentials: AtomicBool,
    /// TLS failed, and that was told.
    tls: AtomicBool,
}

impl Refusals {
    /// Whether this failure of TLS is the first one since an answer.
    fn is_new(&self) -> bool {
        !self.tls.swap(true, Ordering::Relaxed)
    }

    fn forget(&self) {
        self.tls.store(false, Ordering::Relaxed);
    }
}

impl ClientContext for Refusals {
    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication) => self.credentials.store(true, Ordering::Relaxed),
            // The client's own log is off by default, and no state of a dependency says what is wrong with a certificate.
            Some(RDKafkaErrorCode::SSL) if self.is_new() => warn!(reason, "TLS to Kafka failed"),
            _ => {}
        }
    }
}

impl ProducerContext for Refusals {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {}
}

impl Probe {
    /// A probe that connects when it is first asked.
    ///
    /// # Errors
    /// [`Error`] when a setting is refused.
    pub fn new(config: &KafkaConfig, service_name: &str) -> Result<Self, Error> {
        let context = Refusals::default();
        let client = super::client_config(config, service_name).create_with_context(context);
        client.map(|producer| Self(Arc::new(producer))).map_err(|source| Error::BuildClient { source })
    }

    /// Asks Kafka for an answer.
    pub async fn check(&self) -> DependencyState {
        let client = self.0.clone();
        let asked = tokio::task::spawn_blocking(move || ask(&client));
        asked.await.unwrap_or(DependencyState::Unreachable)
    }
}

fn ask(client: &BaseProducer<Refusals>) -> DependencyState {
    let refusals = client.context();
    refusals.credentials.store(false, Ordering::Relaxed);
    // Without a topic the answer would name all of them, with every partition.
    let answer = client.client().fetch_metadata(Some(topic::NOTIFICATIONS), METADATA_TIMEOUT);
    client.poll(EVENTS_TIMEOUT);
    if answer.is_ok() {
        refusals.forget();
    }
    match answer {
        Ok(metadata) if metadata.brokers().is_empty() => DependencyState::NotServing,
        Ok(_) => DependencyState::Ready,
        Err(_) if refusals.credentials.load(Ordering::Relaxed) => DependencyState::Denied,
        Err(_) => DependencyState::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;

    use super::*;

    #[tokio::test]
    async fn brokers_answer_with_the_topic_and_without_it() {
        let cluster = MockCluster::new(1).unwrap();
        let config = KafkaConfig::anonymous(cluster.bootstrap_servers());
        let probe = Probe::new(&config, "realtime-test").unwrap();
        assert_eq!(probe.check().await, DependencyState::Ready);
        cluster.create_topic(topic::NOTIFICATIONS, 3, 1).unwrap();
        assert_eq!(probe.check().await, DependencyState::Ready);
    }

    #[test]
    fn a_failure_of_tls_is_told_once_until_an_answer() {
        let refusals = Refusals::default();
        assert!(refusals.is_new());
        assert!(!refusals.is_new());
        refusals.forget();
        assert!(refusals.is_new());
    }
}
