//! Who gets into the namespace `/`, what it hears, and until when.

use std::time::Instant;

use realtime_fanout::CloseReason;

use super::{
    super::stream::tokens::{guarded, limited, token},
    *,
};

/// What a client is told that is not let in.
async fn refused(address: SocketAddr, auth: Value) -> Value {
    let mut client = Client::open(address).await;
    client.send(&format!("40{auth}")).await;
    let packet = client.next().await;
    serde_json::from_str(packet.strip_prefix("44").unwrap_or_else(|| panic!("{packet}"))).unwrap()
}

/// Sends an event that wants an answer, and waits for the answer. Events that come before are dropped.
async fn asked(client: &mut Client, event: Value) -> Value {
    client.send(&format!("427{event}")).await;
    answered(client, "7").await
}

async fn answered(client: &mut Client, number: &str) -> Value {
    loop {
        if let Some(answer) = client.next().await.strip_prefix(&format!("43{number}")) {
            let answer: Value = serde_json::from_str(answer).unwrap();
            return answer[0].clone();
        }
    }
}

#[tokio::test]
async fn a_client_hears_what_its_token_permits_of_the_past_and_of_what_comes() {
    let (state, mut publisher) = guarded(7);
    publish(&mut publisher, &[("orders.eu", 8), ("stock", 9), ("user:8", 10), ("user:7", 11)]);
    let address = served(&state, &away(), &[]).await;
    let auth = json!({ "token": token("7", &["orders*"], 600), "resume": cursor(7) });
    let (mut client, ..) = Client::enter(address, auth).await;
    publish(&mut publisher, &[("user:8", 12), ("orders", 13), ("stock", 14), ("user:7", 15)]);
    for position in [8, 11, 13, 15] {
        assert_eq!(client.event().await, ("notification".to_owned(), json!({ "n": position }), cursor(position)));
    }
}

#[tokio::test]
async fn who_may_not_come_in_is_told_why() {
    let (state, _publisher) = guarded(7);
    let address = served(&state, &away(), &[]).await;
    let good = token("7", &["orders"], 600);
    for (auth, code, status) in [
        (json!({}), "TOKEN_MISSING", 401),
        (json!({ "token": "junk" }), "TOKEN_MALFORMED", 401),
        (json!({ "token": 7 }), "TOKEN_MALFORMED", 401),
        (json!({ "token": token("7", &["orders"], -5) }), "TOKEN_EXPIRED", 401),
        (json!({ "token": good, "channels": ["orders", "stock"] }), "CHANNEL_FORBIDDEN", 403),
        (json!({ "token": good, "channels": "user:8" }), "CHANNEL_FORBIDDEN", 403),
    ] {
        let refusal = refused(address, auth.clone()).await;
        assert_eq!(refusal["data"], json!({ "code": code, "status": status }), "{auth}");
        assert!(refusal["message"].as_str().is_some_and(|sentence| sentence.contains("token")), "{refusal}");
    }
    enter_demo(address).await;
}

#[tokio::test]
async fn a_channel_that_is_not_permitted_is_not_subscribed() {
    let (state, mut publisher) = guarded(7);
    let address = served(&state, &away(), &[]).await;
    let auth = json!({ "token": token("7", &["orders*"], 600), "channels": ["orders"] });
    let (mut client, ..) = Client::enter(address, auth).await;
    let refusal = asked(&mut client, json!(["subscribe", ["orders.eu", "stock"]])).await;
    assert_eq!((&refusal["status"], &refusal["code"]), (&json!("error"), &json!("CHANNEL_FORBIDDEN")));
    let all = asked(&mut client, json!(["subscribe", "*"])).await;
    assert_eq!(all, json!({ "status": "ok", "channels": "*" }));
    publish(&mut publisher, &[("stock", 8), ("orders.eu", 9)]);
    assert_eq!(client.event().await.1, json!({ "n": 9 }), "all is what the token permits");
    let own = asked(&mut client, json!(["subscribe", "user:7"])).await;
    assert_eq!(own, json!({ "status": "ok", "channels": ["user:7"] }));
}

#[tokio::test]
async fn a_session_is_its_users_alone() {
    let (state, _publisher) = guarded(7);
    let mut redis = FakeRedis::start().await;
    let address = served(&state, &redis.connection(), &[]).await;
    let auth = json!({ "token": token("7", &["*"], 600), "channels": ["orders"] });
    let (_client, before, _, place) = Client::enter(address, auth).await;
    redis.answered("SET").await;
    for (token, outcome) in [
        (token("8", &["*"], 600), "foreign"),
        (token("7", &["stock"], 600), "forbidden"),
        (token("7", &["orders"], 600), "recovered"),
    ] {
        let auth = json!({ "token": token, "pid": before["pid"], "offset": place });
        let (_, after, connected, _) = Client::enter(address, auth).await;
        let recovers = outcome == "recovered";
        assert_eq!((after["sid"] == before["sid"], &connected["recovered"]), (recovers, &json!(recovers)), "{outcome}");
        assert_eq!(recoveries(&state, outcome), 1);
    }
}

