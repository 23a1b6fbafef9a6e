//! The reading of packets, bodies and frames under mutation. The same invariants run in the fuzz targets of this crate.

use std::{fs, path::Path};

use fastrand::Rng;

#[path = "../fuzz/invariants/packet.rs"]
mod packet;
#[path = "../fuzz/invariants/payload.rs"]
mod payload;
#[path = "../fuzz/invariants/websocket.rs"]
mod websocket;

const MUTATIONS: usize = 50_000;

/// What mutations put into texts: what packets and bodies are made of, and what breaks them.
const TEXTS: [&[u8]; 24] = [
    b"\n",
    b"\n#",
    b"\x1e",
    b"2[\"a\"]",
    b"51-",
    b"6",
    b"/name,",
    b"/",
    b"?",
    b",",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"\\u0000",
    b"\\ud800",
    b"{\"_placeholder\":true,\"num\":0}",
    b"\"_placeholder\":true",
    b"\"num\":1",
    b"bQUI=",
    b"18446744073709551616",
    b"\xff",
    b" ",
];

/// What they put into frames: beginnings of frames and lengths.
const FRAMES: [&[u8]; 14] = [
    b"\x81\x80\x00\x00\x00\x00",
    b"\x01\x81\x00\x00\x00\x00a",
    b"\x80\x81\x00\x00\x00\x00b",
    b"\x00\x80\x01\x02\x03\x04",
    b"\x82\x83\x00\x00\x00\x00\xe2\x82\xac",
    b"\x89\x80\x00\x00\x00\x00",
    b"\x88\x82\x00\x00\x00\x00\x03\xe8",
    b"\x8a\xfe\x00\x7e",
    b"\xfe\x00\x7e",
    b"\xfe\x00\x05",
    b"\xff\x00\x00\x00\x00\x00\x00\x00\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x00",
    b"\xff",
];

#[cfg(test)]
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn mutate(bytes: &mut Vec<u8>, pieces: &[&[u8]], random: &mut Rng) {
    let place = random.usize(0..=bytes.len());
    match random.u8(0..6) {
        0 => bytes.truncate(place),
        1 if place < bytes.len() => bytes[place] = random.u8(..),
        2 if place < bytes.len() => drop(bytes.remove(place)),
        3 => {
            let end = random.usize(place..=bytes.len());
            let copy = bytes[place..end].to_vec();
            let target = random.usize(0..=bytes.len());
            bytes.splice(target..target, copy);
        }
        _ => {
            let piece = pieces[random.usize(..pieces.len())];
            bytes.splice(place..place, piece.iter().copied());
        }
    }
}

#[cfg(test)]
fn mutations(target: &str, pieces: &[&[u8]], check: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(seeds.len() >= 6, "only {} seeds", seeds.len());
    seeds.iter().for_each(|seed| check(seed));
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for _ in 0..MUTATIONS {
        let mut bytes = seeds[random.usize(..seeds.len())].clone();
        if random.u8(0..4) == 0 {
            bytes.extend(&seeds[random.usize(..seeds.len())]);
        }
        for _ in 0..random.usize(1..5) {
            mutate(&mut bytes, pieces, &mut random);
        }
        bytes.truncate(800);
        check(&bytes);
    }
}

#[test]
fn whatever_a_client_sends_a_packet_that_is_taken_can_be_sent_on() {
    mutations("packet", &TEXTS, packet::check);
}

#[test]
fn whatever_is_in_a_body_its_packets_become_the_same_frames() {
    mutations("payload", &TEXTS, payload::check);
}

#[test]
fn whatever_the_bytes_a_websocket_is_read_the_same_however_they_are_split() {
    mutations("websocket", &FRAMES, websocket::check);
}
