//! Where traces and logs go.

use opentelemetry_otlp::{LogExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use super::Error;
use crate::config::TelemetryConfig;

/// URL of each signal, absent when it is not exported.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Destinations {
    pub(super) traces: Option<String>,
    pub(super) logs: Option<String>,
}

/// Port of Loki, when a host is named alone.
const LOKI_PORT: u16 = 3100;

/// Resolves the settings: the whole URL for traces wins over the base of Tempo, that over the OTLP endpoint; for logs Loki wins over it.
pub(super) fn destinations(config: &TelemetryConfig) -> Result<Destinations, Error> {
    let under = |base: &String, path: &str| format!("{}/{path}", base.trim_end_matches('/'));
    let tempo =
        config.tempo_endpoint.clone().or_else(|| config.tempo_url.as_ref().map(|base| under(base, "v1/traces")));
    let traces = tempo.or_else(|| config.otlp_endpoint.as_ref().map(|base| under(base, "v1/traces")));
    let loki = config.loki_url.clone().or_else(|| config.loki_host.as_deref().map(loki_base));
    let logs = loki.map(|base| under(&base, "otlp/v1/logs"));
    let logs = logs.or_else(|| config.otlp_endpoint.as_ref().map(|base| under(base, "v1/logs")));
    let refused = [&traces, &logs].into_iter().flatten().find(|url| !url.starts_with("http://")).cloned();
    match refused {
        Some(endpoint) => Err(Error::ReadEndpoint { endpoint }),
        None => Ok(Destinations { traces, logs }),
    }
}

/// Loki's base URL, of which the host alone may be given.
fn loki_base(host: &str) -> String {
    match host {
        url if url.contains("://") => url.to_owned(),
        address if address.contains(':') => format!("http://{address}"),
        name => format!("http://{name}:{LOKI_PORT}"),
    }
}

/// Traces. Without an endpoint spans have their ids, which logs and contexts need, but nothing is recorded of them that nobody would get; a
/// caller's trace goes on as the caller wants it.
pub(super) fn traces(service_name: &'static str, endpoint: Option<String>) -> Result<SdkTracerProvider, Error> {
    let provider = SdkTracerProvider::builder().with_resource(resource(service_name));
    let Some(endpoint) = endpoint else {
        return Ok(provider.with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))).build());
    };
    let exporter = SpanExporter::builder().with_http().with_endpoint(&endpoint).build();
    let exporter = exporter.map_err(|source| Error::BuildExporter { signal: "traces", endpoint, source })?;
    Ok(provider.with_batch_exporter(exporter).build())
}

/// Logs.
pub(super) fn logs(service_name: &'static str, endpoint: String) -> Result<SdkLoggerProvider, Error> {
    let exporter = LogExporter::builder().with_http().with_endpoint(&endpoint).build();
    let exporter = exporter.map_err(|source| Error::BuildExporter { signal: "logs", endpoint, source })?;
    Ok(SdkLoggerProvider::builder().with_resource(resource(service_name)).with_batch_exporter(exporter).build())
}

fn resource(service_name: &'static str) -> Resource {
    Resource::builder().with_service_name(service_name).build()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use opentelemetry::propagation::TextMapPropagator;
    use opentelemetry::trace::{Span, Tracer, TracerProvider};
    use opentelemetry_sdk::propagation::TraceContextPropagator;

    use super::*;
    use crate::config::LogFormat;

    fn config(otlp: Option<&str>, tempo_endpoint: Option<&str>, tempo_url: Option<&str>) -> TelemetryConfig {
        TelemetryConfig {
            filter: "info".into(),
            log_format: None,
            node_env: None,
            otlp_endpoint: otlp.map(Into::into),
            tempo_endpoint: tempo_endpoint.map(Into::into),
            tempo_url: tempo_url.map(Into::into),
            loki_url: None,
            loki_host: None,
        }
    }

    #[test]
    fn loki_wins_for_logs_by_its_url_or_its_host() {
        let logs = |url: Option<&str>, host: Option<&str>| {
            let config = TelemetryConfig {
                loki_url: url.map(Into::into),
                loki_host: host.map(Into::into),
                ..config(Some("http://c:4318"), None, None)
            };
            let found = destinations(&config).unwrap();
            assert_eq!(found.traces.as_deref(), Some("http://c:4318/v1/traces"));
            found.logs.unwrap()
        };
        assert_eq!(logs(Some("http://loki:3100/"), Some("other")), "http://loki:3100/otlp/v1/logs");
        for host in ["loki", "loki:3100", "http://loki:3100"] {
            assert_eq!(logs(None, Some(host)), "http://loki:3100/otlp/v1/logs", "{host}");
        }
        assert_eq!(logs(None, None), "http://c:4318/v1/logs");
    }

    #[test]
    fn who_develops_reads_text_unless_asked_otherwise() {
        let form = |environment: &str, format| {
            let config = config(None, None, None);
            TelemetryConfig { node_env: Some(environment.into()), log_format: format, ..config }.form()
        };
        assert_eq!(form("development", None), LogFormat::Text);
        assert_eq!(form("production", None), LogFormat::Json);
        assert_eq!(form("development", Some(LogFormat::Json)), LogFormat::Json);
    }

    #[test]
    fn nothing_is_exported_without_an_endpoint() {
        assert_eq!(destinations(&config(None, None, None)).unwrap(), Destinations::default());
    }

    #[test]
    fn the_whole_url_wins_for_traces_and_logs_go_to_the_collector() {
        let found =
            destinations(&config(Some("http://c:4318/"), Some("http://t/v1/traces"), Some("http://u"))).unwrap();
        assert_eq!(found.traces.as_deref(), Some("http://t/v1/traces"));
        assert_eq!(found.logs.as_deref(), Some("http://c:4318/v1/logs"));
    }

    #[test]
    fn a_base_url_gets_the_path_of_traces() {
        let found = destinations(&config(None, None, Some("http://tempo:4318"))).unwrap();
        assert_eq!(found, Destinations { traces: Some("http://tempo:4318/v1/traces".into()), logs: None });
    }

    #[test]
    fn without_an_endpoint_spans_have_ids_and_go_on_with_their_callers() {
        let provider = traces("test", None).unwrap();
        let tracer = provider.tracer("test");
        let own = tracer.start("own");
        assert!(own.span_context().is_valid() && !own.is_recording());
        let carrier = HashMap::from([(
            "traceparent".to_owned(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        )]);
        let caller = TraceContextPropagator::new().extract(&carrier);
        let called = tracer.start_with_context("called", &caller);
        assert_eq!(called.span_context().trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(called.span_context().is_sampled());
    }

    #[test]
    fn an_endpoint_without_scheme_is_refused() {
        let error = destinations(&config(Some("collector:4317"), None, None)).unwrap_err();
        assert!(error.to_string().contains("collector:4317"), "{error}");
    }
}
