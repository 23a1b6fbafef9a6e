use std::{
    any::Any,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use realtime_fanout::{CloseReason, Filter, Start, session::Subscription};
use serde_json::{Value, json};

use super::*;
use crate::{
    namespace::{Admission, Denial, Departed, Departure, Emission, Namespace, Request},
    session::hub::{Answer, Question},
    settings::Settings,
    statistics::Refusal,
};

mod connecting;
mod ends;
mod events;
mod expiring;
mod limits;

/// What a conversation wanted.
#[derive(Debug, PartialEq)]
enum Act {
    Say(String),
    Bytes(Vec<u8>),
    Subscribe(Vec<String>),
    Select,
    Unsubscribe,
    Close(CloseReason),
}

/// Writes down what is wanted.
struct Notes {
    now: Instant,
    acts: Vec<Act>,
    wakes: Vec<Instant>,
    questions: Vec<Question>,
}

impl Hub for Notes {
    fn now(&self) -> Instant {
        self.now
    }

    fn cursor(&self) -> String {
        "now-7".to_owned()
    }

    fn say(&mut self, piece: Bytes) {
        let text = String::from_utf8(piece.to_vec());
        self.acts.push(text.map_or_else(|_| Act::Bytes(piece.to_vec()), Act::Say));
    }

    fn subscribe(&mut self, subscription: Subscription) {
        let text = |piece: &Bytes| String::from_utf8_lossy(piece).into_owned();
        self.acts.push(Act::Subscribe(subscription.history.iter().map(text).collect()));
    }

    fn select(&mut self, _: Filter) {
        self.acts.push(Act::Select);
    }

    fn unsubscribe(&mut self) {
        self.acts.push(Act::Unsubscribe);
    }

    fn wake_at(&mut self, time: Instant) {
        self.wakes.push(time);
    }

    fn ask(&mut self, question: Question) {
        self.questions.push(question);
    }

    fn close(&mut self, reason: CloseReason) {
        self.acts.push(Act::Close(reason));
    }
}

/// State of a client that is sent away as soon as it is in.
const NOT_LONG: u32 = u32::MAX;

/// A namespace that lets in who does not say `{"deny": …}`, and does what events say.
struct Room {
    name: &'static str,
    begun: Instant,
    entered: Arc<Mutex<Vec<String>>>,
    departed: Arc<Mutex<Vec<(String, Departure)>>>,
}

impl Namespace for Room {
    fn name(&self) -> &str {
        self.name
    }

    fn connect(&self, request: Request) -> BoxFuture<'static, Result<Admission, Denial>> {
        let auth: Value = request.auth.as_ref().map_or(Value::Null, |auth| serde_json::from_str(auth.get()).unwrap());
        let feed = auth["feed"] == json!(true);
        let place = (auth["place"] != json!(false)).then_some("old-1");
        let hello = |event: &'static str, cursor: Option<&str>| Emission {
            event: event.into(),
            arguments: Arguments::new().with(&1),
            cursor: cursor.map(str::to_owned),
        };
        let subscription =
            Subscription { filter: Filter::default(), start: Start::Live, history: Vec::new(), held: None };
        let answer = match auth["deny"].as_str() {
            Some("away") => Err(Denial::Away(CloseReason::Unavailable)),
            Some(message) => Err(Denial::Refused { message: message.to_owned(), data: None }),
            None => Ok(Admission {
                id: format!("id-of-{}", self.name),
                pid: feed.then(|| "secret".to_owned()),
                state: Box::new(if auth["stay"] == json!(false) { NOT_LONG } else { 0 }),
                greeting: vec![hello("connected", None)],
                subscription: feed.then_some(subscription),
                history: if feed { vec![hello("missed", place)] } else { Vec::new() },
                expires: auth["seconds"].as_u64().map(|seconds| self.begun + Duration::from_secs(seconds)),
            }),
        };
        async { answer }.boxed()
    }

    fn entered(&self, socket: &mut Socket<'_>) {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner).push(socket.id().to_owned());
        if socket.state::<u32>().copied() == Some(NOT_LONG) {
            socket.disconnect();
        }
    }

    fn event(&self, socket: &mut Socket<'_>, event: Incoming) {
        match &*event.event {
            "leave" => socket.disconnect(),
            "close" => socket.close(CloseReason::Aged),
            "select" => socket.select(Filter::default()),
            "unsubscribe" => socket.unsubscribe(),
            "begin" => {
                let number: u32 = event.arguments.get(0).unwrap();
                socket.begin(async move { Box::new(number) as Box<dyn Any + Send> }.boxed());
            }
            "stay" => {
                let seconds = event.arguments.get::<u64>(0).map(Duration::from_secs);
                socket.expire_at(seconds.map(|seconds| self.begun + seconds));
            }
            "count" => {
                let count = socket.state::<u32>().unwrap();
                *count += 1;
                let count = Arguments::new().with(count);
                socket.emit("count", count);
            }
            other => match event.acknowledgement {
                Some(id) => socket.acknowledge(id, event.arguments),
                None => socket.emit(other, event.arguments),
            },
        }
    }

    fn keep(&self, socket: &mut Socket<'_>) {
        socket.emit("kept", Arguments::new());
    }

    fn done(&self, socket: &mut Socket<'_>, outcome: Box<dyn Any + Send>) {
        socket.emit("done", Arguments::new().with(outcome.downcast_ref::<u32>().unwrap()));
    }

    fn expiring(&self, socket: &mut Socket<'_>) {
        socket.emit("expiring", Arguments::new());
    }

    fn disconnected(&self, departed: Departed) {
        let _: Box<u32> = (departed.state as Box<dyn Any>).downcast().unwrap();
        self.departed.lock().unwrap_or_else(PoisonError::into_inner).push((departed.id, departed.reason));
    }
}

