//! What a stack may say about tokens and limits.

use serde_json::json;

use crate::refusals::{answer, says};

#[tokio::test]
async fn accepts_each_way_to_ask_clients_who_they_are() {
    let remote = json!({"jwks": {"url": "https://login.example.com/keys", "refreshSeconds": 60}});
    for auth in [
        json!({"anonymous": {}}),
        json!({"jwt": {}}),
        json!({"jwt": null}),
        json!({"jwt": {"key": {"generated": {}}}}),
        json!({"jwt": {"issuer": "us", "audience": ["shop"], "key": {"secret": {"name": "keys"}}}}),
        json!({"jwt": {"key": remote}}),
    ] {
        let answer = answer("demo", &json!({"security": {"auth": auth}})).await;
        answer.unwrap_or_else(|error| panic!("{auth}: {error}"));
    }
}

#[tokio::test]
async fn refuses_addresses_of_keys_that_are_none_or_carry_a_password() {
    let keys = |url: &str| json!({"security": {"auth": {"jwt": {"key": {"jwks": {"url": url}}}}}});
    says(answer("demo", &keys("https:///keys")).await, "jwks.url must be the whole address of a set of keys");
    says(answer("demo", &keys("https://me:secret@login.example.com/keys")).await, "keys are public; take it out");
}

#[tokio::test]
async fn refuses_variables_that_would_undo_the_choice() {
    let variable = |workload: &str, name: &str| json!({workload: {"env": [{"name": name, "value": "anonymous"}]}});
    for workload in ["api", "notifications"] {
        for name in ["REALTIME_AUTH", "REALTIME_JWT_SECRET", "REALTIME_JWT_JWKS_URL"] {
            says(answer("demo", &variable(workload, name)).await, "the matter of security.auth; set it there");
        }
        answer("demo", &variable(workload, "REALTIME_AUTHOR")).await.expect("another variable");
    }
}

#[tokio::test]
async fn refuses_variables_that_would_limit_what_limits_say_or_nothing() {
    for workload in ["api", "consumer", "notifications"] {
        let limited = json!({workload: {"env": [{"name": "REALTIME_LIMIT_USER", "value": "1/1"}]}});
        says(answer("demo", &limited).await, "the matter of config.limits of api and notifications; set it there");
    }
}

#[tokio::test]
async fn refuses_limits_that_would_limit_nothing() {
    let limits = |workload: &str, name: &str| json!({workload: {"config": {"limits": {name: {"perSecond": 1}}}}});
    says(answer("demo", &limits("notifications", "publish")).await, "nothing is published at notifications");
    for workload in ["api", "notifications"] {
        says(answer("demo", &limits(workload, "user")).await, "set security.auth.jwt, or take the limit out");
        answer("demo", &limits(workload, "address")).await.expect("addresses are known without a token");
    }
}
