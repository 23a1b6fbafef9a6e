//! A stack that asks its clients for tokens.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use realtime_contract::Component;
use realtime_e2e::clients::{SocketIo, Transport};
use realtime_e2e::fixture::alone;
use realtime_e2e::http::Http;
use realtime_e2e::log::Log;
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, eventually, kubectl, sse};
use reqwest::Method;
use serde_json::{Value, json};

use crate::refusals::{answer, says};

/// What comes at once comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Two Deployments replace their pods one by one.
const ROLL_OUT: Duration = Duration::from_secs(120);

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
async fn refuses_limits_that_would_limit_nothing() {
    let limits = |workload: &str, name: &str| json!({workload: {"config": {"limits": {name: {"perSecond": 1}}}}});
    says(answer("demo", &limits("notifications", "publish")).await, "nothing is published at notifications");
    for workload in ["api", "notifications"] {
        says(answer("demo", &limits(workload, "user")).await, "set security.auth.jwt, or take the limit out");
        answer("demo", &limits(workload, "address")).await.expect("addresses are known without a token");
    }
}

#[tokio::test]
async fn a_stack_that_asks_for_tokens_serves_who_has_one_until_its_key_is_another() {
    alone("security", async |stack| {
        stack.apply(&spec()).await;
        stack.ready(START_LIMIT).await;
        let token = token(stack, &[]).await;
        strangers_are_refused(stack).await;
        clients_with_a_token_hear_what_is_posted(stack, &token).await;
        streams_open_by_ticket(stack, &token).await;
        another_key_ends_the_old_tokens(stack, &token).await;
    })
    .await;
}

/// It asks for little, since it stands beside other stacks.
fn spec() -> Value {
    let little = json!({"requests": {"cpu": "10m"}});
    let (workload, backend) = (json!({"resources": little}), json!({"managed": {"resources": little}}));
    json!({
        "security": {"auth": {"jwt": {}}}, "deletionPolicy": {"volumes": "Delete"},
        "api": workload, "consumer": workload, "notifications": workload,
        "redis": backend, "kafka": backend, "postgres": backend,
    })
}

/// A token for everything, by the command of docs/operations.md, with more options.
async fn token(stack: &Stack, options: &[&str]) -> String {
    let deployment = format!("deploy/{}", stack.object_name(Component::Api));
    let mut command =
        vec!["/realtime-api", "token", "--sub", "me", "--channels", "*", "--publish", "*", "--hours", "1"];
    command.extend_from_slice(options);
    let output = kubectl::exec(&stack.namespace, &deployment, &command, "").await;
    assert!(output.success, "{}{}", output.stderr, output.stdout);
    output.stdout.trim().to_owned()
}

/// Lists the notifications with that token: status and code of the refusal.
async fn listed(stack: &Stack, token: Option<&str>) -> Result<(u16, Value), String> {
    let api = stack.api().await;
    let mut request = api.request(Method::GET, "/api/notifications");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = api.answer(request).await?;
    Ok((answer.status, answer.body["code"].clone()))
}

async fn strangers_are_refused(stack: &Stack) {
    assert_eq!(listed(stack, None).await, Ok((401, json!("TOKEN_MISSING"))));
    let posted = stack.api().await.post("application/json", r#"{"message":"hello"}"#).await.expect("an answer");
    assert_eq!(posted.status, 401, "{}", posted.body);
    // Another stack has another key.
    let foreign = token(stack, &["--jwt-secret", &"another-stack".repeat(4)]).await;
    assert_eq!(listed(stack, Some(&foreign)).await, Ok((401, json!("TOKEN_SIGNATURE"))));
    let url = stack.url(Component::Api).await;
    let auth = json!({"token": foreign});
    let mut socket = SocketIo { url: &url, transport: Transport::WebSocket, auth: Some(&auth), resumes: false }.start();
    socket.arrivals.wait("refusal", PATIENCE, |it| it["event"] == "connect_error" && it["active"] == false).await;
    for (component, path) in [(Component::Api, "/api/sse/notifications"), (Component::Notifications, "/events/stream")]
    {
        let service = Http::new(stack.url(component).await);
        let answer = service.answer(service.request(Method::GET, path).bearer_auth(&foreign)).await.expect("an answer");
        assert_eq!((answer.status, &answer.body["code"]), (401, &json!("TOKEN_SIGNATURE")), "{component}");
    }
}

/// Posts with that token: the notification's id.
async fn posted(stack: &Stack, token: &str) -> String {
    let api = stack.api().await;
    let request = api.request(Method::POST, "/api/notifications").bearer_auth(token).json(&json!({"message": "hello"}));
    let answer = api.answer(request).await.expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["id"].as_str().expect("an id").to_owned()
}

async fn clients_with_a_token_hear_what_is_posted(stack: &Stack, token: &str) {
    let url = stack.url(Component::Api).await;
    let auth = json!({"token": token});
    let client = |transport| SocketIo { url: &url, transport, auth: Some(&auth), resumes: false };
    let mut sockets = [client(Transport::WebSocket).connect().await, client(Transport::Polling).connect().await];
    let id = posted(stack, token).await;
    for socket in &mut sockets {
        socket.arrivals.notification(&id, PATIENCE).await;
    }
}

async fn streams_open_by_ticket(stack: &Stack, token: &str) {
    let api = stack.api().await;
    let answer = api.answer(api.request(Method::POST, "/api/tickets").bearer_auth(token)).await.expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.body);
    let ticket = answer.body["ticket"].as_str().expect("a ticket");
    let mut stream = sse::listen(&format!("{}/api/sse/notifications?ticket={ticket}", api.base), None).await;
    let id = posted(stack, token).await;
    stream.notification(&id, PATIENCE).await;

    let url = format!("{}/events/stream?ticket={ticket}", stack.url(Component::Notifications).await);
    let mut stream = sse::listen(&url, None).await;
    let log = Log::open(stack, env!("CARGO_BIN_EXE_realtime-e2e-log")).await;
    let event = json!({
        "id": "secured-1", "type": "ProductCreated", "timestamp": "2026-11-21T06:00:00.000Z", "product": {"id": "p-1"},
    });
    log.produce("product-events", 0, "shop", &event.to_string()).await;
    stream.wait("event", PATIENCE, |it| it["data"]["id"] == "secured-1").await;
}

async fn another_key_ends_the_old_tokens(stack: &Stack, old: &str) {
    stack.delete::<Secret>(&format!("{}-auth", stack.name)).await;
    eventually("the old token is refused, and a new one is taken", ROLL_OUT, async || {
        let refused = listed(stack, Some(old)).await?;
        if refused != (401, json!("TOKEN_SIGNATURE")) {
            return Err(format!("the old token: {refused:?}"));
        }
        let deployment = format!("deploy/{}", stack.object_name(Component::Api));
        let command = ["/realtime-api", "token", "--sub", "me", "--channels", "*"];
        let output = kubectl::exec(&stack.namespace, &deployment, &command, "").await;
        match listed(stack, Some(output.stdout.trim())).await? {
            (200, _) => Ok(()),
            other => Err(format!("a new token: {other:?} {}", output.stderr)),
        }
    })
    .await;
    stack.ready(ROLL_OUT).await;
}
