//! Talks to Kafka for the tests: reads requests from its input, writes outcomes to its output, ends with its input.

use std::io::Write as _;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use realtime_e2e::log::command::{Command, Done, Outcome, Request};
use tokio::sync::mpsc;

/// For what changes topics.
const LIMIT: Duration = Duration::from_secs(30);

struct Connection {
    producer: FutureProducer,
    admin: AdminClient<DefaultClientContext>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut lines = lines();
    let mut connection = None;
    while let Some(line) = lines.recv().await {
        let Request { number, command } = serde_json::from_str(&line)?;
        match (command, &connection) {
            (Command::Connect { brokers, password }, _) => {
                let connected = connect(&brokers, &password);
                tell(number, connected.as_ref().map(|_| Done::Nothing).map_err(ToString::to_string))?;
                connection = connected.ok();
            }
            (_, None) => tell(number, Err("there is no connection".to_owned()))?,
            // Only the order of these matters.
            (Command::Produce { topic, partition, key, value }, Some(connection)) => {
                produce(connection, number, &topic, partition, &key, &value)?;
            }
            (command, Some(connection)) => tell(number, change(&connection.admin, command).await)?,
        }
    }
    Ok(())
}

/// The lines of the input, read by a thread because that waits.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut lines = std::io::stdin().lines();
        while let Some(Ok(line)) = lines.next()
            && sender.send(line).is_ok()
        {}
    });
    receiver
}

fn tell(number: u64, result: Result<Done, String>) -> std::io::Result<()> {
    let line = serde_json::to_string(&Outcome { number, result })?;
    writeln!(std::io::stdout().lock(), "{line}")
}

fn connect(brokers: &str, password: &str) -> Result<Connection, rdkafka::error::KafkaError> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "PLAIN")
        .set("sasl.username", "realtime")
        .set("sasl.password", password)
        // What is written stands there once and in order, whatever happens to the broker.
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "110000")
        .set("linger.ms", "2")
        .set("reconnect.backoff.max.ms", "500")
        // The broker's name has another address after a restart.
        .set("broker.address.ttl", "200")
        .set("topic.metadata.refresh.interval.ms", "1000");
    Ok(Connection { producer: config.create()?, admin: config.create()? })
}

fn produce(
    connection: &Connection,
    number: u64,
    topic: &str,
    partition: i32,
    key: &str,
    value: &str,
) -> std::io::Result<()> {
    let mut record = FutureRecord::to(topic).partition(partition).payload(value);
    if !key.is_empty() {
        record = record.key(key);
    }
    match connection.producer.send_result(record) {
        Err((error, _)) => tell(number, Err(error.to_string())),
        Ok(delivery) => {
            tokio::spawn(async move {
                let result = match delivery.await {
                    Ok(Ok(delivery)) => Ok(Done::Written { partition: delivery.partition, offset: delivery.offset }),
                    Ok(Err((error, _))) => Err(error.to_string()),
                    Err(_) => Err("the producer has gone".to_owned()),
                };
                if let Err(error) = tell(number, result) {
                    eprintln!("failed to tell the outcome of a record: {error}");
                }
            });
            Ok(())
        }
    }
}

async fn change(admin: &AdminClient<DefaultClientContext>, command: Command) -> Result<Done, String> {
    let options = AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT));
    let told = |error: rdkafka::error::KafkaError| error.to_string();
    let results = match command {
        Command::Create { topic, partitions } => {
            let topic = NewTopic::new(&topic, partitions, TopicReplication::Fixed(1));
            admin.create_topics([&topic], &options).await.map_err(told)?
        }
        Command::Delete { topic } => admin.delete_topics(&[&topic], &options).await.map_err(told)?,
        Command::Grow { topic, partitions } => {
            admin.create_partitions([&NewPartitions::new(&topic, partitions)], &options).await.map_err(told)?
        }
        Command::Trim { topic, partition, before } => {
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset(&topic, partition, Offset::Offset(before)).map_err(told)?;
            let trimmed = admin.delete_records(&offsets, &options).await.map_err(told)?;
            let failed = trimmed.elements().iter().find_map(|element| element.error().err());
            return failed.map_or(Ok(Done::Nothing), |error| Err(error.to_string()));
        }
        Command::Connect { .. } | Command::Produce { .. } => return Err("this changes no topic".to_owned()),
    };
    let failed = results.into_iter().find_map(Result::err);
    failed.map_or(Ok(Done::Nothing), |(name, code)| Err(format!("{name}: {code}")))
}
