//! What a client is told that does not get all it asked for.

use bytes::Bytes;
use realtime_fanout::sse::Frame;
use serde_json::json;

/// Why some events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The log no longer holds them: the stream goes on with the oldest that it has.
    Trimmed,
    /// The client sent no cursor of this stack: the stream goes on with what comes.
    Invalid,
    /// A topic was created anew, or lost its end: the stream goes on with the new one.
    Epoch,
    /// There are more than one answer may hold: the stream goes on with what comes.
    Limit,
}

impl Gap {
    /// Name in the frame.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Invalid => "invalid",
            Self::Epoch => "epoch",
            Self::Limit => "limit",
        }
    }

    /// The frame, whose id is where the stream goes on. `from` is where the client was, as far as it is known.
    pub(crate) fn frame(self, from: &str, to: &str) -> Bytes {
        let data = json!({ "reason": self.name(), "from": from, "to": to }).to_string();
        Frame::new().id(to).event("gap").data(&data).encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_reason_and_both_ends() {
        for gap in [Gap::Trimmed, Gap::Invalid, Gap::Epoch, Gap::Limit] {
            let data = format!(r#"{{"reason":"{}","from":"a","to":"b"}}"#, gap.name());
            assert_eq!(gap.frame("a", "b"), format!("id: b\nevent: gap\ndata: {data}\n\n"));
        }
    }

    #[test]
    fn what_a_client_sent_cannot_break_out_of_the_frame() {
        let frame = Gap::Invalid.frame("a\n\nevent: \"x\"", "b");
        assert_eq!(
            frame,
            "id: b\nevent: gap\ndata: {\"reason\":\"invalid\",\"from\":\"a\\n\\nevent: \\\"x\\\"\",\"to\":\"b\"}\n\n"
        );
    }
}
