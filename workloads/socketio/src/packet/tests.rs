use serde_json::json;

use super::*;

mod refusals;

const LIMIT: usize = 16;

fn raw(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).unwrap()
}

fn arguments(values: &[&str]) -> Arguments {
    Arguments::from_parts(values.iter().map(|value| raw(value)).collect(), Vec::new())
}

fn event(namespace: &str, id: Option<u64>, event: &str, arguments: Arguments) -> Packet {
    Packet::Event { namespace: namespace.into(), id, event: event.into(), arguments }
}

/// Packets have no equality: their texts say all.
fn show(packet: &Packet) -> String {
    format!("{packet:?}")
}

fn decode(text: &str) -> Result<Option<Packet>, Error> {
    Decoder::new().text(text, LIMIT)
}

fn connect(namespace: &str, data: Option<&str>) -> Packet {
    Packet::Connect { namespace: namespace.into(), data: data.map(raw) }
}

fn acknowledgement(namespace: &str, id: u64, values: &[&str]) -> Packet {
    Packet::Acknowledgement { namespace: namespace.into(), id, arguments: arguments(values) }
}

fn connect_error(namespace: &str, message: &str, data: Option<&str>) -> Packet {
    Packet::ConnectError { namespace: namespace.into(), message: message.into(), data: data.map(raw) }
}

