//! Frames of `text/event-stream`, as <https://html.spec.whatwg.org/multipage/server-sent-events.html> defines them.

use std::time::Duration;

use bytes::Bytes;

/// Header fields of a stream, by name: the type, and what keeps caches and proxies from holding frames back.
pub const HEADERS: [(&str, &str); 3] =
    [("content-type", "text/event-stream"), ("cache-control", "no-cache, no-transform"), ("x-accel-buffering", "no")];

/// How the line of an id begins.
pub(crate) const ID: &str = "id: ";

/// How a line of payload begins.
pub(crate) const DATA: &str = "data: ";

/// Header in which a client says what it saw last.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// A frame that is being written. The order of calls is the order of lines.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    text: String,
}

impl Frame {
    /// An empty frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty frame with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes) }
    }

    /// The id that the client sends when it comes back.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        self.line(ID, single_line(id))
    }

    /// The event's name; without it clients see a `message`.
    #[must_use]
    pub fn event(self, name: &str) -> Self {
        self.line("event: ", single_line(name))
    }

    /// Payload; each of its lines becomes one of the frame.
    #[must_use]
    pub fn data(self, data: &str) -> Self {
        lines(data).fold(self, |frame, line| frame.line(DATA, line))
    }

    /// A line that clients skip.
    #[must_use]
    pub fn comment(self, text: &str) -> Self {
        lines(text).fold(self, |frame, line| frame.line(": ", line))
    }

    /// How long the client waits before it comes back.
    #[must_use]
    pub fn retry(self, delay: Duration) -> Self {
        self.line("retry: ", &delay.as_millis().to_string())
    }

    /// The bytes of the frame, ready to be shared.
    pub fn encode(mut self) -> Bytes {
        self.text.push('\n');
        Bytes::from(self.text)
    }

    /// The lines without the blank one that ends an event. By the standard every event sets the id with which the client comes back, also
    /// one that has none: so where a client is to keep the id with which it came, none may end.
    pub(crate) fn encode_open(self) -> Bytes {
        Bytes::from(self.text)
    }

    /// The lines so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) const fn len(&self) -> usize {
        self.text.len()
    }

    fn line(mut self, field: &str, value: &str) -> Self {
        self.text.push_str(field);
        self.text.push_str(value);
        self.text.push('\n');
        self
    }
}

/// The format knows three line ends: CR LF, LF and CR. An empty text is one empty line.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let (ended, last) = text.rsplit_once('\n').map_or((None, text), |(ended, last)| (Some(ended), last));
    let ended = ended.into_iter().flat_map(|ended| ended.split('\n'));
    ended.map(|line| line.strip_suffix('\r').unwrap_or(line)).chain([last]).flat_map(|line| line.split('\r'))
}

/// Up to the first character that would end the line, or (NUL) make clients ignore the id.
fn single_line(value: &str) -> &str {
    value.split(['\n', '\r', '\0']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
