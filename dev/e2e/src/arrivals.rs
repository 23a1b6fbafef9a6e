//! What a client has received, each event with the moment at which it came.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::mpsc;

/// One event at a client.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When the test had read it.
    pub at: Instant,
    /// `{"event", "data", "id"?}`; `event` is `ready` once the client is connected.
    pub event: Value,
}

impl Arrival {
    /// What came with the event.
    pub fn data(&self) -> &Value {
        &self.event["data"]
    }
}

/// The receiving end of a client.
#[derive(Debug)]
pub struct Arrivals {
    client: String,
    receiver: mpsc::UnboundedReceiver<Value>,
    seen: Vec<Arrival>,
}

impl Arrivals {
    /// What comes through the channel, for a client that failures call by that name.
    pub fn new(client: &str) -> (mpsc::UnboundedSender<Value>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self { client: client.to_owned(), receiver, seen: Vec::new() })
    }

    /// Everything that was read so far.
    pub fn seen(&self) -> &[Arrival] {
        &self.seen
    }

    /// The first event that `matches`, among those already read or still to come.
    ///
    /// # Errors
    /// When none comes within the limit: what came instead.
    pub async fn find(
        &mut self,
        what: &str,
        limit: Duration,
        matches: impl Fn(&Value) -> bool,
    ) -> Result<Arrival, String> {
        if let Some(arrival) = self.seen.iter().find(|arrival| matches(&arrival.event)) {
            return Ok(arrival.clone());
        }
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let Ok(next) = tokio::time::timeout_at(deadline, self.receiver.recv()).await else {
                let (client, seconds) = (&self.client, limit.as_secs_f64());
                return Err(format!("{client}: no {what} within {seconds:.0} s; came: {}", self.listed()));
            };
            let Some(event) = next else {
                return Err(format!("{} ended without {what}; came: {}", self.client, self.listed()));
            };
            let arrival = Arrival { at: Instant::now(), event };
            self.seen.push(arrival.clone());
            if matches(&arrival.event) {
                return Ok(arrival);
            }
        }
    }

    /// The first event that `matches`, among those already read or still to come.
    ///
    /// # Panics
    /// When none comes within the limit, with what came instead.
    pub async fn wait(&mut self, what: &str, limit: Duration, matches: impl Fn(&Value) -> bool) -> Arrival {
        self.find(what, limit, matches).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The event that `matches` as the `count`th, among those already read or still to come.
    ///
    /// # Panics
    /// When there are not so many within the limit, with what came instead.
    pub async fn nth(
        &mut self,
        what: &str,
        count: usize,
        limit: Duration,
        matches: impl Fn(&Value) -> bool,
    ) -> Arrival {
        let left = std::cell::Cell::new(count);
        let counted = |event: &Value| {
            left.set(left.get() - usize::from(left.get() > 0 && matches(event)));
            left.get() == 0
        };
        let what = format!("{what}, number {count},");
        // What was read is looked at by `find` before it reads on, each event once.
        self.wait(&what, limit, counted).await
    }

    /// The notification with that id.
    ///
    /// # Panics
    /// When it does not come within the limit.
    pub async fn notification(&mut self, id: &str, limit: Duration) -> Arrival {
        self.wait(&format!("notification {id}"), limit, |event| event["data"]["id"] == id).await
    }

    /// Waits until the client is connected.
    ///
    /// # Panics
    /// When that takes longer than 20 s.
    pub async fn connected(mut self) -> Self {
        self.wait("connection", Duration::from_secs(20), |event| event["event"] == "ready").await;
        self
    }

    fn listed(&self) -> String {
        let lines: Vec<String> = self.seen.iter().map(|arrival| arrival.event.to_string()).collect();
        if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n  ") }
    }
}
