//! What tokens are checked with: made once, or the user's own.

use super::*;
use crate::controller::dereference::token_key::{self, Form, TokenKey};

const GENERATED: &str = "{security: {auth: {jwt: {}}}}";
const OF_USER: &str = "{security: {auth: {jwt: {key: {secret: {name: keys}}}}}}";
const LONG: &str = "0123456789abcdef0123456789abcdef";
const SET: &str = r#"{"keys":[{"kty":"oct","kid":"1","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}"#;

/// A Secret of the user's own with these keys.
fn keys(data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<_, _> = data.iter().map(|(key, value)| ((*key).to_owned(), encoded(value))).collect();
    json!({
        "apiVersion": "v1", "kind": "Secret", "data": data,
        "metadata": {"name": "keys", "namespace": "rt", "resourceVersion": "7"},
    })
}

/// The generated one, with that value.
fn auth(value: &str) -> Value {
    let mut secret = keys(&[("secret", value)]);
    secret["metadata"]["name"] = json!("demo-auth");
    secret
}

async fn found(spec: &str, held: Option<Value>) -> Result<Option<TokenKey>, Error> {
    let (client, _) = api_server(held.into_iter().chain([secret(&CredentialKey::ALL)]), None);
    run(&client, spec).await.map(|references| references.token_key)
}

