//! A client of our own package for browsers and Node.

use std::time::Duration;

use serde_json::{Value, json};

use super::node::Node;
use crate::arrivals::{Arrival, Arrivals};
use crate::environment;

const SCRIPT: &str = include_str!("../../clients/package.mjs");

/// A client that runs as long as this value lives.
#[derive(Debug)]
pub struct Package {
    /// What it tells.
    pub arrivals: Arrivals,
    node: Node,
    questions: u64,
}

impl Package {
    /// A client that is made with these options and connects.
    ///
    /// # Panics
    /// When Node cannot be started.
    pub fn start(options: &Value) -> Self {
        Self::run(options, true)
    }

    /// One that does not connect, for requests alone.
    ///
    /// # Panics
    /// When Node cannot be started.
    pub fn idle(options: &Value) -> Self {
        Self::run(options, false)
    }

    fn run(options: &Value, connects: bool) -> Self {
        let package = environment::path(environment::CLIENT_PACKAGE);
        let told = json!({"package": package, "options": options, "connects": connects}).to_string();
        let name = format!("our client of {options}");
        let (sender, arrivals) = Arrivals::new(&name);
        Self { arrivals, node: Node::start(&name, SCRIPT, &told, sender), questions: 0 }
    }

    /// One that connects, when it is connected.
    ///
    /// # Panics
    /// When it does not within 20 s.
    pub async fn connect(options: &Value) -> Self {
        let mut client = Self::start(options);
        client.arrivals = client.arrivals.connected().await;
        client
    }

    /// Calls a method of the client's `api` without waiting for it; gives the number of the answer.
    pub async fn begin(&mut self, method: &str, arguments: &[Value]) -> u64 {
        self.tell("api", method, arguments).await
    }

    /// What a method of its `api` gives, or the error that it throws.
    ///
    /// # Errors
    /// Name, message, code, status, field and dependency of what is thrown.
    ///
    /// # Panics
    /// When it does not end within the limit.
    pub async fn ended(&mut self, number: u64, limit: Duration) -> Result<Value, Value> {
        let is_answer = |it: &Value| it["event"] == "answer" && it["data"] == number;
        let answer = self.arrivals.wait(&format!("answer {number}"), limit, is_answer).await.event;
        if answer["error"].is_null() { Ok(answer["result"].clone()) } else { Err(answer["error"].clone()) }
    }

    /// Calls a method of the client's `api`.
    ///
    /// # Errors
    /// Name, message, code, status, field and dependency of what is thrown.
    ///
    /// # Panics
    /// When it does not end within 10 s.
    pub async fn api(&mut self, method: &str, arguments: &[Value]) -> Result<Value, Value> {
        let number = self.begin(method, arguments).await;
        self.ended(number, super::PATIENCE).await
    }

    /// Calls a method of the client itself.
    ///
    /// # Errors
    /// As [`Self::api`].
    ///
    /// # Panics
    /// When it does not end within 10 s.
    pub async fn call(&mut self, method: &str, arguments: &[Value]) -> Result<Value, Value> {
        let number = self.tell("client", method, arguments).await;
        self.ended(number, super::PATIENCE).await
    }

    async fn tell(&mut self, of: &str, method: &str, arguments: &[Value]) -> u64 {
        self.questions += 1;
        self.node.tell(&json!({"number": self.questions, "of": of, "method": method, "arguments": arguments})).await;
        self.questions
    }

    /// Everything of that name that it has told, of what was read.
    pub fn told(&self, event: &str) -> Vec<&Arrival> {
        self.arrivals.seen().iter().filter(|arrival| arrival.event["event"] == event).collect()
    }

    /// The states that it was in, each once until another one came.
    pub fn states(&self) -> Vec<&str> {
        let mut states: Vec<&str> = self.told("state").iter().filter_map(|it| it.data()["status"].as_str()).collect();
        states.dedup();
        states
    }

    /// Waits until it has told so many of that name.
    ///
    /// # Panics
    /// When that takes longer than the limit.
    pub async fn tells(&mut self, event: &str, times: usize, limit: Duration) {
        self.arrivals.nth(event, times, limit, |it| it["event"] == event).await;
    }
}
