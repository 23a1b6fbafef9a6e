//! The backends' own tools, run in their pods.

use realtime_contract::Component;

use crate::kubectl::{self, Output};
use crate::stack::Stack;

/// Writes a record to Kafka with its own console producer, as the stack's user.
const PRODUCE: &str = r#"
set -eu
umask 077
IFS= read -r password
printf 'security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="realtime" password="%s";\n' "$password" > /tmp/producer.properties
java -Xmx128m -cp '/opt/kafka/libs/*' org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$1" --topic "$2" --command-config /tmp/producer.properties
"#;

/// What `FLUSHALL` does, which the stack's user may not do.
const EMPTY: &str = r#"
IFS= read -r REDISCLI_AUTH
export REDISCLI_AUTH
redis-cli --user realtime eval "
  local cursor, count = '0', 0
  repeat
    local page = redis.call('SCAN', cursor, 'COUNT', 1000)
    cursor = page[1]
    for _, key in ipairs(page[2]) do count = count + redis.call('UNLINK', key) end
  until cursor == '0'
  return count" 0
"#;

impl Stack {
    /// Takes everything out of Redis, at one moment; how many keys there were.
    ///
    /// # Panics
    /// When that fails.
    pub async fn empty_redis(&self) -> u64 {
        let pod = format!("{}-0", self.object_name(Component::Redis));
        let password = self.credential("redis-password").await;
        let output = kubectl::exec(&self.namespace, &pod, &["sh", "-c", EMPTY], &format!("{password}\n")).await;
        let count = output.stdout.trim().parse();
        count.unwrap_or_else(|_| panic!("redis-cli: {}{}", output.stdout, output.stderr))
    }

    /// The result of a statement, as `psql -At` prints it, run by the superuser over the local socket.
    ///
    /// # Panics
    /// When psql fails.
    pub async fn query(&self, statement: &str) -> String {
        let pod = format!("{}-0", self.object_name(Component::Postgres));
        let command = ["psql", "-U", "postgres", "-h", "/var/run/postgresql", "-d", "realtime", "-Atc", statement];
        let output = kubectl::exec(&self.namespace, &pod, &command, "").await;
        assert!(output.success, "psql {statement}: {}", output.stderr);
        output.stdout.trim().to_owned()
    }

    /// Logs in to Postgres over the network with that password.
    pub async fn log_in_to_postgres(&self, password: &str) -> Output {
        let pod = format!("{}-0", self.object_name(Component::Postgres));
        let script =
            "IFS= read -r PGPASSWORD; export PGPASSWORD; psql -U realtime -h 127.0.0.1 -d realtime -Atc 'SELECT 1'";
        kubectl::exec(&self.namespace, &pod, &["sh", "-c", script], &format!("{password}\n")).await
    }

    /// Logs in to Redis with that password.
    pub async fn log_in_to_redis(&self, password: &str) -> Output {
        let pod = format!("{}-0", self.object_name(Component::Redis));
        let script = "IFS= read -r REDISCLI_AUTH; export REDISCLI_AUTH; redis-cli --user realtime ping";
        kubectl::exec(&self.namespace, &pod, &["sh", "-c", script], &format!("{password}\n")).await
    }

    /// Puts records, one a line, into a topic, with the password that the credentials Secret has.
    ///
    /// # Panics
    /// When the producer fails.
    pub async fn produce(&self, topic: &str, records: &str) {
        let name = self.object_name(Component::Kafka);
        let password = self.credential("kafka-password").await;
        let server = format!("{name}:{}", realtime_contract::ports::KAFKA);
        let input = format!("{password}\n{records}\n");
        let command = ["sh", "-c", PRODUCE, "sh", &server, topic];
        let output = kubectl::exec(&self.namespace, &format!("{name}-0"), &command, &input).await;
        // The producer ends with 0 even when a record was refused, but then it complains.
        let refused = output.stderr.contains("ERROR") || output.stdout.contains("ERROR");
        assert!(output.success && !refused, "console producer: {}{}", output.stdout, output.stderr);
    }

    /// A value of the credentials Secret.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn credential(&self, key: &str) -> String {
        let name = format!("{}-credentials", self.name);
        let secret = self.objects::<k8s_openapi::api::core::v1::Secret>().get(&name).await;
        let secret = secret.unwrap_or_else(|error| panic!("failed to read secret {name}: {error}"));
        let value = secret.data.and_then(|mut data| data.remove(key));
        let value = value.unwrap_or_else(|| panic!("secret {name} has no key {key}"));
        String::from_utf8(value.0).unwrap_or_else(|_| panic!("key {key} of secret {name} is no text"))
    }
}
