//! The reading of heads under mutation. The same invariants run in the fuzz target of this crate.

#[path = "../fuzz/invariants/head.rs"]
mod invariants;

use std::{fs, path::Path};

use fastrand::Rng;

const MUTATIONS: usize = 50_000;

/// What mutations put in: what heads are made of, and what breaks them.
const PIECES: [&[u8]; 16] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b": ",
    b" ",
    b"GET ",
    b"/events/stream",
    b" HTTP/1.1\r\n",
    b"Host: a\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\xff",
    b"\t",
    b"?a=b#c",
];

#[cfg(test)]
fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/head");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Rng) {
    let place = random.usize(0..=bytes.len());
    match random.u8(0..5) {
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
            let piece = PIECES[random.usize(..PIECES.len())];
            bytes.splice(place..place, piece.iter().copied());
        }
    }
}

#[test]
fn the_seeds_hold() {
    let seeds = seeds();
    assert!(seeds.len() >= 14, "only {} seeds", seeds.len());
    for seed in seeds {
        invariants::check(&seed);
    }
}

#[test]
fn whatever_the_bytes_a_head_is_read_the_same_however_it_was_split() {
    let seeds = seeds();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for _ in 0..MUTATIONS {
        let mut bytes = seeds[random.usize(..seeds.len())].clone();
        for _ in 0..random.usize(1..5) {
            mutate(&mut bytes, &mut random);
        }
        bytes.truncate(600);
        invariants::check(&bytes);
    }
}
