//! Shards of the outbox: the unit that one relay works on at a time.

use realtime_contract::feed::OUTBOX_SHARDS;

/// The shard of all records of a key, so that their order holds: FNV-1a over the key's bytes. Part of what is stored: records of a key
/// in two shards could overtake one another.
pub(crate) fn shard_of(key: &str) -> i16 {
    const OFFSET: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let hash = key.bytes().fold(OFFSET, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME));
    let shard = hash % u32::from(OUTBOX_SHARDS);
    i16::try_from(shard).expect("a shard is below 32")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keeps_the_shards_of_keys_that_are_stored() {
        assert_eq!([shard_of("default"), shard_of("orders"), shard_of("")], [30, 12, 5]);
    }

    #[test]
    fn uses_every_shard() {
        let shards: HashSet<i16> = (0..1000).map(|number| shard_of(&format!("channel-{number}"))).collect();
        assert_eq!(shards.len(), usize::from(OUTBOX_SHARDS));
        assert!(shards.iter().all(|shard| (0..32).contains(shard)));
    }
}
