//! A server on a free port, with an engine without a log.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::Router;
use futures::future::BoxFuture;
use realtime_fanout::{
    CursorCodec, Draft, Engine, Filter, Lane, Publisher, Start, Vector, serve, session::Subscription,
};
use realtime_socketio::{
    Admission, Arguments, Denial, Departed, Emission, Incoming, Messages, Namespace, Reply, Request, Server, Settings,
    Socket, namespace::Departure, rendering,
};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// For everything that must happen; only a test that fails waits as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A namespace that sends back what comes. The main one has the feed.
struct Mirror {
    name: &'static str,
    departed: Arc<Mutex<Vec<Departure>>>,
}

/// Sends back what comes, without namespaces.
struct Echo;

struct Plain;

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) server: Server,
    pub(crate) engine: Engine,
    pub(crate) publisher: Publisher,
    pub(crate) departed: Arc<Mutex<Vec<Departure>>>,
    runtime: Runtime,
    task: JoinHandle<()>,
    token: CancellationToken,
    next: u64,
}

impl CursorCodec for Plain {
    fn encode(&self, vector: &Vector) -> String {
        format!("c{}", vector.next(Lane(0)))
    }
}

impl Namespace for Mirror {
    fn name(&self) -> &str {
        self.name
    }

    fn connect(&self, request: Request) -> BoxFuture<'static, Result<Admission, Denial>> {
        let has_feed = self.name == "/";
        let subscription =
            Subscription { filter: Filter::default(), start: Start::Live, history: Vec::new(), held: None };
        let greeting = Emission { event: "hello".into(), arguments: Arguments::new(), cursor: None };
        let admission = Admission {
            id: request.id,
            pid: has_feed.then(|| "pid".to_owned()),
            state: Box::new(()),
            greeting: vec![greeting],
            subscription: has_feed.then_some(subscription),
            history: Vec::new(),
            expires: None,
        };
        Box::pin(async move { Ok(admission) })
    }

    fn event(&self, socket: &mut Socket<'_>, event: Incoming) {
        match event.acknowledgement {
            Some(id) => socket.acknowledge(id, event.arguments),
            None => socket.emit(&event.event, event.arguments),
        }
    }

    fn disconnected(&self, departed: Departed) {
        self.departed.lock().unwrap().push(departed.reason);
    }
}

impl Messages for Echo {
    fn text(&self, text: &str, reply: &mut Reply<'_>) {
        reply.text(text);
    }

    fn binary(&self, bytes: &[u8], reply: &mut Reply<'_>) {
        reply.binary(bytes);
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Settings::default())
    }

    pub(crate) fn of(settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let engine = realtime_fanout::Settings { shards: 2, ..realtime_fanout::Settings::default() };
        let (engine, mut publisher) =
            Engine::start_with(engine, Arc::new(Plain), String::new, rendering::renderings("feed")).unwrap();
        publisher.begin(Lane(0), 0);
        engine.open();
        let departed = Arc::new(Mutex::new(Vec::new()));
        let mirror = |name| Arc::new(Mirror { name, departed: departed.clone() }) as Arc<dyn Namespace>;
        let namespaces = vec![mirror("/"), mirror("/demo")];
        let handle = runtime.handle().clone();
        let below = Settings { path: "/engine.io/", ..settings.clone() };
        let server = Server::new(settings, engine.clone(), namespaces, handle.clone());
        let echo = Server::of_messages(below, engine.clone(), Arc::new(Echo), handle);
        let router: Router = server.router().merge(echo.router());
        let upgrade_paths = ["/socket.io/", "/socket.io", "/engine.io/"].map(str::to_owned).to_vec();
        let limits = serve::Settings { upgrade_paths, ..serve::Settings::new(Vec::new(), 20) };
        let token = CancellationToken::new();
        let (address, task) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            (address, serve::serve(listener, router, engine.clone(), limits, token.clone()).await)
        });
        Self { address, server, engine, publisher, departed, runtime, task, token, next: 0 }
    }

    /// Publishes an event and gives its number.
    pub(crate) fn publish(&mut self, text: &str) -> u64 {
        let number = self.next;
        self.next += 1;
        let data = serde_json::json!({ "number": number, "text": text }).to_string();
        let draft = Draft { lane: Lane(0), offset: number, channel: "c", kind: "k", data: &data, recorded_at: None };
        self.publisher.push(&draft);
        self.publisher.flush();
        number
    }

    /// Until it is so.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < end, "it does not come to that: {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Clients in the main namespace, by transport.
    pub(crate) fn sockets(&self) -> [u64; 2] {
        self.server.statistics().sockets[0].1
    }

    /// Begins to end, as a process does.
    pub(crate) fn drain(&self) {
        self.engine.drain(Duration::from_millis(10));
    }

    /// Ends, and says whether everything has ended.
    pub(crate) fn end(self) {
        self.drain();
        self.token.cancel();
        let ended = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.task).await });
        ended.expect("the server does not end").unwrap();
        assert_eq!(self.server.statistics().sockets, [("/".to_owned(), [0, 0]), ("/demo".to_owned(), [0, 0])]);
    }
}
