//! The namespace `/demo`.

use realtime_access::limits::{LimitConfig, Limiter};
use realtime_contract::Component;

use super::*;

#[tokio::test]
async fn the_demo_answers_pings_up_to_its_limit() {
    let (state, _publisher) = found(7);
    let address = served(&state, &away(), &["--demo-pings", "2"]).await;
    let mut client = enter_demo(address).await;
    client.send(r#"42/demo,["ping"]"#).await;
    client.send(r#"42/demo,7["ping"]"#).await;
    let answer = client.next().await;
    let answer: Value = serde_json::from_str(answer.strip_prefix("43/demo,7").unwrap()).unwrap();
    assert_eq!(answer[0]["status"], "ok");
    assert!(answer[0]["timestamp"].is_u64() && answer[0]["serverTime"].is_u64(), "{answer}");
    client.send(r#"42/demo,8["ping"]"#).await;
    assert_eq!(client.next().await, r#"42/demo,["error",{"message":"Ping limit exceeded","code":"PING_LIMIT"}]"#);
    assert_eq!(client.next().await, r#"42/demo,["connectionStatus","disconnected"]"#);
    assert_eq!(client.next().await, "41/demo,");
}

#[tokio::test]
async fn the_demo_takes_so_many_connections_of_an_address_and_shows_them() {
    let (state, _publisher) = found(7);
    let address = served(&state, &away(), &["--demo-connections-per-address", "2", "--demo-show-addresses"]).await;
    let (first, _second) = (enter_demo(address).await, enter_demo(address).await);
    let mut third = Client::open(address).await;
    third.send("40/demo,").await;
    assert_eq!(third.next().await, r#"44/demo,{"message":"Too many connections from this IP"}"#);
    let (status, body) = request(address, "GET", "/api/websocket/health", "").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(
        body.starts_with(r#"{"status":"healthy","connections":2,"connectionsByIP":{"127.0.0.1":2},"timestamp":"#),
        "{body}"
    );
    first.send("41/demo,").await;
    enter_demo(address).await;
}

#[tokio::test]
async fn who_enters_the_demo_counts_for_the_limit_of_its_address() {
    let (mut state, _publisher) = found(7);
    let limits = LimitConfig { address: Some("0.001/2".parse().unwrap()), ..LimitConfig::default() };
    state.limiter = Limiter::new(limits, Component::Api, None, &prometheus::Registry::new()).unwrap();
    let address = served(&state, &away(), &[]).await;
    let _entered = (enter_demo(address).await, enter_demo(address).await);
    let third = Client::open(address).await;
    third.send("40/demo,").await;
    let end = third.last().await;
    assert!(end == "1" || end.contains("Session ID unknown"), "{end}");
}

#[tokio::test]
async fn addresses_are_counted_where_they_may_not_be_shown() {
    let (state, _publisher) = found(7);
    let address = served(&state, &away(), &[]).await;
    let _client = enter_demo(address).await;
    let (_, body) = request(address, "GET", "/api/websocket/health", "").await;
    assert!(body.starts_with(r#"{"status":"healthy","connections":1,"connectionsByIP":1,"timestamp":"#), "{body}");
}
