mod event_source;

use std::time::Duration;

use self::event_source::EventSource;
use super::Frame;

fn text(frame: Frame) -> String {
    String::from_utf8(frame.encode().to_vec()).unwrap()
}

#[test]
fn writes_id_and_data() {
    assert_eq!(text(Frame::new().id("epoch-7").data(r#"{"a":1}"#)), "id: epoch-7\ndata: {\"a\":1}\n\n");
}

#[test]
fn writes_a_data_line_for_each_line_of_the_payload() {
    assert_eq!(
        text(Frame::new().data("one\ntwo\r\nthree\rfour\n")),
        "data: one\ndata: two\ndata: three\ndata: four\ndata: \n\n"
    );
    assert_eq!(text(Frame::new().data("one\r")), "data: one\ndata: \n\n", "a line end at the end is one, too");
}

#[test]
fn writes_an_empty_payload_as_one_empty_line() {
    assert_eq!(text(Frame::new().data("")), "data: \n\n");
}

#[test]
fn writes_event_comment_and_retry() {
    assert_eq!(text(Frame::new().event("gap").data("{}")), "event: gap\ndata: {}\n\n");
    assert_eq!(text(Frame::new().comment("heartbeat")), ": heartbeat\n\n");
    assert_eq!(text(Frame::new().retry(Duration::from_millis(1500))), "retry: 1500\n\n");
}

#[test]
fn lets_no_id_or_name_begin_another_line() {
    assert_eq!(text(Frame::new().id("a\ndata: forged")), "id: a\n\n");
    assert_eq!(text(Frame::new().event("a\rdata: forged")), "event: a\n\n");
    assert_eq!(text(Frame::new().id("a\0b")), "id: a\n\n");
}

#[test]
fn writes_a_whole_frame_byte_for_byte() {
    let frame = Frame::new().retry(Duration::from_secs(2)).id("c7").event("gap").data("{\"a\":\n 1}").comment("x\ny");
    assert_eq!(text(frame), "retry: 2000\nid: c7\nevent: gap\ndata: {\"a\":\ndata:  1}\n: x\n: y\n\n");
}

fn read(stream: impl AsRef<[u8]>) -> EventSource {
    let mut source = EventSource::default();
    source.read(stream.as_ref());
    source
}

fn data(stream: &str) -> Vec<String> {
    read(stream).seen.into_iter().map(|seen| seen.data).collect()
}

/// The streams are those of the directory `eventsource` of web-platform-tests, which every browser runs.
#[test]
fn the_parser_of_these_tests_sees_what_browsers_see() {
    let long = "x".repeat(2048);
    let comments = format!("data:1\r:\0\n:\r\ndata:2\n:{long}\rdata:3\n:data:fail\r:{long}\ndata:4\n\n");
    let cases: [(&str, &str, &[&str]); 11] = [
        ("bom", "\u{feff}data:1\n\n\u{feff}data:2\n\ndata:3\n\n", &["1", "3"]),
        ("bom-2", "\u{feff}\u{feff}data:1\n\ndata:2\n\ndata:3\n\n", &["2", "3"]),
        ("comments", &comments, &["1\n2\n3\n4"]),
        ("data-before-final-empty-line", "retry:1000\ndata:test1\n\nid:test\ndata:test2", &["test1"]),
        ("field-data", "data:\n\ndata\ndata\n\ndata:test\n\n", &["", "\n", "test"]),
        (
            "field-parsing",
            "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
            &["\0\n 2\n1\n3\n\n4"],
        ),
        (
            "field-unknown",
            "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
            &["test\n\ntest"],
        ),
        ("leading-space", "data:\ttest\rdata: \ndata:test\n\n", &["\ttest\n\ntest"]),
        ("newlines", "data:test\r\ndata\ndata:test\r\n\r\n", &["test\n\ntest"]),
        ("null-character", "data:\0\n\n\n\n", &["\0"]),
        ("utf-8", "data:ok…\n\n", &["ok…"]),
    ];
    for (name, stream, expected) in cases {
        assert_eq!(data(stream), expected, "{name}");
    }
}

#[test]
fn the_parser_of_these_tests_takes_ids_kinds_and_times_as_browsers_do() {
    let ids = |stream: &str| read(stream).seen.into_iter().map(|seen| seen.id).collect::<Vec<_>>();
    assert_eq!(ids("id:1\ndata:a\n\ndata:b\n\nid\ndata:c\n\n"), ["1", "1", ""]);
    assert_eq!(ids("id:1\ndata:a\n\nid:2\0\ndata:b\n\n"), ["1", "1"]);
    assert_eq!(read("data:a\n\nid:test\ndata:b").last_event_id, "", "the frame has no end");
    assert_eq!(read("id:7\n\n").last_event_id, "7", "an id counts without data, too");

    let kinds = |stream: &str| read(stream).seen.into_iter().map(|seen| seen.kind).collect::<Vec<_>>();
    assert_eq!(kinds("event:test\ndata:x\n\ndata:x\n\nevent: \ndata:x\n\n"), ["test", "message", "message"]);

    let time = |stream: &str| read(stream).reconnection_time;
    assert_eq!(time("retry:03000\n\n"), Some(3000));
    assert_eq!(time("retry:3000\nretry:1000x\nretry:-1\nretry\n\n"), Some(3000));
}

#[test]
fn a_browser_sees_what_was_meant_whatever_the_payload() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let pieces =
        ["\n", "\r", "\r\n", "\0", "\u{feff}", ":", " ", "data: forged", "id: forged", "event", "é", "{}", "\t", ""];
    let mut stream = Vec::new();
    let mut meant = Vec::new();
    for number in 0..2_000 {
        let mut payload = String::new();
        for _ in 0..random.usize(0..8) {
            payload.push_str(pieces[random.usize(..pieces.len())]);
        }
        let frame =
            Frame::new().id(&number.to_string()).comment(&payload).event(&format!("kind-{number}")).data(&payload);
        stream.extend_from_slice(&frame.encode());
        let lines = payload.replace("\r\n", "\n").replace('\r', "\n");
        meant.push((format!("kind-{number}"), lines, number.to_string()));
    }
    let mut source = EventSource::default();
    let mut rest = stream.as_slice();
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(random.usize(1..=rest.len().min(50)));
        source.read(piece);
        rest = behind;
    }
    let seen: Vec<_> = source.seen.into_iter().map(|seen| (seen.kind, seen.data, seen.id)).collect();
    assert_eq!(seen.len(), meant.len(), "seed {seed}");
    for (seen, meant) in seen.into_iter().zip(meant) {
        assert_eq!(seen, meant, "seed {seed}");
    }
}

#[test]
fn a_browser_takes_the_id_of_a_frame_without_data_and_the_time_to_come_back() {
    let source = read(Frame::new().comment("heartbeat").id("c9").retry(Duration::from_millis(4321)).encode());
    assert_eq!((source.last_event_id.as_str(), source.reconnection_time), ("c9", Some(4321)));
    assert_eq!(source.seen, []);
}
