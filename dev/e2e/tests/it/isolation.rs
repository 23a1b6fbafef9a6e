//! Who has a token, signed with whatever key, gets what it permits, and the rest is not there for him: lists, single notifications, histories,
//! inboxes, posts, and requests about the whole service.

mod inboxes;
mod keys;
mod lists;
mod posts;
mod service;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use realtime_e2e::http::{Answer, Http};
use realtime_e2e::{Stack, tokens};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// What goes through Kafka is there within this time.
const PATIENCE: Duration = Duration::from_secs(30);

const ONE: &str = "/api/notifications";
const SEVERAL: &str = "/api/notifications/batch";

/// A text that is in no name of another test.
fn unique() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A user of a stack.
#[derive(Clone, Debug)]
struct Member {
    name: String,
    token: String,
    api: Http,
}

/// Who makes tokens for a stack.
struct Issuer {
    secret: String,
    api: Http,
}

impl Issuer {
    async fn of(stack: &Stack) -> Self {
        Self { secret: tokens::secret(stack).await, api: stack.api().await }
    }

    /// A user of that name, for an hour, with those claims beside.
    fn member(&self, name: &str, claims: &Value) -> Member {
        let mut all = json!({"sub": name, "exp": Timestamp::now().as_second() + 3600});
        let more = claims.as_object().expect("claims by name").clone();
        all.as_object_mut().expect("an object").extend(more);
        let token = tokens::with_header(&json!({"alg": "HS256", "typ": "JWT"}), &all, &self.secret);
        Member { name: name.to_owned(), token, api: self.api.clone() }
    }

    /// One who may hear, read and publish everything, also of users.
    fn root(&self) -> Member {
        let everything = json!(["*", "user:*"]);
        self.member(&format!("root-{}", unique()), &json!({"channels": everything, "publish": everything}))
    }
}

impl Member {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>, key: Option<&str>) -> Answer {
        let mut request = self.api.request(method, path).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.api.answer(request).await.expect("the API answers")
    }

    async fn ask(&self, method: Method, path: &str) -> Answer {
        self.send(method, path, None, None).await
    }

    /// What it reads, which it may.
    async fn get(&self, path: &str) -> Answer {
        let answer = self.ask(Method::GET, path).await;
        assert_eq!(answer.status, 200, "{path} by {}: {}", self.name, answer.body);
        answer
    }

    /// Ids of all pages from that path on.
    async fn pages(&self, path: &str) -> Vec<String> {
        let (mut found, mut path) = (Vec::new(), Some(path.to_owned()));
        while let Some(page) = path {
            let answer = self.get(&page).await;
            found.extend(ids(&answer.body));
            path = next(&answer);
        }
        found
    }

    /// Posts one for each of those channels, and gives their ids by channel, and in the order in which lists have them.
    async fn post_to(&self, channels: &[String], kind: &str) -> Posted {
        let draft = |channel: &String| json!({"message": "m", "channel": channel, "type": kind});
        let body = json!({"notifications": channels.iter().map(draft).collect::<Vec<_>>()});
        let answer = self.send(Method::POST, SEVERAL, Some(&body), None).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let mut newest_first: Vec<(String, String)> =
            ids(&answer.body).into_iter().zip(channels.iter().cloned()).collect();
        newest_first.reverse();
        Posted(newest_first)
    }
}

/// Ids and channels of what was posted, newest first.
struct Posted(Vec<(String, String)>);

impl Posted {
    /// Those of these channels, newest first.
    fn of(&self, channels: &[String]) -> Vec<String> {
        let wanted = self.0.iter().filter(|(_, channel)| channels.contains(channel));
        wanted.map(|(id, _)| id.clone()).collect()
    }

    /// The one of each channel.
    fn by_channel(&self) -> BTreeMap<&str, &str> {
        self.0.iter().map(|(id, channel)| (channel.as_str(), id.as_str())).collect()
    }
}

fn ids(page: &Value) -> Vec<String> {
    let list = page.as_array().unwrap_or_else(|| panic!("no list: {page}"));
    list.iter().map(|entry| entry["id"].as_str().expect("an id").to_owned()).collect()
}

/// The path of the next page, out of `Link`.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link").strip_prefix('<')?;
    link.split_once(">; rel=\"next\"").map(|(path, _)| path.to_owned())
}

/// Demands that the answer refuses with that status and code.
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, &answer.body["code"]), (status, &json!(code)), "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json");
}
