//! The memory that the histories of all clients share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What one history takes of it; given back when this is dropped.
#[derive(Debug)]
pub(crate) struct SharedRoom {
    all: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl SharedRoom {
    /// Room for so many bytes, none of them taken.
    pub(crate) fn new(bytes: u32) -> Self {
        Self { all: Arc::new(Semaphore::new(bytes as usize)), taken: None }
    }

    /// For another history in the same room.
    pub(crate) fn another(&self) -> Self {
        Self { all: self.all.clone(), taken: None }
    }

    /// Takes so many bytes more. False when they are not there.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(permit) = self.all.clone().try_acquire_many_owned(bytes) else { return false };
        match &mut self.taken {
            Some(taken) => taken.merge(permit),
            None => self.taken = Some(permit),
        }
        true
    }
}
