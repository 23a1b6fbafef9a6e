//! The binary with variables by the names that they always had, and with signals; every backend stands at a port where nothing listens,
//! unless a test listens there.

#[cfg(test)]
mod environment {
    #[path = "../../../chassis/tests/child/process.rs"]
    mod child;

    mod names;
    mod telemetry;
}
