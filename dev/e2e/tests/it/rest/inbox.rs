//! Inboxes of users.

use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::http::{Answer, Http};
use realtime_e2e::sse;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ONE, PATIENCE, SEVERAL, accepted, batch, get, ids, list, pages, send, text, unique};

struct Inbox<'a> {
    api: &'a Http,
    path: String,
}

impl<'a> Inbox<'a> {
    fn of(api: &'a Http, user: &str) -> Self {
        Self { api, path: format!("/api/users/{user}/notifications") }
    }

    async fn page(&self, query: &str) -> Answer {
        get(self.api, &format!("{}{query}", self.path)).await
    }

    async fn unread(&self) -> String {
        self.page("?limit=1").await.header("x-unread-count").to_owned()
    }

    async fn mark(&self, method: Method, id: &str) -> Answer {
        send(self.api, method, &format!("{}/{id}/read", self.path)).await
    }

    async fn read_all(&self) -> Value {
        let answer = send(self.api, Method::PUT, &format!("{}/read", self.path)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }
}

/// Posts notifications to the user; their ids, newest first.
async fn fill(api: &Http, user: &str, count: usize) -> Vec<String> {
    let drafts = vec![json!({"message": "m", "user": user}); count];
    let answer = accepted(api, SEVERAL, &batch(&drafts)).await;
    list(&answer).iter().rev().map(|entry| text(entry, "id").to_owned()).collect()
}

#[tokio::test]
async fn an_inbox_tells_what_its_user_has_read() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let user = unique("auth0|u");
            let inbox = Inbox::of(&api, &user.replace('|', "%7C"));
            assert_eq!((inbox.page("").await.body, inbox.unread().await.as_str()), (json!([]), "0"));
            let posted = fill(&api, &user, 5).await;
            let (all, count) = pages(&api, &format!("{}?limit=2", inbox.path)).await;
            assert!(all.iter().all(|entry| entry["readAt"].is_null()), "{all:?}");
            assert_eq!((ids(&Value::from(all)), count), (posted.iter().map(String::as_str).collect(), 3));
            assert_eq!(inbox.unread().await, "5");

            let read = inbox.mark(Method::PUT, &posted[1]).await;
            let first = text(&read.body, "readAt").to_owned();
            assert_eq!((read.status, text(&read.body, "id")), (200, posted[1].as_str()));
            let again = inbox.mark(Method::PUT, &posted[1]).await;
            assert_eq!(text(&again.body, "readAt"), first, "marked once");
            assert_eq!(inbox.unread().await, "4");
            assert_eq!(ids(&inbox.page("?read=true").await.body), [posted[1].as_str()]);
            assert_eq!(ids(&inbox.page("?read=false&limit=1").await.body), [posted[0].as_str()]);

            let unread = inbox.mark(Method::DELETE, &posted[1]).await;
            assert_eq!((unread.status, &unread.body["readAt"]), (200, &Value::Null));
            assert_eq!(inbox.unread().await, "5");
            assert_eq!(inbox.read_all().await, json!({"changed": 5, "complete": true}));
            assert_eq!(inbox.read_all().await, json!({"changed": 0, "complete": true}));
            assert_eq!(inbox.unread().await, "0");
            let history = get(&api, &format!("{ONE}/{}/events", posted[1])).await.body;
            let kinds = list(&history).iter().map(|event| text(event, "type"));
            let marks: Vec<&str> = kinds.filter(|kind| kind.ends_with("ead")).collect();
            assert_eq!(marks, ["NotificationRead", "NotificationUnread", "NotificationRead"], "{history}");
        })
        .await;
}

#[tokio::test]
async fn more_than_a_thousand_are_read_at_once() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let user = unique("many");
            for _ in 0..11 {
                fill(&api, &user, 100).await;
            }
            let inbox = Inbox::of(&api, &user);
            assert_eq!(inbox.unread().await, "1000+");
            let mut changed = 0;
            // There may not be time for all of them on a machine that is busy; then the answer says so.
            loop {
                let answer = inbox.read_all().await;
                changed += answer["changed"].as_u64().expect("a number");
                if answer["complete"] == true {
                    break;
                }
            }
            assert_eq!((changed, inbox.unread().await.as_str()), (1_100, "0"));
        })
        .await;
}

#[tokio::test]
async fn what_is_not_in_the_inbox_cannot_be_marked() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let [user, other] = ["u", "v"].map(unique);
            let posted = fill(&api, &other, 1).await;
            let public = accepted(&api, ONE, &json!({"message": "m"})).await;
            let inbox = Inbox::of(&api, &user);
            for id in [posted[0].as_str(), text(&public, "id"), &Uuid::new_v4().to_string()] {
                for method in [Method::PUT, Method::DELETE] {
                    assert_eq!(inbox.mark(method, id).await.status, 404, "{id}");
                }
            }
            assert_eq!(Inbox::of(&api, &other).unread().await, "1");
        })
        .await;
}

#[tokio::test]
async fn a_notification_to_a_user_is_heard_by_who_names_his_channel_alone() {
    REPLICATED
        .look(async |stack| {
            let api = stack.api().await;
            let user = unique("u");
            let stream = format!("{}/api/sse/notifications", api.base);
            let mut named = sse::listen(&format!("{stream}?channels=user:{user}"), None).await;
            let mut all = sse::listen(&stream, None).await;
            let posted = accepted(&api, ONE, &json!({"message": "for you", "user": user})).await;
            let arrival = named.notification(text(&posted, "id"), PATIENCE).await;
            assert_eq!(arrival.data()["channel"], format!("user:{user}"));
            // It stands behind the other one in the feed, which everybody is told in order.
            let public = accepted(&api, ONE, &json!({"message": "for all"})).await;
            all.notification(text(&public, "id"), PATIENCE).await;
            assert!(all.seen().iter().all(|arrival| arrival.data()["id"] != posted["id"]), "{:?}", all.seen());
            assert!(named.seen().iter().all(|arrival| arrival.data()["id"] != public["id"]));
        })
        .await;
}
