//! Inboxes of other users, and what of them was read.

use realtime_e2e::fixture::SECURED;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Issuer, Member, ONE, ids, refused, unique};

/// The user whose inbox the others want, and a notification that is in it.
struct Owner {
    member: Member,
    path: String,
    id: String,
}

impl Owner {
    async fn new(issuer: &Issuer) -> Self {
        let member = issuer.member(&format!("owner-{}", unique()), &json!({}));
        let channel = format!("user:{}", member.name);
        let posted = issuer.root().post_to(&[channel], "info").await;
        let path = format!("/api/users/{}/notifications", member.name);
        Self { id: posted.0[0].0.clone(), path, member }
    }

    /// Marks one as read, as unread, and all as read.
    fn marks(&self) -> [(Method, String); 3] {
        let one = format!("{}/{}/read", self.path, self.id);
        [(Method::PUT, one.clone()), (Method::DELETE, one), (Method::PUT, format!("{}/read", self.path))]
    }

    /// Demands that the inbox has the one notification, and nobody has marked it.
    async fn is_untouched(&self) {
        let inbox = self.member.get(&self.path).await;
        assert_eq!((ids(&inbox.body), &inbox.body[0]["readAt"]), (vec![self.id.clone()], &Value::Null));
        assert_eq!(inbox.header("x-unread-count"), "1");
        let history = self.member.get(&format!("{ONE}/{}/events", self.id)).await.body;
        let kinds = history.as_array().expect("a list").iter().map(|event| event["type"].as_str().expect("a type"));
        assert!(
            kinds.clone().all(|kind| kind == "NotificationCreated" || kind == "NotificationProcessed"),
            "{history}"
        );
    }
}

#[tokio::test]
async fn the_inbox_of_another_user_is_neither_read_nor_marked() {
    SECURED
        .look(async |stack| {
            let issuer = Issuer::of(stack).await;
            let owner = Owner::new(&issuer).await;
            for claims in [json!({}), json!({"channels": ["*"], "publish": ["*", "user:*"]})] {
                let other = issuer.member(&format!("other-{}", unique()), &claims);
                refused(&other.ask(Method::GET, &owner.path).await, 403, "USER_FORBIDDEN");
                for (method, path) in owner.marks() {
                    refused(&other.ask(method, &path).await, 403, "USER_FORBIDDEN");
                }
                assert_eq!(other.get("/api/users/me/notifications").await.body, json!([]), "its own");
                // By an inbox of one's own the notification of another is not there.
                for method in [Method::PUT, Method::DELETE] {
                    let path = format!("/api/users/me/notifications/{}/read", owner.id);
                    assert_eq!(other.ask(method, &path).await.status, 404);
                }
            }
            owner.is_untouched().await;
        })
        .await;
}

#[tokio::test]
async fn who_may_only_read_the_inbox_of_another_user_marks_nothing_in_it() {
    SECURED
        .look(async |stack| {
            let issuer = Issuer::of(stack).await;
            let owner = Owner::new(&issuer).await;
            let reader = issuer.member(&format!("reader-{}", unique()), &json!({"channels": ["user:owner-*"]}));
            assert_eq!(ids(&reader.get(&owner.path).await.body), [owner.id.as_str()]);
            for (method, path) in owner.marks() {
                refused(&reader.ask(method, &path).await, 403, "USER_FORBIDDEN");
            }
            owner.is_untouched().await;

            let channel = json!([format!("user:{}", owner.member.name)]);
            let keeper =
                issuer.member(&format!("keeper-{}", unique()), &json!({"channels": channel, "publish": channel}));
            for (method, path) in owner.marks() {
                assert_eq!(keeper.ask(method, &path).await.status, 200, "{path}");
            }
            let inbox = owner.member.get(&owner.path).await;
            assert!(inbox.body[0]["readAt"].is_string(), "{}", inbox.body);
        })
        .await;
}

#[tokio::test]
async fn users_mark_what_is_in_their_own_inbox() {
    SECURED
        .look(async |stack| {
            let issuer = Issuer::of(stack).await;
            let owner = Owner::new(&issuer).await;
            let [read, unread, all] = owner.marks();
            assert!(owner.member.ask(read.0, &read.1).await.body["readAt"].is_string());
            assert_eq!(owner.member.ask(unread.0, &unread.1).await.body["readAt"], Value::Null);
            let marked = owner.member.ask(all.0, &all.1.replace(&owner.member.name, "me")).await;
            assert_eq!(marked.body, json!({"changed": 1, "complete": true}));
        })
        .await;
}
