use mio::{Poll as MioPoll, Token};
use std::sync::Arc;

use super::*;

const KEY: usize = 7 << 32 | 3;

fn poll(body: &mut EventStream) -> Poll<Option<Result<Bytes, Cut>>> {
    let mut context = Context::from_waker(Waker::noop());
    Pin::new(body).poll_frame(&mut context).map_ok(|frame| frame.into_data().unwrap())
}

fn inbox() -> (MioPoll, Inbox) {
    let poll = MioPoll::new().unwrap();
    let inbox = crate::inbox::of_poll(&poll, Token(0)).unwrap();
    (poll, inbox)
}

fn commands(inbox: &Inbox) -> Vec<String> {
    let name = |command| match command {
        Command::Writable(key) => format!("writable {}", usize::from(key) == KEY),
        Command::Gone(key) => format!("gone {}", usize::from(key) == KEY),
        _ => "other".to_owned(),
    };
    inbox.take(Vec::new()).into_iter().map(name).collect()
}

fn is_full(written: &io::Result<usize>) -> bool {
    written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

#[test]
fn what_is_written_is_read_in_order_and_ends_with_the_end() {
    let (writer, mut body) = pipe(CancellationToken::new(), None);
    assert_eq!(poll(&mut body), Poll::Pending);
    assert_eq!(writer.write(&[Bytes::from("one"), Bytes::new(), Bytes::from("two")]).unwrap(), 6);
    writer.finish();
    assert_eq!(poll(&mut body), Poll::Ready(Some(Ok(Bytes::from("one")))));
    assert_eq!(poll(&mut body), Poll::Ready(Some(Ok(Bytes::from("two")))));
    drop(writer);
    assert_eq!(poll(&mut body), Poll::Ready(None));
}

#[test]
fn a_reader_that_does_not_take_the_end_is_cut_once_the_writer_gives_it_up() {
    let cut = CancellationToken::new();
    let (writer, mut body) = pipe(cut.clone(), None);
    writer.write(&[Bytes::from("one")]).unwrap();
    writer.finish();
    assert!(!cut.is_cancelled());
    drop(writer);
    assert!(cut.is_cancelled());
    assert_eq!(poll(&mut body), Poll::Ready(Some(Err(Cut))));
}

#[test]
fn what_guards_a_stream_lives_as_long_as_its_reader() {
    let guard = Arc::new(());
    let (writer, body) = pipe(CancellationToken::new(), Some(Box::new(guard.clone())));
    drop(writer);
    assert_eq!(Arc::strong_count(&guard), 2);
    drop(body);
    assert_eq!(Arc::strong_count(&guard), 1);
}

#[test]
fn holds_64_kib_and_tells_the_shard_when_it_has_been_emptied() {
    let (_poll, inbox) = inbox();
    let (writer, mut body) = pipe(CancellationToken::new(), None);
    writer.bind(inbox.clone(), Key::from(KEY));
    let chunk = Bytes::from(vec![b'x'; 40 * 1024]);
    assert_eq!(writer.write(&[chunk.clone(), chunk.clone()]).unwrap(), CAPACITY);
    assert!(is_full(&writer.write(&[chunk])));
    assert!(poll(&mut body).is_ready());
    assert_eq!(commands(&inbox), [""; 0], "it is not empty yet");
    assert!(poll(&mut body).is_ready());
    assert_eq!(commands(&inbox), ["writable true"]);
    assert_eq!(writer.write(&[Bytes::from("more")]).unwrap(), 4);
    assert!(poll(&mut body).is_ready());
    assert_eq!(commands(&inbox), [""; 0], "nobody waits for room");
}

#[test]
fn tells_what_happened_before_the_shard_was_known() {
    let (_poll, inbox) = inbox();
    let (writer, mut body) = pipe(CancellationToken::new(), None);
    writer.write(&[Bytes::from(vec![b'x'; CAPACITY])]).unwrap();
    assert!(is_full(&writer.write(&[Bytes::from("more")])));
    assert!(poll(&mut body).is_ready());
    writer.bind(inbox.clone(), Key::from(KEY));
    assert_eq!(commands(&inbox), ["writable true"]);

    let (writer, body) = pipe(CancellationToken::new(), None);
    drop(body);
    writer.bind(inbox.clone(), Key::from(KEY));
    assert_eq!(commands(&inbox), ["gone true"]);
}

#[test]
fn a_body_that_is_dropped_tells_the_shard_and_takes_nothing_more() {
    let (_poll, inbox) = inbox();
    let (writer, body) = pipe(CancellationToken::new(), None);
    writer.bind(inbox.clone(), Key::from(KEY));
    drop(body);
    assert_eq!(commands(&inbox), ["gone true"]);
    assert_eq!(writer.write(&[Bytes::from("one")]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn a_writer_that_leaves_without_an_end_cuts_the_body() {
    let cut = CancellationToken::new();
    let (writer, mut body) = pipe(cut.clone(), None);
    writer.write(&[Bytes::from("one")]).unwrap();
    drop(writer);
    assert!(cut.is_cancelled());
    assert_eq!(poll(&mut body), Poll::Ready(Some(Err(Cut))));
}

#[test]
fn an_end_or_a_reader_that_left_is_no_cut() {
    let cut = CancellationToken::new();
    let (writer, body) = pipe(cut.clone(), None);
    writer.finish();
    drop(writer);
    drop(body);
    let (writer, body) = pipe(cut.clone(), None);
    drop(body);
    drop(writer);
    assert!(!cut.is_cancelled());
}
