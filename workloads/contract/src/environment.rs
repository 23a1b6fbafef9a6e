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
/// User for SASL; without it the connection is anonymous.
pub const KAFKA_USERNAME: &str = "KAFKA_USERNAME";
/// Password for SASL.
pub const KAFKA_PASSWORD: &str = "KAFKA_PASSWORD";
/// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`; `PLAIN` when a username is given.
pub const KAFKA_SASL_MECHANISM: &str = "KAFKA_SASL_MECHANISM";
/// `true` for TLS to the brokers; `false` by default.
pub const KAFKA_TLS: &str = "KAFKA_TLS";
/// Path of the PEM file with the authorities that the brokers' certificates are checked against; the system's without it.
pub const KAFKA_TLS_CA: &str = "KAFKA_TLS_CA";
/// Path of the PEM file with the client's certificate; together with [`KAFKA_TLS_KEY`].
pub const KAFKA_TLS_CERTIFICATE: &str = "KAFKA_TLS_CERTIFICATE";
/// Path of the PEM file with the client's key; together with [`KAFKA_TLS_CERTIFICATE`].
pub const KAFKA_TLS_KEY: &str = "KAFKA_TLS_KEY";

/// Folder with the files of the page that `GET /` gives to browsers; set in the API's image. Without it there is none.
pub const CONSOLE: &str = "REALTIME_CONSOLE";

/// Allowed origins by comma, `*` for any.
pub const CORS_ORIGIN: &str = "CORS_ORIGIN";

/// Topics of `/events/stream`, names by comma; `product-events` by default.
pub const STREAM_TOPICS: &str = "REALTIME_STREAM_TOPICS";
/// Path of a JSON file `[{"type", "schema"}]` with the event types beside the product events; none without it.
pub const SCHEMAS: &str = "REALTIME_SCHEMAS";
/// Secret that signs cursors and what clients of Socket.IO recover by, any text of 16 bytes or more. Without it a process makes up its own,
/// and these end with it.
pub const CURSOR_KEY: &str = "REALTIME_CURSOR_KEY";
/// Open connections of a process, at most, streams and sessions of Socket.IO; the limit of open files less 512 by default, and never more.
pub const STREAM_CONNECTIONS: &str = "REALTIME_STREAM_CONNECTIONS";
/// Open connections of one client address, at most, streams and sessions of Socket.IO; no limit by default.
pub const STREAM_CONNECTIONS_PER_ADDRESS: &str = "REALTIME_STREAM_CONNECTIONS_PER_ADDRESS";
/// Networks (CIDR) by comma whose `X-Forwarded-For` is believed; none by default.
pub const TRUSTED_PROXIES: &str = "REALTIME_TRUSTED_PROXIES";
/// Seconds after which a stream is closed to come back, less up to a fifth by chance; 3600 by default, 0 for never.
pub const STREAM_AGE_SECONDS: &str = "REALTIME_STREAM_AGE_SECONDS";
/// Newest events that a process keeps in memory; 10,000 by default.
pub const RING_EVENTS: &str = "REALTIME_RING_EVENTS";
/// Bytes of the newest events that a process keeps in memory; 16 MiB by default.
pub const RING_BYTES: &str = "REALTIME_RING_BYTES";
/// Offsets of a partition within which an event id counts once; 10,000 by default.
pub const DEDUPLICATION_WINDOW: &str = "REALTIME_DEDUPLICATION_WINDOW";

/// `anonymous` (nobody is asked who he is) or `jwt`; `anonymous` by default.
pub const AUTH: &str = "REALTIME_AUTH";
/// Secret that tokens are signed with by HS256, 32 bytes or more.
pub const JWT_SECRET: &str = "REALTIME_JWT_SECRET";
/// Text of a set of keys (JWKS, RFC 7517) that tokens are checked with.
pub const JWT_JWKS: &str = "REALTIME_JWT_JWKS";
/// Address (http or https) of such a set.
pub const JWT_JWKS_URL: &str = "REALTIME_JWT_JWKS_URL";
/// Seconds after which the set at [`JWT_JWKS_URL`] is read again; 300 by default.
pub const JWT_JWKS_SECONDS: &str = "REALTIME_JWT_JWKS_SECONDS";
/// What the claim `iss` of a token has to be; it is not looked at without it.
pub const JWT_ISSUER: &str = "REALTIME_JWT_ISSUER";
/// Audiences by comma, one of which has to stand in the claim `aud`; it is not looked at without them.
pub const JWT_AUDIENCE: &str = "REALTIME_JWT_AUDIENCE";
/// Seconds by which the issuer's clock may differ; 30 by default.
pub const JWT_LEEWAY_SECONDS: &str = "REALTIME_JWT_LEEWAY_SECONDS";

/// Requests of one client address, `<a second>/<at once>`, with openings of streams and sessions; no limit by default.
pub const LIMIT_ADDRESS: &str = "REALTIME_LIMIT_ADDRESS";
/// The same of one user, the claim `sub`; no limit by default.
pub const LIMIT_USER: &str = "REALTIME_LIMIT_USER";
/// Notifications published by one user, or address where nobody is asked, `<a second>/<at once>`; no limit by default.
pub const LIMIT_PUBLISH: &str = "REALTIME_LIMIT_PUBLISH";
/// Openings of streams and sessions, and subscriptions to more, by one user or address; no limit by default.
pub const LIMIT_SUBSCRIBE: &str = "REALTIME_LIMIT_SUBSCRIBE";

