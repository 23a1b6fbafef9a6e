//! What a client does not get, and is told of.

use super::*;

/// Positions that one connection replays at most, as docs/api.md has it.
const REPLAYED: u64 = 10_000;
const OTHER_EPOCH: Uuid = Uuid::from_u128(0x0192_d3a4_0000_7000_8000_0000_0000_0002);

/// The gap that a client of the cursor is told, and then what comes: the greeting has the client's own cursor, the gap the new one.
async fn told(state: &ApiState, publisher: &mut Publisher, seen: &str, reason: &str, to: u64) {
    let mut client = Client::stream(served(state).await, seen).await;
    client.until("event: gap").await;
    publish(publisher, &[("stock", to + 1), ("orders", to + 2)]);
    let frames = frames(client.until(&format!("{{\"n\":{}}}\n\n", to + 2)).await);
    assert_eq!(frames[0], format!("id: {seen}"), "cut off before the gap it would be told again");
    assert!(frames[1].starts_with("data: {\"type\":\"connection\","), "{frames:?}");
    let gap = format!("data: {{\"reason\":\"{reason}\",\"from\":\"{seen}\",\"to\":\"{EPOCH}-{to}\"}}");
    assert_eq!(frames[2..5], ["event: gap", &format!("id: {EPOCH}-{to}"), &gap]);
    assert_eq!(frames[5..], [format!("id: {EPOCH}-{}", to + 2), format!("data: {{\"n\":{}}}", to + 2)]);
    assert_eq!(state.engine.statistics().resumed(Resume::Gap), 1);
}

/// Postgres is away: a history that is too long is not read, and one that is not too long would be.
#[tokio::test]
async fn who_missed_more_than_a_connection_replays_is_told_so_and_goes_on_live() {
    let (state, mut publisher) = found(REPLAYED + 4);
    told(&state, &mut publisher, &format!("{EPOCH}-3"), "limit", REPLAYED + 4).await;

    let (state, _publisher) = found(REPLAYED + 4);
    let mut client = Client::stream(served(&state).await, &format!("{EPOCH}-4")).await;
    assert!(frames(client.end().await).is_empty(), "it comes back for what can be read");
}

#[tokio::test]
async fn the_cursor_of_another_life_of_the_store_is_a_gap() {
    let (state, mut publisher) = found(7);
    told(&state, &mut publisher, &format!("{OTHER_EPOCH}-3"), "epoch", 7).await;
}

/// Nothing of the old life may be taken for the new one's, also where the position is that of today.
#[tokio::test]
async fn the_position_of_another_life_is_none_of_this_one() {
    let (state, mut publisher) = found(7);
    publish(&mut publisher, &[("orders", 8), ("orders", 9)]);
    told(&state, &mut publisher, &format!("{OTHER_EPOCH}-8"), "epoch", 9).await;
}
