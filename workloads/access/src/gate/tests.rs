use serde_json::json;

use super::*;
use crate::forge::{SECRET, Signer, jwk, token};

const KEY: &[u8] = b"0123456789abcdef";

fn config() -> AccessConfig {
    AccessConfig { auth: Auth::Jwt, ..AccessConfig::default() }
}

fn start(config: &AccessConfig) -> Result<Gate, String> {
    Gate::start(config, KEY, CancellationToken::new()).map_err(|error| error.to_string())
}

fn with_secret() -> Gate {
    start(&AccessConfig { jwt_secret: Some(SECRET.to_owned().into()), ..config() }).unwrap()
}

fn by_secret() -> String {
    let claims = json!({ "sub": "7", "exp": Timestamp::now().as_second() + 60, "channels": ["a"] });
    token(&json!({ "alg": "HS256" }), &claims, Signer::Secret(SECRET.as_bytes()))
}

#[test]
fn tokens_without_keys_are_refused_at_the_start_by_the_names_of_the_variables() {
    let error = start(&config()).unwrap_err();
    for name in ["REALTIME_AUTH", "REALTIME_JWT_SECRET", "REALTIME_JWT_JWKS,", "REALTIME_JWT_JWKS_URL"] {
        assert!(error.contains(name) || error.contains("REALTIME_JWT_JWKS or"), "{name}: {error}");
    }
}

#[test]
fn keys_without_tokens_are_refused_at_the_start() {
    let anonymous = AccessConfig::default;
    for (config, name) in [
        (AccessConfig { jwt_issuer: Some("i".into()), ..anonymous() }, "REALTIME_JWT_ISSUER"),
        (AccessConfig { jwt_leeway_seconds: Some(30), ..anonymous() }, "REALTIME_JWT_LEEWAY_SECONDS"),
        (AccessConfig { jwt_jwks_seconds: Some(300), ..anonymous() }, "REALTIME_JWT_JWKS_SECONDS"),
    ] {
        let error = start(&config).unwrap_err();
        assert!(error.contains("REALTIME_AUTH") && error.contains(&format!("{name} is set")), "{error}");
    }
}

#[test]
fn an_interval_of_readings_without_an_address_is_refused_at_the_start() {
    let secret = Some(SECRET.to_owned().into());
    let error = start(&AccessConfig { jwt_secret: secret, jwt_jwks_seconds: Some(300), ..config() }).unwrap_err();
    assert!(error.contains("REALTIME_JWT_JWKS_SECONDS is set, but REALTIME_JWT_JWKS_URL is not"), "{error}");
}

#[test]
fn a_set_that_cannot_be_used_is_refused_at_the_start_without_showing_it() {
    let error = start(&AccessConfig { jwt_jwks: Some("{\"hunter2\":1}".to_owned().into()), ..config() }).unwrap_err();
    assert!(error.contains("REALTIME_JWT_JWKS") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn nobody_is_asked_where_nothing_is_configured() {
    let gate = start(&AccessConfig::default()).unwrap();
    assert!(!gate.asks());
    assert_eq!(gate.check(Credential::Token("junk")).await, Ok(Access::anonymous()));
    assert_eq!(gate.ticket(&Access::anonymous(), Timestamp::now()), None);
}

#[tokio::test]
async fn secret_and_set_count_together() {
    let jwks = json!({ "keys": [jwk(Signer::Ed, None)] }).to_string();
    let config = AccessConfig { jwt_secret: Some(SECRET.to_owned().into()), jwt_jwks: Some(jwks.into()), ..config() };
    let gate = start(&config).unwrap();
    let claims = json!({ "sub": "7", "exp": Timestamp::now().as_second() + 60 });
    let by_set = token(&json!({ "alg": "EdDSA" }), &claims, Signer::Ed);
    for text in [&by_secret(), &by_set] {
        assert!(gate.asks() && gate.check(Credential::Token(text)).await.is_ok());
        assert_eq!(gate.check_now(Credential::Token(text)), gate.check(Credential::Token(text)).await);
    }
}

#[tokio::test]
async fn each_credential_has_its_answer() {
    let gate = with_secret();
    let access = gate.check(Credential::Token(&by_secret())).await.unwrap();
    let ticket = gate.ticket(&access, Timestamp::now()).unwrap();
    for (credential, refusal) in [
        (Credential::Nothing, Some(Refusal::Missing)),
        (Credential::Unreadable, Some(Refusal::Malformed)),
        (Credential::Ticket(&ticket.text), None),
        (Credential::Token(&ticket.text), Some(Refusal::Malformed)),
        (Credential::Ticket(&by_secret()), Some(Refusal::Malformed)),
    ] {
        assert_eq!(gate.check(credential).await.err(), refusal, "{credential:?}");
    }
    let end = access.expires.unwrap();
    assert_eq!(ticket.expires.as_second(), end.as_second());
}
