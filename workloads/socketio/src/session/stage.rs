//! Has the shard, and tokio, do what a conversation wants.

use std::time::Instant;

use bytes::Bytes;
use realtime_fanout::{
    CloseReason, Filter,
    session::{Subscription, Voice},
};

use super::hub::{Hub, Question};
use crate::server::Server;

/// Has the shard, and tokio, do what a conversation wants.
pub(crate) struct Stage<'a, 'b> {
    pub(crate) voice: &'a mut Voice<'b>,
    pub(crate) server: &'a Server,
}

impl Hub for Stage<'_, '_> {
    fn now(&self) -> Instant {
        self.voice.now()
    }

    fn cursor(&self) -> String {
        self.voice.cursor()
    }

    fn say(&mut self, piece: Bytes) {
        self.voice.say(piece);
    }

    fn subscribe(&mut self, subscription: Subscription) {
        self.voice.subscribe(subscription);
    }

    fn select(&mut self, filter: Filter) {
        self.voice.select(filter);
    }

    fn unsubscribe(&mut self) {
        self.voice.unsubscribe();
    }

    fn wake_at(&mut self, time: Instant) {
        self.voice.wake_at(time);
    }

    fn ask(&mut self, question: Question) {
        self.server.ask(self.voice.address(), question);
    }

    fn close(&mut self, reason: CloseReason) {
        self.voice.close(reason);
    }
}
