//! Who gets a stream, of what, and until when.

use std::time::Instant;

use realtime_access::limits::{LimitConfig, Limiter};
use realtime_contract::Component;

use super::{
    tokens::{guarded, limited, ticket, token},
    *,
};

const STREAM: &str = "/api/sse/notifications";
const EVENT_SOURCE: &str = "Accept: text/event-stream\r\nConnection: close\r\n";

/// The head and the body of an answer that is no stream, or of a stream that ends at once.
async fn answer(address: SocketAddr, target: &str, headers: &str) -> String {
    let headers =
        if headers.contains("Connection") { headers.to_owned() } else { format!("{headers}Connection: close\r\n") };
    Client::ask(address, target, &headers).await.end().await.to_owned()
}

#[tokio::test]
async fn a_stream_has_what_its_token_or_ticket_permits_of_the_past_and_of_what_comes() {
    let (state, mut publisher) = guarded(7);
    publish(&mut publisher, &[("orders.eu", 8), ("stock", 9), ("user:8", 10), ("user:7", 11)]);
    let address = served(&state).await;
    let (token, ticket) = (token("7", &["orders*"], 600), ticket(&state, "7", &["orders*"], 600));
    let query = format!("{STREAM}?since={EPOCH}-7&ticket={ticket}");
    let plain = format!("{STREAM}?since={EPOCH}-7");
    let mut clients = Vec::new();
    for (target, headers) in [
        (&plain, format!("Authorization: Bearer {token}\r\n")),
        (&plain, format!("Cookie: realtime_ticket={ticket}\r\n")),
        (&query, String::new()),
    ] {
        let mut client = Client::ask(address, target, &headers).await;
        client.until("{\"n\":11}\n\n").await;
        clients.push(client);
    }
    publish(&mut publisher, &[("user:8", 12), ("orders", 13), ("stock", 14), ("user:7", 15)]);
    for mut client in clients {
        let received = client.until("{\"n\":15}\n\n").await;
        let heard: Vec<&str> = received.lines().filter(|line| line.starts_with("data: {\"n\"")).collect();
        assert_eq!(heard, ["data: {\"n\":8}", "data: {\"n\":11}", "data: {\"n\":13}", "data: {\"n\":15}"]);
    }
}

#[tokio::test]
async fn everyone_hears_all_but_users_channels_where_nobody_is_asked() {
    let (state, mut publisher) = found(7);
    publish(&mut publisher, &[("user:7", 8), ("orders", 9)]);
    let address = served(&state).await;
    for (query, first) in [("", "{\"n\":9}"), ("&channels=user:7,orders", "{\"n\":8}")] {
        let mut client = Client::ask(address, &format!("{STREAM}?since={EPOCH}-7{query}"), "").await;
        let received = client.until("{\"n\":9}\n\n").await;
        let heard =
            received.lines().find_map(|line| line.strip_prefix("data: ").filter(|data| data.starts_with("{\"n\"")));
        assert_eq!(heard, Some(first), "{query}");
    }
}

#[tokio::test]
async fn who_may_not_listen_is_told_so_also_an_event_source() {
    let (state, _publisher) = guarded(7);
    let address = served(&state).await;
    let good = format!("Authorization: Bearer {}\r\n", token("7", &["orders"], 600));
    let expired = format!("Authorization: Bearer {}\r\n", token("7", &["orders"], -5));
    for accept in ["", EVENT_SOURCE] {
        for (target, headers, status, code) in [
            (STREAM, "", "401", "TOKEN_MISSING"),
            (STREAM, "Authorization: Bearer junk\r\n", "401", "TOKEN_MALFORMED"),
            (STREAM, expired.as_str(), "401", "TOKEN_EXPIRED"),
            ("/api/sse/notifications?ticket=junk", "", "401", "TOKEN_MALFORMED"),
            ("/api/sse/notifications?channels=orders,stock", good.as_str(), "403", "CHANNEL_FORBIDDEN"),
            ("/api/sse/notifications?channels=user:8", good.as_str(), "403", "CHANNEL_FORBIDDEN"),
        ] {
            let answer = answer(address, target, &format!("{headers}{accept}")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target} {headers}: {answer}");
            assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{target} {headers}: {answer}");
        }
    }
    assert_eq!(state.engine.statistics().opened(), 0);
}

