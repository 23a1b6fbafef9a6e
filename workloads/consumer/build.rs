//! The migrations are compiled in, so a changed one makes a new binary.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
