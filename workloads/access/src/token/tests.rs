//! One test for each refusal, and for each way in which a token is forged.

use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::{
    Scope,
    forge::{NOW, SECRET, Signer, claims, jwk, rsa_texts, signed, token, with},
};

fn policy() -> Policy {
    Policy {
        issuer: Some("issuer".into()),
        audience: vec!["other".into(), "api".into()],
        leeway: SignedDuration::from_secs(30),
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn read(text: &str, keys: &KeySet) -> Result<Access, Doubt> {
    let token = Token::read(text, LENGTH).map_err(Doubt::Refused)?;
    access(&token, keys, &policy(), now())
}

fn by_secret(text: &str) -> Result<Access, Refusal> {
    read(text, &KeySet::of_secret(SECRET.as_bytes())).map_err(Doubt::refusal)
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::of_document(json!({ "keys": keys }).to_string().as_bytes(), false).unwrap()
}

/// The usual claims with one of them replaced, or left out.
fn changed(name: &str, value: Value) -> Value {
    let mut claims = claims();
    if value == json!("ABSENT") {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn refusal_with(name: &str, value: Value) -> Option<Refusal> {
    by_secret(&with(&changed(name, value))).err()
}

#[test]
fn a_token_permits_what_its_claims_say_until_it_ends() {
    let access = by_secret(&signed("HS256", Signer::Secret(SECRET.as_bytes()))).unwrap();
    assert_eq!(access.user.as_deref(), Some("7"));
    assert!(access.may_subscribe("orders.eu") && access.may_subscribe("user:7") && !access.may_subscribe("stock"));
    assert!(access.may_publish("orders.eu") && !access.may_publish("orders.us") && !access.may_publish("user:7"));
    assert_eq!(access.expires, Some(now() + SignedDuration::from_secs(3630)), "the leeway counts");
}

#[test]
fn absent_lists_permit_nothing_but_the_own_channel() {
    let claims = json!({ "sub": "7", "exp": NOW + 1, "iss": "issuer", "aud": ["api"] });
    let access = by_secret(&with(&claims)).unwrap();
    assert_eq!(access.subscribe, Scope::Patterns(std::collections::BTreeSet::new()));
    assert!(access.may_subscribe("user:7") && !access.may_subscribe("default") && !access.may_publish("default"));
}

#[test]
fn each_algorithm_is_taken_with_its_key_with_and_without_an_id() {
    let signers = [
        ("RS256", Signer::Rsa),
        ("ES256", Signer::Ec),
        ("EdDSA", Signer::Ed),
        ("HS256", Signer::Secret(SECRET.as_bytes())),
    ];
    let named = set(&signers.map(|(algorithm, signer)| jwk(signer, Some(algorithm))));
    let unnamed = set(&signers.map(|(_, signer)| jwk(signer, None)));
    for (algorithm, signer) in signers {
        let with_id = token(&json!({ "alg": algorithm, "kid": algorithm }), &claims(), signer);
        for (text, keys) in [(&signed(algorithm, signer), &named), (&with_id, &named), (&with_id, &unnamed)] {
            assert!(read(text, keys).is_ok(), "{algorithm}");
        }
    }
}

#[test]
fn a_token_that_nobody_signed_is_refused() {
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        for keys in [KeySet::of_secret(SECRET.as_bytes()), set(&[jwk(Signer::Rsa, None)])] {
            let doubt = read(&signed(algorithm, Signer::Nobody), &keys).unwrap_err();
            assert_eq!(doubt, Doubt::Refused(Refusal::Algorithm), "{algorithm}");
        }
    }
    assert_eq!(by_secret(&signed("HS256", Signer::Nobody)), Err(Refusal::Signature));
}

#[test]
fn the_public_key_is_no_secret() {
    let keys = set(&[jwk(Signer::Rsa, Some("a"))]);
    for text in rsa_texts() {
        for header in [json!({ "alg": "HS256" }), json!({ "alg": "HS256", "kid": "a" })] {
            let forged = token(&header, &claims(), Signer::Secret(&text));
            assert_eq!(read(&forged, &keys), Err(Doubt::Refused(Refusal::Algorithm)), "{header}");
        }
    }
}

#[test]
fn the_public_key_is_no_secret_beside_a_secret() {
    let keys = set(&[jwk(Signer::Rsa, Some("a")), jwk(Signer::Secret(SECRET.as_bytes()), Some("b"))]);
    for text in rsa_texts() {
        let forged = |header| token(&header, &claims(), Signer::Secret(&text));
        let refusal = |header| read(&forged(header), &keys).map_err(Doubt::refusal);
        assert_eq!(refusal(json!({ "alg": "HS256" })), Err(Refusal::Signature));
        assert_eq!(refusal(json!({ "alg": "HS256", "kid": "a" })), Err(Refusal::Algorithm));
        assert_eq!(refusal(json!({ "alg": "RS256", "kid": "b" })), Err(Refusal::Algorithm));
    }
}

#[test]
fn a_secret_without_an_id_is_not_tried_for_a_token_that_names_another_key() {
    let keys = set(&[jwk(Signer::Rsa, Some("a"))]).with(&KeySet::of_secret(SECRET.as_bytes()));
    let by = |id: &str| token(&json!({ "alg": "HS256", "kid": id }), &claims(), Signer::Secret(SECRET.as_bytes()));
    assert_eq!(read(&by("a"), &keys), Err(Doubt::Refused(Refusal::Algorithm)));
    assert!(read(&by("b"), &keys).is_ok(), "nobody has that id, and the secret has none");
}

#[test]
fn other_algorithms_are_refused_also_of_the_same_key() {
    let keys = set(&[jwk(Signer::Rsa, None), jwk(Signer::Secret(SECRET.as_bytes()), None)]);
    for algorithm in ["HS384", "HS512", "RS384", "RS512", "PS256", "ES384", "hs256", "A128KW"] {
        let doubt = read(&signed(algorithm, Signer::Secret(SECRET.as_bytes())), &keys).unwrap_err();
        assert_eq!(doubt, Doubt::Refused(Refusal::Algorithm), "{algorithm}");
    }
}

#[test]
fn a_foreign_key_is_refused_and_others_are_asked_for_only_where_they_could_help() {
    assert_eq!(
        by_secret(&signed("HS256", Signer::Secret(b"another secret of 32 bytes or so"))),
        Err(Refusal::Signature)
    );
    let keys = set(&[jwk(Signer::Ec, Some("a"))]);
    let of = |header: Value, signer| read(&token(&header, &claims(), signer), &keys).unwrap_err();
    assert_eq!(of(json!({ "alg": "ES256", "kid": "b" }), Signer::Ec), Doubt::Keys(Refusal::UnknownKey));
    assert_eq!(of(json!({ "alg": "ES256", "kid": "a" }), Signer::Nobody), Doubt::Refused(Refusal::Signature));
    assert_eq!(of(json!({ "alg": "ES256" }), Signer::Nobody), Doubt::Keys(Refusal::Signature));
    assert_eq!(of(json!({ "alg": "RS256", "kid": "a" }), Signer::Rsa), Doubt::Keys(Refusal::Algorithm));
    assert_eq!(of(json!({ "alg": "HS256", "kid": "b" }), Signer::Rsa), Doubt::Refused(Refusal::Algorithm));
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    let good = signed("HS256", Signer::Secret(SECRET.as_bytes()));
    let other = with(&changed("sub", json!("8")));
    let (parts, foreign): (Vec<_>, Vec<_>) = (good.split('.').collect(), other.split('.').collect());
    assert_eq!(by_secret(&[parts[0], foreign[1], parts[2]].join(".")), Err(Refusal::Signature));
    assert_eq!(by_secret(&[parts[0], parts[1], "####"].join(".")), Err(Refusal::Signature));
}

#[test]
fn what_is_no_token_is_malformed() {
    let long = with(&changed("channels", json!(vec!["a"; 4000])));
    let critical = token(&json!({ "alg": "HS256", "crit": ["exp"] }), &claims(), Signer::Secret(SECRET.as_bytes()));
    let empty = token(&json!({}), &claims(), Signer::Secret(SECRET.as_bytes()));
    let list = with(&json!(["sub"]));
    assert!(long.len() > LENGTH);
    for text in ["", "a", "a.b", "a.b.c", "..", "a.b.c.d.e", &long, &critical, &empty, &list] {
        assert_eq!(by_secret(text), Err(Refusal::Malformed), "{text}");
    }
}

#[test]
fn a_token_is_good_until_its_end_and_the_leeway() {
    for (claim, seconds, refusal) in [
        ("exp", 0, None),
        ("exp", -29, None),
        ("exp", -30, Some(Refusal::Expired)),
        ("exp", -3600, Some(Refusal::Expired)),
        ("nbf", 30, None),
        ("nbf", 31, Some(Refusal::Early)),
    ] {
        assert_eq!(refusal_with(claim, json!(NOW + seconds)), refusal, "{claim} {seconds}");
    }
    assert_eq!(refusal_with("exp", json!(1_800_000_000.5)), None, "times need not be whole");
}

#[test]
fn a_token_for_somebody_else_is_refused() {
    for value in
        [json!("ABSENT"), json!("web"), json!(["web"]), json!([]), json!(7), json!("api "), json!({ "api": 1 })]
    {
        assert_eq!(refusal_with("aud", value.clone()), Some(Refusal::Audience), "{value}");
    }
    assert_eq!(refusal_with("aud", json!(["web", "other"])), None);
}

#[test]
fn a_token_of_somebody_else_is_refused() {
    for value in [json!("ABSENT"), json!("issuer/"), json!(["issuer"]), json!(null)] {
        assert_eq!(refusal_with("iss", value.clone()), Some(Refusal::Issuer), "{value}");
    }
}

#[test]
fn issuer_and_audience_are_not_looked_at_where_none_is_expected() {
    let policy = Policy::default();
    let text = with(&json!({ "sub": "7", "exp": NOW + 1, "iss": 7, "aud": {} }));
    let token = Token::read(&text, LENGTH).unwrap();
    assert!(access(&token, &KeySet::of_secret(SECRET.as_bytes()), &policy, now()).is_ok());
}

#[test]
fn odd_claims_are_refused_by_their_names() {
    for (name, values) in [
        ("sub", vec![json!("ABSENT"), json!(7), json!(""), json!("a b"), json!("x".repeat(124))]),
        ("exp", vec![json!("ABSENT"), json!("2030"), json!(null), json!(1e300), json!(-1e300)]),
        ("nbf", vec![json!("now"), json!(1e300)]),
        ("channels", vec![json!("orders"), json!([7]), json!(["a b"]), json!(["a,b"]), json!([""]), json!(null)]),
        ("publish", vec![json!({}), json!(["*", "ä"])]),
    ] {
        for value in values {
            assert_eq!(refusal_with(name, value.clone()), Some(Refusal::Claim(name)), "{name} {value}");
        }
    }
}
