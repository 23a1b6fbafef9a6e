//! `cargo fuzz run head fuzz/corpus/head fuzz/seeds/head`, in `workloads/fanout`.

#![no_main]

#[path = "../invariants/head.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| invariants::check(bytes));
