//! The stream's grammar, as <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream> has it.

use std::time::Duration;

/// What one line or block of a stream says to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// An event for the page.
    Message(Message),
    /// The client comes back with this id from now on.
    LastEventId(String),
    /// The client waits this long before it comes back.
    Retry(Duration),
}

/// An event for the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name; `message` when it has none.
    pub event: String,
    /// Its payload, lines joined by line feeds.
    pub data: String,
    /// The id that the client remembers with it.
    pub id: String,
}

/// The state of one connection's stream. It begins anew with each connection: also the id, which a stream must say before the first
/// blank line if the client is to keep one.
#[derive(Debug, Default)]
pub struct Parser {
    begun: bool,
    after_return: bool,
    line: Vec<u8>,
    event: String,
    data: String,
    id: String,
}

impl Parser {
    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8], signal: &mut impl FnMut(Signal)) {
        let mut rest = bytes;
        // The line feed of a pair whose carriage return came last.
        if std::mem::take(&mut self.after_return) && !rest.is_empty() {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.line.extend_from_slice(&rest[..end]);
            let after = &rest[end + 1..];
            rest = if rest[end] == b'\r' { self.after_pair(after) } else { after };
            let line = std::mem::take(&mut self.line);
            self.line(&line, signal);
        }
        self.line.extend_from_slice(rest);
    }

    fn after_pair<'a>(&mut self, after: &'a [u8]) -> &'a [u8] {
        self.after_return = after.is_empty();
        after.strip_prefix(b"\n").unwrap_or(after)
    }

    fn line(&mut self, line: &[u8], signal: &mut impl FnMut(Signal)) {
        let line = if std::mem::replace(&mut self.begun, true) { line } else { without_mark(line) };
        if line.is_empty() {
            return self.dispatch(signal);
        }
        let text = String::from_utf8_lossy(line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                signal(Signal::Retry(Duration::from_millis(value.parse().unwrap_or(u64::MAX))));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, signal: &mut impl FnMut(Signal)) {
        signal(Signal::LastEventId(self.id.clone()));
        let (event, mut data) = (std::mem::take(&mut self.event), std::mem::take(&mut self.data));
        if data.pop().is_some() {
            let event = if event.is_empty() { "message".to_owned() } else { event };
            signal(Signal::Message(Message { event, data, id: self.id.clone() }));
        }
    }
}

/// A stream may begin with a byte order mark.
fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line)
}
