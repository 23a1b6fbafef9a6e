//! A request that is under way.

use std::sync::{Arc, Weak};

use super::Server;
use crate::{
    identity::SessionId,
    session::word::{Demand, Presence, Transfer},
};

/// A request that is under way. When its client leaves before the answer, the session is told.
pub(super) struct Transit<'a> {
    server: &'a Server,
    id: SessionId,
    transfer: Transfer,
    presence: Presence,
    has_arrived: bool,
}

impl<'a> Transit<'a> {
    /// Begins.
    pub(super) fn new(server: &'a Server, id: SessionId, transfer: Transfer) -> Self {
        Self { server, id, transfer, presence: Arc::default(), has_arrived: false }
    }

    /// For the session: whether the request is under way.
    pub(super) fn presence(&self) -> Weak<()> {
        Arc::downgrade(&self.presence)
    }

    /// What is to be said to the client is known.
    pub(super) fn arrive(mut self) {
        self.has_arrived = true;
    }
}

impl Drop for Transit<'_> {
    fn drop(&mut self) {
        if !self.has_arrived {
            self.server.demand(self.id, Demand::Lost(self.transfer));
        }
    }
}
