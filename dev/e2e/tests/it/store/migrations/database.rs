//! A database of its own in the Postgres of a stack.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use kube::ResourceExt;
use realtime_contract::{Component, database, ports};
use realtime_e2e::kubectl::{self, Output};
use realtime_e2e::{Stack, eventually};
use refinery::{Runner, Target};
use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

/// The version that this tree's binaries work with.
pub(super) const NEWEST: i32 = 5;
/// A migration gets as far as it can within this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What every version since the earliest one has, each row as a text.
const ROWS: [&str; 8] = [
    "SELECT 'meta', meta FROM meta",
    "SELECT 'counter', feed_counter FROM feed_counter",
    "SELECT 'notification', id, message, type, channel, status, data::text, created_at, processed_at FROM notifications",
    "SELECT 'event', id, aggregate_id, type, payload::text, trace_context, occurred_at FROM events",
    "SELECT 'outbox', id, shard, topic, key, payload, headers, created_at FROM outbox",
    "SELECT 'feed', position, event_id, channel, notification::text, traceparent, created_at FROM feed",
    "SELECT 'offset', topic, partition, next, topic_id FROM offsets",
    "SELECT 'letter', topic, partition, record_offset, reason, key, payload, headers, created_at, topic_id FROM dead_letters",
];

/// Columns, constraints, indexes and settings of all tables.
const SHAPE: [&str; 4] = [
    "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity, identity_generation
     FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
    "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
    "SELECT relname, relkind, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname",
];

/// Every migration in the order in which it ran, and where each table and index lies: what is written anew lies elsewhere.
const FILES: [&str; 2] = [
    "SELECT * FROM refinery_schema_history ORDER BY version",
    "SELECT relname, relfilenode FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname",
];

/// The creation of an index waits at its end for whoever holds the lock of the index's name.
const STOPS: &str = "
    CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext(object_identity)) FROM pg_event_trigger_ddl_commands();
    END $$;
    CREATE EVENT TRIGGER stop ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION stop()";

const STOPPED: &str = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'realtime-consumer-prepare' AND wait_event = 'advisory'";

/// A database that nobody else knows.
pub(super) struct Database<'a> {
    stack: &'a Stack,
    name: String,
    client: Client,
}

impl<'a> Database<'a> {
    /// A store as a binary of that version would have made it; of version 0 it is empty.
    pub(super) async fn of_version(stack: &'a Stack, version: i32) -> Self {
        let name = format!("migrated_{}", Uuid::new_v4().simple());
        stack.query(&format!("CREATE DATABASE {name} OWNER {}", database::ROLE)).await;
        stack.query_in(&name, STOPS).await;
        let mut client = stack.session(&name).await;
        if version > 0 {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workloads/consumer/migrations");
            let migrations = refinery::load_sql_migrations(&folder).expect("the migrations can be read");
            let runner = Runner::new(&migrations).set_target(Target::Version(version));
            runner.run_async(&mut client).await.expect("the earlier version can be made");
        }
        Self { stack, name, client }
    }

    /// Another session with it.
    pub(super) async fn session(&self) -> Client {
        self.stack.session(&self.name).await
    }

    /// Brings it up to date, as the prepare Job does.
    pub(super) async fn prepare(&self) -> Output {
        let pod = self.stack.pods(Component::Consumer).await.first().expect("a consumer runs").name_any();
        let host = self.stack.object_name(Component::Postgres);
        let address = format!("postgresql://{}@{host}:{}/{}", database::ROLE, ports::POSTGRES, self.name);
        let command = ["/realtime-consumer", "prepare", "--postgres-url", &address];
        kubectl::exec(&self.stack.namespace, &pod, &command, "").await
    }

    /// Runs statements.
    pub(super) async fn run(&self, statements: &str) {
        self.client.batch_execute(statements).await.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
    }

    /// Rows of a query, the columns of each by `|`.
    pub(super) async fn lines(&self, query: &str) -> Vec<String> {
        let answer = self.client.simple_query(query).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => {
                let columns = (0..row.len()).map(|column| row.get(column).unwrap_or("NULL"));
                Some(columns.collect::<Vec<_>>().join("|"))
            }
            _ => None,
        };
        answer.into_iter().filter_map(row).collect()
    }

    /// Everything that stands in it.
    pub(super) async fn rows(&self) -> BTreeSet<String> {
        let tables = join_all(ROWS.map(|query| self.lines(query))).await;
        let count: usize = tables.iter().map(Vec::len).sum();
        let rows: BTreeSet<String> = tables.into_iter().flatten().collect();
        assert_eq!(rows.len(), count, "each row is another one");
        rows
    }

    /// How its tables are made.
    pub(super) async fn shape(&self) -> Vec<String> {
        join_all(SHAPE.map(|query| self.lines(query))).await.concat()
    }

    /// What changes when a migration runs.
    pub(super) async fn files(&self) -> Vec<String> {
        join_all(FILES.map(|query| self.lines(query))).await.concat()
    }

    /// The version that it has.
    pub(super) async fn version(&self) -> i32 {
        let versions = self.lines("SELECT max(version) FROM refinery_schema_history").await;
        versions[0].parse().unwrap_or_else(|error| panic!("{error}: {versions:?}"))
    }

    /// The events are numbered without a gap; of each aggregate those that created it come first, the others as their times say.
    pub(super) async fn is_in_order(&self) {
        let query = "SELECT ordinal, aggregate_id, type <> 'NotificationCreated', to_char(occurred_at, 'YYYYMMDDHH24MISSUS'), id
            FROM events ORDER BY ordinal";
        let mut last = std::collections::HashMap::<String, Vec<String>>::new();
        for (index, line) in self.lines(query).await.iter().enumerate() {
            let fields: Vec<String> = line.split('|').map(str::to_owned).collect();
            assert_eq!(fields[0], (index + 1).to_string());
            let place = fields[2..].to_vec();
            if let Some(before) = last.insert(fields[1].clone(), place.clone()) {
                assert!(before < place, "{line} behind {before:?}");
            }
        }
    }

    /// Has whoever creates the index wait at its end, with the locks that it has by then, until this is dropped.
    pub(super) async fn stop_at(&self, index: &str) -> Client {
        let session = self.session().await;
        let lock = format!("SELECT pg_advisory_lock(hashtext('public.{index}'))");
        session.batch_execute(&lock).await.expect("nobody else has the lock");
        session
    }

    /// Waits until a migration is stopped; the process of its session.
    pub(super) async fn stopped(&self) -> String {
        eventually("the migration stops", PATIENCE, async || {
            self.lines(STOPPED).await.pop().ok_or_else(|| "it does not wait".to_owned())
        })
        .await
    }

    /// Ends the session of the migration that is stopped.
    pub(super) async fn cut_off(&self) {
        let process = self.stopped().await;
        assert_eq!(self.lines(&format!("SELECT pg_terminate_backend({process}, 10000)")).await, ["t"]);
    }
}
