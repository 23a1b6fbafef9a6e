//! What a client of the namespace `/` wants changed: what it hears, and what it shows of itself.
//!
//! Where that has to be looked at elsewhere, its wishes are carried out one behind the other, in the order in which they came.

use std::{collections::VecDeque, net::IpAddr, sync::Arc, time::Instant};

use futures::FutureExt;
use jiff::Timestamp;
use realtime_access::{
    Access, Denied, Refusal,
    limits::{Limit, TooMany},
};
use realtime_socketio::{Arguments, Incoming, Socket};
use serde_json::{Value, json};
use tracing::debug;

use super::{Client, Inner};
use crate::{
    admission,
    socketio::{
        channels::{Channels, Refused},
        recovery::Shown,
    },
    state::ApiState,
};

/// Wishes of a client that wait at most.
const LIMIT: usize = 64;

/// What a client wants, and under which number it wants an answer.
pub(super) struct Wish {
    change: Change,
    acknowledgement: Option<u64>,
}

/// Wishes that wait for another one, in order.
#[derive(Default)]
pub(super) struct Waiting(VecDeque<Wish>);

enum Change {
    Subscribe(Result<Channels, Refused>),
    Unsubscribe(Result<Channels, Refused>),
    /// It shows a new token.
    Refresh(Shown),
}

/// A wish that was looked at: whether it may be carried out, and, of who shows something new, with what.
pub(super) struct Looked {
    wish: Wish,
    admitted: Result<Option<Access>, Denied>,
}

/// Why a wish is not carried out; the sentence goes to the client.
#[derive(Debug, thiserror::Error)]
enum Unmet {
    #[error(transparent)]
    Channels(#[from] Refused),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    TooMany(#[from] TooMany),
    #[error("too many changes wait for each other: wait for the answers")]
    Waiting,
}

impl Wish {
    /// The wish of an event, if it is one.
    pub(super) fn read(name: &str, event: &Incoming) -> Option<Self> {
        let argument = || event.arguments.get(0).unwrap_or_default();
        // What waits is only what was meant: JSON takes many times as much.
        let change = match name {
            "subscribe" => Change::Subscribe(Channels::read(&argument())),
            "unsubscribe" => Change::Unsubscribe(Channels::read(&argument())),
            "refresh" => Change::Refresh(Shown::new(&argument())),
            _ => return None,
        };
        Some(Self { change, acknowledgement: event.acknowledgement })
    }

    /// Looks at it where that takes time.
    async fn look(self, state: ApiState, access: Arc<Access>, client: IpAddr) -> Looked {
        let client = Some(client);
        let admitted = match &self.change {
            Change::Refresh(shown) => admission::admit(&state, shown.credential(), client, None).await.map(Some),
            _ => {
                let counted = admission::count(&state, &access, client, Limit::Subscribe, 1).await;
                counted.map(|()| None).map_err(Denied::from)
            }
        };
        Looked { wish: self, admitted }
    }
}

impl Inner {
    /// A client wants something. It comes behind what it wanted before.
    pub(super) fn wish(&self, socket: &mut Socket<'_>, wish: Wish) {
        let Some(client) = socket.state::<Client>() else { return };
        match &mut client.waiting {
            Some(waiting) if waiting.0.len() >= LIMIT => answer(socket, wish.acknowledgement, Err(Unmet::Waiting)),
            Some(waiting) => waiting.0.push_back(wish),
            None => self.begin(socket, wish),
        }
    }

    /// What a client wanted was looked at; what it wanted behind it is its turn now.
    pub(super) fn looked(&self, socket: &mut Socket<'_>, looked: Looked) {
        self.carry_out(socket, looked);
        let Some(client) = socket.state::<Client>() else { return };
        let mut waiting = client.waiting.take().unwrap_or_default();
        while let Some(next) = waiting.0.pop_front() {
            self.begin(socket, next);
            let Some(client) = socket.state::<Client>() else { return };
            if client.waiting.is_some() {
                client.waiting = Some(waiting);
                return;
            }
        }
    }

    /// Carries a wish out, or has it looked at before.
    fn begin(&self, socket: &mut Socket<'_>, wish: Wish) {
        let is_limited = || self.state.limiter.limits(Limit::Subscribe);
        let takes_time = match &wish.change {
            Change::Subscribe(_) => is_limited(),
            Change::Unsubscribe(_) => false,
            Change::Refresh(_) => self.state.gate.asks(),
        };
        if !takes_time {
            return self.carry_out(socket, Looked { wish, admitted: Ok(None) });
        }
        let address = socket.client();
        let Some(client) = socket.state::<Client>() else { return };
        client.waiting = Some(Box::default());
        let look = wish.look(self.state.clone(), client.access.clone(), address);
        socket.begin(look.map(|looked| Box::new(looked) as _).boxed());
    }

