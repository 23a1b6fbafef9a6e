//! Who is refused, on each way in, through the server with real sockets.

mod codes;
mod limits;
mod logs;
mod proxies;
mod refusals;
mod service;
mod tickets;

use std::net::SocketAddr;

use jiff::Timestamp;
use realtime_access::{
    AccessConfig, Auth, Credential, Gate, Refusal,
    forge::{SECRET, Signer, jwk, rsa_texts, token},
};
use realtime_fanout::serve;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    stream::{found, publish},
    *,
};

const KEY: &[u8] = b"0123456789abcdef";
const STREAM: &str = "/api/sse/notifications";
const EVENT_SOURCE: &str = "Accept: text/event-stream\r\n";

/// A gate that takes tokens by a secret and by the key `rsa`.
fn gate() -> Gate {
    let config = AccessConfig {
        auth: Auth::Jwt,
        jwt_secret: Some(SECRET.to_owned().into()),
        jwt_jwks: Some(json!({ "keys": [jwk(Signer::Rsa, Some("rsa"))] }).to_string().into()),
        jwt_issuer: Some("issuer".to_owned()),
        jwt_audience: vec!["api".to_owned()],
        jwt_leeway_seconds: Some(30),
        ..AccessConfig::default()
    };
    Gate::start(&config, KEY, CancellationToken::new()).unwrap()
}

/// A server with room for every client of a test.
async fn served(state: &ApiState) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let upgrade_paths = crate::socketio::paths();
    let settings = serve::Settings { upgrade_paths, ..serve::Settings::new(vec![STREAM.to_owned()], 256) };
    serve::serve(listener, app(state), state.engine.clone(), settings, CancellationToken::new()).await;
    address
}

/// A server that asks for tokens.
async fn asking() -> (SocketAddr, ApiState, Publisher) {
    let (mut state, publisher) = found(7);
    state.gate = gate();
    (served(&state).await, state, publisher)
}

/// The claims of user 7, for a minute.
fn claims() -> Value {
    let end = Timestamp::now().as_second() + 60;
    json!({ "sub": "7", "exp": end, "iss": "issuer", "aud": "api", "channels": ["orders"], "publish": ["orders"] })
}

fn signed(claims: &Value) -> String {
    token(&json!({ "alg": "HS256", "typ": "JWT" }), claims, Signer::Secret(SECRET.as_bytes()))
}

fn good() -> String {
    signed(&claims())
}

fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&claims)
}

/// What may be shown, and why it is refused. The empty text is nothing.
fn refused() -> Vec<(&'static str, String, Refusal)> {
    let now = Timestamp::now().as_second();
    let by = |header: Value, signer: Signer<'_>| token(&header, &claims(), signer);
    let [pem, der, _] = rsa_texts();
    let confused = |text: &[u8]| by(json!({ "alg": "HS256", "kid": "rsa" }), Signer::Secret(text));
    let access = gate().check_now(Credential::Token(&good())).unwrap();
    vec![
        ("no token", String::new(), Refusal::Missing),
        ("no token at all", "junk".to_owned(), Refusal::Malformed),
        ("a ticket", gate().ticket(&access, Timestamp::now()).unwrap().text, Refusal::Malformed),
        ("a huge token", with("channels", json!(vec!["orders"; 1000])), Refusal::Malformed),
        ("expired", with("exp", json!(now - 60)), Refusal::Expired),
        ("of tomorrow", with("nbf", json!(now + 3600)), Refusal::Early),
        ("for another audience", with("aud", json!("web")), Refusal::Audience),
        ("of another issuer", with("iss", json!("other")), Refusal::Issuer),
        ("of nobody", with("sub", Value::Null), Refusal::Claim("sub")),
        ("signed by nobody", by(json!({ "alg": "none" }), Signer::Nobody), Refusal::Algorithm),
        ("of another algorithm", by(json!({ "alg": "HS512" }), Signer::Secret(SECRET.as_bytes())), Refusal::Algorithm),
        ("RS/HS confusion, PEM", confused(&pem), Refusal::Algorithm),
        ("RS/HS confusion, DER", confused(&der), Refusal::Algorithm),
        ("RS/HS confusion, without kid", by(json!({ "alg": "HS256" }), Signer::Secret(&pem)), Refusal::Signature),
        ("of a foreign secret", by(json!({ "alg": "HS256" }), Signer::Secret(&[7; 32])), Refusal::Signature),
        ("of a foreign key", by(json!({ "alg": "RS256", "kid": "other" }), Signer::Rsa), Refusal::UnknownKey),
        ("a signature cut off", good().rsplit_once('.').unwrap().0.to_owned() + ".AA", Refusal::Signature),
    ]
}

/// The answer to one request.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| *found == name)
            .map(|(_, text)| text)
    }

    /// Status, code and what else each refusal of a request has.
    fn assert_refused(&self, refusal: Refusal, name: &str) {
        assert_eq!(self.status, refusal.status().as_u16(), "{name}: {self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{name}: {self:?}");
        assert_eq!(
            (&self.json()["code"], &self.json()["status"]),
            (&json!(refusal.code()), &json!(self.status)),
            "{name}"
        );
        let challenge = match refusal {
            Refusal::Channel | Refusal::User | Refusal::Service(_) | Refusal::KeysAway => None,
            Refusal::Missing => Some("Bearer"),
            _ => Some(r#"Bearer error="invalid_token""#),
        };
        assert_eq!(self.header("www-authenticate"), challenge, "{name}");
    }
}

fn bearer(token: &str) -> String {
    if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") }
}

/// Everything that comes until the server ends the connection, or until `end` comes.
async fn until(address: SocketAddr, method: &str, target: &str, headers: &str, body: &str, end: &str) -> Answer {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: api\r\nConnection: close\r\nContent-Length: {length}\r\n");
    socket.write_all(format!("{head}{headers}\r\n{body}").as_bytes()).await.unwrap();
    let (mut received, mut buffer) = (String::new(), [0; 4096]);
    while end.is_empty() || !received.contains(end) {
        let read = tokio::time::timeout(std::time::Duration::from_secs(10), socket.read(&mut buffer)).await;
        let length = read.unwrap_or_else(|_| panic!("only this came: {received}")).unwrap();
        if length == 0 {
            break;
        }
        received.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

async fn ask(address: SocketAddr, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    until(address, method, target, headers, body, "").await
}

async fn get_with(address: SocketAddr, target: &str, headers: &str) -> Answer {
    ask(address, "GET", target, headers, "").await
}

async fn post_json(address: SocketAddr, target: &str, token: &str, body: &str) -> Answer {
    ask(address, "POST", target, &format!("{}Content-Type: application/json\r\n", bearer(token)), body).await
}

/// The beginning of a stream, up to its greeting.
async fn stream_with(address: SocketAddr, target: &str, headers: &str) -> Answer {
    until(address, "GET", target, headers, "", "\"connection\"").await
}

/// What the namespace `/` answers to who shows that in the CONNECT of Socket.IO.
async fn connect_with(address: SocketAddr, auth: &str) -> String {
    let target = "/socket.io/?EIO=4&transport=polling";
    let open = get_with(address, target, "").await;
    let open: Value = serde_json::from_str(open.body.strip_prefix('0').unwrap()).unwrap();
    let target = format!("{target}&sid={}", open["sid"].as_str().unwrap());
    ask(address, "POST", &target, "", &format!("40{auth}")).await;
    get_with(address, &target, "").await.body
}
