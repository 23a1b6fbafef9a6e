//! A server on a free port, and an engine without a log.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::Query, middleware::from_fn, response::IntoResponse, routing::get};
use http::StatusCode;
use realtime_fanout::{
    CursorCodec, Draft, Engine, Filter, Grant, Lane, Opening, Publisher, Settings, Statistics, Vector, serve, sse,
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tower_http::cors::{Any, CorsLayer};

/// For everything that must happen; only a test that fails waits as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Data of a sign of life.
pub(crate) const HEARTBEAT: &str = r#"{"type":"heartbeat"}"#;

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine,
    pub(crate) publisher: Publisher,
    pub(crate) token: CancellationToken,
    pub(crate) server: JoinHandle<()>,
    next: u64,
}

struct Plain;

impl CursorCodec for Plain {
    fn encode(&self, vector: &Vector) -> String {
        format!("c{}", vector.next(Lane(0)))
    }
}

#[derive(serde::Deserialize)]
struct Wish {
    channel: Option<Box<str>>,
    bad: Option<String>,
}

/// Grants what is wished; what is wished badly gets an answer that is no stream.
async fn stream(Query(wish): Query<Wish>) -> axum::response::Response {
    if let Some(reason) = wish.bad {
        return (StatusCode::BAD_REQUEST, reason).into_response();
    }
    let channels = wish.channel.map(|channel| BTreeSet::from([channel]).into());
    let filter = Filter { channels, ..Filter::default() };
    let grant = Grant { filter, greeting: Some(r#"{"type":"connection"}"#.to_owned()), ..Grant::live() };
    let mut response = sse::HEADERS.into_response();
    response.extensions_mut().insert(Opening::new(grant));
    response
}

pub(crate) fn routes() -> Router {
    Router::new().route("/events/stream", get(stream)).route("/health", get(|| async { "well" }))
}

pub(crate) fn limits(connections: usize) -> serve::Settings {
    serve::Settings::new(vec!["/events/stream".to_owned()], connections)
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(limits(1000), Settings { shards: 2, ..Settings::default() }).await
    }

    pub(crate) async fn with(server: serve::Settings, engine: Settings) -> Self {
        let cors = CorsLayer::new().allow_origin(Any);
        Self::of(routes().layer(from_fn(serve::refuse)).layer(cors), server, engine).await
    }

    pub(crate) async fn of(router: Router, settings: serve::Settings, engine: Settings) -> Self {
        let (engine, mut publisher) = Engine::start(engine, Arc::new(Plain), || HEARTBEAT.to_owned()).unwrap();
        publisher.begin(Lane(0), 0);
        engine.open();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let token = CancellationToken::new();
        let server = serve::serve(listener, router, engine.clone(), settings, token.clone()).await;
        Self { address, engine, publisher, token, server, next: 0 }
    }

    /// Publishes an event of that channel, with a text of that length in it.
    pub(crate) fn publish(&mut self, channel: &str, length: usize) -> u64 {
        let number = self.next;
        let data = json!({ "number": number, "text": "x".repeat(length) }).to_string();
        let draft =
            Draft { lane: Lane(0), offset: number, channel, kind: "OrderPlaced", data: &data, recorded_at: None };
        self.publisher.push(&draft);
        self.publisher.flush();
        self.next += 1;
        number
    }

    /// Until what the engine counts is as it should be.
    pub(crate) async fn until(&self, is_so: impl Fn(&Statistics) -> bool) {
        let watch = async {
            while !is_so(&self.engine.statistics()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if timeout(PATIENCE, watch).await.is_err() {
            panic!("it does not come to that: {:?}", self.engine.statistics());
        }
    }

    /// Until so many streams are open.
    pub(crate) async fn until_open(&self, count: u64) {
        self.until(|statistics| statistics.connections() == count).await;
    }

    /// Ends as a process does, and says whether everything has ended.
    pub(crate) async fn end(self) {
        self.engine.drain(Duration::from_millis(50));
        self.token.cancel();
        timeout(PATIENCE, self.server).await.expect("the server does not end").unwrap();
        assert_eq!(self.engine.statistics().connections(), 0);
    }
}
