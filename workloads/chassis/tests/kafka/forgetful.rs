//! A way to a broker on which it may answer that its cluster has no brokers: so Kafka does for a moment after it has started.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Number of the request for metadata in Kafka's protocol.
const METADATA: i16 = 3;

/// The way. Ends with the process.
pub(crate) struct Forgetful {
    pub(crate) address: SocketAddr,
    /// Answers without brokers that are still to be given.
    pub(crate) empty: Arc<AtomicUsize>,
}

/// Versions of the requests that wait for an answer, by their numbers; only those for metadata.
type Waiting = Arc<Mutex<HashMap<[u8; 4], i16>>>;

impl Forgetful {
    /// Begins before the broker at that address.
    pub(crate) fn before(broker: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, empty) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let ports = (broker.parse::<SocketAddr>().unwrap().port(), address.port());
        let (broker, counter) = (broker.to_owned(), empty.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&broker) else { continue };
                let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (waiting, counter) = (Waiting::default(), counter.clone());
                let noted = waiting.clone();
                thread::spawn(move || _ = pass(from_client, to_server, |request| note(&noted, request)));
                thread::spawn(move || {
                    _ = pass(server, client, |answer| rewrite(&waiting, answer, ports, &counter));
                });
            }
        });
        Self { address, empty }
    }
}

/// Passes messages on, each with what is made of it. Both ends are closed with the first one.
fn pass(mut from: TcpStream, mut to: TcpStream, mut make: impl FnMut(Vec<u8>) -> Vec<u8>) -> io::Result<()> {
    let mut once = || {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        from.read_exact(&mut message)?;
        let message = make(message);
        to.write_all(&u32::try_from(message.len()).unwrap().to_be_bytes())?;
        to.write_all(&message)
    };
    while once().is_ok() {}
    to.shutdown(std::net::Shutdown::Both)
}

/// A request begins with its kind, its version and its number.
fn note(waiting: &Waiting, request: Vec<u8>) -> Vec<u8> {
    let short = |at: usize| i16::from_be_bytes([request[at], request[at + 1]]);
    if short(0) == METADATA {
        assert_eq!(short(2), 12, "the answer's form is that of version 12");
        waiting.lock().unwrap().insert(request[4..8].try_into().unwrap(), short(2));
    }
    request
}

/// An answer for metadata begins with number, tags, and a time; then come the brokers: their count and one, and of each its number, host, port,
/// rack and tags. The one broker is left out, or told, here and in any other answer, at the way's own port.
fn rewrite(waiting: &Waiting, mut answer: Vec<u8>, ports: (u16, u16), empty: &AtomicUsize) -> Vec<u8> {
    const BROKERS: usize = 4 + 1 + 4;
    let place = |port: u16| [b"127.0.0.1".as_slice(), &i32::from(port).to_be_bytes()].concat();
    let (theirs, own) = (place(ports.0), place(ports.1));
    let metadata = waiting.lock().unwrap().remove(&answer[..4]).is_some();
    for at in 0..answer.len().saturating_sub(theirs.len() - 1) {
        if answer[at..].starts_with(&theirs) {
            answer[at..at + own.len()].copy_from_slice(&own);
        }
    }
    if metadata && empty.load(Ordering::SeqCst) > 0 {
        assert_eq!(answer[BROKERS], 2, "there is one broker");
        empty.fetch_sub(1, Ordering::SeqCst);
        // Number, length of the host, host and port, no rack, no tags.
        answer.splice(BROKERS..BROKERS + 1 + 4 + 1 + own.len() + 1 + 1, [1]);
    }
    answer
}
