use std::{
    collections::HashSet,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use http_body::Body;

use super::{Filter, Hub, Publication, QUEUE_BYTES};
use crate::{CloseReason, EventStream, Subscription};

fn publish(hub: &Hub, channel: &str, position: u64, text: &'static str) -> u64 {
    hub.publish(Publication { channel, position, frame: &Bytes::from_static(text.as_bytes()) })
}

/// What the connection can read without waiting, and whether it ended.
fn read(subscription: &Subscription) -> (Vec<Bytes>, bool) {
    let mut context = Context::from_waker(Waker::noop());
    let mut frames = Vec::new();
    loop {
        match subscription.queue.poll_next(&mut context) {
            Poll::Ready(Some(frame)) => frames.push(frame),
            Poll::Ready(None) => return (frames, true),
            Poll::Pending => return (frames, false),
        }
    }
}

fn channels(names: &[&str]) -> Filter {
    Filter { channels: Some(names.iter().map(ToString::to_string).collect::<HashSet<_>>()), after: 0 }
}

#[test]
fn gives_every_connection_the_same_bytes() {
    let hub = Hub::new();
    let subscriptions: Vec<Subscription> = (0..100).map(|_| hub.register(Filter::default())).collect();
    let frame = Bytes::from(vec![b'x'; 1000]);
    assert_eq!(hub.publish(Publication { channel: "default", position: 1, frame: &frame }), 100);
    for subscription in &subscriptions {
        let (frames, ended) = read(subscription);
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].as_ptr(), frame.as_ptr(), "the bytes were copied");
        assert!(!ended);
    }
}

#[test]
fn filters_by_channel() {
    let hub = Hub::new();
    let orders = hub.register(channels(&["orders"]));
    let all = hub.register(Filter::default());
    assert_eq!(publish(&hub, "orders", 1, "one"), 2);
    assert_eq!(publish(&hub, "stock", 2, "two"), 1);
    assert_eq!(read(&orders).0, ["one"]);
    assert_eq!(read(&all).0, ["one", "two"]);
}

#[test]
fn skips_what_a_connection_has_already() {
    let hub = Hub::new();
    let ahead = hub.register(Filter { channels: None, after: 2 });
    publish(&hub, "default", 2, "two");
    publish(&hub, "default", 3, "three");
    assert_eq!(read(&ahead).0, ["three"]);
}

#[test]
fn says_where_history_ends_and_live_begins() {
    let hub = Hub::new();
    hub.start_at(41);
    assert_eq!(hub.register(Filter::default()).joined_at(), 41);
    publish(&hub, "default", 42, "before");
    let subscription = hub.register(Filter::default());
    publish(&hub, "default", 43, "after");
    assert_eq!(subscription.joined_at(), 42);
    assert_eq!(read(&subscription).0, ["after"]);
}

#[test]
fn cuts_a_slow_connection_and_no_other() {
    let hub = Hub::new();
    let slow = hub.register(Filter::default());
    let quick = hub.register(Filter::default());
    let half = Bytes::from(vec![b'x'; QUEUE_BYTES / 2]);
    for position in 1..=3 {
        hub.publish(Publication { channel: "default", position, frame: &half });
        assert_eq!(read(&quick).0, std::slice::from_ref(&half));
    }
    let (frames, ended) = read(&slow);
    assert_eq!(frames.len(), 1, "only the farewell is left");
    assert!(frames[0].starts_with(b"retry: "));
    assert!(ended);
    drop(slow);
    let statistics = hub.statistics();
    assert_eq!((statistics.delivered, statistics.failed, statistics.active), (5, 1, 1));
    assert_eq!(statistics.closed[CloseReason::Slow.index()], 1);
}

#[test]
fn takes_frames_again_after_the_queue_was_read() {
    let hub = Hub::new();
    let subscription = hub.register(Filter::default());
    let whole = Bytes::from(vec![b'x'; QUEUE_BYTES]);
    for position in 1..=3 {
        hub.publish(Publication { channel: "default", position, frame: &whole });
        assert_eq!(read(&subscription), (vec![whole.clone()], false));
    }
}

