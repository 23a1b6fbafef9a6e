//! Names of environment variables. Names without the prefix `REALTIME_` are those of the services that were replaced.

/// Port of the service itself.
pub const PORT: &str = "PORT";
/// Older name of [`PORT`] at the API.
pub const API_PORT: &str = "API_PORT";
/// Port of the ops server (liveness, readiness, dependencies, metrics).
pub const OPS_PORT: &str = "REALTIME_OPS_PORT";

/// `redis://[user@]host:port`; the password stands in [`REDIS_PASSWORD`].
pub const REDIS_URL: &str = "REDIS_URL";
/// Host of Redis, when there is no [`REDIS_URL`].
pub const REDIS_HOST: &str = "REDIS_HOST";
/// Port of Redis, when there is no [`REDIS_URL`].
pub const REDIS_PORT: &str = "REDIS_PORT";
/// Password of Redis; wins over one in the URL.
pub const REDIS_PASSWORD: &str = "REDIS_PASSWORD";

/// `postgresql://user@host:port/database`; the password stands in [`POSTGRES_PASSWORD`].
pub const POSTGRES_URL: &str = "POSTGRES_URL";
/// Password of Postgres; wins over one in the URL.
pub const POSTGRES_PASSWORD: &str = "POSTGRES_PASSWORD";

/// Bootstrap brokers, `host:port` by comma.
pub const KAFKA_BROKERS: &str = "KAFKA_BROKERS";
/// Client id towards Kafka.
pub const KAFKA_CLIENT_ID: &str = "KAFKA_CLIENT_ID";
/// User for SASL PLAIN; without it the connection is anonymous.
pub const KAFKA_USERNAME: &str = "KAFKA_USERNAME";
/// Password for SASL PLAIN.
pub const KAFKA_PASSWORD: &str = "KAFKA_PASSWORD";

/// Allowed origins by comma, `*` for any.
pub const CORS_ORIGIN: &str = "CORS_ORIGIN";

/// Topics of the stack for `realtime-consumer prepare`: JSON `[{"name", "partitions"}]`.
pub const TOPICS: &str = "REALTIME_TOPICS";
/// Replication factor of those topics.
pub const TOPIC_REPLICATION: &str = "REALTIME_TOPIC_REPLICATION";

/// Seconds that `realtime-consumer prepare` waits for Postgres and Kafka.
pub const PREPARE_SECONDS: &str = "REALTIME_PREPARE_SECONDS";
/// Connections of a process to Postgres, at most.
pub const POSTGRES_POOL: &str = "REALTIME_POSTGRES_POOL";

/// Name of the stack that a pod belongs to. With [`NAMESPACE`] and [`POD`] it turns the readiness report on.
pub const STACK: &str = "REALTIME_STACK";
/// Namespace of the pod.
pub const NAMESPACE: &str = "REALTIME_NAMESPACE";
/// Name of the pod.
pub const POD: &str = "REALTIME_POD";

/// Filter of log records, in the syntax of `RUST_LOG`.
pub const LOG: &str = "REALTIME_LOG";
/// `json` or `text`.
pub const LOG_FORMAT: &str = "REALTIME_LOG_FORMAT";
/// Seconds that a process has to end its work after SIGTERM.
pub const DRAIN_SECONDS: &str = "REALTIME_DRAIN_SECONDS";
/// OTLP endpoint of OpenTelemetry; telemetry is exported when it is set.
pub const OTLP_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Whole URL for traces; wins over [`TEMPO_URL`].
pub const TEMPO_ENDPOINT: &str = "TEMPO_ENDPOINT";
/// Base URL for traces; wins over [`OTLP_ENDPOINT`].
pub const TEMPO_URL: &str = "TEMPO_URL";

/// Variables that the operator sets in the pods of each workload, by component.
pub fn of_workload(component: crate::Component) -> &'static [&'static str] {
    use crate::Component;
    match component {
        Component::Api => &[
            PORT,
            OPS_PORT,
            REDIS_URL,
            REDIS_PASSWORD,
            POSTGRES_URL,
            POSTGRES_PASSWORD,
            KAFKA_BROKERS,
            KAFKA_CLIENT_ID,
            KAFKA_USERNAME,
            KAFKA_PASSWORD,
            STACK,
            NAMESPACE,
            POD,
        ],
        Component::Consumer => &[
            OPS_PORT,
            REDIS_URL,
            REDIS_PASSWORD,
            POSTGRES_URL,
            POSTGRES_PASSWORD,
            KAFKA_BROKERS,
            KAFKA_CLIENT_ID,
            KAFKA_USERNAME,
            KAFKA_PASSWORD,
            STACK,
            NAMESPACE,
            POD,
        ],
        Component::Notifications => {
            &[PORT, OPS_PORT, KAFKA_BROKERS, KAFKA_CLIENT_ID, KAFKA_USERNAME, KAFKA_PASSWORD, STACK, NAMESPACE, POD]
        }
        Component::Redis | Component::Kafka | Component::Postgres => &[],
    }
}
