//! How a client comes into a namespace, and out of it.

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::{Asked, Conversation, Ending};
use crate::{
    identity,
    namespace::{Admission, Denial, Departed, Departure, Emission, Request},
    packet::{Name, Packet},
    session::{
        admitted::{self, Admitted},
        expiry::Expiry,
        hub::{Answer, Hub, Question},
        joined::Joined,
    },
    statistics::{Refusal, Violation},
};

/// What a wish to enter costs, in tokens beside those of its message: the application asks elsewhere for it, such as in a database.
const COST: u32 = 25;

impl Conversation {
    /// The client wants into a namespace.
    pub(super) fn enter(&mut self, name: Name, auth: Option<Box<RawValue>>, hub: &mut dyn Hub) {
        let Some(namespace) = self.shared.find(&name) else {
            return self.refuse(Refusal::Unknown, name, "Invalid namespace".to_owned(), None, hub);
        };
        let enters = self.entering().any(|entering| entering.namespace == namespace);
        if enters || self.place(&name).is_some() {
            return self.violate(Violation::Order, hub);
        }
        if self.joined.len() + self.entering().count() >= self.shared.settings.namespaces {
            return self.refuse(Refusal::Full, name, "Too many namespaces".to_owned(), None, hub);
        }
        if !self.takes(COST, hub) {
            return;
        }
        let Some(id) = identity::socket() else {
            // The system gives no random numbers: nobody can be let in here.
            return self.end(Ending::Server(realtime_fanout::CloseReason::Unavailable), hub);
        };
        let request = Request { id, auth, client: self.client, transport: self.transport };
        let connects = self.shared.namespace(namespace).connect(request);
        let answer = Box::pin(admitted::admit(connects, namespace, self.transport, self.shared.clone()));
        self.ask(namespace, true, answer, hub);
    }

    /// Has something answered elsewhere.
    pub(super) fn ask(
        &mut self,
        namespace: u16,
        is_entry: bool,
        answer: BoxFuture<'static, Answer>,
        hub: &mut dyn Hub,
    ) {
        let (waits, forgotten) = oneshot::channel();
        let ticket = self.ticket;
        self.ticket = self.ticket.wrapping_add(1);
        self.asked.push(Asked { ticket, namespace, is_entry, _waits: waits });
        hub.ask(Question { ticket, answer, forgotten });
    }

    fn entering(&self) -> impl Iterator<Item = &Asked> {
        self.asked.iter().filter(|asked| asked.is_entry)
    }

    /// It is known whether the client may enter, or what came of what a namespace began. It may have left, or come anew, in the meantime.
    pub(crate) fn answered(&mut self, ticket: u32, answer: Answer, hub: &mut dyn Hub) {
        let place = self.asked.iter().position(|asked| asked.ticket == ticket);
        let Some(place) = place.filter(|_| !self.is_ending()) else { return };
        let namespace = self.asked.swap_remove(place).namespace;
        if self.asked.is_empty() {
            self.asked = Vec::new();
        }
        match answer {
            Answer::Errand(outcome) => {
                if let Some(place) = self.joined.iter().position(|joined| joined.namespace == namespace) {
                    self.call(place, hub, |namespace, socket| namespace.done(socket, outcome));
                }
            }
            Answer::Entry(entry) => self.judged(namespace, *entry, hub),
        }
        self.await_next(hub);
    }

    fn judged(&mut self, namespace: u16, entry: Result<Admitted, Denial>, hub: &mut dyn Hub) {
        match entry {
            Ok(admitted) => self.admit(namespace, admitted, hub),
            Err(Denial::Refused { message, data }) => {
                let name = self.shared.name(namespace).into();
                self.refuse(Refusal::Refused, name, message, data, hub);
            }
            Err(Denial::Away(reason)) => {
                self.shared.counters.refused(Refusal::Away);
                self.end(Ending::Server(reason), hub);
            }
        }
    }

    fn admit(&mut self, namespace: u16, admitted: Admitted, hub: &mut dyn Hub) {
        let (shared, transport) = (self.shared.clone(), self.transport);
        let (admission, missed) = admitted.into_parts(transport);
        let Admission { id, pid, state, greeting, subscription, history, expires } = admission;
        let joined = Joined {
            namespace,
            recovers: pid.is_some(),
            has_feed: subscription.is_some(),
            leaving: None,
            expiry: Expiry::new(expires),
            id: id.into(),
            connected_at: hub.now(),
            state,
        };
        self.deadlines.entered();
        shared.counters.entered(namespace, transport);
        shared.say(&joined.welcome(pid.as_deref(), &shared), transport, hub);
        for emission in greeting {
            let Emission { event, arguments, cursor } = emission;
            joined.emit(&event, arguments, cursor, hub, &shared, transport);
        }
        let rest = history.into_iter().map(|emission| joined.render(emission, hub, &shared, transport));
        let history: Vec<Bytes> = missed.into_iter().chain(rest).collect();
        shared.counters.sent(history.len());
        match subscription {
            Some(mut subscription) => {
                subscription.history = history;
                for other in &mut self.joined {
                    other.has_feed = false;
                }
                hub.subscribe(subscription);
            }
            None => history.into_iter().for_each(|piece| hub.say(piece)),
        }
        // Most connections have one namespace for all their life.
        self.joined.reserve_exact(1);
        self.joined.push(joined);
        self.call(self.joined.len() - 1, hub, |namespace, socket| namespace.entered(socket));
    }

    /// The client leaves a namespace.
    pub(super) fn leave(&mut self, name: &str, hub: &mut dyn Hub) {
        if let Some(place) = self.place(name) {
            return self.part(place, Departure::Client, hub);
        }
        let shared = self.shared.clone();
        let enters = |asked: &Asked| asked.is_entry && shared.name(asked.namespace) == name;
        match self.asked.iter().position(enters) {
            Some(place) => drop(self.asked.swap_remove(place)),
            None => self.violate(Violation::Order, hub),
        }
    }

    /// A client is in a namespace no more.
    pub(super) fn part(&mut self, place: usize, reason: Departure, hub: &mut dyn Hub) {
        let joined = self.joined.swap_remove(place);
        self.asked.retain(|asked| asked.namespace != joined.namespace);
        if joined.has_feed {
            hub.unsubscribe();
        }
        self.report(joined, reason, hub.now());
    }

    /// Tells the application that a client is in its namespace no more.
    pub(super) fn report(&self, joined: Joined, reason: Departure, now: std::time::Instant) {
        let Joined { namespace, id, connected_at, state, .. } = joined;
        self.shared.counters.left(namespace, self.transport);
        self.shared.namespace(namespace).disconnected(Departed {
            id: id.into(),
            client: self.client,
            transport: self.transport,
            connected_for: now.saturating_duration_since(connected_at),
            state,
            reason,
        });
    }

    fn refuse(
        &self,
        refusal: Refusal,
        namespace: Name,
        message: String,
        data: Option<Box<RawValue>>,
        hub: &mut dyn Hub,
    ) {
        self.shared.counters.refused(refusal);
        self.shared.say(&Packet::ConnectError { namespace, message, data }, self.transport, hub);
    }
}
