//! Who has a token is served, until the stack has another key.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use realtime_contract::Component;
use realtime_e2e::clients::{SocketIo, Transport};
use realtime_e2e::fixture::SECURED;
use realtime_e2e::http::Http;
use realtime_e2e::log::Log;
use realtime_e2e::{Stack, eventually, sse, tokens};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{EVERYTHING, PATIENCE, posted, ticket};

/// Two Deployments replace their pods one by one.
const ROLL_OUT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_stack_that_asks_for_tokens_serves_who_has_one_until_its_key_is_another() {
    SECURED
        .change(async |stack| {
            let token = tokens::issued(stack, "me", &EVERYTHING).await;
            strangers_are_refused(stack).await;
            clients_with_a_token_hear_what_is_posted(stack, &token).await;
            streams_open_by_ticket(stack, &token).await;
            another_key_ends_the_old_tokens(stack, &token).await;
        })
        .await;
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
    let other = "another-stack".repeat(4);
    let foreign = tokens::issued(stack, "me", &[&EVERYTHING[..], &["--jwt-secret", &other]].concat()).await;
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

async fn clients_with_a_token_hear_what_is_posted(stack: &Stack, token: &str) {
    let url = stack.url(Component::Api).await;
    let auth = json!({"token": token});
    let client = |transport| SocketIo { url: &url, transport, auth: Some(&auth), resumes: false };
    let mut sockets = [client(Transport::WebSocket).connect().await, client(Transport::Polling).connect().await];
    let id = posted(stack, token, &json!({"message": "hello"})).await;
    for socket in &mut sockets {
        socket.arrivals.notification(&id, PATIENCE).await;
    }
}

async fn streams_open_by_ticket(stack: &Stack, token: &str) {
    let api = stack.api().await;
    let ticket = ticket(&api, token).await;
    let mut stream = sse::listen(&format!("{}/api/sse/notifications?ticket={ticket}", api.base), None).await;
    let id = posted(stack, token, &json!({"message": "hello"})).await;
    stream.notification(&id, PATIENCE).await;

    let url = format!("{}/events/stream?ticket={ticket}", stack.url(Component::Notifications).await);
    let mut stream = sse::listen(&url, None).await;
    let log = Log::open(stack, env!("CARGO_BIN_EXE_realtime-e2e-log")).await;
    let id = format!("secured-{}", Uuid::new_v4().simple());
    let event = json!({
        "id": id, "type": "ProductCreated", "timestamp": "2026-11-21T06:00:00.000Z", "product": {"id": "p-1"},
    });
    log.produce("product-events", 0, "shop", &event.to_string()).await;
    stream.wait("event", PATIENCE, |it| it["data"]["id"] == id.as_str()).await;
}

async fn another_key_ends_the_old_tokens(stack: &Stack, old: &str) {
    stack.delete::<Secret>(&format!("{}-auth", stack.name)).await;
    eventually("the old token is refused, and a new one is taken", ROLL_OUT, async || {
        let refused = listed(stack, Some(old)).await?;
        if refused != (401, json!("TOKEN_SIGNATURE")) {
            return Err(format!("the old token: {refused:?}"));
        }
        let new = tokens::try_issued(stack, "me", &EVERYTHING).await?;
        match listed(stack, Some(&new)).await? {
            (200, _) => Ok(()),
            other => Err(format!("a new token: {other:?}")),
        }
    })
    .await;
    stack.ready(ROLL_OUT).await;
}
