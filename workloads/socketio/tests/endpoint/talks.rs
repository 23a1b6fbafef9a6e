//! Events, acknowledgements, bytes and the feed, by both transports.

use realtime_socketio::Arguments;

use super::{
    client::{Polling, Socket},
    world::World,
};

const PLACEHOLDERS: &str = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;

#[test]
fn a_websocket_carries_events_acknowledgements_and_bytes() {
    let world = World::new();
    let mut socket = Socket::enter(&world);
    socket.says(r#"42["back",1,{"2":[true]}]"#);
    assert_eq!(socket.hears(), r#"42["back",1,{"2":[true]},"c0"]"#);
    socket.says(r#"42456["a",1]"#);
    assert_eq!(socket.hears(), "43456[1]");
    socket.says(&format!(r#"452-7["a",{PLACEHOLDERS}]"#));
    socket.says_bytes(&[1, 2, 3]);
    socket.says_bytes(&[4, 5, 6]);
    assert_eq!(socket.hears(), format!("462-7[{PLACEHOLDERS}]"));
    assert_eq!((socket.hears_bytes(), socket.hears_bytes()), (vec![1, 2, 3], vec![4, 5, 6]));
}

#[test]
fn requests_carry_events_acknowledgements_and_bytes() {
    let world = World::new();
    let client = Polling::enter(&world);
    client.says("42[\"back\",1]\u{1e}42456[\"a\",1]");
    assert_eq!(client.hears(), [r#"42["back",1,"c0"]"#, "43456[1]"]);
    client.says(&format!("452-7[\"a\",{PLACEHOLDERS}]\u{1e}bAQID\u{1e}bBAUG"));
    assert_eq!(client.hears(), [&*format!("462-7[{PLACEHOLDERS}]"), "bAQID", "bBAUG"]);
}

#[test]
fn the_feed_reaches_clients_of_both_transports_with_its_cursor() {
    let mut world = World::new();
    let polling = Polling::enter(&world);
    let mut socket = Socket::enter(&world);
    world.publish("one");
    world.publish("two");
    let expected = [r#"42["feed",{"number":0,"text":"one"},"c1"]"#, r#"42["feed",{"number":1,"text":"two"},"c2"]"#];
    assert_eq!([socket.hears(), socket.hears()], expected);
    let mut heard = Vec::new();
    while heard.len() < 2 {
        heard.extend(polling.hears());
    }
    assert_eq!(heard, expected);
    socket.says(r#"42["back"]"#);
    assert_eq!(socket.hears(), r#"42["back","c2"]"#);
}

#[test]
fn who_leaves_the_namespace_of_the_feed_hears_it_no_more() {
    let mut world = World::new();
    let mut socket = Socket::enter(&world);
    socket.says("40/demo");
    assert!(socket.hears().starts_with("40/demo,"));
    assert_eq!(socket.hears(), r#"42/demo,["hello"]"#);
    socket.says("41");
    socket.says(r#"42/demo,1["a"]"#);
    assert_eq!(socket.hears(), "43/demo,1[]");
    world.publish("one");
    socket.says(r#"42/demo,2["a"]"#);
    assert_eq!(socket.hears(), "43/demo,2[]");
}

#[test]
fn what_is_announced_reaches_those_in_the_namespace() {
    let world = World::new();
    let mut outside = Socket::enter(&world);
    let mut inside = Socket::open(&world);
    inside.says("40/demo");
    assert!(inside.hears().starts_with("40/demo,"));
    assert_eq!(inside.hears(), r#"42/demo,["hello"]"#);
    let polling = Polling::open(&world);
    polling.says("40/demo");
    let mut pieces = Vec::new();
    while pieces.len() < 2 {
        pieces.extend(polling.hears());
    }
    world.server.announce("/demo", "news", &Arguments::new().with("x"));
    assert_eq!(inside.hears(), r#"42/demo,["news","x"]"#);
    assert_eq!(polling.hears(), [r#"42/demo,["news","x"]"#]);
    outside.says(r#"421["a"]"#);
    assert_eq!(outside.hears(), "431[]");
}

#[test]
fn another_protocol_may_stand_above() {
    let world = World::new();
    let client = Polling::open_at(&world, "engine.io");
    client.says("4hello\u{1e}bAQIDBA==\u{1e}4there");
    assert_eq!(client.hears(), ["4hello", "bAQIDBA==", "4there"]);
    let mut socket = Socket::try_open(world.address, "/engine.io/?EIO=4&transport=websocket").unwrap();
    socket.hears();
    socket.says("4hello");
    assert_eq!(socket.hears(), "4hello");
    socket.says_bytes(&[1, 2, 3]);
    assert_eq!(socket.hears_bytes(), [1, 2, 3]);
}
