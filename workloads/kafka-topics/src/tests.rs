use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, DefaultProducerContext, Producer};
use rdkafka::types::RDKafkaRespErr;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(10);

fn producer(brokers: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("allow.auto.create.topics", "false").create().unwrap()
}

fn cluster() -> MockCluster<'static, DefaultProducerContext> {
    MockCluster::new(1).unwrap()
}

fn ask(producer: &BaseProducer, names: &[&str]) -> Vec<DescribedTopic> {
    topic_ids(producer.client(), names, TIMEOUT).unwrap()
}

#[test]
fn topics_have_ids_of_their_own_that_stay_and_all_partitions() {
    let cluster = cluster();
    cluster.create_topic("orders", 3, 1).unwrap();
    cluster.create_topic("payments", 1, 1).unwrap();
    let producer = producer(&cluster.bootstrap_servers());
    let topics = ask(&producer, &["payments", "orders"]);
    let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
    assert_eq!(names, ["payments", "orders"]);
    let [payments, orders] = [0, 1].map(|index| topics[index].outcome.clone().unwrap());
    assert_eq!(payments.partitions, [0]);
    assert_eq!(orders.partitions, [0, 1, 2]);
    assert_ne!(payments.id, orders.id);
    assert!(!payments.id.is_nil() && !orders.id.is_nil());
    assert_eq!(ask(&producer, &["payments", "orders"]), topics);
}

#[test]
fn a_topic_that_does_not_exist_is_unknown_and_asking_does_not_create_it() {
    let cluster = cluster();
    cluster.create_topic("orders", 1, 1).unwrap();
    let producer = producer(&cluster.bootstrap_servers());
    for _ in 0..2 {
        let topics = ask(&producer, &["missing", "orders"]);
        assert_eq!(topics[0], DescribedTopic { name: "missing".into(), outcome: Err(TopicError::Unknown) });
        assert!(topics[1].outcome.is_ok());
    }
}

#[test]
fn a_refusal_of_one_topic_leaves_the_others() {
    let cluster = cluster();
    for topic in ["secret", "moving", "orders"] {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    cluster.topic_error("secret", RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED).unwrap();
    cluster.topic_error("moving", RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE).unwrap();
    let topics = ask(&producer(&cluster.bootstrap_servers()), &["secret", "moving", "orders"]);
    assert_eq!(topics[0].outcome, Err(TopicError::Denied));
    assert_eq!(topics[1].outcome, Err(TopicError::Other { code: "LEADER_NOT_AVAILABLE".into() }));
    assert!(topics[2].outcome.is_ok());
}

#[test]
fn no_broker_is_an_error_within_the_time() {
    let producer = producer("127.0.0.1:9");
    let begin = Instant::now();
    let error = topic_ids(producer.client(), &["orders"], Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, Error::FindBroker { .. }), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_broker_that_is_too_slow_for_the_answer_is_an_error_within_the_time() {
    let cluster = cluster();
    cluster.create_topic("orders", 1, 1).unwrap();
    let producer = producer(&cluster.bootstrap_servers());
    ask(&producer, &["orders"]);
    cluster.broker_round_trip_time(1, Duration::from_secs(20)).unwrap();
    let begin = Instant::now();
    let error = native::describe(
        producer.client().native_client(),
        1,
        &[CString::new("orders").unwrap()],
        Duration::from_millis(300),
    );
    assert!(matches!(error, Err(Error::DescribeTopics { .. })), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_cannot_be_asked_is_refused_and_nothing_is_answered_with_nothing() {
    let cluster = cluster();
    let producer = producer(&cluster.bootstrap_servers());
    let ask = |names: &[&str], timeout| topic_ids(producer.client(), names, timeout);
    assert!(ask(&[], TIMEOUT).unwrap().is_empty());
    assert!(matches!(ask(&["a\0b"], TIMEOUT), Err(Error::NameTopic { name, .. }) if name == "a\0b"));
    assert!(matches!(ask(&["a"], Duration::from_secs(3700)), Err(Error::MakeRequest { .. })));
    let twice = ask(&["a", "a"], TIMEOUT).unwrap_err().to_string();
    assert!(twice.contains("Duplicate topics"), "{twice}");
}
