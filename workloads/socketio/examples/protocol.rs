//! The server that the protocol's own test suites ask for, on `127.0.0.1:3000`: `cargo xtask suites` runs them against it.
//!
//! ```text
//! /socket.io/    in / and /custom: auth with what CONNECT said; message ─► message-back; message-with-ack ─► acknowledgement
//! /engine.io/    every message ─► the same message
//! ```

use std::{error::Error, net::Ipv4Addr, sync::Arc, time::Duration};

use axum::Router;
use futures::future::BoxFuture;
use realtime_fanout::{CursorCodec, Engine, Lane, Vector, serve};
use realtime_socketio::{
    Admission, Arguments, Denial, Departed, Emission, Incoming, Messages, Namespace, Reply, Request, Server, Settings,
    Socket, rendering,
};
use tokio::{net::TcpListener, runtime::Handle};
use tokio_util::sync::CancellationToken;

/// Where the suites look.
const PORT: u16 = 3000;

/// Where they look for Socket.IO, and for nothing above Engine.IO.
const PATHS: [&str; 2] = ["/socket.io/", "/engine.io/"];

/// A namespace that sends back what comes.
struct Mirror(&'static str);

impl Namespace for Mirror {
    fn name(&self) -> &str {
        self.0
    }

    fn connect(&self, request: Request) -> BoxFuture<'static, Result<Admission, Denial>> {
        let Request { id, auth, .. } = request;
        let arguments = match auth {
            Some(auth) => Arguments::new().with_text(auth),
            None => Arguments::new().with(&serde_json::json!({})),
        };
        let admission = Admission {
            id,
            pid: None,
            state: Box::new(()),
            greeting: vec![Emission { event: "auth".into(), arguments, cursor: None }],
            subscription: None,
            history: Vec::new(),
            expires: None,
        };
        Box::pin(std::future::ready(Ok(admission)))
    }

    fn event(&self, socket: &mut Socket<'_>, event: Incoming) {
        match (&*event.event, event.acknowledgement) {
            ("message", _) => socket.emit("message-back", event.arguments),
            ("message-with-ack", Some(id)) => socket.acknowledge(id, event.arguments),
            _ => {}
        }
    }

    fn disconnected(&self, _: Departed) {}
}

/// Sends back what comes.
struct Echo;

impl Messages for Echo {
    fn text(&self, text: &str, reply: &mut Reply<'_>) {
        reply.text(text);
    }

    fn binary(&self, bytes: &[u8], reply: &mut Reply<'_>) {
        reply.binary(bytes);
    }
}

/// There is no log, so a cursor says nothing.
struct NoLog;

impl CursorCodec for NoLog {
    fn encode(&self, _: &Vector) -> String {
        String::new()
    }
}

/// As the suites have it.
fn settings(path: &'static str) -> Settings {
    Settings {
        path,
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        connect_time: Duration::from_secs(1),
        payload_bytes: 1_000_000,
        ..Settings::default()
    }
}

// One thread takes requests in the order in which they come: the suites send two at once and expect that.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let engine = realtime_fanout::Settings::default();
    let renderings = rendering::renderings("feed");
    let (engine, mut publisher) = Engine::start_with(engine, Arc::new(NoLog), String::new, renderings)?;
    publisher.begin(Lane(0), 0);
    engine.open();
    let namespaces: Vec<Arc<dyn Namespace>> = vec![Arc::new(Mirror("/")), Arc::new(Mirror("/custom"))];
    let [socket_io, engine_io] = PATHS.map(settings);
    let server = Server::new(socket_io, engine.clone(), namespaces, Handle::current());
    let echo = Server::of_messages(engine_io, engine.clone(), Arc::new(Echo), Handle::current());
    let upgrade_paths = PATHS.map(str::to_owned).to_vec();
    let limits = serve::Settings { upgrade_paths, ..serve::Settings::new(Vec::new(), 1000) };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).await?;
    let router: Router = server.router().merge(echo.router());
    serve::serve(listener, router, engine, limits, CancellationToken::new()).await.await?;
    Ok(())
}
