//! What is asked for, as the name of a page.

use std::sync::Arc;

use serde::Serialize;

/// Bytes of a key at most: what is asked for in more words than these is not asked for again soon.
const BYTES: usize = 512;
/// Places for pages in Redis. Two pages of one place drive each other out, so that Redis never keeps more than so many, whatever is asked for.
const SLOTS: u32 = 64;

/// The name of a page: the same for all requests that get the same answer, in all instances.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    /// The name of what is asked for: everything that the answer depends on, in a normal form. None if it is too long to be kept.
    pub(crate) fn of(asked: &impl Serialize) -> Option<Self> {
        let text = serde_json::to_string(asked).ok()?;
        (text.len() <= BYTES).then(|| Self(text.into()))
    }

    /// One line of text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Its place in Redis. FNV-1a, because all instances and versions must agree.
    pub(super) fn slot(&self) -> u32 {
        let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        self.0.bytes().fold(0x811c_9dc5, mix) % SLOTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_line_and_another_one_for_each_question() {
        let key = |kind: &str| Key::of(&(50, [kind])).unwrap();
        assert_eq!(key("a\nb").as_str(), r#"[50,["a\nb"]]"#);
        assert_ne!(key("a\",\"b"), Key::of(&(50, ["a", "b"])).unwrap());
    }

    #[test]
    fn has_no_more_than_512_bytes() {
        assert!(Key::of(&"x".repeat(510)).is_some());
        assert_eq!(Key::of(&"x".repeat(511)), None);
    }

    #[test]
    fn has_the_same_place_in_every_instance_and_one_of_64() {
        assert_eq!([50, 100].map(|limit| Key::of(&limit).unwrap().slot()), [32, 28]);
        assert!((0..1000).all(|number| Key::of(&number).unwrap().slot() < 64));
    }
}
