//! The change from requests to a websocket.

use std::{io::Write as _, time::Duration};

use realtime_socketio::Settings;
use tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{
    client::{Polling, Socket, ask, finish, packets},
    world::World,
};

fn target(client: &Polling) -> String {
    client.target.replace("transport=polling", "transport=websocket")
}

fn probe(client: &Polling) -> Socket {
    let mut socket = Socket::try_open(client.address, &target(client)).unwrap();
    socket.says("2probe");
    assert_eq!(socket.hears(), "3probe");
    socket
}

/// Text frames of a client.
fn frames(texts: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        let mut frame = Frame::message(text.clone().into_bytes(), OpCode::Data(Data::Text), true);
        frame.header_mut().mask = Some([1, 2, 3, 4]);
        frame.format(&mut bytes).unwrap();
    }
    bytes
}

fn number(packet: &str, event: &str) -> Option<u64> {
    let list: serde_json::Value = serde_json::from_str(packet.strip_prefix("42")?).ok()?;
    let value = if list[0] == "feed" { &list[1]["number"] } else { &list[1] };
    (list[0] == event).then(|| value.as_u64().unwrap())
}

#[test]
fn a_session_changes_its_transport() {
    let world = World::new();
    let client = Polling::enter(&world);
    let mut socket = probe(&client);
    assert_eq!(client.hears(), ["6"], "a GET waits while the client wants to change");
    socket.says("5");
    world.until("the session has changed", |world| world.sockets() == [0, 1]);
    socket.says(r#"42["back"]"#);
    assert_eq!(socket.hears(), r#"42["back","c0"]"#);
    assert_eq!(ask(client.address, "GET", &client.target, "").status, 400);
    let mut second = Socket::try_open(client.address, &target(&client)).unwrap();
    assert_eq!(second.hears_close(), (1008, "upgrade".to_owned()));
    socket.says(r#"421["a"]"#);
    assert_eq!(socket.hears(), "431[]");
    drop((socket, second));
    world.end();
}

#[test]
fn a_get_that_waits_is_ended_by_the_probe() {
    let world = World::new();
    let client = Polling::enter(&world);
    let waits = client.begins_to_poll();
    let _socket = probe(&client);
    assert_eq!(packets(&finish(waits)), ["6"]);
}

#[test]
fn nothing_is_lost_or_doubled_while_the_transport_changes() {
    for round in 0..20 {
        let mut world = World::new();
        let client = Polling::enter(&world);
        let (mut feed, mut back) = (Vec::new(), Vec::new());
        let mut take = |packet: &str| {
            feed.extend(number(packet, "feed"));
            back.extend(number(packet, "back"));
        };
        let mut sent = 0..;
        let mut event = || format!(r#"42["back",{}]"#, sent.next().unwrap());
        let mut published = 0;
        let mut publish = |world: &mut World, count: u64| published += (0..count).map(|_| world.publish("t")).count();
        publish(&mut world, 3);
        client.says(&event());
        let waits = (round % 2 == 0).then(|| client.begins_to_poll());
        let mut socket = probe(&client);
        publish(&mut world, 3);
        client.says(&event());
        if let Some(waits) = waits {
            packets(&finish(waits)).iter().for_each(|packet| take(packet));
        }
        publish(&mut world, round);
        client.hears().iter().for_each(|packet| take(packet));
        client.says(&event());
        publish(&mut world, 3);
        // The change, events behind it and half of another one come at once.
        let mut bytes = frames(&["5".to_owned(), event(), event(), event()]);
        let rest = bytes.split_off(bytes.len() - 5);
        socket.0.get_mut().write_all(&bytes).unwrap();
        publish(&mut world, 3);
        socket.0.get_mut().write_all(&rest).unwrap();
        socket.says(&event());
        publish(&mut world, 3);
        let last = event();
        socket.says(&last);
        let expected_back: Vec<u64> = (0..8).collect();
        loop {
            let packet = socket.hears();
            take(&packet);
            if number(&packet, "back") == Some(7) {
                break;
            }
        }
        while feed.len() < published {
            let packet = socket.hears();
            feed.extend(number(&packet, "feed"));
        }
        assert_eq!(back, expected_back, "round {round}");
        assert_eq!(feed, (0..published as u64).collect::<Vec<_>>(), "round {round}");
    }
}

#[test]
fn one_websocket_is_tried_at_a_time() {
    let world = World::new();
    let client = Polling::enter(&world);
    let first = probe(&client);
    let mut second = Socket::try_open(client.address, &target(&client)).unwrap();
    assert_eq!(second.hears_close(), (1008, "upgrade".to_owned()));
    drop(first);
    world.until("another one may be tried", |_| {
        let mut third = Socket::try_open(client.address, &target(&client)).unwrap();
        third.0.send(Message::text("2probe")).is_ok()
            && third.0.read().is_ok_and(|said| said == Message::text("3probe"))
    });
}

#[test]
fn a_client_that_does_not_end_its_change_keeps_its_requests() {
    let world = World::of(Settings { upgrade_time: Duration::from_millis(500), ..Settings::default() });
    let client = Polling::enter(&world);
    let mut socket = probe(&client);
    assert_eq!(socket.hears_close(), (1008, "upgrade".to_owned()));
    client.says(r#"42["back"]"#);
    assert_eq!(client.hears(), [r#"42["back","c0"]"#]);
}

#[test]
fn a_client_that_says_something_else_keeps_its_requests() {
    let world = World::new();
    let client = Polling::enter(&world);
    let mut socket = Socket::try_open(client.address, &target(&client)).unwrap();
    socket.0.send(Message::text("4hello")).unwrap();
    assert_eq!(socket.hears_close().0, 1008);
    client.says(r#"42["back"]"#);
    assert_eq!(client.hears(), [r#"42["back","c0"]"#]);
}
