//! The checker itself: it finds what it is there to find. These need no cluster.

use std::time::Duration;

use realtime_e2e::eventsource::parser::{Message, Parser, Signal};
use realtime_e2e::eventsource::response::Response;
use realtime_e2e::ledger::{Entry, Fault, Ledger};

fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    // Even numbers stand in partition 0, odd ones in partition 1.
    for number in 0..6_u32 {
        let (partition, offset) = (i32::from(number % 2 == 1), i64::from(number / 2));
        let kind = if number < 4 { "ProductCreated" } else { "ProductDeleted" };
        ledger.note(number, Entry { partition, offset, kind, channel: "shop".to_owned(), region: "north" });
    }
    ledger
}

#[test]
fn partitions_may_come_in_any_order_and_each_in_its_own() {
    for received in [[0, 1, 2, 3, 4, 5], [1, 3, 5, 0, 2, 4], [0, 2, 1, 3, 5, 4]] {
        assert_eq!(ledger().faults(|_| true, &received), []);
    }
}

#[test]
fn a_lost_a_doubled_a_swapped_and_an_unwanted_event_are_found() {
    let faults = |received: &[u32]| ledger().faults(|_| true, received);
    assert_eq!(faults(&[0, 1, 2, 3, 5]), [Fault::Lost(4)]);
    assert_eq!(faults(&[0, 1, 2, 3, 4, 5, 2]), [Fault::Doubled(2)]);
    assert_eq!(faults(&[2, 0, 1, 3, 4, 5]), [Fault::Late(0)]);
    assert_eq!(faults(&[0, 1, 2, 3, 4, 5, 6]), [Fault::Unwanted(6)]);
    assert_eq!(faults(&[]).len(), 6);
}

#[test]
fn a_filtered_client_gets_what_it_wants_and_nothing_else() {
    let faults = |received: &[u32]| ledger().faults(|entry| entry.kind == "ProductDeleted", received);
    assert_eq!(faults(&[5, 4]), []);
    assert_eq!(faults(&[4]), [Fault::Lost(5)]);
    assert_eq!(faults(&[4, 5, 0]), [Fault::Unwanted(0)]);
}

fn message(event: &str, data: &str, id: &str) -> Signal {
    Signal::Message(Message { event: event.to_owned(), data: data.to_owned(), id: id.to_owned() })
}

/// What a stream says, the same in whatever pieces it comes; ids aside.
fn said(stream: &str) -> Vec<Signal> {
    let parse = |size: usize| {
        let (mut parser, mut signals) = (Parser::default(), Vec::new());
        for piece in stream.as_bytes().chunks(size) {
            parser.feed(piece, &mut |signal| signals.push(signal));
        }
        signals.retain(|signal| !matches!(signal, Signal::LastEventId(_)));
        signals
    };
    let whole = parse(stream.len());
    for size in 1..stream.len() {
        assert_eq!(parse(size), whole, "in pieces of {size} bytes");
    }
    whole
}

#[test]
fn every_line_end_ends_a_line_and_a_mark_at_the_beginning_is_none() {
    for end in ["\n", "\r", "\r\n"] {
        let stream = ["\u{feff}id: 7", ": comment", "event: gap", "data:first", "data: second", "", ""].join(end);
        assert_eq!(said(&stream), [message("gap", "first\nsecond", "7")], "{end:?}");
    }
}

#[test]
fn fields_are_read_as_browsers_read_them() {
    assert_eq!(said("data\n\n"), [message("message", "", "")]);
    assert_eq!(said("data:  two\n\n"), [message("message", " two", "")]);
    assert_eq!(said("id: 1\n\ndata: x\n\n"), [message("message", "x", "1")]);
    assert_eq!(said("id: 1\nid: a\0b\ndata: x\n\n"), [message("message", "x", "1")]);
    assert_eq!(said("id: 1\nid\ndata: x\n\n"), [message("message", "x", "")]);
    assert_eq!(said("retry: 1500\nretry: 1s\nretry:\n"), [Signal::Retry(Duration::from_millis(1500))]);
    assert_eq!(said("event: never\n\ndata: x\n\n"), [message("message", "x", "")]);
    assert_eq!(said("data: cut off"), []);
}

/// What a response says, the same in whatever pieces it comes.
fn answered(response: &str) -> Result<Vec<Signal>, String> {
    let read = |size: usize| {
        let (mut reader, mut signals) = (Response::default(), Vec::new());
        for piece in response.as_bytes().chunks(size) {
            reader.feed(piece, |signal| signals.push(signal))?;
        }
        signals.retain(|signal| matches!(signal, Signal::Message(_)));
        Ok(signals)
    };
    let whole = read(response.len());
    for size in 1..response.len() {
        assert_eq!(read(size), whole, "in pieces of {size} bytes");
    }
    whole
}

#[test]
fn a_stream_is_read_in_chunks_and_without() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n";
    let plain = answered(&format!("{head}\r\ndata: hello\n\n"));
    assert_eq!(plain, Ok(vec![message("message", "hello", "")]));
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n8\r\ndata: he\r\n5;x=y\r\nllo\n\n\r\n0\r\n\r\n");
    assert_eq!(answered(&chunked), plain);
    assert!(answered(&format!("{head}Transfer-Encoding: chunked\r\n\r\nx\r\n")).is_err());
}

#[test]
fn anything_but_an_event_stream_ends_the_client() {
    for head in [
        "503 Service Unavailable\r\nContent-Type: text/event-stream",
        "204 No Content",
        "200 OK\r\nContent-Type: text/html",
    ] {
        let refused = answered(&format!("HTTP/1.1 {head}\r\n\r\n"));
        assert!(refused.is_err_and(|refusal| refusal.contains(&head[..3])), "{head}");
    }
}
