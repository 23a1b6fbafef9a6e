//! One event, rendered once for everybody.

use std::{borrow::Cow, sync::OnceLock};

use bytes::Bytes;

use crate::{Lane, session::Rendering, sse};

/// What becomes an event.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// Where in the log it stands.
    pub lane: Lane,
    /// Its offset there; rises from one event of a lane to the next.
    pub offset: u64,
    /// What clients select by first.
    pub channel: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// One JSON object as text: what clients get.
    pub data: &'a str,
    /// When the log took it, in milliseconds since 1970.
    pub recorded_at: Option<i64>,
}

/// One event, rendered once for everybody.
#[derive(Debug)]
pub struct Event {
    /// Where in the log it stands.
    pub lane: Lane,
    /// Its offset there.
    pub offset: u64,
    /// What clients select by first.
    pub channel: Box<str>,
    /// Its type.
    pub kind: Box<str>,
    /// When the log took it, in milliseconds since 1970.
    pub recorded_at: Option<i64>,
    frame: Bytes,
    data_begins: usize,
    /// In the forms of the engine's renderings, made when first needed.
    rendered: Box<[OnceLock<Bytes>]>,
}

impl Event {
    /// Renders a draft. `cursor` is that of a client which has seen everything up to this event.
    pub fn new(draft: &Draft<'_>, cursor: &str) -> Self {
        Self::with_renderings(draft, cursor, 0)
    }

    /// The same, with room for so many renderings.
    pub(crate) fn with_renderings(draft: &Draft<'_>, cursor: &str, renderings: usize) -> Self {
        let id = sse::Frame::with_capacity(cursor.len() + draft.data.len() + 32).id(cursor);
        let data_begins = id.len();
        Self {
            lane: draft.lane,
            offset: draft.offset,
            channel: draft.channel.into(),
            kind: draft.kind.into(),
            recorded_at: draft.recorded_at,
            frame: id.data(draft.data).encode(),
            data_begins,
            rendered: (0..renderings).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The frame with the shared cursor as its id.
    pub const fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// The cursor of a client that has seen everything up to this event.
    pub fn cursor(&self) -> &str {
        let id = std::str::from_utf8(&self.frame[..self.data_begins]).unwrap_or_default();
        id.strip_prefix(sse::ID).and_then(|id| id.strip_suffix('\n')).unwrap_or_default()
    }

    /// In the form of the rendering with that index, with the shared cursor.
    pub(crate) fn rendered(&self, index: usize, rendering: &dyn Rendering) -> Bytes {
        let render = || rendering.render(self, self.cursor());
        self.rendered.get(index).map_or_else(render, |place| place.get_or_init(render).clone())
    }

    /// The frame behind its id.
    pub fn frame_without_id(&self) -> Bytes {
        self.frame.slice(self.data_begins..)
    }

    /// The JSON text of the event, read back from the frame.
    pub fn data(&self) -> Cow<'_, str> {
        let frame = std::str::from_utf8(&self.frame[self.data_begins..]).unwrap_or_default();
        let lines = frame.strip_suffix("\n\n").unwrap_or(frame);
        let first = lines.strip_prefix(sse::DATA).unwrap_or(lines);
        if first.contains('\n') {
            Cow::Owned(first.replace(&format!("\n{}", sse::DATA), "\n"))
        } else {
            Cow::Borrowed(first)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(data: &str) -> Event {
        let draft = Draft { lane: Lane(0), offset: 7, channel: "orders", kind: "OrderPlaced", data, recorded_at: None };
        Event::new(&draft, "cursor")
    }

    #[test]
    fn is_rendered_with_and_without_the_shared_id() {
        let event = event(r#"{"a":1}"#);
        assert_eq!(event.cursor(), "cursor");
        assert_eq!(event.frame(), "id: cursor\ndata: {\"a\":1}\n\n");
        assert_eq!(event.frame_without_id(), "data: {\"a\":1}\n\n");
        assert_eq!(event.frame_without_id().as_ptr(), event.frame()[11..].as_ptr(), "the bytes were copied");
    }

    #[test]
    fn reads_its_data_back() {
        assert_eq!(event(r#"{"a":1}"#).data(), r#"{"a":1}"#);
        assert_eq!(event("{\n \"a\": 1\r\n}").data(), "{\n \"a\": 1\n}");
    }
}
