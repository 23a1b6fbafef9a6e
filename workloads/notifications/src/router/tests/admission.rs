//! Who gets a stream: by header, ticket and cookie, and how often.

mod documents;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use realtime_access::{
    AccessConfig, Auth,
    limits::{LimitConfig, Limiter},
};
use realtime_contract::Component;
use realtime_fanout::CloseReason;
use sha2::Sha256;
use tokio_util::sync::CancellationToken;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";
const TICKETS: &[u8] = b"0123456789abcdef";
const EVENT_SOURCE: &str = "text/event-stream";

fn gate(secret: &str) -> Gate {
    gate_with(AccessConfig { jwt_secret: Some(secret.to_owned().into()), ..AccessConfig::default() })
}

fn gate_with(config: AccessConfig) -> Gate {
    Gate::start(&AccessConfig { auth: Auth::Jwt, ..config }, TICKETS, CancellationToken::new()).unwrap()
}

/// A token that is good for so many seconds.
fn token(secret: &str, seconds: i64, claims: &Value) -> String {
    let mut all = json!({ "sub": "7", "exp": Timestamp::now().as_second() + seconds });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(&all));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// A ticket that is as good as that token, given some time before now.
async fn ticket(gate: &Gate, token: &str, before: Duration) -> String {
    let access = gate.check(realtime_access::Credential::Token(token)).await.unwrap();
    gate.ticket(&access, Timestamp::now() - before).unwrap().text
}

/// Where a client shows what it has.
#[derive(Clone, Copy, Debug)]
enum Place {
    Header,
    Query,
    Cookie,
}

