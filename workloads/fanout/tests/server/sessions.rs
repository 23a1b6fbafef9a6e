//! Connections on which both sides speak, over real sockets.

use std::{any::Any, time::Duration};

use axum::{Router, response::IntoResponse, routing::get};
use bytes::Bytes;
use http::StatusCode;
use realtime_fanout::{
    CloseReason, Engine, Opening, Path, Settings, Statistics, serve,
    session::{Address, Session, Voice, Word},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::oneshot,
    time::timeout,
};

use super::{
    client::Client,
    world::{PATIENCE, World, limits},
};

/// A plain request for a conversation, and one that goes by way of hyper.
const PLAIN: &str = "GET /talk HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const ODD: &str = "GET http://a/talk HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const ANSWERED: &str = "HTTP/1.1 101 Switching Protocols\r\n";

/// Says what it hears, and at the end of much how much it was; ends with `bye`. Behind a `!` stands the address of a session, in the words that it said first, which gets the socket, and the rest.
#[derive(Default)]
struct Echo {
    heard: usize,
}

/// What is too much to be said again.
const MUCH: usize = 1024;

impl Session for Echo {
    fn begin(&mut self, voice: &mut Voice<'_>) {
        let address = voice.address().to_bytes();
        voice.say(format!("{}\n", address.map(|byte| format!("{byte:02x}")).concat()).into());
    }

    fn hear(&mut self, bytes: &mut [u8], voice: &mut Voice<'_>) {
        self.heard += bytes.len();
        if bytes == b"bye" {
            return voice.close(CloseReason::Gone);
        }
        if self.heard > MUCH {
            if bytes.ends_with(b"\n") {
                voice.say(format!("{}\n", self.heard).into());
            }
            return;
        }
        match bytes.split_first_chunk::<21>() {
            Some((wish, rest)) if wish[0] == b'!' => {
                voice.hand_over(address(&wish[1..]));
                voice.tell(address(&wish[1..]), Box::new(Bytes::copy_from_slice(rest)));
            }
            _ => voice.say(Bytes::copy_from_slice(bytes)),
        }
    }

    fn told(&mut self, word: Word, voice: &mut Voice<'_>) {
        match word.downcast::<oneshot::Sender<Bytes>>() {
            Ok(request) => voice.answer(*request),
            Err(word) => voice.say(*word.downcast::<Bytes>().unwrap()),
        }
    }

    fn announced(&mut self, news: &(dyn Any + Send + Sync), voice: &mut Voice<'_>) {
        voice.say(news.downcast_ref::<Bytes>().unwrap().clone());
    }

