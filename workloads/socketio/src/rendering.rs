//! Events of an engine as Socket.IO events of the main namespace. They are rendered once for all who get them.

use std::sync::Arc;

use bytes::Bytes;
use realtime_fanout::{Event, session::Rendering};

use crate::{packet::put_string, payload::SEPARATOR, websocket};

/// Number of the rendering as frames of a websocket.
pub const WEBSOCKET: u8 = 1;

/// Number of the rendering as packets of polling.
pub const POLLING: u8 = 2;

/// What an engine has to know beside SSE, in the order of [`WEBSOCKET`] and [`POLLING`]: `42["<event>",<data>,"<cursor>"]`, with the event's JSON as it
/// came. The cursor is that of a client which has everything up to this event.
pub fn renderings(event: &'static str) -> Vec<Arc<dyn Rendering>> {
    let mut beginning = String::from("42[");
    put_string(event, &mut beginning);
    beginning.push(',');
    let beginning: Arc<str> = beginning.into();
    vec![Arc::new(Frames { beginning: Arc::clone(&beginning) }), Arc::new(Packets { beginning })]
}

struct Frames {
    beginning: Arc<str>,
}

struct Packets {
    beginning: Arc<str>,
}

impl Rendering for Frames {
    fn render(&self, event: &Event, cursor: &str) -> Bytes {
        let data = event.data();
        websocket::text(&[self.beginning.as_bytes(), data.as_bytes(), ending(cursor).as_bytes()])
    }
}

impl Rendering for Packets {
    fn render(&self, event: &Event, cursor: &str) -> Bytes {
        [&self.beginning, &*event.data(), &ending(cursor)].concat().into()
    }

    fn separator(&self) -> &'static [u8] {
        &[SEPARATOR]
    }
}

fn ending(cursor: &str) -> String {
    let mut ending = String::with_capacity(cursor.len() + 4);
    ending.push(',');
    put_string(cursor, &mut ending);
    ending.push(']');
    ending
}

#[cfg(test)]
mod tests {
    use realtime_fanout::{Draft, Lane};

    use super::*;

    const PACKET: &str = r#"42["notification",{"message":"ü"},"abc-7"]"#;

    fn event() -> Event {
        let data = r#"{"message":"ü"}"#;
        let draft = Draft { lane: Lane(0), offset: 7, channel: "orders", kind: "info", data, recorded_at: None };
        Event::new(&draft, "abc-7")
    }

    #[test]
    fn events_are_rendered_for_both_transports() {
        let renderings = renderings("notification");
        let [frames, packets] = &*renderings else { panic!("{} renderings", renderings.len()) };
        assert_eq!(packets.render(&event(), event().cursor()), PACKET);
        assert_eq!(packets.separator(), [0x1e]);
        assert_eq!(frames.render(&event(), event().cursor()), websocket::text(&[PACKET.as_bytes()]));
        assert!(frames.separator().is_empty());
    }

    #[test]
    fn numbers_are_places_behind_sse() {
        let renderings = renderings("e");
        let at = |number: u8| renderings[usize::from(number) - 1].render(&event(), "c");
        assert_eq!(at(POLLING), r#"42["e",{"message":"ü"},"c"]"#);
        assert_eq!(at(WEBSOCKET)[0], 0x81);
    }

    #[test]
    fn names_and_cursors_are_written_as_json() {
        let renderings = renderings("a \"b\"");
        let packet = renderings[usize::from(POLLING) - 1].render(&event(), "c\\");
        assert_eq!(packet, r#"42["a \"b\"",{"message":"ü"},"c\\"]"#);
    }
}
