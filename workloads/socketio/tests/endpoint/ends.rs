//! How connections end, and what a client may not do.

use std::time::{Duration, Instant};

use realtime_fanout::CloseReason;
use realtime_socketio::{Settings, namespace::Departure, statistics::Violation};
use tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use super::{
    client::{Polling, Socket, ask, finish, packets},
    world::World,
};

#[test]
fn a_client_that_answers_pings_stays() {
    let world = World::of(Settings { ping_interval: Duration::from_millis(500), ..Settings::default() });
    let client = Polling::enter(&world);
    let mut socket = Socket::enter(&world);
    for _ in 0..3 {
        assert_eq!(client.hears(), ["2"]);
        client.says("3");
        assert_eq!(socket.hears(), "2");
        socket.says("3");
    }
}

#[test]
fn a_client_that_does_not_answer_a_ping_is_closed() {
    let ping = Duration::from_millis(500);
    let world = World::of(Settings { ping_interval: ping, ping_timeout: ping, ..Settings::default() });
    let client = Polling::enter(&world);
    let mut socket = Socket::enter(&world);
    assert_eq!(socket.hears_close(), (1000, "silent".to_owned()));
    world.until("nobody is in the namespace", |world| world.sockets() == [0, 0]);
    assert_eq!(client.polls().status, 400);
}

#[test]
fn a_client_says_that_it_leaves() {
    let world = World::new();
    let client = Polling::enter(&world);
    let waits = client.begins_to_poll();
    client.says("1");
    let answer = finish(waits);
    // The GET may have come behind the packet.
    assert!(answer.status == 400 || packets(&answer) == ["6"], "{answer:?}");
    assert_eq!(client.polls().status, 400);
    let mut socket = Socket::enter(&world);
    socket.says("1");
    assert_eq!(socket.hears_close().0, 1000);
    let mut socket = Socket::enter(&world);
    let frame = CloseFrame { code: CloseCode::Away, reason: "".into() };
    socket.0.send(Message::Close(Some(frame))).unwrap();
    assert_eq!(socket.hears_close().0, 1001);
    world.until("nobody is in the namespace", |world| world.sockets() == [0, 0]);
    assert_eq!(*world.departed.lock().unwrap(), [Departure::Transport(CloseReason::Gone); 3]);
    world.end();
}

#[test]
fn a_client_that_breaks_a_rule_is_told_which() {
    let settings = Settings { payload_bytes: 1000, burst: 50, ..Settings::default() };
    let world = World::of(settings);
    let told = |text: &str| {
        let mut socket = Socket::enter(&world);
        socket.says(text);
        socket.hears_close()
    };
    assert_eq!(told("abc"), (1008, "packet".to_owned()));
    assert_eq!(told("4abc"), (1008, "packet".to_owned()));
    assert_eq!(told("40"), (1008, "order".to_owned()));
    assert_eq!(told(r#"42/demo,["a"]"#), (1008, "order".to_owned()));
    assert_eq!(told(&"x".repeat(1001)), (1009, "size".to_owned()));
    let mut socket = Socket::enter(&world);
    for _ in 0..1000 {
        if socket.0.send(Message::text("3")).is_err() {
            break;
        }
    }
    world.until("the rate is noticed", |world| world.server.statistics().violations[Violation::Rate as usize] == 1);
}

#[test]
fn a_client_that_enters_nothing_is_told_so() {
    let world = World::of(Settings { connect_time: Duration::from_millis(50), ..Settings::default() });
    assert_eq!(Socket::open(&world).hears_close(), (1008, "not-entered".to_owned()));
}

#[test]
fn a_client_of_requests_has_to_come_again_soon() {
    let world = World::of(Settings { return_time: Duration::from_secs(1), ..Settings::default() });
    let stays = Polling::open(&world);
    stays.says("3");
    let leaves = Polling::open(&world);
    let broken = |world: &World| world.server.statistics().violations[Violation::NotEntered as usize];
    world.until("the client is given up", |world| broken(world) == 1);
    assert_eq!(leaves.polls().status, 400);
    stays.says("3");
}

#[test]
fn the_frames_of_a_message_count() {
    let world = World::of(Settings { burst: 50, ..Settings::default() });
    let mut socket = Socket::enter(&world);
    for number in 0..1000 {
        let kind = if number == 0 { Data::Text } else { Data::Continue };
        if socket.0.send(Message::Frame(Frame::message("", OpCode::Data(kind), false))).is_err() {
            break;
        }
    }
    world.until("the rate is noticed", |world| world.server.statistics().violations[Violation::Rate as usize] == 1);
}

#[test]
fn a_draining_server_says_goodbye() {
    let world = World::new();
    let client = Polling::enter(&world);
    let mut socket = Socket::enter(&world);
    let waits = client.begins_to_poll();
    client.says("3");
    world.drain();
    assert_eq!(socket.hears_close(), (1001, "draining".to_owned()));
    let answer = finish(waits);
    // The GET may have come behind the end.
    assert!(answer.status == 400 || packets(&answer) == ["1"], "{answer:?}");
    world.until("nobody is in the namespace", |world| world.sockets() == [0, 0]);
    let departed = world.departed.lock().unwrap().clone();
    assert_eq!(departed, [Departure::Transport(CloseReason::Draining); 2]);
    world.end();
}

#[test]
fn who_comes_to_a_draining_server_is_told_at_once_to_go_elsewhere() {
    let world = World::new();
    world.drain();
    let begun = Instant::now();
    let answer = ask(world.address, "GET", "/socket.io/?EIO=4&transport=polling", "");
    assert!(begun.elapsed() < Duration::from_secs(4), "it waits for {:?}", begun.elapsed());
    assert_eq!((answer.status, &*answer.body), (503, r#"{"code":4,"message":"This instance is ending"}"#));
    assert!(answer.head.contains("retry-after: 1\r\n"), "{answer:?}");
}

#[test]
fn a_client_that_does_not_read_is_cut_and_others_lose_nothing() {
    let mut world = World::new();
    let mut slow = Socket::enter(&world);
    let polling = Polling::enter(&world);
    let mut fast = Socket::enter(&world);
    let text = "x".repeat(32 * 1024);
    let mut numbers = 0..;
    while world.engine.statistics().closed(CloseReason::Slow) < 2 {
        let number = world.publish(&text);
        assert_eq!(Some(number), numbers.next());
        assert!(number < 10_000, "nobody is cut");
        let heard = fast.hears();
        assert!(heard.starts_with(&format!(r#"42["feed",{{"number":{number},"#)), "{}", &heard[..60]);
    }
    world.until("the slow ones are gone", |world| world.sockets() == [0, 1]);
    assert_eq!(polling.polls().status, 400);
    while !slow.has_ended() {}
}

#[test]
fn a_client_that_leaves_without_a_word_is_noticed() {
    let world = World::new();
    drop(Socket::enter(&world));
    world.until("nobody is in the namespace", |world| world.sockets() == [0, 0]);
}