#[test]
fn takes_a_frame_beyond_the_bound_only_when_nothing_waits() {
    let hub = Hub::new();
    let subscription = hub.register(Filter::default());
    let large = Bytes::from(vec![b'x'; QUEUE_BYTES + 1]);
    hub.publish(Publication { channel: "default", position: 1, frame: &large });
    assert_eq!(read(&subscription), (vec![large], false));
    hub.publish(Publication { channel: "default", position: 2, frame: &Bytes::from(vec![b'x'; QUEUE_BYTES + 1]) });
    assert_eq!(publish(&hub, "default", 3, "behind"), 0);
    assert!(read(&subscription).1, "it is closed");
}

#[test]
fn lets_go_of_what_it_holds_once_its_own_frames_are_sent() {
    let hub = Hub::new();
    let held = Arc::new(());
    let frames = ["one", "two"].map(Bytes::from);
    let mut stream = EventStream::new(frames, hub.register(Filter::default())).holding(held.clone());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..2 {
        assert!(Pin::new(&mut stream).poll_frame(&mut context).is_ready());
        assert_eq!(Arc::strong_count(&held), 2, "a frame may still wait for the client");
    }
    assert!(Pin::new(&mut stream).poll_frame(&mut context).is_pending());
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn gives_heartbeats_to_all_but_those_ahead() {
    let hub = Hub::new();
    let orders = hub.register(channels(&["orders"]));
    let stock = hub.register(channels(&["stock"]));
    let ahead = hub.register(Filter { channels: None, after: 2 });
    publish(&hub, "orders", 1, "one");
    hub.heartbeat(|position| Bytes::from(format!("at {position}")));
    assert_eq!(read(&orders).0, ["one", "at 1"]);
    assert_eq!(read(&stock).0, ["at 1"]);
    assert!(read(&ahead).0.is_empty(), "its cursor would go back");
    assert_eq!(hub.statistics().delivered, 1, "a heartbeat is no delivery");
}

#[test]
fn drains_with_what_waits_and_a_retry() {
    let hub = Hub::new();
    let early = hub.register(Filter::default());
    publish(&hub, "default", 1, "one");
    hub.drain();
    publish(&hub, "default", 2, "too late");
    let late = hub.register(Filter::default());
    let (frames, ended) = read(&early);
    assert_eq!(frames[0], "one");
    assert!(frames[1].starts_with(b"retry: "));
    assert_eq!((frames.len(), ended), (2, true));
    assert!(read(&late).1);
    drop((early, late));
    assert_eq!(hub.statistics().closed[CloseReason::Draining.index()], 2);
}

#[test]
fn forgets_a_connection_that_is_dropped() {
    let hub = Hub::new();
    drop(hub.register(Filter::default()));
    let statistics = hub.statistics();
    assert_eq!((statistics.active, statistics.connected), (0, 1));
    assert_eq!(statistics.closed[CloseReason::Gone.index()], 1);
    assert_eq!(publish(&hub, "default", 1, "one"), 0);
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn streams_the_prelude_then_live_frames_and_wakes_the_reader() {
    let hub = Hub::new();
    let mut stream = EventStream::new([Bytes::from_static(b"hello")], hub.register(Filter::default()));
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut context = Context::from_waker(&waker);
    let mut next = || match Pin::new(&mut stream).poll_frame(&mut context) {
        Poll::Ready(Some(Ok(frame))) => Some(frame.into_data().unwrap()),
        Poll::Ready(None) => panic!("the stream ended"),
        Poll::Pending => None,
    };
    assert_eq!(next().unwrap(), "hello");
    assert_eq!(next(), None);
    publish(&hub, "default", 1, "one");
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert_eq!(next().unwrap(), "one");
    assert_eq!(next(), None);
}