async fn refused(data: &[(&str, &str)]) -> String {
    found(OF_USER, Some(keys(data))).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_stack_that_asks_for_tokens_gets_a_key_once() {
    let (client, server) = api_server([secret(&CredentialKey::ALL)], None);
    let made = run(&client, GENERATED).await.unwrap();
    let writes = std::mem::take(&mut server.lock().unwrap().writes);
    assert_eq!(writes.len(), 1);
    assert_eq!((&writes[0].0, name_of(&writes[0].1).as_str()), (&Method::POST, "demo-auth"));
    let value = writes[0].1["stringData"]["secret"].as_str().unwrap();
    assert_eq!(value.len(), 64);
    let expected = TokenKey { secret: "demo-auth".to_owned(), form: Form::Shared, hash: hash(value), is_watched: true };
    assert_eq!(made.token_key, Some(expected));
    assert!(made.auth_secret);
    assert_eq!(run(&client, "{security: {auth: {jwt: {key: {generated: {}}}}}}").await.unwrap(), made);
    assert!(server.lock().unwrap().writes.is_empty(), "made once, it stays");
}

#[tokio::test]
async fn the_generated_key_goes_with_the_stack_only_when_volumes_do() {
    for (policy, owners) in [("Retain", 0), ("Delete", 1)] {
        let (client, server) = api_server([secret(&CredentialKey::ALL)], None);
        let spec = format!("{{deletionPolicy: {{volumes: {policy}}}, security: {{auth: {{jwt: {{}}}}}}}}");
        run(&client, &spec).await.unwrap();
        let metadata = server.lock().unwrap().writes[0].1["metadata"].clone();
        assert_eq!(metadata["ownerReferences"].as_array().map_or(0, Vec::len), owners, "{policy}");
        assert_eq!(metadata["labels"]["app.kubernetes.io/instance"], "demo");
    }
}

#[tokio::test]
async fn of_two_that_make_the_key_the_first_counts() {
    let (client, _) = api_server([secret(&CredentialKey::ALL)], Some(auth(LONG)));
    assert_eq!(run(&client, GENERATED).await.unwrap().token_key.unwrap().hash, hash(LONG));
}

#[tokio::test]
async fn no_key_is_made_where_none_is_needed() {
    let remote = "{security: {auth: {jwt: {key: {jwks: {url: 'https://login.test/keys'}}}}}}";
    let paused = "{operation: {reconciliation: Paused}, security: {auth: {jwt: {}}}}";
    for spec in ["{}", "{security: {auth: {anonymous: {}}}}", remote, paused] {
        let (client, server) = api_server([secret(&CredentialKey::ALL)], None);
        let references = run(&client, spec).await.unwrap();
        assert_eq!((references.token_key, references.auth_secret), (None, false), "{spec}");
        assert!(server.lock().unwrap().writes.is_empty(), "{spec}");
    }
}

#[tokio::test]
async fn reads_a_secret_or_a_set_of_keys_of_the_users_own() {
    for (key, value, form) in [("secret", LONG, Form::Shared), ("jwks.json", SET, Form::Set)] {
        let found = found(OF_USER, Some(keys(&[(key, value)]))).await.unwrap();
        let expected = TokenKey { secret: "keys".to_owned(), form, hash: hash(value), is_watched: false };
        assert_eq!(found, Some(expected));
    }
}

/// Else it would count as generated: labelled, owned, and deleted with the stack.
#[tokio::test]
async fn a_secret_of_the_users_own_under_the_generated_name_is_left_alone() {
    let (client, server) = api_server([secret(&CredentialKey::ALL), auth(LONG)], None);
    let references = run(&client, "{security: {auth: {jwt: {key: {secret: {name: demo-auth}}}}}}").await.unwrap();
    assert_eq!((references.token_key, references.auth_secret), (None, false));
    assert!(server.lock().unwrap().writes.is_empty());
}

#[tokio::test]
async fn a_labelled_secret_is_watched() {
    for (value, is_watched) in [("true", true), ("false", false)] {
        let mut secret = keys(&[("secret", LONG)]);
        secret["metadata"]["labels"] = json!({"realtimestack.io/reload": value});
        assert_eq!(found(OF_USER, Some(secret)).await.unwrap().unwrap().is_watched, is_watched);
    }
}

#[tokio::test]
async fn says_what_to_create_when_the_secret_is_not_there() {
    let error = found(OF_USER, None).await.unwrap_err();
    assert!(matches!(&error, Error::TokenKey(token_key::Error::FindSecret { name }) if name == "keys"));
    assert_eq!(
        error.to_string(),
        "failed to find secret keys, which security.auth.jwt.key names: create it, with `secret` (32 bytes or more) or `jwks.json` (a set of JSON Web Keys)"
    );
}

#[tokio::test]
async fn refuses_a_secret_without_a_key_and_one_with_both() {
    for data in [&[][..], &[("secret", "")], &[("Secret", LONG)]] {
        let refusal = refused(data).await;
        assert!(refusal.ends_with("in secret keys: add one of them"), "{refusal}");
    }
    let refusal = refused(&[("secret", LONG), ("jwks.json", SET)]).await;
    assert_eq!(refusal, "failed to choose between `secret` and `jwks.json` in secret keys: take one of them out");
}

#[tokio::test]
async fn refuses_what_the_pods_could_not_start_with_and_does_not_repeat_it() {
    let large = format!(r#"{{"keys":[{{"kty":"oct","k":"{}"}}]}}"#, "A".repeat(64 << 10));
    let null = format!("{LONG}\0");
    let (line, tab) = (format!("{LONG}\n"), format!("\t{LONG}"));
    for (key, value, sentence) in [
        ("secret", &LONG[1..], "less than 32 bytes"),
        ("secret", &null, "a byte 0"),
        ("secret", &line, "begins or ends with white space"),
        ("secret", &tab, "begins or ends with white space"),
        ("jwks.json", "{}", "it looks like {\"keys\":"),
        ("jwks.json", LONG, "it looks like {\"keys\":"),
        ("jwks.json", r#"{"keys":[]}"#, "it is empty"),
        ("jwks.json", r#"{"keys":[{"kty":"oct","k":"MDEyMzQ1"}]}"#, "failed to find a usable key"),
        ("jwks.json", &large, "more than 64 KiB"),
    ] {
        let refusal = refused(&[(key, value)]).await;
        assert!(refusal.starts_with(&format!("failed to use `{key}` in secret keys: ")), "{refusal}");
        assert!(refusal.contains(sentence) && !refusal.contains(&LONG[1..]), "{refusal}");
    }
    let mut binary = keys(&[("secret", LONG)]);
    binary["data"]["secret"] = serde_json::to_value(ByteString(vec![0xff; 32])).unwrap();
    let refusal = found(OF_USER, Some(binary)).await.unwrap_err().to_string();
    assert!(refusal.contains("no text in UTF-8"), "{refusal}");
}

#[tokio::test]
async fn a_generated_key_that_somebody_took_out_is_not_made_up() {
    let error = found(GENERATED, Some(auth(""))).await.unwrap_err();
    assert!(matches!(error, Error::TokenKey(token_key::Error::FindGenerated { .. })), "{error}");
}
