//! What clients show is in no log of the stack, nor of the operator, though API and notifications tell of each request.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::Component;
use realtime_e2e::clients::{SocketIo, Transport};
use realtime_e2e::cluster::{OPERATOR, OPERATOR_NAMESPACE};
use realtime_e2e::fixture::SECURED;
use realtime_e2e::http::Http;
use realtime_e2e::{Stack, eventually, kubectl, tokens};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use uuid::Uuid;

use super::{EVERYTHING, PATIENCE, ticket};

/// What was said is in the log of a pod this soon.
const WRITTEN: Duration = Duration::from_secs(30);

/// How each token and ticket of the platform begins: `{"alg":` and `{"typ":`, in base64.
const BEGINNINGS: [&str; 2] = ["eyJhbGciO", "eyJ0eXAiO"];

/// What the test shows, and whether it opens a stream.
struct Shown {
    what: &'static str,
    text: String,
    /// In the header of a request.
    is_token: bool,
    /// In the query or the cookie of a stream.
    is_ticket: bool,
}

fn bad(what: &'static str, text: String) -> Shown {
    Shown { what, text, is_token: false, is_ticket: false }
}

/// Good ones, and one for most refusals.
async fn shown(stack: &Stack, api: &Http) -> Vec<Shown> {
    let token = tokens::issued(stack, "logs", &EVERYTHING).await;
    let secret = tokens::secret(stack).await;
    let ticket = ticket(api, &token).await;
    let cut_off = |text: &str| format!("{}.{}", text.rsplit_once('.').expect("three parts").0, "A".repeat(43));
    let claims = json!({"sub": "logs", "exp": 4_000_000_000_u64, "channels": ["*"]});
    let unsigned = tokens::with_header(&json!({"alg": "none"}), &claims, &secret);
    let elsewhere = json!({"alg": "RS256", "kid": "of-nobody"});
    vec![
        bad("of a foreign key", tokens::signed("0123456789abcdef0123456789abcdef", "logs", 600)),
        bad("expired", tokens::signed(&secret, "logs", -600)),
        bad("signed by nobody", unsigned.rsplit_once('.').expect("three parts").0.to_owned() + "."),
        bad("of an unknown key", tokens::with_header(&elsewhere, &claims, &secret)),
        bad("of no user", tokens::signed(&secret, "", 600)),
        bad("with another signature", cut_off(&token)),
        bad("a ticket with another signature", cut_off(&ticket)),
        Shown { what: "a token", text: token, is_token: true, is_ticket: false },
        Shown { what: "a ticket", text: ticket, is_token: false, is_ticket: true },
    ]
}

/// Makes the request, reads nothing of a stream, and demands that it was opened, or refused.
async fn opens(request: RequestBuilder, opened: bool, what: &str) {
    let answer = request.send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let status = answer.status().as_u16();
    assert!(if opened { [200, 201].contains(&status) } else { status == 401 }, "{what}: {status}");
}

/// Shows it in every way that there is.
async fn show(api: &Http, notifications: &Http, shown: &Shown) {
    let Shown { what, text, is_token, is_ticket } = shown;
    for (method, path) in [(Method::GET, "/api/notifications"), (Method::POST, "/api/tickets")] {
        opens(api.request(method, path).bearer_auth(text), *is_token, what).await;
    }
    let body = json!({"message": "m"});
    opens(api.request(Method::POST, "/api/notifications").bearer_auth(text).json(&body), *is_token, what).await;
    for (service, path) in [(api, "/api/sse/notifications"), (notifications, "/events/stream")] {
        opens(service.request(Method::GET, path).bearer_auth(text), *is_token, what).await;
        opens(service.request(Method::GET, &format!("{path}?ticket={text}")), *is_ticket, what).await;
        let cookie = format!("realtime_ticket={text}");
        opens(service.request(Method::GET, path).header("cookie", cookie), *is_ticket, what).await;
    }
    for transport in [Transport::WebSocket, Transport::Polling] {
        let auth = json!({"token": text});
        let mut client = SocketIo { url: &api.base, transport, auth: Some(&auth), resumes: false }.start();
        let word = if *is_token { "connected" } else { "connect_error" };
        client.arrivals.wait(&format!("{word} for {what}"), PATIENCE, |it| it["event"] == word).await;
        if *is_token {
            let answer = client.ask("refresh", &[json!(text)]).await;
            assert_eq!(answer[0]["status"], "ok", "{answer:?}");
        }
    }
}

/// What every pod of the stack has logged, and the operator.
async fn logged(stack: &Stack) -> Vec<(String, String)> {
    let pods = stack.labelled::<Pod>().await;
    let names = pods.iter().map(|pod| (stack.namespace.as_str(), format!("pod/{}", pod.name_any())));
    let operator = (OPERATOR_NAMESPACE, format!("deployment/{OPERATOR}"));
    stream::iter(names.chain([operator]))
        .then(async |(namespace, name)| {
            let text = kubectl::run(&["logs", "--namespace", namespace, &name, "--all-containers", "--tail=-1"]).await;
            (name, text)
        })
        .collect()
        .await
}

/// The first line with that text, and whose it is.
fn line_with<'a>(logs: &'a [(String, String)], text: &str) -> Option<(&'a str, &'a str)> {
    logs.iter().find_map(|(name, log)| Some((name.as_str(), log.lines().find(|line| line.contains(text))?)))
}

/// Makes a request of a trace of its own with that token: what was logged before stands above its line.
async fn traced(service: &Http, path: &str, token: &str) -> String {
    let trace = Uuid::new_v4().simple().to_string();
    let parent = format!("00-{trace}-{}-01", &Uuid::new_v4().simple().to_string()[..16]);
    opens(service.request(Method::GET, path).bearer_auth(token).header("traceparent", parent), true, path).await;
    trace
}

#[tokio::test]
async fn no_token_and_no_ticket_is_in_a_log_of_the_stack_or_the_operator() {
    SECURED
        .look(async |stack| {
            let api = stack.api().await;
            let notifications = Http::new(stack.url(Component::Notifications).await);
            let shown = shown(stack, &api).await;
            for each in &shown {
                show(&api, &notifications, each).await;
            }
            let token = &shown.iter().find(|it| it.is_token).expect("one is good").text;
            let last = [
                traced(&api, "/api/notifications", token).await,
                traced(&notifications, "/events/stream", token).await,
            ];
            let logs = eventually("the last requests are in the logs", WRITTEN, async || {
                let logs = logged(stack).await;
                let missing = last.iter().find(|trace| line_with(&logs, trace).is_none());
                missing.map_or(Ok(logs), |trace| Err(format!("trace {trace}")))
            })
            .await;
            assert!(
                logs.iter().any(|(name, log)| name.contains(OPERATOR) && !log.is_empty()),
                "the operator is silent"
            );
            for beginning in BEGINNINGS {
                assert_eq!(line_with(&logs, beginning), None, "a token or a ticket");
            }
            for Shown { what, text, .. } in &shown {
                // Each part alone, too: payload and signature.
                for part in text.split('.').filter(|part| part.len() > 8) {
                    assert_eq!(line_with(&logs, part), None, "{what}");
                }
            }
            assert_eq!(line_with(&logs, &tokens::secret(stack).await), None, "the secret that tokens are signed with");
        })
        .await;
}
