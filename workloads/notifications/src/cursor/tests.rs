use uuid::Uuid;

use super::*;

const KEY: &[u8] = b"a key of the stack";
const FIRST: Uuid = Uuid::from_u128(1);
const SECOND: Uuid = Uuid::from_u128(2);

fn codec(topics: &[(&str, Uuid, usize)]) -> Codec {
    let lanes = Arc::new(Lanes::new(topics.iter().map(|(name, _, _)| *name)));
    for (name, id, partitions) in topics.iter().filter(|(_, id, _)| !id.is_nil()) {
        lanes.enter(name, *id, *partitions);
    }
    for (name, _, _) in topics.iter().filter(|(_, id, _)| id.is_nil()) {
        lanes.miss(name);
    }
    Codec::new(lanes, KEY)
}

fn vector(next: &[u64]) -> Vector {
    (0..).map(Lane).zip(next.iter().copied()).collect()
}

fn decoded(codec: &Codec, text: &str) -> Vector {
    let decoded = codec.decode(text, &Vector::default()).unwrap();
    assert!(decoded.recreated.is_empty(), "{text}");
    decoded.vector
}

#[test]
fn the_text_stays_what_it_is() {
    let codec = codec(&[("orders", FIRST, 2), ("events", SECOND, 1)]);
    let text = codec.encode(&vector(&[0, 300, 7]));
    assert_eq!(text, "AYYkF7nzwiqBAQccForbqcGr7QIArAKXI6efO0p85w");
    assert_eq!(decoded(&codec, &text), vector(&[0, 300, 7]));
}

#[test]
fn what_is_written_is_read_back() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..2000 {
        let (orders, events) = (random.usize(0..20), random.usize(0..20));
        let codec = codec(&[("orders", FIRST, orders), ("events", SECOND, events)]);
        let next: Vec<u64> = (0..orders + events).map(|_| random.u64(..) >> random.u32(1..64)).collect();
        assert_eq!(decoded(&codec, &codec.encode(&vector(&next))), vector(&next), "seed {seed}");
    }
}

#[test]
fn another_instance_reads_it_whatever_its_lanes_are() {
    let one = codec(&[("orders", FIRST, 1), ("events", SECOND, 1)]);
    let lanes = Arc::new(Lanes::new(["orders", "events"]));
    lanes.enter("events", SECOND, 1);
    lanes.enter("orders", FIRST, 1);
    let other = Codec::new(lanes, KEY);
    assert_eq!(decoded(&other, &one.encode(&vector(&[5, 9]))), vector(&[9, 5]));
}

#[test]
fn partitions_that_only_the_other_instance_has_seen_are_kept() {
    let (ahead, behind) = (codec(&[("orders", FIRST, 3)]), codec(&[("orders", FIRST, 1)]));
    assert_eq!(decoded(&behind, &ahead.encode(&vector(&[5, 6, 7]))), vector(&[5, 6, 7]));
    assert_eq!(behind.lanes.lane("orders", 2), Some(Lane(2)));
    assert_eq!(decoded(&ahead, &codec(&[("orders", FIRST, 1)]).encode(&vector(&[5]))), vector(&[5]));
}

#[test]
fn a_topic_that_was_created_anew_is_told_and_the_others_are_good() {
    let before = codec(&[("orders", FIRST, 1), ("events", FIRST, 1)]);
    let after = codec(&[("orders", SECOND, 1), ("events", FIRST, 1)]);
    let decoded = after.decode(&before.encode(&vector(&[5, 9])), &vector(&[100, 100])).unwrap();
    assert_eq!(decoded, Decoded { vector: vector(&[0, 9]), recreated: vec!["orders".into()] });
}

#[test]
fn a_topic_that_did_not_exist_is_read_from_its_beginning() {
    let before = codec(&[("orders", Uuid::nil(), 0), ("events", FIRST, 1)]);
    let after = codec(&[("orders", SECOND, 1), ("events", FIRST, 1)]);
    let decoded = after.decode(&before.encode(&vector(&[9])), &vector(&[100, 100])).unwrap();
    assert_eq!(decoded, Decoded { vector: vector(&[0, 9]), recreated: Vec::new() });
}