/// Bytes of a message of a Socket.IO client, at most; 131072 by default.
pub const SOCKET_PAYLOAD_BYTES: &str = "REALTIME_SOCKET_PAYLOAD_BYTES";
/// Seconds between two pings of the server to a Socket.IO client; 25 by default.
pub const SOCKET_PING_INTERVAL_SECONDS: &str = "REALTIME_SOCKET_PING_INTERVAL_SECONDS";
/// Seconds that such a client has for its answer; 60 by default.
pub const SOCKET_PING_TIMEOUT_SECONDS: &str = "REALTIME_SOCKET_PING_TIMEOUT_SECONDS";
/// Connections of one client address to the namespace `/demo`, at most, over all instances; 10 by default.
pub const DEMO_CONNECTIONS_PER_ADDRESS: &str = "REALTIME_DEMO_CONNECTIONS_PER_ADDRESS";
/// Pings of one connection to the namespace `/demo`, at most; 100 by default.
pub const DEMO_PINGS: &str = "REALTIME_DEMO_PINGS";
/// Seconds between two random strings of the namespace `/demo`, at least; 5 by default.
pub const DEMO_SHORTEST_SECONDS: &str = "REALTIME_DEMO_SHORTEST_SECONDS";
/// Seconds between two random strings of the namespace `/demo`, at most; 15 by default.
pub const DEMO_LONGEST_SECONDS: &str = "REALTIME_DEMO_LONGEST_SECONDS";
/// `true` when `/api/websocket/health` may show the addresses of clients; `false` by default.
pub const DEMO_SHOW_ADDRESSES: &str = "REALTIME_DEMO_SHOW_ADDRESSES";

/// Topics of the stack for `realtime-consumer prepare`: JSON `[{"name", "partitions"}]`.
pub const TOPICS: &str = "REALTIME_TOPICS";
/// Replication factor of those topics.
pub const TOPIC_REPLICATION: &str = "REALTIME_TOPIC_REPLICATION";

/// Seconds that `realtime-consumer prepare` waits for Postgres and Kafka.
pub const PREPARE_SECONDS: &str = "REALTIME_PREPARE_SECONDS";
/// Connections of a process to Postgres, at most.
pub const POSTGRES_POOL: &str = "REALTIME_POSTGRES_POOL";

/// Hours that the feed's events stay in Postgres for clients that come back; 24 by default.
pub const FEED_RETENTION_HOURS: &str = "REALTIME_FEED_RETENTION_HOURS";

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
/// Base URL of Loki for logs; wins over [`OTLP_ENDPOINT`].
pub const LOKI_URL: &str = "LOKI_URL";
/// The same under its older name, or Loki's host alone, with or without its port.
pub const LOKI_HOST: &str = "LOKI_HOST";
/// `development` makes [`LOG_FORMAT`] `text` where it is not set; other values do nothing.
pub const NODE_ENV: &str = "NODE_ENV";

/// Variables that the operator sets in the pods of each workload, always or when the stack asks for them.
pub fn of_workload(component: crate::Component) -> Vec<&'static str> {
    use crate::Component;
    match component {
        Component::Api => [PROCESS, KAFKA, REDIS, POSTGRES, CLIENTS, &[LIMIT_PUBLISH], SOCKETS].concat(),
        Component::Consumer => [PROCESS, KAFKA, REDIS, POSTGRES, &[FEED_RETENTION_HOURS]].concat(),
        Component::Notifications => [PROCESS, KAFKA, REDIS, CLIENTS, &[STREAM_TOPICS, SCHEMAS]].concat(),
        Component::Redis | Component::Kafka | Component::Postgres => Vec::new(),
    }
}

/// Of every workload.
const PROCESS: &[&str] = &[OPS_PORT, STACK, NAMESPACE, POD, LOG, DRAIN_SECONDS];

const KAFKA: &[&str] = &[KAFKA_BROKERS, KAFKA_CLIENT_ID, KAFKA_USERNAME, KAFKA_PASSWORD];

const REDIS: &[&str] = &[REDIS_URL, REDIS_PASSWORD];

const POSTGRES: &[&str] = &[POSTGRES_URL, POSTGRES_PASSWORD];

/// Of what serves clients: its address, its streams, and who may come in.
const CLIENTS: &[&str] = &[
    PORT,
    CORS_ORIGIN,
    CURSOR_KEY,
    STREAM_CONNECTIONS,
    STREAM_CONNECTIONS_PER_ADDRESS,
    TRUSTED_PROXIES,
    STREAM_AGE_SECONDS,
    RING_EVENTS,
    RING_BYTES,
    AUTH,
    JWT_SECRET,
    JWT_JWKS,
    JWT_JWKS_URL,
    JWT_JWKS_SECONDS,
    JWT_ISSUER,
    JWT_AUDIENCE,
    JWT_LEEWAY_SECONDS,
    LIMIT_ADDRESS,
    LIMIT_USER,
    LIMIT_SUBSCRIBE,
];

/// Of Socket.IO and its namespace `/demo`.
const SOCKETS: &[&str] = &[
    SOCKET_PAYLOAD_BYTES,
    SOCKET_PING_INTERVAL_SECONDS,
    SOCKET_PING_TIMEOUT_SECONDS,
    DEMO_CONNECTIONS_PER_ADDRESS,
    DEMO_PINGS,
    DEMO_SHORTEST_SECONDS,
    DEMO_LONGEST_SECONDS,
    DEMO_SHOW_ADDRESSES,
];