/// A conversation, and what it wanted since the last look.
struct Talk {
    conversation: Conversation,
    notes: Notes,
    entered: Arc<Mutex<Vec<String>>>,
    departed: Arc<Mutex<Vec<(String, Departure)>>>,
    shared: Arc<Shared>,
}

impl Talk {
    fn new(settings: Settings) -> Self {
        Self::over(Transport::Polling, settings)
    }

    fn over(transport: Transport, settings: Settings) -> Self {
        let (entered, departed, now) = (Arc::default(), Arc::default(), Instant::now());
        let room = |name| {
            let (entered, departed) = (Arc::clone(&entered), Arc::clone(&departed));
            Arc::new(Room { name, begun: now, entered, departed }) as Arc<dyn Namespace>
        };
        let shared = Arc::new(Shared::new(settings, vec![room("/"), room("/demo"), room("/third")]));
        let client = "192.0.2.1".parse().unwrap();
        let mut conversation = Conversation::new(shared.clone(), client, transport, now);
        conversation.came_again();
        let notes = Notes { now, acts: Vec::new(), wakes: Vec::new(), questions: Vec::new() };
        Self { conversation, notes, entered, departed, shared }
    }

    /// In the main namespace already.
    fn entered() -> Self {
        let mut talk = Self::new(Settings::default());
        talk.enters("40");
        talk
    }

    fn says(&mut self, text: &str) -> Vec<Act> {
        self.conversation.text(text, &mut self.notes);
        self.conversation.settle(false, &mut self.notes);
        self.acts()
    }

    /// Says something that asks a namespace, which answers.
    fn enters(&mut self, text: &str) -> Vec<Act> {
        assert_eq!(self.says(text), []);
        self.answers()
    }

    fn answers(&mut self) -> Vec<Act> {
        let Question { ticket, answer, .. } = self.notes.questions.remove(0);
        let answer: Answer = answer.now_or_never().unwrap();
        self.conversation.answered(ticket, answer, &mut self.notes);
        self.acts()
    }

    fn wakes_after(&mut self, seconds: u64) -> Vec<Act> {
        self.notes.now += Duration::from_secs(seconds);
        self.conversation.wake(&mut self.notes);
        self.acts()
    }

    fn acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.notes.acts)
    }

    fn departed(&self) -> Vec<(String, Departure)> {
        std::mem::take(&mut *self.departed.lock().unwrap())
    }

    fn violations(&self, violation: Violation) -> u64 {
        self.shared.counters.statistics().violations[violation as usize]
    }
}

fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

fn closed() -> Vec<Act> {
    vec![Act::Close(CloseReason::Gone)]
}
