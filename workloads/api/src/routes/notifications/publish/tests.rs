use http_body_util::BodyExt;
use realtime_chassis::{config::PostgresConfig, dependencies::Board};
use realtime_fanout::Settings;
use serde_json::Value;
use tokio::sync::oneshot;

use super::*;
use crate::{cache::Cache, fake_redis::FakeRedis, metrics::Metrics, store::Store};

/// An instance without Postgres, whose lists are kept in that Redis.
fn state(redis: &FakeRedis) -> ApiState {
    let metrics = Metrics::new(prometheus::Registry::new()).unwrap();
    let url = "postgresql://nobody@127.0.0.1:1/nothing".to_owned();
    let postgres = PostgresConfig { url: url.into(), password: None, pool: 1 };
    let store = Store::new(realtime_chassis::postgres::pool(&postgres, "test").unwrap());
    let cache = Cache::new(redis.connection(), metrics.clone());
    ApiState::new(store, cache, Board::new(&["postgres"]), metrics, Settings::default()).unwrap().0
}

fn none() -> Arc<[Notification]> {
    Arc::from([])
}

/// Whether the lists were forgotten when the work had that outcome, and before the answer.
async fn forgets(outcome: Result<Published, store::Error>) -> bool {
    let mut redis = FakeRedis::start().await;
    let state = state(&redis);
    drop(settled(&state, &none(), async move { outcome }).await);
    std::iter::from_fn(|| redis.next()).any(|command| command[0] == "SET")
}

#[tokio::test]
async fn lists_are_forgotten_before_the_answer_unless_nothing_can_have_been_stored() {
    assert!(forgets(Ok(Published::Now)).await);
    assert!(forgets(Ok(Published::Earlier { response: String::new() })).await, "the earlier one may not have known");
    assert!(forgets(Err(store::Error::AwaitOutcome)).await, "it may have been stored");
    assert!(forgets(Err(store::Error::ReadAnswer(None))).await, "it was stored before");
    assert!(!forgets(Ok(Published::Other)).await);
    assert!(!forgets(Err(store::Error::AwaitPostgres)).await);
}

#[tokio::test]
async fn lists_are_forgotten_when_the_client_left_before_it_was_stored() {
    let mut redis = FakeRedis::start().await;
    let (state, (stored, answer)) = (state(&redis), oneshot::channel());
    let notifications = none();
    let mut leaving = Box::pin(settled(&state, &notifications, async move { answer.await.unwrap() }));
    assert!(futures::poll!(&mut leaving).is_pending());
    drop(leaving);
    assert!(stored.send(Ok(Published::Now)).is_ok(), "the work goes on");
    redis.answered("SET").await;
}

#[tokio::test]
async fn work_that_breaks_down_may_have_been_done() {
    let state = state(&FakeRedis::start().await);
    let outcome = settled(&state, &none(), async { unreachable!("the test wants it") }).await;
    assert!(outcome.unwrap_err().leaves_open());
}

async fn problem(error: store::Error, unknown: &'static str) -> Value {
    let response = not_stored(error, unknown).into_response();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn who_cannot_be_told_whether_it_was_stored_is_told_how_to_retry() {
    let without = problem(store::Error::AwaitOutcome, ONCE).await;
    let detail = "postgres does not serve: it is unknown whether it was stored, and a retry may post it twice: \
        send an Idempotency-Key with the next ones, then a retry is safe";
    assert_eq!((&without["code"], &without["detail"]), (&"OUTCOME_UNKNOWN".into(), &detail.into()));
    let with = problem(store::Error::AwaitOutcome, AGAIN).await;
    let detail =
        "postgres does not serve: it is unknown whether it was stored: retry with the same Idempotency-Key and body";
    assert_eq!((&with["code"], &with["detail"]), (&"OUTCOME_UNKNOWN".into(), &detail.into()));
    let refused = problem(store::Error::AwaitPostgres, AGAIN).await;
    assert_eq!((&refused["code"], &refused["dependency"]), (&Value::Null, &"postgres".into()));
    assert_eq!(refused["detail"], "postgres does not serve: what was posted was not stored");
}
