use serde_json::{Value, json};

use super::*;
use crate::forge::{SECRET, Signer, jwk};

fn read(keys: &Value, public: bool) -> Result<KeySet, String> {
    KeySet::of_document(json!({ "keys": keys }).to_string().as_bytes(), public).map_err(|error| error.to_string())
}

fn changed(signer: Signer<'_>, name: &str, value: Value) -> Value {
    let mut key = jwk(signer, None);
    key[name] = value;
    key
}

#[test]
fn keys_that_are_not_understood_are_left_out_of_a_set() {
    let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" });
    let keys = read(&json!([unknown, jwk(Signer::Rsa, Some("a")), 7, jwk(Signer::Ed, None)]), false).unwrap();
    assert_eq!(keys.len(), 2);
}

#[test]
fn a_set_without_a_usable_key_is_refused_with_the_reason() {
    let short = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" });
    for (key, reason) in [
        (json!({ "kty": "new" }), "no key as RFC 7517"),
        (json!(7), "no key as RFC 7517"),
        (changed(Signer::Rsa, "use", json!("enc")), "not for signatures"),
        (changed(Signer::Rsa, "key_ops", json!(["sign"])), "not for signatures"),
        (changed(Signer::Rsa, "alg", json!("PS256")), "beside HS256"),
        (changed(Signer::Rsa, "alg", json!("HS256")), "beside HS256"),
        (changed(Signer::Ec, "crv", json!("P-384")), "beside HS256"),
        (changed(Signer::Ec, "x", json!("AQAB")), "too short"),
        (changed(Signer::Ed, "x", json!("!")), "no key as RFC 7517"),
        (changed(Signer::Secret(SECRET.as_bytes()), "k", json!("AQAB")), "too short"),
        (short, "too short"),
    ] {
        let error = read(&json!([key]), false).unwrap_err();
        assert!(error.contains(reason), "{key}: {error}");
    }
    assert!(read(&json!([]), false).unwrap_err().contains("it is empty"));
    assert!(read(&json!(vec![7; 65]), false).unwrap_err().contains("more than 64"));
    for text in ["", "[]", "{}", "{\"keys\":{}}"] {
        let error = KeySet::of_document(text.as_bytes(), false).unwrap_err().to_string();
        assert!(error.contains("it looks like"), "{text}: {error}");
    }
}

#[test]
fn a_secret_that_everybody_can_read_is_none() {
    let keys = json!([jwk(Signer::Secret(SECRET.as_bytes()), None)]);
    assert!(read(&keys, false).is_ok());
    assert!(read(&keys, true).unwrap_err().contains("must not stand at an address"));
}

#[test]
fn a_key_does_not_show_itself() {
    let text = format!("{:?}", read(&json!([jwk(Signer::Secret(SECRET.as_bytes()), Some("a"))]), false).unwrap());
    assert!(text.contains("\"a\"") && !text.contains("0123456789") && !text.contains("redacted"), "{text}");
}
