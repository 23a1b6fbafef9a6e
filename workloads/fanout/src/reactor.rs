//! The thread of a shard: it waits for sockets and commands, and passes them on.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use mio::{Events, Interest, Poll, Token, event::Event};
use tracing::error;

use crate::{
    inbox::{self, Command, Inbox},
    outlet::Outlet,
    shard::{Batch, Join, Key, Shard},
    shared::Shared,
};

/// No connection has this number.
const WAKER: Token = Token(usize::MAX);
/// Sockets that one look at the system tells about.
const EVENTS: usize = 1024;
/// Bytes of clients that are read, and dropped, at once.
const SCRATCH: usize = 16 * 1024;

/// Starts the thread of the shard with that number. It ends with [`Command::Stop`].
///
/// # Errors
/// When the system has no descriptor or no thread left.
pub(crate) fn start(number: usize, shared: Arc<Shared>) -> io::Result<Inbox> {
    let poll = Poll::new()?;
    let inbox = inbox::of_poll(&poll, WAKER)?;
    let shard = Shard::new(shared, Instant::now());
    let reactor = Reactor { poll, inbox: inbox.clone(), shard, scratch: vec![0; SCRATCH] };
    thread::Builder::new().name(format!("shard-{number}")).spawn(move || reactor.run(number))?;
    Ok(inbox)
}

struct Reactor {
    poll: Poll,
    inbox: Inbox,
    shard: Shard<Outlet>,
    scratch: Vec<u8>,
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
            self.wait(&mut events, busy)?;
            let now = Instant::now();
            for event in &events {
                self.notice(event, now);
            }
            commands = self.inbox.take(commands);
            for command in commands.drain(..) {
                if matches!(command, Command::Stop) {
                    return Ok(());
                }
                self.obey(command, now);
            }
            self.shard.sweep(now);
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
        if (event.is_readable() || event.is_read_closed() || event.is_error())
            && let Some(Outlet::Socket(socket)) = self.shard.outlet_mut(key)
            && !socket.listen(&mut self.scratch)
        {
            self.shard.gone(key);
        }
        if event.is_writable() {
            self.shard.writable(key, now);
        }
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::Join(join) => self.join(*join, now),
            Command::Publish(batch) => self.publish(&batch, now),
            Command::Writable(key) => self.shard.writable(key, now),
            Command::Gone(key) => self.shard.gone(key),
            Command::Open => self.shard.open(),
            Command::Close(reason) => self.shard.close_all(reason, now),
            Command::Drain(window) => self.shard.drain(window, now),
            Command::Stop => {}
        }
    }

    fn publish(&mut self, batch: &Batch, now: Instant) {
        self.shard.publish(batch, now);
        if !batch.events.is_empty() {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
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
            None => Ok(()),
        };
        if let Err(error) = attached {
            error!(error = %error, "socket not watched");
            shard.gone(key);
        }
    }
}
