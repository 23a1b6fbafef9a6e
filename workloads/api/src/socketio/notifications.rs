//! The namespace `/`: notifications as they come, and what a client missed.

mod told;
mod wishes;

use std::{any::Any, sync::Arc, time::Instant};

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use realtime_access::{Access, Denied, Refusal, Scope, limits::Limit};
use realtime_fanout::{CloseReason, session::Subscription};
use realtime_socketio::{
    Admission, Arguments, Denial, Departed, Departure, Emission, Incoming, Namespace, Request, Socket,
};
use serde_json::{json, value::to_raw_value};
use tracing::{debug, info};
use uuid::Uuid;

pub(crate) use self::told::EVENT;
use self::wishes::{Looked, Waiting, Wish};
use super::{
    channels::Channels,
    private_id::{PrivateId, Signer},
    reason_name,
    recovery::{Claim, Known, Outcome, Plan},
    sessions::{Record, Sessions},
};
use crate::{
    admission,
    cursor::FeedCursor,
    history::{self, History},
    resume::Resume,
    state::ApiState,
};

/// The namespace `/`. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Notifications(Arc<Inner>);

struct Inner {
    state: ApiState,
    signer: Signer,
    sessions: Sessions,
    /// What everyone may do where nobody is asked who he is: clients share it.
    anyone: Arc<Access>,
}

/// What is kept of a client.
struct Client {
    id: PrivateId,
    access: Arc<Access>,
    channels: Channels,
    /// Its session stands in Redis like this, or will soon.
    is_written: bool,
    /// What came of its wish to go on.
    outcome: Option<Outcome>,
    /// The position of which it was told last for its own sake.
    told: Option<u64>,
    /// While one of its wishes is looked at: those that came behind it.
    waiting: Option<Box<Waiting>>,
}

impl Notifications {
    /// `key` signs the ids with which clients come back.
    pub(crate) fn new(state: ApiState, key: &[u8], sessions: Sessions) -> Self {
        let anyone = Arc::new(Access::anonymous());
        Self(Arc::new(Inner { state, signer: Signer::new(key), sessions, anyone }))
    }
}

impl Namespace for Notifications {
    fn name(&self) -> &str {
        "/"
    }

    fn connect(&self, request: Request) -> BoxFuture<'static, Result<Admission, Denial>> {
        let namespace = self.0.clone();
        async move { namespace.admit(request).await }.boxed()
    }

    fn entered(&self, socket: &mut Socket<'_>) {
        let Some(client) = socket.state::<Client>() else { return };
        let outcome = client.outcome;
        if let Some(outcome) = outcome {
            self.0.count(outcome);
        }
        let (transport, outcome) = (socket.transport().name(), outcome.map(Outcome::name));
        info!(socket_id = socket.id(), client = %socket.client(), transport, outcome, "socket.io client connected");
        self.0.keep(socket, false);
    }

    fn event(&self, socket: &mut Socket<'_>, event: Incoming) {
        match &*event.event {
            "message" => answer(socket, &event, "message-ack", told::message(&event.arguments)),
            "ping" => answer(socket, &event, "pong", told::pong()),
            name => match Wish::read(name, &event) {
                Some(wish) => self.0.wish(socket, wish),
                None => debug!(socket_id = socket.id(), event = name, "event without a meaning"),
            },
        }
    }

    fn done(&self, socket: &mut Socket<'_>, outcome: Box<dyn Any + Send>) {
        if let Ok(looked) = outcome.downcast::<Looked>() {
            self.0.looked(socket, *looked);
        }
    }

    fn expiring(&self, socket: &mut Socket<'_>) {
        let Some(client) = socket.state::<Client>() else { return };
        let notice = Arguments::new().with(&client.access.notice());
        socket.emit(told::EXPIRING, notice);
    }

    fn keep(&self, socket: &mut Socket<'_>) {
        let is_written = socket.state::<Client>().is_some_and(|client| client.is_written);
        self.0.keep(socket, is_written);
        tell_place(socket);
    }

    fn disconnected(&self, departed: Departed) {
        let Departed { id, client, transport, connected_for, state, reason } = departed;
        let duration = connected_for.as_secs();
        let (transport, why) = (transport.name(), reason_name(reason));
        info!(socket_id = id, %client, transport, reason = why, duration, "socket.io client disconnected");
        // Who leaves on purpose does not come back for this session; who was cut off does.
        if let Ok(state) = state.downcast::<Client>()
            && !matches!(reason, Departure::Transport(_))
        {
            self.0.sessions.delete(&state.id);
        }
    }
}

