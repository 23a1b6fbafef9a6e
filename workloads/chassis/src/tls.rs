//! The process-wide TLS provider.

/// Makes aws-lc-rs the provider of every TLS client of this process. Call it before the first client is made; later calls change nothing.
pub fn install_provider() {
    // An error only says that a provider stands already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}
