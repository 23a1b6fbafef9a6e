//! Plain HTTP against the API of a stack.

use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, or its text as a JSON string when it is no JSON.
    pub body: Value,
    /// When it was complete.
    pub at: Instant,
}

impl Answer {
    /// A header's text; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A notification that the API has accepted.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its id.
    pub id: String,
    /// Trace id of the POST, as the sender gave it.
    pub trace_id: String,
    /// The whole answer.
    pub answer: Answer,
}

/// A client of the service at `base`. Connections are not kept, since pods come and go in these tests.
#[derive(Clone, Debug)]
pub struct Http {
    /// As in `http://10.0.0.1:3001`.
    pub base: String,
    client: reqwest::Client,
}

impl Http {
    /// A client of that service.
    ///
    /// # Panics
    /// When no client can be built.
    pub fn new(base: String) -> Self {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(15))
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build();
        Self { base, client: client.unwrap_or_else(|error| panic!("failed to build an HTTP client: {error}")) }
    }

    /// Reads a path.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub async fn get(&self, path: &str) -> Result<Answer, String> {
        self.send(self.client.get(format!("{}{path}", self.base))).await
    }

    /// A request to a path, for [`Http::answer`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub async fn answer(&self, request: RequestBuilder) -> Result<Answer, String> {
        self.send(request).await
    }

    /// Posts a body of that media type to the notifications.
    ///
    /// # Errors
    /// What kept the answer from coming.
    pub async fn post(&self, media_type: &str, body: impl Into<reqwest::Body>) -> Result<Answer, String> {
        let request = self.client.post(format!("{}/api/notifications", self.base)).header(CONTENT_TYPE, media_type);
        self.send(request.body(body)).await
    }

    /// Posts a notification that must be accepted.
    ///
    /// # Errors
    /// What kept it from being accepted.
    pub async fn try_notify(&self, message: &str) -> Result<Posted, String> {
        let trace_id = Uuid::new_v4().simple().to_string();
        let span_id = &Uuid::new_v4().simple().to_string()[..16];
        let request = self
            .client
            .post(format!("{}/api/notifications", self.base))
            .header("traceparent", format!("00-{trace_id}-{span_id}-01"))
            .json(&json!({"message": message, "type": "info"}));
        let answer = self.send(request).await?;
        match (answer.status, answer.body["id"].as_str()) {
            (201, Some(id)) => Ok(Posted { id: id.to_owned(), trace_id, answer }),
            (status, _) => Err(format!("POST /api/notifications was answered {status}: {}", answer.body)),
        }
    }

    /// Posts a notification that must be accepted.
    ///
    /// # Panics
    /// When it is not.
    pub async fn notify(&self, message: &str) -> Posted {
        self.try_notify(message).await.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, String> {
        let answer = request.send().await.map_err(|error| format!("no answer from {}: {error:?}", self.base))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.map_err(|error| format!("half an answer from {}: {error:?}", self.base))?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, headers, body, at: Instant::now() })
    }
}
