//! Our client at a stack that asks for tokens.

use std::time::Duration;

use realtime_contract::Component;
use realtime_e2e::clients::package::Package;
use realtime_e2e::fixture::SECURED;
use realtime_e2e::tokens;
use serde_json::{Value, json};

/// What comes at once comes within this time.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long each token is good. The server speaks up 30 s before its end, so after 5 s.
const SECONDS: i64 = 35;
/// So many renewals take longer than the first token is good.
const RENEWALS: usize = 8;

const TRANSPORTS: [&str; 2] = ["socketio", "sse"];

/// The user, one for each transport: tests of both run at the same time.
fn user(transport: &str) -> String {
    format!("ann-{transport}")
}

/// Options of a client whose tokens are good for so long, one after the other.
fn options(url: &str, transport: &str, secret: &str, seconds: &[i64]) -> Value {
    let claims = json!({"sub": user(transport), "channels": ["open*"], "publish": ["open*", "user:*"]});
    json!({"url": url, "transport": transport, "retries": 0, "sign": {"secret": secret, "claims": claims, "seconds": seconds}})
}

async fn renews_its_token_without_a_cut(url: &str, transport: &str, secret: &str) {
    // The first token has ended: the server says so, and the next one is good.
    let mut client = Package::connect(&options(url, transport, secret, &[-60, SECONDS])).await;
    client.tells("expiring", RENEWALS, PATIENCE + Duration::from_secs(60)).await;
    let draft = json!({"message": "for ann", "user": user(transport)});
    let posted = client.api("publish", &[draft]).await.unwrap_or_else(|error| panic!("{error}"));
    client.arrivals.notification(posted["id"].as_str().unwrap_or_default(), PATIENCE).await;
    assert!(client.told("cut").is_empty(), "{transport}: {:?}", client.told("cut"));
    assert_eq!(client.states(), ["connecting", "connected"], "{transport}");

    let refused = client.call("subscribe", &[json!("closed")]).await.expect_err("it is not in the claims");
    assert_eq!(refused["code"], "CHANNEL_FORBIDDEN", "{transport}");
    let refused = client.api("publish", &[json!({"message": "m", "channel": "closed"})]).await;
    assert_eq!(refused.expect_err("it is not in the claims")["status"], 403, "{transport}");
    let inbox = client.api("inbox", &[json!("me")]).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(inbox["items"][0]["id"], posted["id"], "{transport}");
    assert_eq!(client.states(), ["connecting", "connected"], "{transport}");
}

async fn says_why_it_is_refused(url: &str, transport: &str, secret: &str) {
    let foreign = options(url, transport, "0123456789abcdef0123456789abcdef", &[60]);
    let mut client = Package::start(&foreign);
    let refused = client.arrivals.wait("refusal", PATIENCE, |it| it["event"] == "refused").await;
    assert_eq!(refused.data()["code"], "TOKEN_SIGNATURE", "{transport}");
    assert_eq!(client.states(), ["connecting", "closed"], "{transport}");
    let request = client.api("list", &[]).await.expect_err("the key is not that of the stack");
    assert_eq!((&request["code"], &request["status"]), (&json!("TOKEN_SIGNATURE"), &json!(401)), "{transport}");

    let mut nobody = Package::start(&json!({"url": url, "transport": transport, "retries": 0}));
    nobody.arrivals.wait("refusal", PATIENCE, |it| it["event"] == "refused").await;
    let refused = nobody.told("refused");
    assert_eq!(refused[0].data()["code"], "TOKEN_MISSING", "{transport}");

    let mut forbidden = options(url, transport, secret, &[60]);
    forbidden["channels"] = json!(["closed"]);
    let mut client = Package::start(&forbidden);
    let refused = client.arrivals.wait("refusal", PATIENCE, |it| it["event"] == "refused").await;
    assert_eq!(refused.data()["code"], "CHANNEL_FORBIDDEN", "{transport}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_client_renews_its_token_without_a_cut_and_says_why_it_is_refused() {
    SECURED
        .look(async |stack| {
            let (url, secret) = (stack.url(Component::Api).await, tokens::secret(stack).await);
            let renewing = TRANSPORTS.map(|transport| renews_its_token_without_a_cut(&url, transport, &secret));
            futures::future::join_all(renewing).await;
            for transport in TRANSPORTS {
                says_why_it_is_refused(&url, transport, &secret).await;
            }
        })
        .await;
}
