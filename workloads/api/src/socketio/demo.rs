//! The namespace `/demo`: random strings for everybody, pings, and no more than so many connections of one address.

mod leases;
mod log;
mod timer;

use std::{ops::RangeInclusive, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use realtime_access::limits::{Limit, Limiter, Who};
use realtime_fanout::CloseReason;
use realtime_socketio::{
    Admission, Arguments, Denial, Departed, Emission, Incoming, Namespace, Request, Server, Socket,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

pub(crate) use self::leases::Leases;
use self::{leases::Lease, timer::RandomString};

/// Its name.
pub(crate) const NAME: &str = "/demo";

const STATUS: &str = "connectionStatus";
const TOO_MANY: &str = "Too many connections from this IP";

/// The namespace `/demo`.
pub(crate) struct Demo {
    leases: Leases,
    /// Everybody may come in, but no more often than elsewhere.
    limiter: Limiter,
    /// Pings of one client at most.
    pings: u32,
}

/// What is kept of a client. Its lease ends with it.
struct Client {
    pings: u32,
    _lease: Lease,
}

impl Demo {
    /// So many pings of one client at most.
    pub(crate) const fn new(leases: Leases, limiter: Limiter, pings: u32) -> Self {
        Self { leases, limiter, pings }
    }
}

/// Sends random strings to all clients of this replica until the token is cancelled.
pub(crate) async fn run_timer(
    server: Server,
    leases: Leases,
    delays: RangeInclusive<Duration>,
    token: CancellationToken,
) {
    let send = |string: &RandomString, clients: usize| {
        server.announce(NAME, "randomString", &Arguments::new().with(string));
        log::broadcast(&string.value, clients);
    };
    token.run_until_cancelled(timer::run(leases.connections(), delays, send)).await;
}

impl Namespace for Demo {
    fn name(&self) -> &str {
        NAME
    }

    fn connect(&self, request: Request) -> BoxFuture<'static, Result<Admission, Denial>> {
        let (leases, limiter) = (self.leases.clone(), self.limiter.clone());
        async move { admit(&leases, &limiter, request).await }.boxed()
    }

    fn entered(&self, socket: &mut Socket<'_>) {
        log::connected(socket.id(), socket.client(), socket.transport());
    }

    fn event(&self, socket: &mut Socket<'_>, event: Incoming) {
        match &*event.event {
            "ping" => self.ping(socket, event.acknowledgement),
            other => debug!(socketId = socket.id(), event = other, "event without a meaning"),
        }
    }

    fn disconnected(&self, departed: Departed) {
        let pings = departed.state.downcast_ref::<Client>().map(|client| client.pings);
        log::disconnected(&departed, pings);
    }
}

impl Demo {
    /// Answers to a callback if there is one; one ping too many is the last.
    fn ping(&self, socket: &mut Socket<'_>, acknowledgement: Option<u64>) {
        let Some(client) = socket.state::<Client>() else { return };
        client.pings = client.pings.saturating_add(1);
        let pings = client.pings;
        if pings > self.pings {
            warn!(socketId = socket.id(), ip = %socket.client(), namespace = NAME, pings, "rate limit exceeded");
            let error = json!({ "message": "Ping limit exceeded", "code": "PING_LIMIT" });
            socket.emit("error", Arguments::new().with(&error));
            socket.emit(STATUS, Arguments::new().with("disconnected"));
            socket.disconnect();
        } else if let Some(id) = acknowledgement {
            let now = Timestamp::now().as_millisecond();
            let answer = json!({ "status": "ok", "timestamp": now, "serverTime": now });
            socket.acknowledge(id, Arguments::new().with(&answer));
        }
    }
}

async fn admit(leases: &Leases, limiter: &Limiter, request: Request) -> Result<Admission, Denial> {
    let Request { id, client, .. } = request;
    let taken = limiter.take(Limit::Address, Who::Address(client), 1).await;
    taken.map_err(|_| Denial::Away(CloseReason::Limited))?;
    let Some(lease) = leases.take(client, &id).await else {
        warn!(ip = %client, namespace = NAME, limit = leases.limit(), "rate limit exceeded");
        return Err(Denial::Refused { message: TOO_MANY.to_owned(), data: None });
    };
    let connected = Arguments::new().with("connected");
    Ok(Admission {
        id,
        pid: None,
        state: Box::new(Client { pings: 0, _lease: lease }),
        greeting: vec![Emission { event: STATUS.into(), arguments: connected, cursor: None }],
        subscription: None,
        history: Vec::new(),
        expires: None,
    })
}