#[test]
fn a_topic_that_joined_the_stream_goes_on_where_it_is() {
    let (before, after) = (codec(&[("events", FIRST, 1)]), codec(&[("orders", SECOND, 1), ("events", FIRST, 1)]));
    let decoded = after.decode(&before.encode(&vector(&[9])), &vector(&[100, 100])).unwrap();
    assert_eq!(decoded, Decoded { vector: vector(&[100, 9]), recreated: Vec::new() });
}

#[test]
fn a_topic_that_was_not_known_goes_on_where_it_is_and_is_waited_for_the_other_way_round() {
    let unknowing = Codec::new(Arc::new(Lanes::new(["orders"])), KEY);
    let knowing = codec(&[("orders", FIRST, 1)]);
    let decoded = knowing.decode(&unknowing.encode(&Vector::default()), &vector(&[100])).unwrap();
    assert_eq!(decoded, Decoded { vector: vector(&[100]), recreated: Vec::new() });
    let text = knowing.encode(&vector(&[5]));
    assert_eq!(unknowing.decode(&text, &Vector::default()), Err(Refused::LearnTopics));
    unknowing.lanes.miss("orders");
    assert_eq!(unknowing.decode(&text, &Vector::default()).unwrap().recreated, vec![Box::<str>::from("orders")]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_another_life_is_only_of_another_epoch_when_the_brokers_say_so() {
    let (old, new) = (codec(&[("orders", FIRST, 1)]), codec(&[("orders", SECOND, 1)]));
    let text = new.encode(&vector(&[5]));
    let newest = Vector::default();
    assert_eq!(old.read(&text, &newest).await, Err(Refused::LearnTopics), "nobody answers");
    let confirm = async {
        old.lanes.surveys.wanted().await;
        old.lanes.surveys.made(tokio::time::Instant::now());
    };
    // The question of before still stands.
    old.lanes.surveys.wanted().await;
    let (decoded, ()) = tokio::join!(old.read(&text, &newest), confirm);
    assert_eq!(decoded.unwrap().recreated.len(), 1, "its own life is the current one");
    tokio::time::advance(Duration::from_millis(1)).await;
    let learn = async {
        old.lanes.surveys.wanted().await;
        old.lanes.enter("orders", SECOND, 1);
        old.lanes.surveys.made(tokio::time::Instant::now());
    };
    let (decoded, ()) = tokio::join!(old.read(&text, &newest), learn);
    assert_eq!(decoded, Ok(Decoded { vector: Vector::from_iter([(Lane(1), 5)]), recreated: Vec::new() }));
}

#[test]
fn a_partition_whose_end_was_not_known_goes_on_where_it_is() {
    let codec = codec(&[("orders", FIRST, 2)]);
    codec.lanes.set_away("orders", 1, true);
    let (unknown, known) = (codec.encode(&vector(&[5])), codec.encode(&vector(&[5, 6])));
    codec.lanes.set_away("orders", 1, false);
    let decoded = |text: &str| codec.decode(text, &vector(&[100, 100])).unwrap().vector;
    assert_eq!((decoded(&unknown), decoded(&known)), (vector(&[5, 100]), vector(&[5, 6])));
}

#[test]
fn a_cursor_from_before_a_log_was_cut_and_grew_again_is_of_another_epoch() {
    let codec = codec(&[("orders", FIRST, 1)]);
    let (before, behind) = (codec.encode(&vector(&[5])), codec.encode(&vector(&[9])));
    let lane = codec.lanes.reserve();
    codec.lanes.renew("orders", 0, lane, Some(9));
    let decode = |text: &str| codec.decode(text, &Vector::default()).unwrap();
    let place = |next| Vector::from_iter([(lane, next)]);
    assert_eq!(decode(&before), Decoded { vector: place(5), recreated: vec!["orders".into()] });
    assert_eq!(decode(&behind), Decoded { vector: place(9), recreated: Vec::new() });
}

#[test]
fn refuses_what_is_no_cursor_of_the_stack() {
    let codec = codec(&[("orders", FIRST, 1)]);
    let refused = |text: &str| codec.decode(text, &Vector::default()).unwrap_err();
    let text = codec.encode(&vector(&[5]));
    for (text, error) in [
        ("", Refused::ReadText),
        ("AQ", Refused::ReadText),
        ("no cursor", Refused::ReadText),
        (&format!("{text}="), Refused::ReadText),
        (&"A".repeat(4096), Refused::VerifySignature),
        (&"A".repeat(4097), Refused::TakeText { characters: 4097 }),
        (&Codec::new(codec.lanes.clone(), b"another key").encode(&vector(&[5])), Refused::VerifySignature),
    ] {
        assert_eq!(refused(text), error, "{text}");
    }
}

#[test]
fn content_that_was_signed_but_is_not_understood_is_refused() {
    let codec = codec(&[("orders", FIRST, 1)]);
    let marks = [1; 8];
    let cut: [&[u8]; 5] =
        [&[], &[2], &[1, 1], &[[1].as_slice(), &marks].concat(), &[[1].as_slice(), &marks, &[2, 1]].concat()];
    let endless = [[1].as_slice(), &marks, &[1], &[0xff; 10]].concat();
    let boastful = [[1].as_slice(), &marks, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]].concat();
    for content in cut.into_iter().chain([&*endless, &*boastful]) {
        let signature = codec.signature.clone().chain_update(content).finalize().into_bytes();
        let text = BASE64_URL_SAFE_NO_PAD.encode([content, &signature[..SIGNATURE_BYTES]].concat());
        assert_eq!(codec.decode(&text, &Vector::default()), Err(Refused::ReadContent), "{content:?}");
    }
}

#[test]
fn no_change_of_a_cursor_and_no_random_text_is_one() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let codec = codec(&[("orders", FIRST, 3)]);
    let text = codec.encode(&vector(&[5, 300, 70_000]));
    for _ in 0..50_000 {
        let mut bytes = if random.bool() { text.clone().into_bytes() } else { random_text(&mut random) };
        for _ in 0..random.u8(1..4) {
            mutate(&mut bytes, &mut random);
        }
        let Ok(mutated) = String::from_utf8(bytes) else { continue };
        assert!(mutated == text || codec.decode(&mutated, &Vector::default()).is_err(), "seed {seed}: {mutated}");
    }
}