#[test]
fn packets_are_written_and_read_again() {
    let cases = [
        ("0", connect("/", None)),
        (r#"0{"token":"123"}"#, connect("/", Some(r#"{"token":"123"}"#))),
        ("0/woot,", connect("/woot", None)),
        (r#"0/woot,{"token":"123"}"#, connect("/woot", Some(r#"{"token":"123"}"#))),
        ("1", Packet::Disconnect { namespace: "/".into() }),
        ("1/woot,", Packet::Disconnect { namespace: "/woot".into() }),
        (r#"2["a",1,{}]"#, event("/", None, "a", arguments(&["1", "{}"]))),
        (r#"2/test,["a",1,{}]"#, event("/test", None, "a", arguments(&["1", "{}"]))),
        (r#"21["a",1,{}]"#, event("/", Some(1), "a", arguments(&["1", "{}"]))),
        (r#"2/test,18446744073709551615["a"]"#, event("/test", Some(u64::MAX), "a", arguments(&[]))),
        (r#"2["a \"b\" \\ \n ü €"]"#, event("/", None, "a \"b\" \\ \n ü €", arguments(&[]))),
        ("3123[]", acknowledgement("/", 123, &[])),
        ("3/admin,0[]", acknowledgement("/admin", 0, &[])),
        (r#"4{"message":"Not authorized"}"#, connect_error("/", "Not authorized", None)),
        (r#"4/woot,{"message":"no","data":[1]}"#, connect_error("/woot", "no", Some("[1]"))),
    ];
    for (text, packet) in cases {
        assert_eq!(packet.encode(), Encoded { text: text.into(), attachments: Vec::new() });
        assert_eq!(show(&decode(text).unwrap().unwrap()), show(&packet), "{text}");
    }
}

#[test]
fn what_other_clients_write_differently_is_read_too() {
    let cases = [
        ("0/woot", connect("/woot", None)),
        (r#"0/woot?token=1&a=b,{"x":1}"#, connect("/woot", Some(r#"{"x":1}"#))),
        ("0/?token=1", connect("/", None)),
        ("0/,", connect("/", None)),
        (r#"0 {"a":1} "#, connect("/", Some(r#"{"a":1}"#))),
        ("1/woot", Packet::Disconnect { namespace: "/woot".into() }),
        (r#"2 [ "a" , 1 ]"#, event("/", None, "a", arguments(&["1"]))),
        ("2[7,1]", event("/", None, "7", arguments(&["1"]))),
        ("2[-1.5]", event("/", None, "-1.5", arguments(&[]))),
        (r#"2["\u0061"]"#, event("/", None, "a", arguments(&[]))),
        (r#"2[""]"#, event("/", None, "", arguments(&[]))),
        (r#"4"Unauthorized""#, connect_error("/", "Unauthorized", None)),
        ("4{}", connect_error("/", "", None)),
        (r#"50-["a"]"#, event("/", None, "a", arguments(&[]))),
        (r#"60-7["a"]"#, acknowledgement("/", 7, &[])),
        // Without attachments it is data like any other.
        (
            r#"2["a",{"_placeholder":true,"num":9}]"#,
            event("/", None, "a", arguments(&[r#"{"_placeholder":true,"num":9}"#])),
        ),
    ];
    for (text, packet) in cases {
        assert_eq!(show(&decode(text).unwrap().unwrap()), show(&packet), "{text}");
    }
}

#[test]
fn attachments_follow_the_text() {
    let mut decoder = Decoder::new();
    let text = r#"52-/cool,23["a",{"_placeholder":true,"num":1},[{"b":{"_placeholder":true,"num":0}}],{"_placeholder":false}]"#;
    assert!(decoder.text(text, LIMIT).unwrap().is_none());
    assert!(decoder.is_waiting());
    assert!(decoder.binary(Bytes::from_static(b"one"), 6).unwrap().is_none());
    let packet = decoder.binary(Bytes::from_static(b"two"), 6).unwrap().unwrap();
    assert!(!decoder.is_waiting());
    let Packet::Event { namespace, id, event, arguments } = &packet else { panic!("{packet:?}") };
    assert_eq!((&**namespace, *id, &**event), ("/cool", Some(23), "a"));
    assert_eq!(arguments.attachments(), [&b"one"[..], b"two"]);
    assert_eq!(arguments.values()[1].get(), r#"[{"b":{"_placeholder":true,"num":0}}]"#);
    assert_eq!(packet.encode(), Encoded { text: text.into(), attachments: vec!["one".into(), "two".into()] });
}

#[test]
fn an_acknowledgement_may_have_attachments() {
    let mut decoder = Decoder::new();
    let text = r#"61-/back,127["a",{"_placeholder":true,"num":0}]"#;
    assert!(decoder.text(text, LIMIT).unwrap().is_none());
    let packet = decoder.binary(Bytes::new(), 0).unwrap().unwrap();
    let Packet::Acknowledgement { namespace, id: 127, arguments } = packet else { panic!("{packet:?}") };
    assert_eq!((&*namespace, arguments.attachments()), ("/back", &[Bytes::new()][..]));
}

#[test]
fn an_acknowledgement_of_the_server_is_written_with_its_values() {
    let mut packet = acknowledgement("/admin", 0, &[r#""x""#, "null"]);
    assert_eq!(packet.encode().text, r#"3/admin,0["x",null]"#);
    if let Packet::Acknowledgement { arguments, .. } = &mut packet {
        let values = vec![raw(r#"{"_placeholder":true,"num":0}"#)];
        *arguments = Arguments::from_parts(values, vec!["one".into()]);
    }
    let text = r#"61-/admin,0[{"_placeholder":true,"num":0}]"#.to_owned();
    assert_eq!(packet.encode(), Encoded { text, attachments: vec!["one".into()] });
}

#[test]
fn the_values_of_an_acknowledgement_are_checked_and_not_read() {
    for values in ["[1,1]".to_owned(), format!("[{}]", vec!["1"; 65_000].join(",")), "[".repeat(9) + &"]".repeat(9)] {
        let packet = decode(&format!("31{values}")).unwrap().unwrap();
        let Packet::Acknowledgement { arguments, .. } = &packet else { panic!("{packet:?}") };
        assert!(arguments.values().is_empty(), "{} values are kept", arguments.values().len());
    }
}

#[test]
fn messages_in_the_wrong_order_are_refused_and_nothing_is_kept() {
    let beginning = r#"52-["a",{"_placeholder":true,"num":0}]"#;
    let mut decoder = Decoder::new();
    assert!(matches!(decoder.binary(Bytes::new(), 10), Err(Error::TakeBinary)));
    decoder.text(beginning, LIMIT).unwrap();
    assert!(matches!(decoder.text(r#"2["b"]"#, LIMIT), Err(Error::TakeText)));
    assert!(!decoder.is_waiting());
    decoder.text(beginning, LIMIT).unwrap();
    decoder.binary(Bytes::from_static(b"123456"), 10).unwrap();
    assert!(matches!(decoder.binary(Bytes::from_static(b"12345"), 10), Err(Error::TakeBytes { limit: 10 })));
    assert!(!decoder.is_waiting());
    assert!(decoder.text(r#"2["b"]"#, LIMIT).unwrap().is_some());
}

#[test]
fn values_stay_the_text_that_they_were() {
    let text = r#"2["a",1.50,12345678901234567890123,{"b" : 1, "b":2},"\u00fc\ud800"]"#;
    let packet = decode(text).unwrap().unwrap();
    assert_eq!(packet.encode().text, text);
}

#[test]
fn values_nested_deeply_need_no_stack() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let packet = decode(&format!(r#"2["a",{deep}]"#)).unwrap().unwrap();
    let Packet::Event { arguments, .. } = &packet else { panic!("{packet:?}") };
    assert_eq!(arguments.get::<serde_json::Value>(0), None);
    assert!(matches!(decode(&format!(r#"51-["a",{deep}]"#)), Err(Error::ReadPlaceholders(_))));
}

#[test]
fn arguments_are_read_by_their_types() {
    let arguments = Arguments::new().with("text").with(&7).with(&json!({"a": [1]})).with_text(raw("null"));
    assert_eq!(arguments.get::<String>(0).as_deref(), Some("text"));
    assert_eq!(arguments.get::<u32>(0), None);
    assert_eq!(arguments.get::<u32>(1), Some(7));
    assert_eq!(arguments.get::<Option<u32>>(3), Some(None));
    assert_eq!(arguments.get::<u32>(4), None);
    let packet = event("/", None, "e", arguments);
    assert_eq!(packet.encode().text, r#"2["e","text",7,{"a":[1]},null]"#);
}

#[test]
fn a_value_that_is_no_json_becomes_null() {
    let keys = std::collections::BTreeMap::from([(vec![1], 2)]);
    let packet = Packet::Acknowledgement { namespace: MAIN.into(), id: 1, arguments: Arguments::new().with(&keys) };
    assert_eq!(packet.encode().text, "31[null]");
}

#[test]
fn an_idle_decoder_is_small() {
    assert_eq!(size_of::<Decoder>(), size_of::<usize>());
}
