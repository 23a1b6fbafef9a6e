use std::sync::atomic::Ordering;

use prometheus::Registry;
use rdkafka::mocking::MockCluster;
use realtime_chassis::config::PostgresConfig;
use realtime_chassis::postgres;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use forgetful::Forgetful;

#[path = "../../../chassis/tests/kafka/forgetful.rs"]
mod forgetful;

const PATIENCE: Duration = Duration::from_secs(60);

/// Postgres, which closes every connection. Somebody connects once the group has assigned partitions and the brokers have told the topic's id.
struct Closed(TcpListener);

impl Closed {
    async fn connected(&self) {
        drop(timeout(PATIENCE, self.0.accept()).await.unwrap().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_names_no_broker_after_its_start_stops_nobody() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(NOTIFICATIONS, 3, 1).unwrap();
    let way = Forgetful::before(&cluster.bootstrap_servers());
    let database = Closed(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("postgresql://user@{}/database", database.0.local_addr().unwrap());
    let config = PostgresConfig { url: url.into(), password: None, pool: 1 };
    let store = Store::new(postgres::pool(&config, "test").unwrap());
    let (measures, token) = (Measures::new(&Registry::new()).unwrap(), CancellationToken::new());
    let mut kafka = member::config(&KafkaConfig::anonymous(way.address.to_string()), "test");
    // Else it depends on the moment of another answer whether the client forgets the configured brokers, too.
    kafka.set("metadata.recovery.strategy", "none");
    let intake = Intake::join(kafka, store, measures.clone(), Stopped::default(), token.clone()).unwrap();
    let running = tokio::spawn(intake.run());
    database.connected().await;
    // It is looking for its place meanwhile, in vain.
    way.empty.store(usize::MAX, Ordering::SeqCst);
    let given_up = async {
        while measures.clients_given_up.with_label_values(&["lonely"]).get() == 0 {
            tokio::select! {
                () = database.connected() => {}
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
        }
    };
    timeout(PATIENCE, given_up).await.unwrap();
    way.empty.store(0, Ordering::SeqCst);
    // A connection that the client before has asked for may still stand.
    while let Ok(accepted) = timeout(Duration::from_millis(200), database.0.accept()).await {
        drop(accepted.unwrap());
    }
    database.connected().await;
    token.cancel();
    running.await.unwrap();
}