#[tokio::test]
async fn an_event_source_whose_ticket_has_expired_stops_for_good() {
    let (state, _publisher) = guarded(7);
    let address = served(&state).await;
    let ticket = ticket(&state, "7", &["orders"], -5);
    let (target, cookie) = (format!("{STREAM}?ticket={ticket}"), format!("Cookie: realtime_ticket={ticket}\r\n"));
    for (target, headers) in [(target.as_str(), ""), (STREAM, cookie.as_str())] {
        let stops = answer(address, target, &format!("{headers}{EVENT_SOURCE}")).await;
        assert!(stops.starts_with("HTTP/1.1 204 ") && stops.ends_with("\r\n\r\n"), "{stops}");
        let told = answer(address, target, headers).await;
        assert!(told.starts_with("HTTP/1.1 401 ") && told.contains("TOKEN_EXPIRED"), "{told}");
        assert!(!told.contains(&ticket), "{told}");
    }
}

#[tokio::test]
async fn a_stream_tells_that_it_expires_and_ends_then() {
    let (state, _publisher) = guarded(7);
    let address = served(&state).await;
    let begun = Instant::now();
    let target = format!("{STREAM}?ticket={}", ticket(&state, "7", &["orders"], 3));
    let mut client = Client::ask(address, &target, EVENT_SOURCE).await;
    let received = client.end().await;
    assert!(begun.elapsed() > Duration::from_secs(1), "it ended at once: {received}");
    let (_, notice) = received.split_once(&format!("id: {EPOCH}-7\nevent: expiring\ndata: ")).unwrap();
    let (notice, rest) = notice.split_once("\n\n").unwrap();
    let end = rest.rsplit_once("\n\n").map_or(rest, |(_, end)| end);
    let notice: Value = serde_json::from_str(notice).unwrap();
    assert!(notice["expiresAt"].as_str().is_some_and(|time| time.ends_with(".000Z")), "{notice}");
    assert!(end.starts_with("retry: ") && !end.contains("\n\n"), "the client keeps its id: {end}");
    state.engine.ended().await;
    assert_eq!(state.engine.statistics().closed(CloseReason::Expired), 1);
}

#[tokio::test]
async fn queries_that_cannot_be_read_count_for_their_address() {
    for (mut state, _publisher) in [guarded(7), found(7)] {
        let limits = LimitConfig { address: Some("0.001/2".parse().unwrap()), ..LimitConfig::default() };
        state.limiter = Limiter::new(limits, Component::Api, None, &prometheus::Registry::new()).unwrap();
        let address = served(&state).await;
        let target = format!("{STREAM}?channels=a&channels=b");
        for headers in ["", EVENT_SOURCE] {
            let told = answer(address, &target, headers).await;
            assert!(told.starts_with("HTTP/1.1 400 ") && told.contains("\"field\":\"channels\""), "{told}");
        }
        let told = answer(address, &target, "").await;
        assert!(told.starts_with("HTTP/1.1 429 ") && told.contains("TOO_MANY"), "{told}");
        let away = answer(address, &target, EVENT_SOURCE).await;
        assert!(frames(&away).is_empty(), "{away}");
        state.engine.ended().await;
        assert_eq!(state.engine.statistics().closed(CloseReason::Limited), 1);
    }
}

#[tokio::test]
async fn who_comes_too_often_comes_back_later() {
    let (mut state, _publisher) = guarded(7);
    limited(&mut state, 1);
    let address = served(&state).await;
    let bearer = format!("Authorization: Bearer {}\r\n", token("7", &["orders"], 600));
    let _first = Client::ask(address, STREAM, &bearer).await.until("\"connection\"").await;
    let away = answer(address, STREAM, &format!("{bearer}{EVENT_SOURCE}")).await;
    assert!(frames(&away).is_empty(), "{away}");
    let told = answer(address, STREAM, &bearer).await;
    assert!(told.starts_with("HTTP/1.1 429 ") && told.contains("retry-after: "), "{told}");
    state.engine.ended().await;
    assert_eq!(state.engine.statistics().closed(CloseReason::Limited), 1);
}
