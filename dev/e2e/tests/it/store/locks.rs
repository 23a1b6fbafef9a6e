//! Requests beside rows and tables that somebody else has locked.

use std::time::{Duration, Instant};

use futures::future::join_all;
use realtime_contract::Component;
use realtime_e2e::fixture::REPLICATED;
use realtime_e2e::http::{Answer, Http};
use realtime_e2e::{Stack, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

/// What goes through Kafka is there within this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// A request is answered within 2 s, whatever is locked; the rest is for a machine that is busy.
const LIMIT: Duration = Duration::from_secs(4);
/// More than the connections that an instance has to Postgres.
const CROWD: usize = 25;

/// An inbox, and the instance that is asked for it.
struct Inbox {
    api: Http,
    user: String,
    /// Of its notifications, which are processed: nobody else has to do with their rows.
    ids: Vec<String>,
}

impl Inbox {
    async fn with(stack: &Stack, count: usize) -> Self {
        let api = Http::new(stack.pod_urls(Component::Api).await.remove(0));
        let user = format!("locked-{}", Uuid::new_v4().simple());
        let drafts = vec![json!({"message": "m", "user": user}); count];
        let request = api.request(Method::POST, "/api/notifications/batch");
        let posted = api.answer(request.json(&json!({"notifications": drafts}))).await.expect("the API answers");
        let posted = posted.body.as_array().unwrap_or_else(|| panic!("{}", posted.body)).clone();
        let ids: Vec<String> = posted.iter().map(|it| it["id"].as_str().expect("an id").to_owned()).collect();
        let processed =
            format!("SELECT count(*) FROM notifications WHERE channel = 'user:{user}' AND status = 'processed'");
        eventually("the notifications are processed", PATIENCE, async || {
            let found = stack.query(&processed).await;
            if found == count.to_string() { Ok(()) } else { Err(found) }
        })
        .await;
        Self { api, user, ids }
    }

    /// The answer to a request about it, which is there in time.
    async fn ask(&self, method: Method, path: &str) -> Answer {
        let begun = Instant::now();
        let request = self.api.request(method, &format!("/api/users/{}/notifications{path}", self.user));
        let answer = self.api.answer(request).await.expect("the API answers");
        assert!(begun.elapsed() < LIMIT, "{path} after {:?}: {}", begun.elapsed(), answer.body);
        answer
    }

    async fn read_all(&self) -> Value {
        let answer = self.ask(Method::PUT, "/read").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    async fn unread(&self) -> String {
        let answer = self.ask(Method::GET, "?limit=1").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.header("x-unread-count").to_owned()
    }

    /// How often each of its notifications was marked.
    async fn marks(&self, stack: &Stack) -> Vec<String> {
        let count =
            |id| format!("SELECT count(*) FROM events WHERE aggregate_id = '{id}' AND type = 'NotificationRead'");
        let mut marks = Vec::new();
        for id in &self.ids {
            marks.push(stack.query(&count(id)).await);
        }
        marks
    }
}

async fn run(session: &Client, statements: &str) {
    session.batch_execute(statements).await.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
}

/// Begins a transaction that holds the row.
async fn lock_row(session: &Client, id: &str) {
    run(session, &format!("BEGIN; SELECT FROM notifications WHERE id = '{id}' FOR UPDATE")).await;
}

/// How many statements like that wait for a lock.
async fn waiting(session: &Client, statement: &str) -> Result<i64, String> {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1";
    let row = session.query_one(count, &[&statement]).await.map_err(|error| format!("{error:?}"))?;
    Ok(row.get(0))
}

#[tokio::test]
async fn all_but_a_locked_notification_are_marked_and_the_answer_says_so() {
    REPLICATED
        .look(async |stack| {
            let inbox = Inbox::with(stack, 3).await;
            let session = stack.session("realtime").await;
            lock_row(&session, &inbox.ids[1]).await;
            assert_eq!(inbox.read_all().await, json!({"changed": 2, "complete": false}));
            assert_eq!(inbox.read_all().await, json!({"changed": 0, "complete": false}));
            assert_eq!(inbox.unread().await, "1");
            run(&session, "ROLLBACK").await;
            assert_eq!(inbox.read_all().await, json!({"changed": 1, "complete": true}));
            assert_eq!((inbox.unread().await.as_str(), inbox.marks(stack).await), ("0", vec!["1".to_owned(); 3]));
        })
        .await;
}

#[tokio::test]
async fn what_somebody_else_marks_meanwhile_is_waited_for_and_not_marked_again() {
    REPLICATED
        .look(async |stack| {
            let inbox = Inbox::with(stack, 3).await;
            let (session, watcher) = (stack.session("realtime").await, stack.session("realtime").await);
            run(&session, &format!("BEGIN; UPDATE notifications SET read_at = now() WHERE id = '{}'", inbox.ids[0]))
                .await;
            let release = async {
                eventually("the row is waited for", LIMIT, async || {
                    let waiting = waiting(&watcher, "%LIMIT $3 FOR UPDATE\n%").await?;
                    if waiting > 0 { Ok(()) } else { Err("nobody waits".to_owned()) }
                })
                .await;
                run(&session, "COMMIT").await;
            };
            let (first, ()) = tokio::join!(inbox.read_all(), release);
            // On a busy machine it may have been released too late; then the answer says so.
            let rest = if first["complete"] == true {
                json!({"changed": 0, "complete": true})
            } else {
                inbox.read_all().await
            };
            assert_eq!((&first["changed"], rest), (&json!(2), json!({"changed": 0, "complete": true})));
            assert_eq!(
                (inbox.unread().await.as_str(), inbox.marks(stack).await),
                ("0", ["0", "1", "1"].map(str::to_owned).to_vec())
            );
        })
        .await;
}

#[tokio::test]
async fn those_who_wait_for_a_locked_notification_keep_nobody_else_waiting() {
    REPLICATED
        .look(async |stack| {
            let inbox = Inbox::with(stack, 1).await;
            let (session, watcher) = (stack.session("realtime").await, stack.session("realtime").await);
            lock_row(&session, &inbox.ids[0]).await;
            let path = format!("/{}/read", inbox.ids[0]);
            for answer in join_all((0..CROWD).map(|_| inbox.ask(Method::PUT, &path))).await {
                assert_eq!((answer.status, &answer.body["dependency"]), (503, &json!("postgres")), "{}", answer.body);
            }
            assert_eq!(inbox.unread().await, "1", "their connections serve again");
            eventually("nobody waits for the row any more", LIMIT, async || {
                let waiting = waiting(&watcher, "%SET read_at%").await?;
                if waiting == 0 { Ok(()) } else { Err(format!("{waiting} wait")) }
            })
            .await;
            run(&session, "ROLLBACK").await;
            assert_eq!(inbox.ask(Method::PUT, &path).await.status, 200);
            assert_eq!((inbox.unread().await.as_str(), inbox.marks(stack).await), ("0", vec!["1".to_owned()]));
        })
        .await;
}

/// As the migrations of a new version lock it.
#[tokio::test]
async fn while_the_history_is_locked_posts_are_told_that_the_outcome_is_unknown_and_lists_are_read() {
    REPLICATED
        .change(async |stack| {
            let inbox = Inbox::with(stack, 1).await;
            let session = stack.session("realtime").await;
            run(&session, "BEGIN; LOCK TABLE events").await;
            let bodies: Vec<(String, Value)> = (0..CROWD)
                .map(|number| (Uuid::new_v4().to_string(), json!({"message": number.to_string(), "user": inbox.user})))
                .collect();
            let post = async |(key, body): &(String, Value)| {
                let request = inbox.api.request(Method::POST, "/api/notifications").header("idempotency-key", key);
                let begun = Instant::now();
                let answer = inbox.api.answer(request.json(body)).await.expect("the API answers");
                assert!(begun.elapsed() < LIMIT, "after {:?}: {}", begun.elapsed(), answer.body);
                (answer.status, answer.body["code"].clone())
            };
            let answers = join_all(bodies.iter().map(post)).await;
            let unknown = answers.iter().filter(|(_, code)| code == "OUTCOME_UNKNOWN").count();
            assert!(unknown > 0 && answers.iter().all(|(status, _)| *status == 503), "{answers:?}");
            assert_eq!(inbox.unread().await, "1", "the inbox is read meanwhile");
            run(&session, "ROLLBACK").await;
            for (status, code) in join_all(bodies.iter().map(post)).await {
                assert_eq!(status, 201, "{code}");
            }
            assert_eq!(inbox.unread().await, (CROWD + 1).to_string(), "each is stored once");
        })
        .await;
}
