//! The thread of a shard: it waits for sockets and commands, and passes them on.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    sync::Arc,
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use mio::{Events, Interest, Poll, Token, event::Event};
use tracing::error;

use crate::{
    inbox::{self, Command, Inbox},
    outlet::{Heard, Outlet},
    shard::{Batch, Join, Key, Shard},
    shared::Shared,
};

/// No connection has this number.
const WAKER: Token = Token(usize::MAX);
/// Sockets that one look at the system tells about.
const EVENTS: usize = 1024;
/// Bytes of events that go out together.
const MERGED: u64 = 64 * 1024;
/// How often one client is read before it is another one's turn.
const READS: usize = 8;
/// Bytes of a client that are read at once.
const SCRATCH: usize = 16 * 1024;

/// Starts the thread of the shard with that number. It ends with [`Command::Stop`].
///
/// # Errors
/// When the system has no descriptor or no thread left.
pub(crate) fn start(number: usize, shared: Arc<Shared>) -> io::Result<Inbox> {
    let poll = Poll::new()?;
    let inbox = inbox::of_poll(&poll, WAKER)?;
    let shard = Shard::new(u16::try_from(number).unwrap_or(u16::MAX), shared.clone(), Instant::now());
    let scratch = vec![0; SCRATCH];
    let reactor = Reactor {
        poll,
        inbox: inbox.clone(),
        backlog: VecDeque::new(),
        shared,
        shard,
        scratch,
        unread: BTreeSet::new(),
    };
    thread::Builder::new().name(format!("shard-{number}")).spawn(move || reactor.run(number))?;
    Ok(inbox)
}

struct Reactor {
    poll: Poll,
    inbox: Inbox,
    /// What the shard was told and has not done yet.
    backlog: VecDeque<Command>,
    shared: Arc<Shared>,
    shard: Shard<Outlet>,
    scratch: Vec<u8>,
    /// Sockets of which more is to be read.
    unread: BTreeSet<Key>,
}

/// Ends the process when its thread ends otherwise than it was told to: the shard's connections would stay silent for good.
struct Vital {
    shard: usize,
    told: bool,
}

impl Drop for Vital {
    fn drop(&mut self) {
        if !self.told {
            error!(shard = self.shard, "thread of a shard ended");
            std::process::abort();
        }
    }
}

impl Reactor {
    fn run(mut self, number: usize) {
        let mut vital = Vital { shard: number, told: false };
        match self.serve() {
            Ok(()) => vital.told = true,
            Err(error) => error!(shard = number, error = %error, "sockets cannot be waited for"),
        }
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut commands = Vec::new();
        let mut busy = false;
        loop {
            self.wait(&mut events, busy || !self.backlog.is_empty() || !self.unread.is_empty())?;
            let now = Instant::now();
            self.listen_on(now);
            for event in &events {
                self.notice(event, now);
            }
            commands = self.inbox.take(commands);
            self.backlog.extend(commands.drain(..));
            if !self.obey(now) {
                return Ok(());
            }
            self.shard.sweep(now);
            self.watch_moved();
            busy = self.shard.work(now);
        }
    }

    fn wait(&mut self, events: &mut Events, busy: bool) -> io::Result<()> {
        let now = Instant::now();
        let due = if busy { Some(now) } else { self.shard.next_sweep() };
        match self.poll.poll(events, due.map(|due| due.saturating_duration_since(now))) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            waited => waited,
        }
    }

    /// A number that belongs to a connection which has ended since is known to nobody, and nothing happens.
    fn notice(&mut self, event: &Event, now: Instant) {
        if event.token() == WAKER {
            return;
        }
        let key = Key::from(event.token().0);
        if (event.is_readable() || event.is_read_closed() || event.is_error()) && !self.listen(key, now) {
            self.shard.gone(key);
        }
        if event.is_writable() {
            self.shard.writable(key, now);
        }
    }

    /// Takes what the client of a socket said. False when it has ended the connection.
    fn listen(&mut self, key: Key, now: Instant) -> bool {
        // A session may end, or give the socket away, while it hears: the rest is read where the socket is then.
        for _ in 0..READS {
            let hears = self.shard.hears(key);
            let Some(Outlet::Socket(socket)) = self.shard.outlet_mut(key) else { return true };
            if !hears {
                return socket.listen(&mut self.scratch);
            }
            match socket.read(&mut self.scratch) {
                Heard::Bytes(length) => self.shard.hear(key, &mut self.scratch[..length], now),
                Heard::Nothing => return true,
                Heard::End => return false,
            }
        }
        self.unread.insert(key);
        true
    }

    /// Goes on with clients that had more to say than one turn takes: the system does not tell of them again.
    fn listen_on(&mut self, now: Instant) {
        for key in std::mem::take(&mut self.unread) {
            if !self.listen(key, now) {
                self.shard.gone(key);
            }
        }
    }

    /// Sockets that belong to another connection now are known to the system by its number. What has come meanwhile is told anew.
    fn watch_moved(&mut self) {
        for key in self.shard.take_moved() {
            let Self { poll, shard, .. } = self;
            let Some(Outlet::Socket(socket)) = shard.outlet_mut(key) else { continue };
            let interest = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) = poll.registry().reregister(&mut socket.stream, Token(key.into()), interest) {
                error!(error = %error, "socket not watched");
                shard.gone(key);
            }
        }
    }

    /// Does what was told, up to the first events: behind them come the sockets again, or clients that read would count as slow. False at the
    /// end.
    fn obey(&mut self, now: Instant) -> bool {
        while let Some(command) = self.backlog.pop_front() {
            match command {
                Command::Join(join) => self.join(*join, now),
                Command::Writable(key) => self.shard.writable(key, now),
                Command::Gone(key) => self.shard.gone(key),
                Command::Tell(key, word) => self.shard.tell(key, word, now),
                Command::Announce(news) => self.shard.announce(&*news, now),
                Command::Open => self.shard.open(),
                Command::Close(reason) => self.shard.close_all(reason, now),
                Command::Drain(window) => self.shard.drain(window, now),
                Command::Stop => return false,
                Command::Publish(batch) => {
                    self.publish(batch, now);
                    return true;
                }
            }
        }
        true
    }

    /// Batches that wait one behind the other go out as one: the more there is to do, the less each event costs.
    fn publish(&mut self, first: Arc<Batch>, now: Instant) {
        let mut bytes = first.bytes;
        let mut batches = vec![first];
        while bytes < MERGED
            && let Some(Command::Publish(next)) =
                self.backlog.pop_front_if(|command| matches!(command, Command::Publish(_)))
        {
            bytes += next.bytes;
            batches.push(next);
        }
        self.shard.publish(&batches, now);
        self.shared.take(bytes);
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for batch in &batches {
            self.shard.note_ages(batch, i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX));
        }
    }

    fn join(&mut self, join: Join<Outlet>, now: Instant) {
        let Some(key) = self.shard.join(join, now) else { return };
        let Self { poll, inbox, shard, .. } = self;
        let attached = match shard.outlet_mut(key) {
            // Registered once: each change comes once, and what is so already comes first.
            Some(Outlet::Socket(socket)) => {
                poll.registry().register(&mut socket.stream, Token(key.into()), Interest::READABLE | Interest::WRITABLE)
            }
            Some(Outlet::Pipe(pipe)) => {
                pipe.bind(inbox.clone(), key);
                Ok(())
            }
            Some(Outlet::Requests(_)) | None => Ok(()),
        };
        if let Err(error) = attached {
            error!(error = %error, "socket not watched");
            shard.gone(key);
        }
    }
}
