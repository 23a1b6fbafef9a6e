//! What holds of the reading of a head whatever the bytes; shared by the fuzz target and the test suite.

use realtime_fanout::serve::head::{Head, Rule};

/// Checks everything that holds of these bytes.
///
/// # Panics
/// When something does not hold.
pub(crate) fn check(bytes: &[u8]) {
    let rule =
        Rule { paths: vec!["/events/stream".to_owned()], upgrade_paths: vec!["/socket.io/".to_owned()], bytes: 512 };
    let whole = rule.read(bytes);
    assert_eq!(name(&whole), name(&rule.read(bytes)), "the same bytes are read differently");
    if matches!(whole, Head::Stream(_) | Head::Incomplete) {
        assert!(bytes.len() <= rule.bytes, "a head beyond its bound is waited for or taken");
        for length in 0..bytes.len() {
            let part = rule.read(&bytes[..length]);
            assert!(matches!(part, Head::Incomplete), "after {length} bytes of what is {}: {part:?}", name(&whole));
        }
    }
    if let Head::Stream(parts) = &whole {
        let path = if parts.headers.contains_key("upgrade") { "/socket.io/" } else { "/events/stream" };
        assert_eq!(parts.uri.path(), path);
        assert!(bytes.ends_with(b"\n"), "a head does not end with its last line");
        let more = rule.read(&[bytes, b"x"].concat());
        assert!(matches!(more, Head::Other), "a byte behind the head is lost: {more:?}");
    }
    settles(&rule, bytes);
}

/// What is decided stays so: no byte that comes later makes a stream of what is none.
fn settles(rule: &Rule, bytes: &[u8]) {
    let decided = (0..=bytes.len()).find(|length| !matches!(rule.read(&bytes[..*length]), Head::Incomplete));
    let Some(decided) = decided else { return };
    let first = rule.read(&bytes[..decided]);
    if matches!(first, Head::Other) {
        for length in decided..=bytes.len().min(decided + 64) {
            let later = rule.read(&bytes[..length]);
            assert!(matches!(later, Head::Other), "{} after {length} bytes, other after {decided}", name(&later));
        }
    }
}

fn name(head: &Head) -> &'static str {
    match head {
        Head::Incomplete => "incomplete",
        Head::Stream(_) => "stream",
        Head::Http2 => "http2",
        Head::Other => "other",
    }
}
