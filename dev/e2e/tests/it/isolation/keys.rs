//! Stacks whose tokens are signed with keys that are not theirs: a set at an address, and a set in a Secret.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use realtime_access::forge::{Signer, jwk, token};
use realtime_contract::Component;
use realtime_e2e::clients::{SocketIo, Transport};
use realtime_e2e::fixture::{SECURED, secured_spec};
use realtime_e2e::http::Http;
use realtime_e2e::key_server::KeyServer;
use realtime_e2e::stack::START_LIMIT;
use realtime_e2e::{Stack, eventually, sse};
use reqwest::Method;
use serde_json::{Value, json};

/// Two Deployments replace their pods one by one.
const ROLL_OUT: Duration = Duration::from_secs(120);
/// Between two readings of an address because of an unknown key, by the documentation, and some more.
const READ_AGAIN: Duration = Duration::from_secs(30);
/// The Secret of a user.
const OWN: &str = "own-keys";

/// An algorithm, and who signs by it. The id of the key is the algorithm's name.
const SIGNERS: [(&str, Signer<'static>); 3] = [("RS256", Signer::Rsa), ("ES256", Signer::Ec), ("EdDSA", Signer::Ed)];

/// A token of user 7 for every channel, for an hour.
fn signed((algorithm, signer): (&str, Signer<'_>)) -> String {
    let end = Timestamp::now().as_second() + 3600;
    let claims = json!({"sub": "7", "exp": end, "channels": ["*"], "publish": ["*"]});
    token(&json!({"alg": algorithm, "typ": "JWT", "kid": algorithm}), &claims, signer)
}

fn public(signers: &[(&str, Signer<'_>)]) -> Vec<Value> {
    signers.iter().map(|(algorithm, signer)| jwk(*signer, Some(algorithm))).collect()
}

/// The spec of the stack with another source of keys.
fn with_key(key: &Value) -> Value {
    let mut spec = secured_spec();
    spec["security"]["auth"]["jwt"]["key"] = key.clone();
    spec
}

/// What is asked of each service with a token, and the status when that was taken. Of the parameter of the second, which cannot be meant,
/// notifications speaks once it has taken the token, and no stream opens.
const ASKED: [(Component, &str, u16); 2] =
    [(Component::Api, "/api/notifications", 200), (Component::Notifications, "/events/stream?heartbeat=none", 400)];

/// The status, and the code of a refusal.
async fn told(stack: &Stack, component: Component, path: &str, token: &str) -> Result<(u16, Value), String> {
    let service = Http::new(stack.url(component).await);
    let answer = service.answer(service.request(Method::GET, path).bearer_auth(token)).await?;
    Ok((answer.status, answer.body["code"].clone()))
}

/// Waits until both services take the token, or refuse it so.
async fn becomes(what: &str, limit: Duration, stack: &Stack, token: &str, refusal: Option<(u16, &str)>) {
    for (component, path, taken) in ASKED {
        let wanted = refusal.map_or((taken, Value::Null), |(status, code)| (status, json!(code)));
        eventually(&format!("{component}: {what}"), limit, async || {
            let told = told(stack, component, path, token).await?;
            if told == wanted { Ok(()) } else { Err(format!("{told:?}")) }
        })
        .await;
    }
}

const TAKEN: Option<(u16, &str)> = None;
/// Of the algorithm of such a token there is no key at all.
const REFUSED: Option<(u16, &str)> = Some((401, "TOKEN_ALGORITHM"));
const AWAY: Option<(u16, &str)> = Some((503, "KEYS_AWAY"));

/// Applies the spec, and waits until the pods are those of it.
async fn rolled_out(stack: &Stack, spec: &Value) {
    let before: Vec<String> = stack.pods(Component::Api).await.iter().map(ResourceExt::name_any).collect();
    stack.apply(spec).await;
    eventually("the pods are others", ROLL_OUT, async || {
        let now: Vec<String> = stack.pods(Component::Api).await.iter().map(ResourceExt::name_any).collect();
        if now.iter().any(|name| before.contains(name)) { Err(format!("{now:?}")) } else { Ok(()) }
    })
    .await;
    stack.ready(START_LIMIT).await;
}

#[tokio::test]
async fn keys_at_an_address_sign_by_each_algorithm_and_are_rotated_without_a_restart() {
    SECURED
        .change(async |stack| {
            let pod = stack.pods(Component::Api).await.remove(0);
            let pod = pod.status.and_then(|status| status.pod_ip).expect("a running pod has an address");
            let server = KeyServer::start(&pod, public(&SIGNERS[..2])).await;
            // So rarely that within this test only a key that is not known has them read again.
            rolled_out(stack, &with_key(&json!({"jwks": {"url": server.url, "refreshSeconds": 3600}}))).await;
            let [old, kept, new] = SIGNERS.map(signed);
            for token in [&old, &kept] {
                becomes("a token of a key at the address is taken", ROLL_OUT, stack, token, TAKEN).await;
            }
            by_socket_and_stream(stack, &kept).await;
            becomes("a token of no key there is refused", ROLL_OUT, stack, &new, REFUSED).await;

            server.serve(Some(public(&SIGNERS[1..])));
            let (rotated, before) = (Instant::now(), stack.pods(Component::Api).await);
            becomes("a token of the new key is taken", READ_AGAIN, stack, &new, TAKEN).await;
            eprintln!("the new key was known after {:?}", rotated.elapsed());
            becomes("a token of the old key is refused", READ_AGAIN, stack, &old, REFUSED).await;
            becomes("a token of the key that stayed is taken", READ_AGAIN, stack, &kept, TAKEN).await;

            server.serve(None);
            // It was read for the old token just now, or is not there: it cannot be said that nobody has that key.
            becomes("without keys to read", READ_AGAIN, stack, &old, AWAY).await;
            for token in [&new, &kept] {
                for (component, path, taken) in ASKED {
                    assert_eq!(
                        told(stack, component, path, token).await,
                        Ok((taken, Value::Null)),
                        "the last keys count"
                    );
                }
            }
            let names =
                |pods: &[k8s_openapi::api::core::v1::Pod]| pods.iter().map(ResourceExt::name_any).collect::<Vec<_>>();
            assert_eq!(names(&stack.pods(Component::Api).await), names(&before), "no pod was replaced");
        })
        .await;
}

/// The same token by Socket.IO, and by a stream of server-sent events with its ticket.
async fn by_socket_and_stream(stack: &Stack, token: &str) {
    let api = stack.api().await;
    let auth = json!({"token": token});
    let client = SocketIo { url: &api.base, transport: Transport::WebSocket, auth: Some(&auth), resumes: false };
    let mut socket = client.connect().await;
    let ticket = api.answer(api.request(Method::POST, "/api/tickets").bearer_auth(token)).await.expect("an answer");
    let ticket = ticket.body["ticket"].as_str().expect("a ticket");
    let mut stream = sse::listen(&format!("{}/api/sse/notifications?ticket={ticket}", api.base), None).await;
    let body = json!({"message": "signed elsewhere"});
    let posted = api.request(Method::POST, "/api/notifications").bearer_auth(token).json(&body);
    let posted = api.answer(posted).await.expect("an answer").body;
    let id = posted["id"].as_str().unwrap_or_else(|| panic!("{posted}"));
    socket.arrivals.notification(id, READ_AGAIN).await;
    stream.notification(id, READ_AGAIN).await;
}

/// Writes the Secret of the user: a set of keys.
async fn keep(stack: &Stack, keys: &[Value]) {
    let secrets = stack.objects::<Secret>();
    let text = ByteString(json!({ "keys": keys }).to_string().into_bytes());
    if secrets.get_opt(OWN).await.expect("the API server answers").is_some() {
        let patch = Patch::Merge(json!({"data": {"jwks.json": text}}));
        secrets.patch(OWN, &PatchParams::default(), &patch).await.expect("the Secret can be changed");
        return;
    }
    let labels = BTreeMap::from([("realtimestack.io/reload".to_owned(), "true".to_owned())]);
    let metadata = ObjectMeta { name: Some(OWN.to_owned()), labels: Some(labels), ..ObjectMeta::default() };
    let data = Some(BTreeMap::from([("jwks.json".to_owned(), text)]));
    let secret = Secret { metadata, data, ..Secret::default() };
    secrets.create(&PostParams::default(), &secret).await.expect("the Secret can be created");
}

#[tokio::test]
async fn keys_in_a_secret_of_a_user_are_those_of_the_stack_until_it_is_changed() {
    SECURED
        .change(async |stack| {
            let shared = b"a secret of the user's own, long enough".as_slice();
            let by_secret = signed(("HS256", Signer::Secret(shared)));
            keep(stack, &[public(&SIGNERS[..1]), vec![jwk(Signer::Secret(shared), Some("HS256"))]].concat()).await;
            rolled_out(stack, &with_key(&json!({"secret": {"name": OWN}}))).await;
            let [old, _, new] = SIGNERS.map(signed);
            for token in [&old, &by_secret] {
                becomes("a token of a key in the Secret is taken", ROLL_OUT, stack, token, TAKEN).await;
            }
            becomes("a token of no key there is refused", ROLL_OUT, stack, &new, REFUSED).await;

            keep(stack, &public(&SIGNERS[2..])).await;
            for token in [&old, &by_secret] {
                becomes("a token of an old key is refused", ROLL_OUT, stack, token, REFUSED).await;
            }
            becomes("a token of the new key is taken", ROLL_OUT, stack, &new, TAKEN).await;
            stack.ready(ROLL_OUT).await;
        })
        .await;
}
