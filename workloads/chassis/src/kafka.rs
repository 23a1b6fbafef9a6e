//! Clients of Kafka, and the check.

pub mod aside;
pub mod patience;
mod probe;

use rdkafka::{ClientConfig, Statistics};

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
    secure(&mut client, config);
    client
}

/// Brokers that a client knows and could ask. librdkafka forgets all of them, the configured ones included, when a broker that has just started answers
/// that the cluster has none; it then never asks anybody again.
pub fn known_brokers(statistics: &Statistics) -> usize {
    // Others are no brokers: a queue within the client, and the name of whoever coordinates its group.
    let real = |source: &str| ["configured", "learned"].contains(&source);
    statistics.brokers.values().filter(|broker| real(&broker.source)).count()
}

/// Who the client is and how it is protected. The brokers' names are checked against their certificates: librdkafka's default.
fn secure(client: &mut ClientConfig, config: &KafkaConfig) {
    let protocol = match (&config.user, &config.tls) {
        (None, None) => "plaintext",
        (Some(_), None) => "sasl_plaintext",
        (None, Some(_)) => "ssl",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    client.set("security.protocol", protocol);
    if let Some(user) = &config.user {
        client
            .set("sasl.mechanism", user.mechanism.to_string())
            .set("sasl.username", &user.name)
            .set("sasl.password", user.password.expose());
    }
    if let Some(tls) = &config.tls {
        client.set("ssl.ca.location", &tls.authorities);
        if let Some(identity) = &tls.identity {
            client.set("ssl.certificate.location", &identity.certificate).set("ssl.key.location", &identity.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::statistics::Broker;

    use super::*;
    use crate::config::{KafkaIdentity, KafkaTls, KafkaUser, SaslMechanism};

    fn user(mechanism: SaslMechanism) -> KafkaUser {
        KafkaUser { mechanism, name: "realtime".into(), password: "secret".to_owned().into() }
    }

    fn options<const COUNT: usize>(config: &KafkaConfig, names: [&str; COUNT]) -> [Option<String>; COUNT] {
        let client = client_config(config, "realtime-test");
        names.map(|name| client.get(name).map(ToOwned::to_owned))
    }

    #[test]
    fn the_client_is_anonymous_and_named_after_the_binary_by_default() {
        let names = ["bootstrap.servers", "client.id", "security.protocol", "sasl.mechanism", "ssl.ca.location"];
        let options = options(&KafkaConfig::anonymous("127.0.0.1:9"), names);
        let expected = [Some("127.0.0.1:9"), Some("realtime-test"), Some("plaintext"), None, None];
        assert_eq!(options.each_ref().map(Option::as_deref), expected);
    }

    #[test]
    fn user_and_tls_decide_the_protocol_together() {
        let identity = KafkaIdentity { certificate: "/tls.crt".into(), key: "/tls.key".into() };
        let anonymous = KafkaConfig::anonymous("127.0.0.1:9");
        let named = KafkaConfig { user: Some(user(SaslMechanism::ScramSha256)), ..anonymous.clone() };
        let tls = Some(KafkaTls { authorities: "/ca.pem".into(), identity: None });
        let own = Some(KafkaTls { authorities: "/ca.pem".into(), identity: Some(identity) });
        let protocol = |config: &KafkaConfig| {
            let [protocol] = options(config, ["security.protocol"]);
            protocol.unwrap()
        };
        assert_eq!(protocol(&named), "sasl_plaintext");
        assert_eq!(protocol(&KafkaConfig { tls: tls.clone(), ..anonymous.clone() }), "ssl");
        assert_eq!(protocol(&KafkaConfig { tls, ..named.clone() }), "sasl_ssl");
        let names = ["ssl.ca.location", "ssl.certificate.location", "ssl.key.location"];
        let files = options(&KafkaConfig { tls: own, ..anonymous }, names);
        assert_eq!(files.map(Option::unwrap), ["/ca.pem", "/tls.crt", "/tls.key"]);
        let names = ["sasl.mechanism", "sasl.username", "sasl.password"];
        assert_eq!(options(&named, names).map(Option::unwrap), ["SCRAM-SHA-256", "realtime", "secret"]);
    }

    #[test]
    fn librdkafka_knows_every_mechanism_and_tls() {
        for mechanism in [SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512] {
            let mut config = KafkaConfig { user: Some(user(mechanism)), ..KafkaConfig::anonymous("127.0.0.1:9") };
            Probe::new(&config, "realtime-test").unwrap();
            // A file that is missing is the only thing that it finds fault with.
            config.tls = Some(KafkaTls { authorities: "/no/such/ca.pem".into(), identity: None });
            let error = Probe::new(&config, "realtime-test")
                .err()
                .and_then(|error| std::error::Error::source(&error).map(ToString::to_string));
            assert!(error.as_ref().is_some_and(|error| error.contains("ssl.ca.location")), "{error:?}");
        }
    }

    #[test]
    fn counts_the_brokers_that_could_be_asked() {
        let broker = |source: &str| (source.to_owned(), Broker { source: source.to_owned(), ..Broker::default() });
        let count = |sources: &[&str]| {
            let brokers = sources.iter().map(|source| broker(source)).collect();
            known_brokers(&Statistics { brokers, ..Statistics::default() })
        };
        assert_eq!(count(&["internal", "logical", "configured", "learned"]), 2);
        assert_eq!(count(&["internal", "logical"]), 0);
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable() {
        let probe = Probe::new(&KafkaConfig::anonymous("127.0.0.1:9"), "realtime-test").unwrap();
        assert_eq!(probe.check().await, realtime_contract::readiness::DependencyState::Unreachable);
    }
}
