//! An endpoint of Socket.IO: its namespaces, and the requests of its clients.
//!
//! ```text
//! GET, no sid ────► Session of requests ─► Engine::converse
//! GET, POST, sid ─► Told ─► the session on its shard ─► answer
//! websocket ──────► 101 with Session, or with Probe when there is a sid ─► shard
//! ```

mod problem;
mod query;
mod requests;
mod transit;
mod upgrade;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::Method;
use realtime_fanout::{
    Engine,
    session::{Address, News},
};
use tokio::runtime::Handle;

pub use self::problem::Problem;
use self::query::Query;
use crate::{
    arguments::Arguments,
    identity::SessionId,
    messages::Messages,
    namespace::{Namespace, Transport},
    session::{
        broadcast::Broadcast,
        hub::Question,
        shared::Shared,
        word::{Demand, Told},
    },
    settings::Settings,
    statistics::{Statistics, Violation},
};

/// An endpoint of Socket.IO. Clones are the same one.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    engine: Engine,
    runtime: Handle,
}

impl Server {
    /// An endpoint with these namespaces. Its connections live on the shards of `engine`, which has [`crate::rendering::renderings`];
    /// namespaces are asked on `runtime`.
    pub fn new(settings: Settings, engine: Engine, namespaces: Vec<Arc<dyn Namespace>>, runtime: Handle) -> Self {
        Self(Arc::new(Inner { shared: Arc::new(Shared::new(settings, namespaces)), engine, runtime }))
    }

    /// An endpoint of Engine.IO with another protocol above.
    pub fn of_messages(settings: Settings, engine: Engine, messages: Arc<dyn Messages>, runtime: Handle) -> Self {
        let mut shared = Shared::new(settings, Vec::new());
        shared.messages = Some(messages);
        Self(Arc::new(Inner { shared: Arc::new(shared), engine, runtime }))
    }

    /// The routes of the endpoint, with and without the last slash of its path. They need what `realtime_fanout::serve` puts into the
    /// extensions of a request; a websocket needs the path among its `upgrade_paths`.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let path = self.settings().path;
        let router = Router::new().route(path, any(answer));
        let router = match path.trim_end_matches('/') {
            "" => router,
            bare if bare == path => router,
            bare => router.route(bare, any(answer)),
        };
        router.with_state(self.clone())
    }

    /// Sends an event to all clients of a namespace that are connected to this process.
    pub fn announce(&self, namespace: &str, event: &str, arguments: &Arguments) {
        let shared = &self.0.shared;
        let Some(number) = shared.find(namespace).filter(|number| !shared.counters.is_empty(*number)) else { return };
        let news: News = Arc::new(Broadcast::new(number, event, arguments, shared));
        self.0.engine.announce(&news);
    }

    /// Numbers since the start.
    pub fn statistics(&self) -> Statistics {
        self.0.shared.counters.statistics()
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.0.shared.clone()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.shared.settings
    }

    pub(crate) fn violated(&self, violation: Violation) {
        self.0.shared.counters.violated(violation);
    }

    /// Tells a session what its client wants.
    fn demand(&self, id: SessionId, demand: Demand) {
        self.0.engine.tell(id.address, Box::new(Told::Client(id.secret, demand)));
    }

    /// Has a question answered, and tells the session at that address.
    pub(crate) fn ask(&self, address: Address, question: Question) {
        let engine = self.0.engine.clone();
        let Question { ticket, answer, forgotten } = question;
        self.0.runtime.spawn(async move {
            tokio::select! {
                biased;
                _ = forgotten => {}
                answer = answer => engine.tell(address, Box::new(Told::Answered(ticket, answer))),
            }
        });
    }
}

/// Answers every request of the endpoint.
async fn answer(State(server): State<Server>, request: Request) -> Response {
    match respond(&server, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

/// In the order in which other servers look at a request.
async fn respond(server: &Server, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let transport = query.transport.ok_or(Problem::TransportUnknown)?;
    let id = match query.session {
        Some(text) => Some(SessionId::parse(text).ok_or(Problem::SessionUnknown)?),
        None => None,
    };
    let asks_for_upgrade = upgrade::is_asked(&parts);
    let is = |method| parts.method == method;
    match (transport, id) {
        (_, None) if !is(Method::GET) => Err(Problem::BadHandshakeMethod),
        (Transport::WebSocket, _) if !asks_for_upgrade => Err(Problem::BadRequest),
        (Transport::Polling, _) if asks_for_upgrade || query.is_jsonp => Err(Problem::BadRequest),
        (_, None) if !query.speaks_4 => Err(Problem::UnsupportedVersion),
        (Transport::WebSocket, id) => upgrade::begin(server, &parts, id).await,
        (Transport::Polling, None) => requests::begin(server, &parts).await,
        (Transport::Polling, Some(id)) if is(Method::GET) => requests::poll(server, id).await,
        (Transport::Polling, Some(id)) if is(Method::POST) => requests::take(server, id, &parts, body).await,
        (Transport::Polling, Some(_)) => Err(Problem::BadRequest),
    }
}
