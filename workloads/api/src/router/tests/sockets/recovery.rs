//! Clients of Socket.IO that come back.

use super::*;

#[tokio::test]
async fn a_client_that_was_cut_off_gets_its_session_and_what_it_missed() {
    let (state, mut publisher) = found(7);
    let mut redis = FakeRedis::start().await;
    let address = served(&state, &redis.connection(), &[]).await;
    let (client, before, _, place) = Client::enter(address, json!({})).await;
    redis.answered("SET").await;
    client.send(r#"421["subscribe","orders"]"#).await;
    assert!(redis.answered("SET").await[2].contains("orders"));
    publish(&mut publisher, &[("orders", 8), ("stock", 9), ("orders", 10)]);
    // At another instance, with the same key.
    let address = served(&state, &redis.connection(), &[]).await;
    let auth = json!({ "pid": before["pid"], "offset": place });
    let (mut client, after, connected, place) = Client::enter(address, auth).await;
    assert_eq!((&after, &connected["recovered"], place), (&before, &json!(true), cursor(7)));
    assert_eq!(client.event().await, ("notification".to_owned(), json!({ "n": 8 }), cursor(8)));
    assert_eq!(client.event().await, ("notification".to_owned(), json!({ "n": 10 }), cursor(10)));
    assert_eq!(recoveries(&state, "recovered"), 1);
}

#[tokio::test]
async fn a_session_that_was_left_on_purpose_is_gone() {
    let (state, _publisher) = found(7);
    let mut redis = FakeRedis::start().await;
    let address = served(&state, &redis.connection(), &[]).await;
    let (client, before, _, place) = Client::enter(address, json!({})).await;
    redis.answered("SET").await;
    client.send("41").await;
    redis.answered("DEL").await;
    let (_, after, connected, _) = Client::enter(address, json!({ "pid": before["pid"], "offset": place })).await;
    assert_ne!(after["pid"], before["pid"]);
    assert_ne!(after["sid"], before["sid"]);
    assert_eq!(connected["recovered"], false);
    assert_eq!(recoveries(&state, "expired"), 1);
}

#[tokio::test]
async fn without_its_session_a_client_goes_on_behind_its_cursor() {
    let (state, mut publisher) = found(7);
    publish(&mut publisher, &[("orders", 8), ("stock", 9), ("orders", 10)]);
    let address = served(&state, &away(), &[]).await;
    let auth = json!({ "pid": "junk", "offset": cursor(8), "resume": cursor(8), "channels": ["orders"] });
    let (mut client, _, connected, place) = Client::enter(address, auth).await;
    assert_eq!((&connected["recovered"], place), (&json!(false), cursor(8)));
    assert_eq!(client.event().await, ("notification".to_owned(), json!({ "n": 10 }), cursor(10)));
    assert_eq!(recoveries(&state, "resumed"), 1);
}

#[tokio::test]
async fn a_client_whose_session_cannot_be_found_begins_anew_and_the_reason_is_counted() {
    let (state, mut publisher) = found(7);
    publish(&mut publisher, &[("orders", 8)]);
    let address = served(&state, &away(), &[]).await;
    let (_, before, ..) = Client::enter(address, json!({})).await;
    for (pid, result) in [(&json!("junk"), "invalid"), (&before["pid"], "unavailable")] {
        let (_, _, connected, place) = Client::enter(address, json!({ "pid": pid, "offset": cursor(7) })).await;
        assert_eq!((&connected["recovered"], place), (&json!(false), cursor(8)), "{result}");
        assert_eq!(recoveries(&state, result), 1);
    }
}

#[tokio::test]
async fn a_session_with_a_gap_is_a_new_one_that_is_told_of_the_gap() {
    let (state, mut publisher) = found(7);
    let mut redis = FakeRedis::start().await;
    let address = served(&state, &redis.connection(), &[]).await;
    let (_, before, ..) = Client::enter(address, json!({ "channels": ["orders"] })).await;
    redis.answered("SET").await;
    let foreign = format!("{}-3", uuid::Uuid::from_u128(8));
    let auth = json!({ "pid": before["pid"], "offset": foreign });
    let (mut client, after, connected, place) = Client::enter(address, auth).await;
    assert_ne!((&after["sid"], &after["pid"]), (&before["sid"], &before["pid"]));
    assert_eq!((&connected["recovered"], &place), (&json!(false), &foreign), "cut off now, it would be told again");
    let gap = json!({ "reason": "epoch", "from": foreign, "to": cursor(7) });
    assert_eq!(client.event().await, ("gap".to_owned(), gap, cursor(7)));
    publish(&mut publisher, &[("stock", 8), ("orders", 9)]);
    assert_eq!(client.event().await.1, json!({ "n": 9 }), "its channels are those of its session");
    assert_eq!(recoveries(&state, "gap"), 1);
}
