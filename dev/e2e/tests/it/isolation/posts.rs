//! Posts that a token does not permit, and requests that another user has made.

use realtime_e2e::fixture::SECURED;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Issuer, ONE, SEVERAL, ids, refused, unique};

#[tokio::test]
async fn what_a_token_may_not_publish_is_not_stored_nor_what_comes_with_it() {
    SECURED
        .look(async |stack| {
            let issuer = Issuer::of(stack).await;
            let (shop, user) = (format!("shop-{}", unique()), format!("buyer-{}", unique()));
            let (orders, stock) = (format!("{shop}.orders"), format!("{shop}.stock"));
            let buyer = issuer.member(&user, &json!({"channels": ["*"], "publish": [orders]}));
            let draft = |channel: &str| json!({"message": "m", "channel": channel, "type": shop});
            let own = json!({"message": "m", "user": user, "type": shop});
            let batch = |drafts: &[Value]| json!({ "notifications": drafts });
            let key = unique();
            for (path, body, field) in [
                (ONE, draft(&stock), "channel"),
                (ONE, own.clone(), "user"),
                (SEVERAL, batch(&[draft(&orders), draft(&stock), draft(&orders)]), "notifications[1].channel"),
                (SEVERAL, batch(&[draft(&orders), own]), "notifications[1].user"),
            ] {
                let answer = buyer.send(Method::POST, path, Some(&body), Some(&key)).await;
                refused(&answer, 403, "CHANNEL_FORBIDDEN");
                assert_eq!(answer.body["field"], field);
            }
            let root = issuer.root();
            let stored = format!("{ONE}?type={shop}&channel={orders},{stock},user:{user}");
            assert_eq!(root.get(&stored).await.body, json!([]), "nothing of all that");
            // What was refused leaves no key behind.
            let answer = buyer.send(Method::POST, ONE, Some(&draft(&orders)), Some(&key)).await;
            assert_eq!((answer.status, answer.header("idempotency-replayed")), (201, ""), "{}", answer.body);
            assert_eq!(ids(&root.get(&stored).await.body), [answer.body["id"].as_str().expect("an id")]);
        })
        .await;
}

#[tokio::test]
async fn the_key_of_a_request_is_its_users_own() {
    SECURED
        .look(async |stack| {
            let issuer = Issuer::of(stack).await;
            let (channel, key) = (format!("shop-{}", unique()), unique());
            let claims = json!({"channels": [channel], "publish": [channel]});
            let [first, second] = ["first", "second"].map(|name| issuer.member(&format!("{name}-{key}"), &claims));
            let body = json!({"message": "m", "channel": channel});
            let mut posted = Vec::new();
            for member in [&first, &second] {
                let answer = member.send(Method::POST, ONE, Some(&body), Some(&key)).await;
                assert_eq!((answer.status, answer.header("idempotency-replayed")), (201, ""), "{}", answer.body);
                posted.push(answer.body);
            }
            assert_ne!(posted[0]["id"], posted[1]["id"]);
            for (member, expected) in [&first, &second].into_iter().zip(&posted) {
                let answer = member.send(Method::POST, ONE, Some(&body), Some(&key)).await;
                assert_eq!((answer.header("idempotency-replayed"), &answer.body), ("true", expected));
            }
            // Another body under a key of somebody else is nothing that was used before.
            let third = issuer.member(&format!("third-{key}"), &claims);
            let other = json!({"message": "other", "channel": channel});
            assert_eq!(third.send(Method::POST, ONE, Some(&other), Some(&key)).await.status, 201);
            refused(&first.send(Method::POST, ONE, Some(&other), Some(&key)).await, 422, "IDEMPOTENCY_KEY_REUSED");
            assert_eq!(first.pages(&format!("{ONE}?channel={channel}")).await.len(), 3);
        })
        .await;
}