    fn wake(&mut self, _: &mut Voice<'_>) {}

    fn moved(&mut self, _: &mut Voice<'_>) {}

    fn rewrite(&self, piece: &[u8]) -> Bytes {
        Bytes::copy_from_slice(piece)
    }

    fn rendering(&self) -> u8 {
        1
    }

    fn farewell(&mut self, reason: CloseReason) -> Bytes {
        format!("{}\n", reason.name()).into()
    }

    fn ended(&mut self, _: CloseReason) {}
}

fn address(hex: &[u8]) -> Address {
    let hex = std::str::from_utf8(hex).unwrap();
    let byte = |index: usize| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap();
    Address::from_bytes(std::array::from_fn(byte))
}

async fn talk() -> impl IntoResponse {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    response.extensions_mut().insert(Opening::session(Box::new(Echo::default())));
    response
}

async fn world(connections: usize) -> World {
    let settings = serve::Settings { upgrade_paths: vec!["/talk".to_owned()], ..limits(connections) };
    let router = Router::new().route("/talk", get(talk));
    World::of(router, settings, Settings { shards: 1, ..Settings::default() }).await
}

/// Reads until that comes, and gives what came before.
async fn until(client: &mut Client, end: &str) -> String {
    let read = async {
        let mut text = String::new();
        while !text.ends_with(end) {
            let byte = client.socket.read_u8().await.unwrap_or_else(|error| panic!("{error} behind {text:?}"));
            text.push(char::from(byte));
        }
        text.truncate(text.len() - end.len());
        text
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("{end:?} does not come"))
}

/// Begins a conversation and gives the session's address.
async fn begin(world: &World) -> (Client, String) {
    let mut client = Client::request(world.address, PLAIN).await;
    let head = until(&mut client, "\r\n\r\n").await;
    assert!(head.starts_with(ANSWERED) && head.contains("\r\nconnection: Upgrade\r\nupgrade: websocket"), "{head}");
    let address = until(&mut client, "\n").await;
    (client, address)
}

fn active(path: Path) -> impl Fn(&Statistics) -> bool {
    move |statistics| statistics.by_path[path as usize].active == 1
}

#[tokio::test]
async fn both_sides_speak() {
    let world = world(10).await;
    let (mut client, address_text) = begin(&world).await;
    client.send("hello\n").await;
    assert_eq!(until(&mut client, "\n").await, "hello");
    world.engine.tell(address(address_text.as_bytes()), Box::new(Bytes::from_static(b"word\n")));
    world.engine.announce(&(std::sync::Arc::new(Bytes::from_static(b"news\n")) as _));
    assert_eq!(until(&mut client, "news\n").await, "word\n");
    world.engine.drain(Duration::ZERO);
    assert_eq!(until(&mut client, "\n").await, "draining");
    drop(client);
    world.until(|statistics| statistics.connections() == 0 && statistics.closed(CloseReason::Draining) == 1).await;
}

/// More than is read of one client before it is another one's turn.
#[tokio::test]
async fn much_that_a_client_says_is_heard_to_its_end() {
    let world = world(10).await;
    let (mut client, _) = begin(&world).await;
    client.send(&format!("{}\n", "x".repeat(2_000_000))).await;
    assert_eq!(until(&mut client, "\n").await, "2000001");
}

/// It would keep the thread from others for nothing.
#[tokio::test]
async fn a_client_that_goes_on_talking_behind_its_end_is_cut() {
    let world = world(10).await;
    let (mut client, _) = begin(&world).await;
    client.send("bye").await;
    assert_eq!(until(&mut client, "\n").await, "gone");
    let talk = async { while client.socket.write_all(&[b'x'; 64 * 1024]).await.is_ok() {} };
    timeout(PATIENCE, talk).await.unwrap();
    world.until(|statistics| statistics.connections() == 0).await;
}

#[tokio::test]
async fn a_request_that_is_not_plain_is_refused() {
    let world = world(10).await;
    let mut client = Client::request(world.address, ODD).await;
    assert!(until(&mut client, "\r\n").await.starts_with("HTTP/1.1 400 "));
    assert_eq!(world.engine.statistics().opened(), 0);
}

#[tokio::test]
async fn a_conversation_takes_a_place_until_it_ends() {
    let world = world(1).await;
    let (first, _) = begin(&world).await;
    let mut second = Client::request(world.address, PLAIN).await;
    assert!(until(&mut second, "\r\n").await.starts_with("HTTP/1.1 503 "));
    drop(first);
    world.until(|statistics| statistics.connections() == 0).await;
    begin(&world).await;
}

/// What comes behind the wish in the same packet, and what comes later, is heard by the one who has the socket then.
#[tokio::test]
async fn a_session_of_requests_gets_a_socket() {
    let world = world(10).await;
    world.engine.converse(Box::new(Echo::default()), b'|', None);
    world.until(active(Path::Polling)).await;
    let main = polled(&world.engine, first()).await;
    let (mut client, _) = begin(&world).await;
    client.send(&format!("!{main}behind\n")).await;
    assert_eq!(until(&mut client, "\n").await, "behind");
    client.send("later\n").await;
    assert_eq!(until(&mut client, "\n").await, "later");
    world.until(active(Path::WebSocket)).await;
    assert_eq!(world.engine.statistics().connections(), 1);
}

/// The first session of the only shard.
fn first() -> Address {
    address(b"00000000000100000000")
}

/// What waits for a session of requests.
async fn polled(engine: &Engine, session: Address) -> String {
    let (request, answer) = oneshot::channel::<Bytes>();
    engine.tell(session, Box::new(request));
    let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
    String::from_utf8(answer.to_vec()).unwrap().trim_end().to_owned()
}
