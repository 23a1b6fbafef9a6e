//! Sessions with the Postgres of a stack, as its workloads have them: for locks that last longer than a statement.

use realtime_contract::{Component, database, ports};
use tokio_postgres::{Client, Config, NoTls};

use crate::kubectl;
use crate::stack::Stack;

impl Stack {
    /// Opens a session with a database. It ends, and what it has locked is free again, when the client is dropped.
    ///
    /// # Panics
    /// When Postgres does not take it.
    pub async fn session(&self, database: &str) -> Client {
        let pods = self.pods(Component::Postgres).await;
        let address = pods.first().and_then(|pod| pod.status.as_ref()?.pod_ip.clone());
        let address = address.unwrap_or_else(|| panic!("no pod of Postgres has an address"));
        let mut config = Config::new();
        config.host(address).port(ports::POSTGRES).user(database::ROLE).dbname(database);
        config.password(self.credential("postgres-password").await).application_name("realtime-e2e");
        let connected = config.connect(NoTls).await;
        let (client, connection) = connected.unwrap_or_else(|error| panic!("failed to open a session: {error}"));
        tokio::spawn(connection);
        client
    }

    /// The result of statements in a database, as `psql -At` prints it, run by the superuser over the local socket. The first that fails ends it.
    ///
    /// # Panics
    /// When psql fails.
    pub async fn query_in(&self, database: &str, statements: &str) -> String {
        let pod = format!("{}-0", self.object_name(Component::Postgres));
        let address = ["-U", "postgres", "-h", "/var/run/postgresql", "-d", database];
        let command = [&["psql"], &address[..], &["-v", "ON_ERROR_STOP=1", "-qAt"]].concat();
        let output = kubectl::exec(&self.namespace, &pod, &command, statements).await;
        assert!(output.success, "psql {statements}: {}", output.stderr);
        output.stdout.trim().to_owned()
    }
}
