//! A real broker of one node, with its data in a folder that goes with it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::RDKafkaErrorCode;

use crate::interruption::Interruption;
use crate::process::{self, Process};

/// Partitions of the topic.
pub(crate) const PARTITIONS: i32 = 6;

const START: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);
const ANSWER: Duration = Duration::from_secs(5);
/// Any cluster id will do: 16 bytes in base64.
const CLUSTER: &str = "UmVhbHRpbWVCZW5jaG1hcg";

/// The broker. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Broker {
    process: Process,
    address: String,
    log: PathBuf,
}

impl Broker {
    /// Formats the folder `data`, and starts the broker of Kafka's jars in `libraries` on the core.
    pub(crate) fn start(libraries: &Path, data: &Path, core: usize, stop: &Interruption) -> Result<Self> {
        fs::create_dir_all(data).with_context(|| format!("failed to create {}", data.display()))?;
        let (client, controller) = (free_port()?, free_port()?);
        let properties = data.join("server.properties");
        fs::write(&properties, text(data, client, controller)).context("failed to write the broker's settings")?;
        fs::write(data.join("log4j2.properties"), LOGGING).context("failed to write the broker's log settings")?;
        let log = data.join("broker.log");
        let mut format = java(libraries, data);
        format.args(["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER, "--config"]).arg(&properties);
        process::run("the formatting of Kafka's storage", &format, core, &log)?;
        let mut command = java(libraries, data);
        command.arg("kafka.Kafka").arg(&properties);
        let process = Process::start("the Kafka broker", &command, core, &log)?;
        let mut broker = Self { process, address: format!("127.0.0.1:{client}"), log };
        broker.await_port(client, stop)?;
        Ok(broker)
    }

    /// Where clients find it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn await_port(&mut self, port: u16, stop: &Interruption) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_err() {
            self.wait(begun, stop)?;
        }
        Ok(())
    }

    /// Creates the topic, if it is not there. A broker that has just opened its port may not know itself yet, so this is tried for a while.
    pub(crate) fn create(&mut self, name: &str, stop: &Interruption) -> Result<()> {
        let mut config = ClientConfig::new();
        let admin: AdminClient<DefaultClientContext> =
            config.set("bootstrap.servers", &self.address).create().context("failed to create the admin client")?;
        let topic = NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(5)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.context("failed to start a runtime")?;
        let begun = Instant::now();
        loop {
            match runtime.block_on(admin.create_topics([&topic], &options)) {
                Ok(results) if results.iter().all(is_there) => break,
                _ => self.wait(begun, stop)?,
            }
        }
        let count = self.count(name)?;
        // Partitions have no leader for a moment.
        while count().is_err() {
            self.wait(begun, stop)?;
        }
        Ok(())
    }

    /// Tells, each time that it is called, how many records the topic has.
    pub(crate) fn count(&self, topic: &str) -> Result<impl Fn() -> Result<i64> + use<>> {
        let mut config = ClientConfig::new();
        let consumer: BaseConsumer =
            config.set("bootstrap.servers", &self.address).create().context("failed to create a consumer")?;
        let topic = topic.to_owned();
        Ok(move || {
            let ends = (0..PARTITIONS).map(|partition| {
                let marks = consumer.fetch_watermarks(&topic, partition, ANSWER);
                Ok(marks.context("failed to read where a partition ends")?.1)
            });
            ends.sum()
        })
    }

    fn wait(&mut self, begun: Instant, stop: &Interruption) -> Result<()> {
        stop.check()?;
        self.process.demand(&self.log)?;
        if begun.elapsed() > START {
            bail!("the Kafka broker did not answer within {} s: see {}", START.as_secs(), self.log.display());
        }
        thread::sleep(PAUSE);
        Ok(())
    }
}

fn is_there(result: &Result<String, (String, RDKafkaErrorCode)>) -> bool {
    matches!(result, Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)))
}

/// A port that nothing listens on now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("failed to find a free port")?;
    Ok(listener.local_addr().context("failed to read a port")?.port())
}

fn java(libraries: &Path, data: &Path) -> Command {
    let mut java = Command::new("java");
    java.args(["-Xms512m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError"]);
    java.arg(format!("-Dlog4j2.configurationFile={}", data.join("log4j2.properties").display()));
    java.arg("-cp").arg(libraries.join("*"));
    java
}

const LOGGING: &str = "status = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
";

fn text(data: &Path, client: u16, controller: u16) -> String {
    let log = data.join("log");
    format!(
        "process.roles=broker,controller
node.id=0
controller.quorum.voters=0@127.0.0.1:{controller}
listeners=CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENT://127.0.0.1:{client}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
log.dirs={}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
",
        log.display()
    )
}
