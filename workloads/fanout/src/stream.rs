//! A connection as an HTTP body.

use std::{
    any::Any,
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame};

use crate::Subscription;

/// The body of an SSE answer: first the frames of its own (greeting, history), then what the hub queues for it.
#[derive(Debug)]
pub struct EventStream {
    prelude: VecDeque<Bytes>,
    held: Option<Box<dyn Any + Send>>,
    subscription: Subscription,
}

impl EventStream {
    /// A body that sends `prelude`, then everything that is published to `subscription`.
    pub fn new(prelude: impl IntoIterator<Item = Bytes>, subscription: Subscription) -> Self {
        Self { prelude: prelude.into_iter().collect(), held: None, subscription }
    }

    /// Keeps `held` until the frames of its own are sent, and drops it then, or with the body.
    #[must_use]
    pub fn holding(mut self, held: impl Send + 'static) -> Self {
        self.held = Some(Box::new(held));
        self
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Some(frame) = self.prelude.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        // Asked for more, the server has taken the last of them.
        self.held = None;
        self.subscription.queue.poll_next(context).map(|next| next.map(|frame| Ok(Frame::data(frame))))
    }
}
