//! The registry of a process with what every process measures.

use prometheus::{IntGaugeVec, Opts, Registry};
use thiserror::Error;

/// The registry cannot be made.
#[derive(Debug, Error)]
pub enum Error {
    /// A metric was refused.
    #[error("failed to register metric {name}")]
    RegisterMetric {
        /// Its name.
        name: &'static str,
        /// The registry's reason.
        #[source]
        source: prometheus::Error,
    },
}

/// A registry with `realtime_build_info{service, version}` and `process_*`.
///
/// # Errors
/// [`Error`] when a metric is refused: two of one name.
pub fn registry(service_name: &'static str) -> Result<Registry, Error> {
    let registry = Registry::new();
    let options = Opts::new("realtime_build_info", "Which build runs, always 1");
    let build_info = IntGaugeVec::new(options, &["service", "version"]).map_err(refused("realtime_build_info"))?;
    build_info.with_label_values(&[service_name, env!("CARGO_PKG_VERSION")]).set(1);
    registry.register(Box::new(build_info)).map_err(refused("realtime_build_info"))?;
    let process = prometheus::process_collector::ProcessCollector::for_self();
    registry.register(Box::new(process)).map_err(refused("process_*"))?;
    Ok(registry)
}

fn refused(name: &'static str) -> impl FnOnce(prometheus::Error) -> Error {
    move |source| Error::RegisterMetric { name, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_tells_the_build_and_the_process() {
        let families = registry("realtime-test").unwrap().gather();
        let names: Vec<&str> = families.iter().map(prometheus::proto::MetricFamily::name).collect();
        assert!(
            names.contains(&"realtime_build_info") && names.contains(&"process_resident_memory_bytes"),
            "{names:?}"
        );
    }
}