#[tokio::test]
async fn a_client_is_told_that_its_token_expires_and_loses_the_connection_then() {
    let (state, _publisher) = guarded(7);
    let address = served(&state, &away(), &[]).await;
    let (mut client, ..) = Client::enter(address, json!({ "token": token("7", &["*"], 3) })).await;
    let (name, notice, place) = client.event().await;
    assert_eq!((name.as_str(), place), ("expiring", cursor(7)));
    assert!(notice["expiresAt"].as_str().is_some_and(|time| time.ends_with(".000Z")), "{notice}");
    assert_eq!(client.next().await, "1", "the transport is closed");
    state.engine.ended().await;
    assert_eq!(state.engine.statistics().closed(CloseReason::Expired), 1);
}

#[tokio::test]
async fn a_client_that_shows_a_new_token_stays() {
    let (state, mut publisher) = guarded(7);
    let address = served(&state, &away(), &[]).await;
    let (begun, first_end) = (Instant::now(), Duration::from_secs(3));
    let (mut client, ..) = Client::enter(address, json!({ "token": token("7", &["orders"], 3) })).await;
    for (shown, code) in [
        (json!("junk"), "TOKEN_MALFORMED"),
        (json!(null), "TOKEN_MISSING"),
        (json!(token("8", &["orders"], 600)), "USER_FORBIDDEN"),
        (json!(token("7", &["orders"], -5)), "TOKEN_EXPIRED"),
    ] {
        let refusal = asked(&mut client, json!(["refresh", shown])).await;
        assert_eq!((&refusal["status"], &refusal["code"]), (&json!("error"), &json!(code)));
    }
    let renewed = asked(&mut client, json!(["refresh", token("7", &["stock"], 6)])).await;
    assert_eq!(renewed["status"], "ok", "{renewed}");
    publish(&mut publisher, &[("orders", 8), ("stock", 9)]);
    let mut events = [client.event().await, client.event().await];
    events.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!((events[0].0.as_str(), &events[0].1["expiresAt"]), ("expiring", &renewed["expiresAt"]));
    assert_eq!((events[1].0.as_str(), &events[1].1), ("notification", &json!({ "n": 9 })), "the new token counts");
    assert_eq!(client.next().await, "1");
    assert!(begun.elapsed() > first_end, "it ended with its first token");
}

#[tokio::test]
async fn a_token_that_no_longer_permits_what_is_heard_is_not_taken() {
    let (state, _publisher) = guarded(7);
    let address = served(&state, &away(), &[]).await;
    let auth = json!({ "token": token("7", &["*"], 600), "channels": ["orders", "stock"] });
    let (mut client, ..) = Client::enter(address, auth).await;
    let narrow = token("7", &["stock"], 600);
    let refusal = asked(&mut client, json!(["refresh", narrow])).await;
    assert_eq!(refusal["code"], "CHANNEL_FORBIDDEN");
    asked(&mut client, json!(["unsubscribe", "orders"])).await;
    assert_eq!(asked(&mut client, json!(["refresh", narrow])).await["status"], "ok");
    assert_eq!(asked(&mut client, json!(["subscribe", "orders"])).await["code"], "CHANNEL_FORBIDDEN");
}

#[tokio::test]
async fn where_nobody_is_asked_there_is_nothing_to_refresh() {
    let (state, _publisher) = found(7);
    let address = served(&state, &away(), &[]).await;
    let (mut client, ..) = Client::enter(address, json!({ "token": "whatever" })).await;
    let answer = asked(&mut client, json!(["refresh", "whatever"])).await;
    assert_eq!(answer, json!({ "status": "ok", "expiresAt": null }));
}

#[tokio::test]
async fn wishes_are_counted_and_carried_out_in_their_order() {
    let (mut state, _publisher) = guarded(7);
    limited(&mut state, 2);
    let address = served(&state, &away(), &[]).await;
    let (mut client, ..) = Client::enter(address, json!({ "token": token("7", &["*"], 600) })).await;
    let wishes = [r#"421["subscribe","a"]"#, r#"422["unsubscribe","a"]"#, r#"423["subscribe","b"]"#];
    client.send(&wishes.join("\x1e")).await;
    assert_eq!(client.next().await, r#"431[{"status":"ok","channels":["a"]}]"#);
    assert_eq!(client.next().await, r#"432[{"status":"ok","channels":[]}]"#);
    let refusal = answered(&mut client, "3").await;
    assert_eq!((&refusal["status"], &refusal["code"]), (&json!("error"), &json!("TOO_MANY")));
    let other = Client::open(address).await;
    other.send(&format!("40{}", json!({ "token": token("7", &["*"], 600) }))).await;
    let end = other.last().await;
    assert!(end == "1" || end.contains("Session ID unknown"), "{end}");
}
