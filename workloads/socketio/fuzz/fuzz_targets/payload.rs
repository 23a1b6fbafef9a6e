//! `cargo fuzz run payload fuzz/corpus/payload fuzz/seeds/payload`, in `workloads/socketio`. It needs a C++ compiler and,
//! with a stable toolchain, `RUSTC_BOOTSTRAP=1`.

#![no_main]

#[path = "../invariants/payload.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| invariants::check(bytes));
