//! The forms in which events go out: SSE, and whatever else an engine was started with.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::{Event, session::Rendering, sse};

/// The forms in which an engine's events go out. Number 0 is SSE.
pub(crate) struct Renderings(Vec<Arc<dyn Rendering>>);

impl Renderings {
    pub(crate) const fn new(beside_sse: Vec<Arc<dyn Rendering>>) -> Self {
        Self(beside_sse)
    }

    /// How many there are beside SSE.
    pub(crate) const fn beside_sse(&self) -> usize {
        self.0.len()
    }

    /// The event with the cursor that it shares with everybody.
    pub(crate) fn shared(&self, number: u8, event: &Event) -> Bytes {
        match self.find(number) {
            None => event.frame().clone(),
            Some((index, rendering)) => event.rendered(index, rendering),
        }
    }

    /// The event with a cursor of its own.
    pub(crate) fn own(&self, number: u8, event: &Event, cursor: &str) -> Bytes {
        match self.find(number) {
            None => [sse::Frame::new().id(cursor).text().as_bytes(), &event.frame_without_id()].concat().into(),
            Some((_, rendering)) => rendering.render(event, cursor),
        }
    }

    /// Appends a piece to others of the same form.
    pub(crate) fn append(&self, number: u8, pieces: &mut BytesMut, piece: &[u8]) {
        if !pieces.is_empty()
            && let Some((_, rendering)) = self.find(number)
        {
            pieces.extend_from_slice(rendering.separator());
        }
        pieces.extend_from_slice(piece);
    }

    fn find(&self, number: u8) -> Option<(usize, &dyn Rendering)> {
        let index = usize::from(number).checked_sub(1)?;
        self.0.get(index).map(|rendering| (index, &**rendering))
    }
}
