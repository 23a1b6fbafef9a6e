//! Clients of Kafka, and the check.

mod probe;

use rdkafka::ClientConfig;

use crate::config::KafkaConfig;

pub use probe::{Error, Probe};

/// What every client of Kafka has in common. Attempts to reconnect come at most 2 s apart, so that a broker that returned is found quickly.
pub fn client_config(config: &KafkaConfig, service_name: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &config.brokers)
        .set("client.id", config.client_id.as_deref().unwrap_or(service_name))
        .set("reconnect.backoff.ms", "100")
        .set("reconnect.backoff.max.ms", "2000")
        .set("socket.connection.setup.timeout.ms", "3000")
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true")
        .set("broker.address.ttl", "1000")
        .set("topic.metadata.refresh.fast.interval.ms", "250")
        .set("log.connection.close", "false")
        .set("allow.auto.create.topics", "false");
    if let Some(username) = &config.username {
        client
            .set("security.protocol", "sasl_plaintext")
            .set("sasl.mechanism", "PLAIN")
            .set("sasl.username", username)
            .set("sasl.password", config.password.as_ref().map_or("", |password| password.expose()));
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(username: Option<&str>) -> KafkaConfig {
        KafkaConfig {
            brokers: "127.0.0.1:9".into(),
            client_id: None,
            username: username.map(Into::into),
            password: username.map(|_| "secret".to_owned().into()),
        }
    }

    #[test]
    fn credentials_turn_sasl_on() {
        let anonymous = client_config(&config(None), "realtime-test");
        assert_eq!(anonymous.get("security.protocol"), None);
        assert_eq!(anonymous.get("client.id"), Some("realtime-test"));
        let named = client_config(&config(Some("realtime")), "realtime-test");
        assert_eq!(named.get("security.protocol"), Some("sasl_plaintext"));
        assert_eq!(named.get("sasl.username"), Some("realtime"));
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable() {
        let probe = Probe::new(&config(None), "realtime-test").unwrap();
        assert_eq!(probe.check().await, realtime_contract::readiness::DependencyState::Unreachable);
    }
}