    fn carry_out(&self, socket: &mut Socket<'_>, Looked { wish, admitted }: Looked) {
        let done = match (admitted, wish.change) {
            (Err(Denied::Refused(refusal)), _) => Err(refusal.into()),
            (Err(Denied::TooMany(too_many)), _) => Err(too_many.into()),
            (Ok(_), Change::Subscribe(named)) => self.change(socket, named, Channels::subscribe),
            (Ok(_), Change::Unsubscribe(named)) => self.change(socket, named, Channels::unsubscribe),
            (Ok(access), Change::Refresh(_)) => renew(socket, access),
        };
        answer(socket, wish.acknowledgement, done);
    }

    /// Changes what a client hears, and says what it hears now.
    fn change(
        &self,
        socket: &mut Socket<'_>,
        named: Result<Channels, Refused>,
        change: fn(&Channels, &Channels) -> Result<Channels, Refused>,
    ) -> Result<Value, Unmet> {
        let Some(client) = socket.state::<Client>() else { return Ok(Value::Null) };
        let channels = change(&client.channels, &named?)?;
        if !channels.are_permitted(&client.access) {
            return Err(Refusal::Channel.into());
        }
        if channels == client.channels {
            return Ok(json!({ "channels": channels }));
        }
        client.channels = channels.clone();
        let filter = channels.filter(&client.access);
        socket.select(filter);
        self.keep(socket, false);
        Ok(json!({ "channels": channels }))
    }
}

/// The client may do what it shows now, and stay as long; it is who it was. Where nobody is asked who he is, nothing is renewed.
fn renew(socket: &mut Socket<'_>, access: Option<Access>) -> Result<Value, Unmet> {
    let Some(client) = socket.state::<Client>() else { return Ok(Value::Null) };
    let Some(access) = access else { return Ok(client.access.notice()) };
    if access.user != client.access.user {
        return Err(Refusal::User.into());
    }
    if !client.channels.are_permitted(&access) {
        return Err(Refusal::Channel.into());
    }
    client.access = access.into();
    let filter = client.channels.filter(&client.access);
    let (end, notice) = (client.access.end(Timestamp::now(), Instant::now()), client.access.notice());
    socket.select(filter);
    socket.expire_at(end);
    Ok(notice)
}

/// Answers to a callback if there is one: what is so now, or why that stays as it was.
fn answer(socket: &mut Socket<'_>, acknowledgement: Option<u64>, done: Result<Value, Unmet>) {
    let answer = match done {
        Ok(Value::Object(fields)) => {
            let status = [("status".to_owned(), json!("ok"))];
            Value::Object(status.into_iter().chain(fields).collect())
        }
        Ok(other) => other,
        Err(unmet) => {
            debug!(socket_id = socket.id(), error = &unmet as &dyn std::error::Error, "a wish is not carried out");
            match unmet.code() {
                Some(code) => json!({ "status": "error", "message": unmet.to_string(), "code": code }),
                None => json!({ "status": "error", "message": unmet.to_string() }),
            }
        }
    };
    if let Some(id) = acknowledgement {
        socket.acknowledge(id, Arguments::new().with(&answer));
    }
}

impl Unmet {
    const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Channels(_) => None,
            Self::Refused(refusal) => Some(refusal.code()),
            Self::TooMany(_) | Self::Waiting => Some(TooMany::CODE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, argument: &Value) -> Change {
        let arguments = Arguments::new().with(argument);
        Wish::read(name, &Incoming { event: name.into(), arguments, acknowledgement: None }).unwrap().change
    }

    #[test]
    fn what_waits_is_only_what_was_meant() {
        let many = json!(vec![0; 60_000]);
        for (name, argument) in [("subscribe", &many), ("unsubscribe", &json!({ "a": 1 }))] {
            let (Change::Subscribe(named) | Change::Unsubscribe(named)) = change(name, argument) else {
                panic!("{name}")
            };
            assert_eq!(named, Err(Refused::ReadChannels), "{name}");
        }
        for argument in [many, json!("x".repeat(8193))] {
            let Change::Refresh(shown) = change("refresh", &argument) else { panic!("it is a refresh") };
            assert!(shown == Shown::Unreadable);
        }
        let Change::Subscribe(named) = change("subscribe", &json!(["a"])) else { panic!("it is a subscribe") };
        assert_eq!(named, Channels::read(&json!("a")));
    }
}
