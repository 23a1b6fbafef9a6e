//! The binary with real variables and signals; Kafka stands at a port where nothing listens.

#[cfg(test)]
mod process {
    #[path = "../../../chassis/tests/child/process.rs"]
    mod child;

    mod names;
}
