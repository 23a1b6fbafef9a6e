//! Requests about the whole service.

use realtime_e2e::fixture::SECURED;
use realtime_e2e::{Stack, tokens};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Issuer, Member, ONE, refused, unique};

const LOOKS: [&str; 3] = ["/api/stack", "/api/figures", "/api/cache-test"];

fn with_token(stack: &Stack, token: String, issuer: &Issuer) -> Member {
    Member { name: stack.name.clone(), token, api: issuer.api.clone() }
}

#[tokio::test]
async fn what_concerns_all_users_is_for_tokens_that_permit_everything() {
    SECURED
        .look(async |stack| {
            let issuer = Issuer::of(stack).await;
            let member = |claims: Value| issuer.member(&format!("one-{}", unique()), &claims);
            let (looker, clearer) = (member(json!({"channels": ["*"]})), member(json!({"publish": ["*"]})));
            let neither = member(json!({"channels": ["shop.*", "user:*"], "publish": ["*.eu", "user:*"]}));
            for path in LOOKS {
                assert_eq!(looker.get(path).await.status, 200);
                for other in [&clearer, &neither] {
                    let answer = other.ask(Method::GET, path).await;
                    refused(&answer, 403, "SERVICE_FORBIDDEN");
                    let detail = answer.body["detail"].as_str().expect("a sentence");
                    assert!(detail.ends_with("its claim channels lacks \"*\""), "{detail}");
                }
            }
            assert_eq!(clearer.ask(Method::DELETE, ONE).await.body, json!({"message": "Cache cleared"}));
            for other in [&looker, &neither] {
                let answer = other.ask(Method::DELETE, ONE).await;
                refused(&answer, 403, "SERVICE_FORBIDDEN");
                let detail = answer.body["detail"].as_str().expect("a sentence");
                assert!(detail.ends_with("its claim publish lacks \"*\""), "{detail}");
            }
        })
        .await;
}

/// The command that the console, the documentation and the example show.
#[tokio::test]
async fn the_token_of_the_documented_command_permits_everything() {
    SECURED
        .look(async |stack| {
            let issuer = Issuer::of(stack).await;
            let token = tokens::issued(stack, "me", &["--channels", "*", "--publish", "*"]).await;
            let everything = with_token(stack, token, &issuer);
            for path in LOOKS {
                everything.get(path).await;
            }
            assert_eq!(everything.ask(Method::DELETE, ONE).await.status, 200);
            let bare = with_token(stack, tokens::issued(stack, "me", &[]).await, &issuer);
            bare.get(ONE).await;
            refused(&bare.ask(Method::GET, "/api/figures").await, 403, "SERVICE_FORBIDDEN");
        })
        .await;
}
