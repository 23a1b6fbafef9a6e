//! Scenarios against an API server that holds Secrets.

mod token_key;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use k8s_openapi::ByteString;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::{Error, References, dereference};
use crate::controller::fixtures::stack;
use crate::controller::observed::Observed;
use crate::controller::stack::CredentialKey;

/// What the API server holds, and what it was asked to write.
#[derive(Default)]
struct Server {
    secrets: BTreeMap<String, Value>,
    /// The Secret that another writer makes just before our first write of it comes.
    faster: Option<Value>,
    writes: Vec<(Method, Value)>,
}

type Shared = Arc<Mutex<Server>>;

fn api_server(secrets: impl IntoIterator<Item = Value>, faster: Option<Value>) -> (Client, Shared) {
    let secrets = secrets.into_iter().map(|secret| (name_of(&secret), secret)).collect();
    let server = Arc::new(Mutex::new(Server { secrets, faster, writes: Vec::new() }));
    let shared = Arc::clone(&server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let shared = Arc::clone(&shared);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let (status, answer) = if parts.uri.path().contains("/secrets") {
                let body = serde_json::from_slice(&body).unwrap_or_default();
                shared.lock().unwrap().answer(&parts.method, parts.uri.path(), &body)
            } else {
                refusal(StatusCode::NOT_FOUND)
            };
            let response = Response::builder().status(status);
            Ok::<_, Infallible>(response.body(Body::from(answer.to_string().into_bytes())).unwrap())
        }
    });
    (Client::new(service, "default"), server)
}

impl Server {
    fn answer(&mut self, method: &Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let name = if method == Method::POST { name_of(body) } else { path.rsplit('/').next().unwrap().to_owned() };
        let held = self.secrets.get(&name).cloned();
        if method == Method::GET {
            return held.map_or_else(|| refusal(StatusCode::NOT_FOUND), |it| (StatusCode::OK, it));
        }
        self.writes.push((method.clone(), body.clone()));
        if let Some(faster) = self.faster.take_if(|faster| name_of(faster) == name) {
            self.secrets.insert(name, faster);
            return refusal(StatusCode::CONFLICT);
        }
        let mut secret = held.unwrap_or_else(|| body.clone());
        for (key, value) in body["stringData"].as_object().unwrap() {
            secret["data"][key] = encoded(value.as_str().unwrap());
        }
        self.secrets.insert(name, secret.clone());
        (StatusCode::OK, secret)
    }
}

fn name_of(secret: &Value) -> String {
    secret["metadata"]["name"].as_str().unwrap().to_owned()
}

fn refusal(status: StatusCode) -> (StatusCode, Value) {
    let reason = if status == StatusCode::NOT_FOUND { "NotFound" } else { "Conflict" };
    let answer = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": reason, "code": status.as_u16()});
    (status, answer)
}

fn encoded(text: &str) -> Value {
    serde_json::to_value(ByteString(text.as_bytes().to_vec())).unwrap()
}

/// A Secret of the stack `demo` with these keys; each value is its key's name.
fn secret(keys: &[CredentialKey]) -> Value {
    let data: serde_json::Map<_, _> = keys.iter().map(|key| (key.name().to_owned(), encoded(key.name()))).collect();
    json!({
        "apiVersion": "v1", "kind": "Secret", "data": data,
        "metadata": {"name": "demo-credentials", "namespace": "rt", "resourceVersion": "7", "labels": {
            "app.kubernetes.io/name": "realtime-stack", "app.kubernetes.io/instance": "demo",
        }},
    })
}

/// The keys of a stack that an older operator made.
const OLDER: [CredentialKey; 4] =
    [CredentialKey::Redis, CredentialKey::Kafka, CredentialKey::KafkaBroker, CredentialKey::Postgres];

const PAUSED: &str = "{operation: {reconciliation: Paused}}";

async fn run(client: &Client, spec: &str) -> Result<References, Error> {
    dereference(client, &stack(spec), &Observed::default()).await
}

fn hash(value: &str) -> String {
    crate::hash::short_hash(value.as_bytes())
}

#[tokio::test]
async fn a_new_stack_gets_every_key() {
    let (client, server) = api_server(None, None);
    let references = run(&client, "{}").await.unwrap();
    assert!(references.credentials.keys().eq(CredentialKey::ALL.iter()));
    let writes = std::mem::take(&mut server.lock().unwrap().writes);
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].0, Method::POST);
    for key in CredentialKey::ALL {
        assert_eq!(writes[0].1["stringData"][key.name()].as_str().map(str::len), Some(64), "{}", key.name());
    }
}

#[tokio::test]
async fn a_secret_of_an_older_stack_gets_the_key_for_cursors_and_keeps_the_others() {
    let (client, server) = api_server(Some(secret(&OLDER)), None);
    let references = run(&client, "{}").await.unwrap();
    let writes = std::mem::take(&mut server.lock().unwrap().writes);
    assert_eq!(writes.len(), 1);
    let added = writes[0].1["stringData"]["cursor-key"].as_str().unwrap();
    assert_eq!(added.len(), 64);
    let patch = json!({"metadata": {"resourceVersion": "7"}, "stringData": {"cursor-key": added}});
    assert_eq!(writes[0], (Method::PATCH, patch));
    for key in OLDER {
        assert_eq!(references.credentials[&key], hash(key.name()));
    }
    assert_eq!(references.credentials[&CredentialKey::Cursor], hash(added));
    run(&client, "{}").await.unwrap();
    assert!(server.lock().unwrap().writes.is_empty(), "added once, it stays");
}

#[tokio::test]
async fn of_two_that_add_the_key_the_first_counts() {
    let (client, _) = api_server(Some(secret(&OLDER)), Some(secret(&CredentialKey::ALL)));
    let references = run(&client, "{}").await.unwrap();
    assert_eq!(references.credentials[&CredentialKey::Cursor], hash("cursor-key"));
}

#[tokio::test]
async fn a_missing_password_is_not_made_up() {
    let (client, server) = api_server(Some(secret(&[CredentialKey::Redis, CredentialKey::Cursor])), None);
    let error = run(&client, "{}").await.unwrap_err();
    assert!(matches!(error, Error::FindKey { key: "kafka-password", .. }), "{error}");
    assert!(server.lock().unwrap().writes.is_empty());
}

#[tokio::test]
async fn a_secret_of_somebody_else_gets_no_key() {
    let mut foreign = secret(&OLDER);
    foreign["metadata"]["labels"] = json!({});
    let (client, server) = api_server(Some(foreign), None);
    let error = run(&client, "{}").await.unwrap_err();
    assert!(matches!(error, Error::FindKey { key: "cursor-key", .. }), "{error}");
    assert!(server.lock().unwrap().writes.is_empty());
}

#[tokio::test]
async fn a_paused_stack_writes_no_credentials_and_is_not_refused() {
    for held in [None, Some(secret(&OLDER))] {
        let expected = held.as_ref().map_or(0, |_| OLDER.len());
        let (client, server) = api_server(held, None);
        assert_eq!(run(&client, PAUSED).await.unwrap().credentials.len(), expected);
        assert!(server.lock().unwrap().writes.is_empty());
    }
}
