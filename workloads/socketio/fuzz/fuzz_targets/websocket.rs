//! `cargo fuzz run websocket fuzz/corpus/websocket fuzz/seeds/websocket`, in `workloads/socketio`. It needs a C++ compiler and,
//! with a stable toolchain, `RUSTC_BOOTSTRAP=1`.

#![no_main]

#[path = "../invariants/websocket.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| invariants::check(bytes));