fn random_text(random: &mut fastrand::Rng) -> Vec<u8> {
    let bytes: Vec<u8> = (0..random.usize(0..100)).map(|_| random.u8(..)).collect();
    BASE64_URL_SAFE_NO_PAD.encode(bytes).into_bytes()
}

fn mutate(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    let place = random.usize(0..=bytes.len());
    match random.u8(0..4) {
        0 => bytes.truncate(place),
        1 => bytes.insert(place, random.alphanumeric() as u8),
        2 if place < bytes.len() => bytes[place] = random.alphanumeric() as u8,
        3 if place < bytes.len() => bytes[place] ^= 1 << random.u8(0..8),
        _ => {}
    }
}

#[test]
fn six_hundred_partitions_can_be_resumed_and_it_is_told_when_there_are_too_many() {
    for (partitions, too_long) in [(600, false), (800, true)] {
        let codec = codec(&[("orders", FIRST, partitions)]);
        let text = codec.encode(&vector(&vec![(1 << 35) - 1; partitions]));
        assert_eq!(codec.too_long.load(Ordering::Relaxed), too_long);
        assert_eq!(codec.decode(&text, &Vector::default()).is_err(), too_long);
    }
}

#[test]
fn the_key_is_not_shown() {
    assert_eq!(format!("{:?}", codec(&[])), "Codec");
}
