//! The check of Kafka, by a small client of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};
use realtime_contract::readiness::DependencyState;
use realtime_contract::topic;
use thiserror::Error;
use tracing::{debug, warn};

use crate::config::KafkaConfig;

/// How long the brokers' list may take; below the limit of a check, so that the reason is known.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the client's own events are read after an answer; a shorter read ends at the first of them.
const EVENTS_TIMEOUT: Duration = Duration::from_millis(20);

/// Checks in a row without an answer until another client asks. A client may have forgotten its brokers, and would then fail for ever.
const FAILURES: u32 = 3;

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
pub struct Probe {
    config: Arc<ClientConfig>,
    asking: Arc<Mutex<Asking>>,
}

/// Who asks.
struct Asking {
    client: Arc<BaseProducer<Refusals>>,
    /// Checks since the last answer.
    failures: u32,
}

/// What a client hears beside the answer to a request, which says only that it took too long. The next client goes on with it.
#[derive(Clone, Default)]
struct Refusals {
    /// A broker refused the credentials.
    credentials: Arc<AtomicBool>,
    /// TLS failed, and that was told.
    tls: Arc<AtomicBool>,
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
        Self::by(super::client_config(config, service_name))
    }

    fn by(config: ClientConfig) -> Result<Self, Error> {
        let client = Arc::new(client(&config, Refusals::default())?);
        Ok(Self { config: Arc::new(config), asking: Arc::new(Mutex::new(Asking { client, failures: 0 })) })
    }

    /// Asks Kafka for an answer.
    pub async fn check(&self) -> DependencyState {
        let probe = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let client = probe.asking().client.clone();
            let state = ask(&client);
            probe.learn(&client, state);
            state
        });
        asked.await.unwrap_or(DependencyState::Unreachable)
    }

    fn asking(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has another client ask the next time, when this one may never have an answer again.
    fn learn(&self, asked: &Arc<BaseProducer<Refusals>>, state: DependencyState) {
        let mut asking = self.asking();
        if !Arc::ptr_eq(&asking.client, asked) {
            return;
        }
        asking.failures = match state {
            DependencyState::Unreachable => asking.failures + 1,
            // Its brokers were said to be none: it knows none by now.
            DependencyState::NotServing => FAILURES,
            _ => 0,
        };
        if asking.failures < FAILURES {
            return;
        }
        match client(&self.config, asked.context().as_ref().clone()) {
            Ok(client) => *asking = Asking { client: Arc::new(client), failures: 0 },
            // The settings were good enough for the first one.
            Err(error) => debug!(error = &error as &dyn std::error::Error, "no other client to check Kafka with"),
        }
    }
}

fn client(config: &ClientConfig, context: Refusals) -> Result<BaseProducer<Refusals>, Error> {
    config.create_with_context(context).map_err(|source| Error::BuildClient { source })
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
#[path = "../../tests/kafka/forgetful.rs"]
mod forgetful;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rdkafka::mocking::MockCluster;

    use super::forgetful::Forgetful;
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

    async fn until(probe: &Probe, wanted: DependencyState) {
        let deadline = Instant::now() + Duration::from_secs(40);
        while probe.check().await != wanted {
            assert!(Instant::now() < deadline, "never {wanted:?}");
        }
    }

    #[tokio::test]
    async fn a_client_that_has_forgotten_its_brokers_gives_way_to_another_one() {
        let cluster = MockCluster::new(1).unwrap();
        let way = Forgetful::before(&cluster.bootstrap_servers());
        let mut config = super::super::client_config(&KafkaConfig::anonymous(way.address.to_string()), "realtime-test");
        // Else it depends on the moment of another answer whether it forgets the configured brokers, too.
        let probe = Probe::by(config.set("metadata.recovery.strategy", "none").clone()).unwrap();
        until(&probe, DependencyState::Ready).await;
        let first = probe.asking().client.clone();
        way.empty.store(usize::MAX, Ordering::SeqCst);
        let deadline = Instant::now() + Duration::from_secs(40);
        while ask(&first) != DependencyState::Unreachable {
            assert!(Instant::now() < deadline, "the client knows a broker still");
        }
        way.empty.store(0, Ordering::SeqCst);
        assert_eq!(ask(&first), DependencyState::Unreachable, "it asks nobody any more");
        until(&probe, DependencyState::Ready).await;
    }

    #[tokio::test]
    async fn another_client_asks_after_some_failures_and_an_answer_begins_the_count_anew() {
        let probe = Probe::new(&KafkaConfig::anonymous("127.0.0.1:9"), "realtime-test").unwrap();
        let first = probe.asking().client.clone();
        let learn = |state| {
            probe.learn(&first, state);
            !Arc::ptr_eq(&first, &probe.asking().client)
        };
        let (away, denied) = (DependencyState::Unreachable, DependencyState::Denied);
        let replaced = [away, away, denied, away, away, away].map(learn);
        assert_eq!(replaced, [false, false, false, false, false, true]);
        let second = probe.asking().client.clone();
        assert!([away; 9].map(learn).into_iter().all(|replaced| replaced));
        assert!(Arc::ptr_eq(&second, &probe.asking().client), "what the former one is told late is not its failure");
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
