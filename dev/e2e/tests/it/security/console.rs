//! The page where tokens are asked for, in Chromium.

use realtime_contract::Component;
use realtime_e2e::console::Console;
use realtime_e2e::fixture::SECURED;
use realtime_e2e::{Stack, tokens};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{EVERYTHING, posted};
use crate::console::{WAYS, choose};

/// How long a token is good that ends while somebody looks: the page is told of its end 30 s before.
const SECONDS: i64 = 50;

/// Opens the page of that name without a token, and demands that it asks for one.
async fn opened(console: &mut Console, page: &str, window: &Value) {
    let mut window = window.clone();
    window["status"] = "refused".into();
    console.ask("open", page, &window).await;
    let gate = console.ask("gate", page, &json!({"why": "a token is needed"})).await;
    assert_eq!(gate["heading"], "This stack asks for a token", "{gate}");
    assert_eq!(gate["kind"], "password", "nobody reads it from the screen: {gate}");
    let command = gate["command"].as_str().unwrap_or_default();
    assert!(command.contains("/realtime-api token --sub me --channels '*' --publish '*' --hours 1"), "{gate}");
}

async fn sign_in(console: &mut Console, page: &str, token: &str) {
    console.ask("signIn", page, &json!({"token": token})).await;
}

/// Both ways of listening, one after the other.
async fn hears_by_both_transports(console: &mut Console, page: &str, stack: &Stack, token: &str) {
    for way in WAYS {
        choose(console, page, way).await;
        let message = format!("heard by {} with a token", way.0);
        let id = posted(stack, token, &json!({"message": message})).await;
        let item = console.ask("item", page, &json!({"id": id})).await;
        assert!(item["text"].as_str().is_some_and(|text| text.contains(&message)), "{item}");
        assert_eq!(item["way"], "live", "{item}");
    }
}

/// The inbox of the token's user, on the page and in the store.
async fn reads_what_was_sent_to_him(console: &mut Console, page: &str, stack: &Stack, (user, token): (&str, &str)) {
    let sender = tokens::issued(stack, "sender", &["--publish", "user:*"]).await;
    let message = format!("for {user} alone");
    let id = posted(stack, &sender, &json!({"message": message, "user": user})).await;
    let letter = console.ask("letter", page, &json!({"id": id, "read": false})).await;
    assert!(letter["text"].as_str().is_some_and(|text| text.contains(&message)), "{letter}");
    assert_eq!(stored(stack, token).await, (json!(id), true, "1".to_owned()));
    console.ask("mark", page, &json!({"id": id})).await;
    let letter = console.ask("letter", page, &json!({"id": id, "read": true})).await;
    assert!(letter["note"].as_str().is_some_and(|note| note.contains("0 unread")), "{letter}");
    assert_eq!(stored(stack, token).await, (json!(id), false, "0".to_owned()));
}

/// The newest of the token's user: its id, whether it was not read, and how many were not.
async fn stored(stack: &Stack, token: &str) -> (Value, bool, String) {
    let api = stack.api().await;
    let request = api.request(Method::GET, "/api/users/me/notifications").bearer_auth(token);
    let answer = api.answer(request).await.expect("an answer");
    let newest = &answer.body[0];
    (newest["id"].clone(), newest["readAt"].is_null(), answer.header("x-unread-count").to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_asks_for_a_token_and_shows_its_user_what_he_may_hear() {
    SECURED
        .look(async |stack| {
            let mut console = Console::start(&stack.url(Component::Api).await);
            let user = format!("reader-{}", &Uuid::new_v4().simple().to_string()[..8]);
            let token = tokens::issued(stack, &user, &EVERYTHING).await;
            for (page, window) in [
                ("light", json!({})),
                ("dark", json!({"scheme": "dark"})),
                ("phone", json!({"width": 360, "height": 800})),
                ("phone-dark", json!({"width": 360, "height": 800, "scheme": "dark"})),
            ] {
                opened(&mut console, page, &window).await;
                console.is_sound(page, &format!("console-token-asked-{page}")).await;
                sign_in(&mut console, page, &token).await;
                if page == "light" {
                    hears_by_both_transports(&mut console, page, stack, &token).await;
                    reads_what_was_sent_to_him(&mut console, page, stack, (&user, &token)).await;
                }
                console.ask("components", page, &json!({})).await;
                console.is_sound(page, &format!("console-signed-in-{page}")).await;
            }
            console.close().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_says_that_its_token_expires_and_then_asks_for_another_one() {
    SECURED
        .look(async |stack| {
            let secret = tokens::secret(stack).await;
            let mut console = Console::start(&stack.url(Component::Api).await);
            for (page, _) in WAYS {
                opened(&mut console, page, &json!({})).await;
            }
            let token = tokens::signed(&secret, "guest", SECONDS);
            for way in WAYS {
                sign_in(&mut console, way.0, &token).await;
                choose(&mut console, way.0, way).await;
            }
            for (page, _) in WAYS {
                let notice = console.ask("expiry", page, &json!({})).await;
                assert!(notice.as_str().is_some_and(|text| text.starts_with("The token expires at ")), "{notice}");
                console.is_sound(page, &format!("console-expiring-{}", page.replace('.', ""))).await;
            }
            for (page, _) in WAYS {
                console.ask("gate", page, &json!({"why": "the token has expired"})).await;
                sign_in(&mut console, page, &tokens::signed(&secret, "guest", 600)).await;
            }
            console.close().await;
        })
        .await;
}