async fn opened(state: &ServiceState, (place, text): (Place, &str), path: &str, accept: &str) -> Response<Body> {
    let (path, header) = match place {
        Place::Header => (path.to_owned(), Some((header::AUTHORIZATION, format!("Bearer {text}")))),
        Place::Query => (format!("{path}{}ticket={text}", if path.contains('?') { '&' } else { '?' }), None),
        Place::Cookie => (path.to_owned(), Some((header::COOKIE, format!("a=b; realtime_ticket={text}")))),
    };
    let mut request = Request::get(path).header(header::ACCEPT, accept);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    app(state).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// Status, code, and whether a stream is granted.
async fn outcome(response: Response<Body>) -> (u16, String, bool) {
    let granted = grant(&response).is_some();
    let (status, text) = (response.status().as_u16(), text(response).await);
    let problem: Value = serde_json::from_str(&text).unwrap_or_default();
    (status, problem["code"].as_str().unwrap_or_default().to_owned(), granted)
}

#[tokio::test]
async fn a_token_or_a_ticket_for_it_opens_the_stream() {
    let state = state_with(gate(SECRET), Limiter::none());
    let token = token(SECRET, 60, &json!({ "channels": ["*"] }));
    let ticket = ticket(&state.gate, &token, Duration::ZERO).await;
    for shown in [(Place::Header, &token), (Place::Query, &ticket), (Place::Cookie, &ticket)] {
        for accept in ["*/*", EVENT_SOURCE] {
            let response = opened(&state, (shown.0, shown.1), "/events/stream", accept).await;
            let expires = grant(&response).unwrap().expires.unwrap();
            assert_eq!(response.status(), 200);
            assert!(expires.notice.starts_with(r#"{"expiresAt":"2"#), "{}", expires.notice);
        }
    }
}

#[tokio::test]
async fn each_refusal_has_its_status_and_code_and_opens_nothing() {
    let gate = gate_with(AccessConfig {
        jwt_secret: Some(SECRET.to_owned().into()),
        jwt_audience: vec!["shop".to_owned()],
        jwt_issuer: Some("us".to_owned()),
        ..AccessConfig::default()
    });
    let state = state_with(gate, Limiter::none());
    let good = json!({ "aud": "shop", "iss": "us", "channels": ["*"] });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let early = Timestamp::now().as_second() + 1_000;
    let whole = token(SECRET, 60, &good);
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), whole.split('.').nth(1).unwrap());
    for (text, code) in [
        ("nonsense".to_owned(), "TOKEN_MALFORMED"),
        (unsigned, "TOKEN_ALGORITHM"),
        (token(OTHER, 60, &good), "TOKEN_SIGNATURE"),
        (token(SECRET, -100, &good), "TOKEN_EXPIRED"),
        (token(SECRET, 2_000, &with("nbf", json!(early))), "TOKEN_EARLY"),
        (token(SECRET, 60, &with("aud", json!("bank"))), "TOKEN_AUDIENCE"),
        (token(SECRET, 60, &with("iss", json!("them"))), "TOKEN_ISSUER"),
        (token(SECRET, 60, &with("sub", json!(""))), "TOKEN_CLAIM"),
    ] {
        for accept in ["*/*", EVENT_SOURCE] {
            let refused = outcome(opened(&state, (Place::Header, &text), "/events/stream", accept).await).await;
            assert_eq!(refused, (401, code.to_owned(), false), "{accept}");
        }
        // A token is no ticket, whatever it says.
        for place in [Place::Query, Place::Cookie] {
            let (status, _, granted) = outcome(opened(&state, (place, &text), "/events/stream", "*/*").await).await;
            assert_eq!((status, granted), (401, false), "{place:?} {code}");
        }
    }
    let none = get_accepting(&state, "/events/stream", EVENT_SOURCE).await;
    assert_eq!(none.headers()[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(outcome(none).await, (401, "TOKEN_MISSING".to_owned(), false));
    let token_as_ticket = opened(&state, (Place::Query, &whole), "/events/stream", "*/*").await;
    assert!(!outcome(token_as_ticket).await.2, "a good token in an address would stand in logs");
}

#[tokio::test]
async fn a_ticket_of_another_stack_opens_nothing() {
    let state = state_with(gate(SECRET), Limiter::none());
    let config =
        AccessConfig { auth: Auth::Jwt, jwt_secret: Some(SECRET.to_owned().into()), ..AccessConfig::default() };
    let other = Gate::start(&config, b"fedcba9876543210", CancellationToken::new()).unwrap();
    let foreign = ticket(&other, &token(SECRET, 60, &json!({})), Duration::ZERO).await;
    for place in [Place::Query, Place::Cookie] {
        let (status, code, granted) = outcome(opened(&state, (place, &foreign), "/events/stream", "*/*").await).await;
        assert_eq!((status, code.as_str(), granted), (401, "TOKEN_SIGNATURE", false), "{place:?}");
    }
}

#[tokio::test]
async fn an_expired_ticket_ends_the_tries_of_an_event_source_and_is_refused_to_others() {
    let state = state_with(gate(SECRET), Limiter::none());
    let expired = ticket(&state.gate, &token(SECRET, 7_200, &json!({})), Duration::from_secs(5_400)).await;
    for place in [Place::Query, Place::Cookie] {
        let ended = opened(&state, (place, &expired), "/events/stream", EVENT_SOURCE).await;
        assert_eq!(outcome(ended).await, (204, String::new(), false));
        let refused = outcome(opened(&state, (place, &expired), "/events/stream", "*/*").await).await;
        assert_eq!(refused, (401, "TOKEN_EXPIRED".to_owned(), false));
    }
}

#[tokio::test]
async fn a_stream_has_the_channels_that_the_token_permits() {
    let state = state_with(gate(SECRET), Limiter::none());
    let token = token(SECRET, 60, &json!({ "channels": ["shop.*"] }));
    let hears = async |path: &str, channel: &str| {
        let response = opened(&state, (Place::Header, &token), path, "*/*").await;
        grant(&response).unwrap().filter.passes(channel, "A", "{}")
    };
    for (path, channel, heard) in [
        ("/events/stream", "shop.eu", true),
        ("/events/stream", "user:7", true),
        ("/events/stream", "user:8", false),
        ("/events/stream", "product-events", false),
        ("/events/stream?channels=shop.eu", "shop.eu", true),
        ("/events/stream?channels=shop.eu", "shop.us", false),
    ] {
        assert_eq!(hears(path, channel).await, heard, "{path} {channel}");
    }
    for accept in ["*/*", EVENT_SOURCE] {
        let response = opened(&state, (Place::Header, &token), "/events/stream?channels=shop.eu,other", accept).await;
        assert_eq!(response.status(), 403);
        let problem = problem(response).await;
        assert_eq!((&problem["code"], &problem["field"]), (&json!("CHANNEL_FORBIDDEN"), &json!("channels")));
    }
}

#[tokio::test]
async fn everyone_hears_everything_where_nobody_is_asked() {
    let response = opened(&state(), (Place::Header, "nonsense"), "/events/stream", "*/*").await;
    let grant = grant(&response).unwrap();
    assert!(grant.filter.passes("user:8", "A", "{}") && grant.expires.is_none());
}

#[tokio::test]
async fn the_service_tells_of_itself_without_a_token() {
    let state = state_with(gate(SECRET), Limiter::none());
    for path in ["/", "/health", "/metrics"] {
        assert_eq!(get_accepting(&state, path, "*/*").await.status(), 200, "{path}");
    }
}

fn limited(name: &str) -> Limiter {
    let rate = Some("1/2".parse().unwrap());
    let config = match name {
        "address" => LimitConfig { address: rate, ..LimitConfig::default() },
        "user" => LimitConfig { user: rate, ..LimitConfig::default() },
        _ => LimitConfig { subscribe: rate, ..LimitConfig::default() },
    };
    Limiter::new(config, Component::Notifications, None, &Registry::new()).unwrap()
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    for limit in ["address", "user", "subscribe"] {
        let state = state_with(gate(SECRET), limited(limit));
        let token = token(SECRET, 60, &json!({}));
        for _ in 0..2 {
            let response = opened(&state, (Place::Header, &token), "/events/stream", "*/*").await;
            assert!(grant(&response).is_some(), "{limit}");
        }
        let response = opened(&state, (Place::Header, &token), "/events/stream", "*/*").await;
        assert_eq!(response.headers()[header::RETRY_AFTER], "1", "{limit}");
        assert_eq!(outcome(response).await, (429, "TOO_MANY".to_owned(), false), "{limit}");
        let response = opened(&state, (Place::Header, &token), "/events/stream", EVENT_SOURCE).await;
        assert_eq!(response.status(), 200, "an EventSource gives up for good on another status");
        assert!(matches!(grant(&response).unwrap().start, Start::Away(CloseReason::Limited)), "{limit}");
    }
}

#[tokio::test]
async fn who_shows_nothing_good_is_limited_by_its_address() {
    let state = state_with(gate(SECRET), limited("address"));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(opened(&state, (Place::Header, "nonsense"), "/events/stream", "*/*").await.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 429]);
}

#[tokio::test]
async fn queries_that_cannot_be_meant_count_for_their_address() {
    for gate in [gate(SECRET), Gate::anonymous()] {
        let state = state_with(gate, limited("address"));
        let token = token(SECRET, 60, &json!({}));
        let ask = async |query: &str, accept: &str| {
            opened(&state, (Place::Header, &token), &format!("/events/stream?{query}"), accept).await
        };
        assert_eq!(ask("heartbeat=loud", "*/*").await.status(), 400);
        assert_eq!(ask("%ff&&==%&channels=%2a", EVENT_SOURCE).await.status(), 400);
        let response = ask("heartbeat=loud", "*/*").await;
        assert_eq!(outcome(response).await, (429, "TOO_MANY".to_owned(), false));
        let response = ask("heartbeat=loud", EVENT_SOURCE).await;
        assert!(matches!(grant(&response).unwrap().start, Start::Away(CloseReason::Limited)));
    }
}

#[tokio::test]
async fn nothing_is_checked_that_comes_from_an_address_over_its_limit() {
    let (state, registry) = (state_with(gate(SECRET), limited("address")), Registry::new());
    state.gate.register(&registry).unwrap();
    for _ in 0..4 {
        opened(&state, (Place::Header, "nonsense"), "/events/stream", "*/*").await;
    }
    let metrics = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    assert!(metrics.contains("realtime_access_refused_total{code=\"TOKEN_MALFORMED\"} 2\n"), "{metrics}");
}

#[tokio::test]
async fn keys_that_are_away_are_no_reason_for_an_event_source_to_give_up() {
    let gate = gate_with(AccessConfig {
        jwt_jwks_url: Some("http://127.0.0.1:9/keys".to_owned()),
        jwt_jwks_seconds: Some(300),
        ..AccessConfig::default()
    });
    let state = state_with(gate, Limiter::none());
    // Only a public key could check this one.
    let token =
        [r#"{"alg":"RS256"}"#, r#"{"sub":"7","exp":4000000000}"#, "signature"].map(|part| URL_SAFE_NO_PAD.encode(part));
    let token = token.join(".");
    let response = opened(&state, (Place::Header, &token), "/events/stream", "*/*").await;
    assert_eq!(outcome(response).await, (503, "KEYS_AWAY".to_owned(), false));
    let response = opened(&state, (Place::Header, &token), "/events/stream", EVENT_SOURCE).await;
    assert!(matches!(grant(&response).unwrap().start, Start::Away(CloseReason::Unavailable)));
}
