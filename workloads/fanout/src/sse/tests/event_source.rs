//! What a browser makes of a stream: section 9.2.6 of <https://html.spec.whatwg.org/multipage/server-sent-events.html>, as it is written.

use std::mem::take;

/// One event as a page sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: String,
    pub(crate) data: String,
    pub(crate) id: String,
}

/// A stream that is being read.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventSource {
    pub(crate) last_event_id: String,
    pub(crate) reconnection_time: Option<u64>,
    pub(crate) seen: Vec<Seen>,
    line: Vec<u8>,
    begun: bool,
    after_carriage_return: bool,
    kind: String,
    data: String,
    id: String,
}

impl EventSource {
    /// Reads on.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let completes_crlf = take(&mut self.after_carriage_return) && *byte == b'\n';
            match byte {
                _ if completes_crlf => {}
                b'\r' | b'\n' => {
                    self.after_carriage_return = *byte == b'\r';
                    self.end_line();
                }
                _ => self.line.push(*byte),
            }
        }
    }

    fn end_line(&mut self) {
        let bytes = take(&mut self.line);
        let mut line = String::from_utf8_lossy(&bytes).into_owned();
        if !self.begun {
            self.begun = true;
            line = line.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        match line.split_once(':') {
            Some(("", _)) => {}
            Some((field, value)) => self.take_field(field, value.strip_prefix(' ').unwrap_or(value)),
            None => self.take_field(&line, ""),
        }
    }

    fn take_field(&mut self, field: &str, value: &str) {
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.reconnection_time = value.parse().ok();
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        self.id.clone_into(&mut self.last_event_id);
        let (kind, mut data) = (take(&mut self.kind), take(&mut self.data));
        if data.pop().is_some() {
            let kind = if kind.is_empty() { "message".to_owned() } else { kind };
            self.seen.push(Seen { kind, data, id: self.last_event_id.clone() });
        }
    }
}
