//! With a server whose answers the test gives.

mod tls;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, http::StatusCode, routing::get};
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::{
    Access, AccessConfig, Auth, Credential, Gate, Refusal,
    forge::{Signer, jwk, token},
};

/// What the server answers, and how often it was asked.
struct Issuer {
    address: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(answer: (StatusCode, String)) -> Self {
        let answer = Arc::new(Mutex::new(answer));
        let asked = Arc::<AtomicUsize>::default();
        let (given, count) = (answer.clone(), asked.clone());
        let serve = move || async move {
            count.fetch_add(1, Ordering::SeqCst);
            given.lock().unwrap().clone()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/keys", get(serve))).await });
        Self { address, answer, asked }
    }

    fn answers(&self, answer: (StatusCode, String)) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Reads the keys after each time as long as `every`.
    fn gate(&self, token: &CancellationToken) -> Gate {
        let config = AccessConfig {
            auth: Auth::Jwt,
            jwt_jwks_url: Some(self.address.clone()),
            jwt_jwks_seconds: Some(300),
            ..AccessConfig::default()
        };
        Gate::start(&config, b"0123456789abcdef", token.clone()).unwrap()
    }
}

fn keys(keys: &[(Signer<'_>, &str)]) -> (StatusCode, String) {
    let keys: Vec<_> = keys.iter().map(|(signer, id)| jwk(*signer, Some(id))).collect();
    (StatusCode::OK, json!({ "keys": keys }).to_string())
}

async fn check(gate: &Gate, algorithm: &str, signer: Signer<'_>, id: &str) -> Result<Access, Refusal> {
    let claims = json!({ "sub": "7", "exp": jiff::Timestamp::now().as_second() + 3600 });
    gate.check(Credential::Token(&token(&json!({ "alg": algorithm, "kid": id }), &claims, signer))).await
}

/// Lets the time between two readings pass, by the clock of the runtime alone.
async fn pass() {
    tokio::time::pause();
    tokio::time::advance(SHORTEST).await;
    tokio::time::resume();
}

#[tokio::test]
async fn the_first_client_waits_for_the_keys() {
    let issuer = Issuer::start(keys(&[(Signer::Ed, "a")])).await;
    let gate = issuer.gate(&CancellationToken::new());
    assert!(check(&gate, "EdDSA", Signer::Ed, "a").await.is_ok());
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn unknown_keys_have_the_set_read_again_and_not_more_often_than_every_10_seconds() {
    let issuer = Issuer::start(keys(&[(Signer::Ed, "a")])).await;
    let gate = issuer.gate(&CancellationToken::new());
    assert!(check(&gate, "EdDSA", Signer::Ed, "a").await.is_ok());
    issuer.answers(keys(&[(Signer::Ed, "a"), (Signer::Ec, "b")]));
    for _ in 0..5 {
        assert_eq!(check(&gate, "ES256", Signer::Ec, "b").await, Err(Refusal::KeysAway));
        assert_eq!(check(&gate, "EdDSA", Signer::Ed, "c").await, Err(Refusal::KeysAway));
    }
    assert_eq!(issuer.asked(), 1);
    pass().await;
    let (first, second) = tokio::join!(check(&gate, "ES256", Signer::Ec, "b"), check(&gate, "ES256", Signer::Ec, "b"));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(check(&gate, "EdDSA", Signer::Ed, "c").await, Err(Refusal::KeysAway));
    assert_eq!(issuer.asked(), 2);
    pass().await;
    assert_eq!(check(&gate, "EdDSA", Signer::Ed, "c").await, Err(Refusal::UnknownKey));
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn the_last_good_set_is_kept() {
    let issuer = Issuer::start(keys(&[(Signer::Ed, "a")])).await;
    let gate = issuer.gate(&CancellationToken::new());
    assert!(check(&gate, "EdDSA", Signer::Ed, "a").await.is_ok());
    for (round, answer) in [
        (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        (StatusCode::OK, "{\"keys\":[]}".to_owned()),
        (StatusCode::OK, " ".repeat(256 * 1024 + 1)),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.answers(answer);
        pass().await;
        assert_eq!(check(&gate, "EdDSA", Signer::Ed, "b").await, Err(Refusal::KeysAway), "nobody can say it");
        assert_eq!(issuer.asked(), round + 2);
        assert!(check(&gate, "EdDSA", Signer::Ed, "a").await.is_ok());
    }
}

#[tokio::test]
async fn refusals_are_counted_and_how_the_keys_were_read() {
    let issuer = Issuer::start(keys(&[(Signer::Ed, "a")])).await;
    let (gate, registry) = (issuer.gate(&CancellationToken::new()), prometheus::Registry::new());
    gate.register(&registry).unwrap();
    let metrics = || prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    assert!(metrics().contains("realtime_access_keys_read_timestamp_seconds 0\n"), "{}", metrics());
    let before = jiff::Timestamp::now().as_second();
    assert!(check(&gate, "EdDSA", Signer::Ed, "a").await.is_ok());
    issuer.answers((StatusCode::NOT_FOUND, String::new()));
    pass().await;
    assert_eq!(check(&gate, "EdDSA", Signer::Ed, "b").await, Err(Refusal::KeysAway));
    assert_eq!(gate.check(Credential::Nothing).await, Err(Refusal::Missing));
    let metrics = metrics();
    for line in
        ["refused_total{code=\"KEYS_AWAY\"} 1", "refused_total{code=\"TOKEN_MISSING\"} 1", "keys_failed_total 1"]
    {
        assert!(metrics.contains(&format!("realtime_access_{line}\n")), "{line}: {metrics}");
    }
    let read = metrics.split("\nrealtime_access_keys_read_timestamp_seconds ").nth(1).unwrap();
    let read: i64 = read.lines().next().unwrap().parse().unwrap();
    assert!((before..before + 60).contains(&read), "{read}");
}

#[tokio::test]
async fn while_the_keys_were_never_read_nobody_is_told_that_his_key_is_unknown() {
    let issuer = Issuer::start((StatusCode::NOT_FOUND, String::new())).await;
    let gate = issuer.gate(&CancellationToken::new());
    assert_eq!(check(&gate, "EdDSA", Signer::Ed, "a").await, Err(Refusal::KeysAway));
    assert_eq!(gate.check_now(Credential::Nothing), Err(Refusal::Missing));
    issuer.answers(keys(&[(Signer::Ed, "a")]));
    pass().await;
    assert!(check(&gate, "EdDSA", Signer::Ed, "a").await.is_ok());
}

#[tokio::test]
async fn an_address_where_nothing_answers_is_told() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Fetcher::new(&format!("http://127.0.0.1:{port}/")).unwrap().fetch().await.unwrap_err();
    assert!(matches!(error, Error::Get(_)), "{error}");
}
