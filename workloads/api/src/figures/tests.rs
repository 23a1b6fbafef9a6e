use std::sync::Arc;

use prometheus::Registry;
use realtime_chassis::figures;
use realtime_contract::figures::{Connections, Counts};
use realtime_fanout::Settings;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    fake_redis::{FakeRedis, away},
    feed::Epoch,
};

fn own() -> OwnFigures {
    let engine = Engine::start(Settings::default(), Arc::new(Epoch::default()), String::new).unwrap().0;
    let metrics = Metrics::new(Registry::new()).unwrap();
    metrics.notifications_sent.inc_by(3);
    OwnFigures { instance: "demo-api-a".to_owned(), engine, metrics, started: Instant::now() }
}

fn told(instance: &str, component: Component, delivered: u64) -> Figures {
    let connections = Connections { sse: 1, ..Connections::default() };
    Figures::new(instance, component, Duration::from_secs(7), Counts { connections, delivered, ..Counts::default() })
}

fn names(all: &AllFigures) -> Vec<&str> {
    all.instances.iter().map(|figures| figures.instance.as_str()).collect()
}

#[test]
fn instances_stand_by_component_and_name_and_the_own_one_once() {
    let others = [
        told("demo-notifications-b", Component::Notifications, 1),
        told("demo-api-c", Component::Api, 2),
        told("demo-api-a", Component::Api, 99),
    ];
    let all = with_own(others.to_vec(), told("demo-api-a", Component::Api, 5));
    let shown: Vec<_> = all.iter().map(|it| (it.instance.as_str(), it.counts.delivered)).collect();
    assert_eq!(shown, [("demo-api-a", 5), ("demo-api-c", 2), ("demo-notifications-b", 1)]);
}

#[test]
fn is_told_with_its_time() {
    let all = AllFigures {
        timestamp: "2026-11-21T07:46:44.753912Z".parse().unwrap(),
        complete: true,
        instances: vec![told("a", Component::Api, 1)],
    };
    let value = serde_json::to_value(all).unwrap();
    assert_eq!((&value["timestamp"], &value["complete"]), (&json!("2026-11-21T07:46:44.753Z"), &json!(true)));
    assert_eq!(value["instances"][0]["connections"], json!({"sse": 1, "websocket": 0, "polling": 0}));
}

#[tokio::test]
async fn without_redis_it_tells_of_itself_alone() {
    for redis in [None, Some(away())] {
        let all = Gathering::new(own(), redis).all().await;
        assert_eq!((names(&all), all.complete), (vec!["demo-api-a"], false));
        assert_eq!(all.instances[0].counts.published, 3);
    }
}

#[tokio::test]
async fn gathers_what_others_tell_and_forgets_who_is_gone() {
    let mut redis = FakeRedis::start().await;
    let token = CancellationToken::new();
    let other = figures::spawn(redis.connection(), || told("demo-api-b", Component::Api, 8), token.clone());
    assert_eq!(redis.answered("SADD").await, ["SADD", INSTANCES, "demo-api-b"]);
    redis.kept.lock().unwrap().sets.get_mut(INSTANCES).unwrap().insert("demo-api-gone".to_owned());
    redis.kept.lock().unwrap().texts.insert(key("demo-api-b"), "{}".to_owned());

    let gathering = Gathering::new(own(), Some(redis.connection()));
    // What cannot be read is left out.
    let all = gathering.all().await;
    assert_eq!(names(&all), ["demo-api-a"]);
    assert_eq!(redis.answered("SREM").await, ["SREM", INSTANCES, "demo-api-gone"]);

    let text = serde_json::to_string(&told("demo-api-b", Component::Api, 8)).unwrap();
    redis.kept.lock().unwrap().texts.insert(key("demo-api-b"), text);
    let all = Gathering::new(own(), Some(redis.connection())).all().await;
    assert_eq!((names(&all), all.complete), (vec!["demo-api-a", "demo-api-b"], true));
    assert_eq!(all.instances[1].counts.delivered, 8);

    token.cancel();
    other.await.unwrap();
    assert_eq!(redis.answered("SREM").await, ["SREM", INSTANCES, "demo-api-b"]);
    assert_eq!(redis.kept.lock().unwrap().texts.get(&key("demo-api-b")), None);
}

#[tokio::test]
async fn an_instance_tells_its_figures_for_ten_seconds() {
    let mut redis = FakeRedis::start().await;
    let token = CancellationToken::new();
    let telling = Gathering::new(own(), Some(redis.connection())).tell(token.clone()).unwrap();
    let command = redis.answered("SET").await;
    assert_eq!(
        (command[1].as_str(), &command[3..]),
        ("realtime:figures:demo-api-a", &["EX".to_owned(), "10".to_owned()][..])
    );
    let written: Figures = serde_json::from_str(&command[2]).unwrap();
    assert_eq!((written.component.as_str(), written.counts.published), ("api", 3));
    token.cancel();
    telling.await.unwrap();
}
