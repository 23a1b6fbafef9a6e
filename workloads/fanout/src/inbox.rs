//! How commands reach the thread of a shard.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mio::Waker;

use crate::{
    CloseReason,
    outlet::Outlet,
    session::{News, Word},
    shard::{Batch, Join, Key},
};

/// What a shard is told.
pub(crate) enum Command {
    /// A connection is there.
    Join(Box<Join<Outlet>>),
    /// Events were published.
    Publish(Arc<Batch>),
    /// A pipe has room again.
    Writable(Key),
    /// The reader of a pipe is gone.
    Gone(Key),
    /// Something for a session.
    Tell(Key, Word),
    /// Something for all sessions.
    Announce(News),
    /// Connections are served from now on.
    Open,
    /// Every connection is closed now.
    Close(CloseReason),
    /// Every connection is closed within that time.
    Drain(Duration),
    /// The engine is gone.
    Stop,
}

/// The way into a shard, in order.
#[derive(Clone)]
pub(crate) struct Inbox(Arc<State>);

struct State {
    commands: Mutex<Vec<Command>>,
    waker: Waker,
}

impl Inbox {
    pub(crate) fn new(waker: Waker) -> Self {
        Self(Arc::new(State { commands: Mutex::default(), waker }))
    }

    /// Wakes the shard unless it was told before and has not looked yet.
    pub(crate) fn push(&self, command: Command) {
        let first = {
            let mut commands = self.lock();
            commands.push(command);
            commands.len() == 1
        };
        if first && let Err(error) = self.0.waker.wake() {
            tracing::error!(error = %error, "shard not woken");
        }
    }

    /// Takes everything, leaving `emptied` in its place.
    pub(crate) fn take(&self, emptied: Vec<Command>) -> Vec<Command> {
        std::mem::replace(&mut *self.lock(), emptied)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Command>> {
        self.0.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Inbox")
    }
}

/// The waker of a poll, with an inbox around it.
pub(crate) fn of_poll(poll: &mio::Poll, token: mio::Token) -> io::Result<Inbox> {
    Waker::new(poll.registry(), token).map(Inbox::new)
}