impl Inner {
    async fn admit(&self, request: Request) -> Result<Admission, Denial> {
        let claim = Claim::read(request.auth.as_deref());
        let claim = claim.map_err(|refused| Denial::Refused { message: refused.to_string(), data: None })?;
        let Some(epoch) = self.state.epoch.get() else { return Err(Denial::Away(CloseReason::Unavailable)) };
        let access = self.access(&claim, &request).await?;
        let known = self.known(&claim).await;
        let plan = Plan::new(claim, known, &access);
        let resume = Resume::read(plan.cursor.as_deref(), epoch);
        let Some(history) = history::find(&self.state, resume, epoch).await else {
            self.count(Outcome::Unavailable);
            return Err(Denial::Away(CloseReason::Unavailable));
        };
        let plan = if history.is_whole() { plan } else { plan.with_gap() };
        Ok(self.admission(&request, access, plan, history, epoch))
    }

    /// What the client may do. It may hear what it asks for.
    async fn access(&self, claim: &Claim, request: &Request) -> Result<Arc<Access>, Denial> {
        let credential = claim.token.credential();
        let admitted = admission::admit(&self.state, credential, Some(request.client), Some(Limit::Subscribe)).await;
        match admitted {
            Ok(access) if !claim.channels.are_permitted(&access) => Err(refused(Refusal::Channel)),
            Ok(access) if self.state.gate.asks() => Ok(Arc::new(access)),
            Ok(_) => Ok(self.anyone.clone()),
            Err(Denied::TooMany(_)) => Err(Denial::Away(CloseReason::Limited)),
            // That passes: the client comes back by itself.
            Err(Denied::Refused(Refusal::KeysAway)) => Err(Denial::Away(CloseReason::Unavailable)),
            Err(Denied::Refused(refusal)) => Err(refused(refusal)),
        }
    }

    async fn known(&self, claim: &Claim) -> Known {
        let Some(pid) = &claim.pid else { return Known::Unclaimed };
        match self.signer.check(pid) {
            None => Known::Invalid,
            Some(id) => {
                let found = self.sessions.find(&id).await;
                Known::Asked(id, found)
            }
        }
    }

    fn admission(
        &self,
        request: &Request,
        access: Arc<Access>,
        plan: Plan,
        history: History,
        epoch: Uuid,
    ) -> Admission {
        let recovered = plan.session.is_some();
        let (id, socket) = plan.session.unwrap_or_else(|| (self.signer.make(), request.id.as_str().into()));
        let Plan { channels, outcome, .. } = plan;
        let filter = channels.filter(&access);
        let expires = access.end(Timestamp::now(), Instant::now());
        let greeting = told::connected(&socket, recovered);
        let cursor = history.seen(epoch);
        Admission {
            id: socket.into(),
            pid: Some(id.as_str().to_owned()),
            // Written once it has come in: it may have left in the meantime.
            state: Box::new(Client { id, access, channels, is_written: false, outcome, told: None, waiting: None }),
            greeting: vec![Emission { event: "connected".into(), arguments: greeting, cursor }],
            history: history.pieces(&filter).filter_map(|piece| told::emission(epoch, piece)).collect(),
            subscription: Some(Subscription {
                filter,
                start: history.start(),
                history: Vec::new(),
                held: history.into_held(),
            }),
            expires,
        }
    }

    /// Has the session kept as it is now. What is written already is renewed.
    fn keep(&self, socket: &mut Socket<'_>, is_written: bool) {
        let id = socket.id().into();
        let Some(client) = socket.state::<Client>() else { return };
        let record = Record { id, channels: client.channels.clone(), user: client.access.user.clone() };
        if is_written {
            self.sessions.renew(&client.id, record);
        } else {
            client.is_written = self.sessions.write(&client.id, record);
        }
    }

    fn count(&self, outcome: Outcome) {
        self.state.metrics.recoveries.with_label_values(&[outcome.name()]).inc();
    }
}

/// Tells a client that does not hear everything where it is by now. Else it would come back with the cursor of the last event that it heard,
/// and the more the feed ran on without it, the less could be told apart from what it missed.
fn tell_place(socket: &mut Socket<'_>) {
    let Ok(FeedCursor { position, .. }) = socket.cursor().parse() else { return };
    let Some(client) = socket.state::<Client>() else { return };
    let hears_everything = client.channels == Channels::All && client.access.subscribe == Scope::Everything;
    if !hears_everything && client.told.replace(position) != Some(position) {
        socket.emit(told::PLACE, Arguments::new());
    }
}

/// The refusal of a client, for whom reads it and for its code.
fn refused(refusal: Refusal) -> Denial {
    let data = json!({ "code": refusal.code(), "status": refusal.status().as_u16() });
    Denial::Refused { message: refusal.to_string(), data: to_raw_value(&data).ok() }
}

/// By an event, and to a callback if there is one.
fn answer(socket: &mut Socket<'_>, event: &Incoming, name: &str, arguments: Arguments) {
    if let Some(id) = event.acknowledgement {
        socket.acknowledge(id, arguments.clone());
    }
    socket.emit(name, arguments);
}

#[cfg(test)]
mod tests;
