//! Clients that may listen until some time: they are told before, and closed then.

use std::time::Instant;

use super::{Key, Shard, Write};
use crate::{CloseReason, opening::Expiry, sse};

/// Name of the event that tells of the end.
const EVENT: &str = "expiring";

/// Until when a client may listen.
#[derive(Debug)]
pub(super) struct Expiring {
    at: Instant,
    /// What it is told before, until it was told.
    notice: Option<String>,
}

impl Expiring {
    /// When there is something to do: to tell, then to close.
    fn due(&self) -> Instant {
        let notice = self.notice.as_ref().and_then(|_| self.at.checked_sub(Expiry::NOTICE));
        notice.unwrap_or(self.at)
    }
}

impl<W: Write> Shard<W> {
    /// The client of that connection may listen so long.
    pub(super) fn await_expiry(&mut self, index: u32, expiry: Expiry) {
        let Some(key) = self.key(index) else { return };
        let expiring = Box::new(Expiring { at: expiry.at, notice: Some(expiry.notice) });
        self.expiries.insert((expiring.due(), key));
        self.connections[index as usize].expiring = Some(expiring);
    }

    /// The connection has ended: nobody has to see to it any more.
    pub(super) fn forget_expiry(&mut self, key: Key, expiring: Option<&Expiring>) {
        if let Some(expiring) = expiring {
            self.expiries.remove(&(expiring.due(), key));
        }
    }

    /// When there is something to do next.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|(due, _)| *due)
    }

    /// Tells those whose time has nearly come, and closes those whose time has come.
    pub(super) fn expire_due(&mut self, now: Instant) {
        while self.next_expiry().is_some_and(|due| due <= now) {
            let Some((_, key)) = self.expiries.pop_first() else { return };
            let Some(connection) = self.get_mut(key) else { continue };
            let Some(expiring) = &mut connection.expiring else { continue };
            let (at, notice) = (expiring.at, expiring.notice.take());
            match notice {
                Some(notice) if now < at => {
                    self.expiries.insert((at, key));
                    self.tell_expiry(key.index, &notice, now);
                }
                _ => self.close(key.index, CloseReason::Expired, now),
            }
        }
    }

    /// One that is closed already is told nothing. One that is still sent what it missed keeps its id: it has less than this shard.
    fn tell_expiry(&mut self, index: u32, notice: &str, now: Instant) {
        let connection = &self.connections[index as usize];
        if connection.closing.is_some() {
            return;
        }
        let frame = match &connection.catching {
            None => sse::Frame::new().id(self.cursor()),
            Some(_) => sse::Frame::new(),
        };
        self.send(index, frame.event(EVENT).data(notice).encode(), now);
    }
}
