//! `cargo fuzz run head fuzz/corpus/head fuzz/seeds/head`, in `workloads/fanout`. It needs a C++ compiler and,
//! with a stable toolchain, `RUSTC_BOOTSTRAP=1`.

#![no_main]

#[path = "../invariants/head.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| invariants::check(bytes));
