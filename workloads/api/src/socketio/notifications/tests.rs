use std::net::Ipv4Addr;

use realtime_chassis::{config::PostgresConfig, dependencies::Board, postgres};
use realtime_fanout::Settings;
use realtime_socketio::Transport;
use serde_json::value::to_raw_value;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    cache::Cache,
    fake_redis::{FakeRedis, away},
    metrics::Metrics,
    store::Store,
};

/// A state whose feed was found, without backends.
fn state() -> ApiState {
    let metrics = Metrics::new(prometheus::Registry::new()).unwrap();
    let url = "postgresql://nobody@127.0.0.1:1/nothing".to_owned().into();
    let postgres = PostgresConfig { url, password: None, pool: 1 };
    let store = Store::new(postgres::pool(&postgres, "test").unwrap());
    let cache = Cache::new(away(), metrics.clone());
    let (state, _) = ApiState::new(store, cache, Board::new(&[]), metrics, Settings::default()).unwrap();
    state.epoch.found(Uuid::from_u128(7));
    state
}

#[tokio::test]
async fn a_client_that_leaves_before_it_is_in_leaves_no_trace() {
    let (state, redis, token) = (state(), FakeRedis::start().await, CancellationToken::new());
    let (sessions, task) = Sessions::start(redis.connection(), state.metrics.clone(), token.clone());
    let namespace = Notifications::new(state.clone(), b"0123456789abcdef", sessions);
    let auth = to_raw_value(&json!({ "pid": "junk" })).ok();
    let request =
        Request { id: "socket".to_owned(), auth, client: Ipv4Addr::LOCALHOST.into(), transport: Transport::Polling };
    drop(namespace.connect(request).await.ok().unwrap());
    token.cancel();
    task.await.unwrap();
    assert!(redis.kept.lock().unwrap().texts.is_empty(), "its session was written");
    assert_eq!(state.metrics.recoveries.with_label_values(&["invalid"]).get(), 0);
}
