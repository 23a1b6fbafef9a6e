//! Log records as JSON, one object a line.

use std::fmt;

use jiff::Timestamp;
use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `{"timestamp", "level", "target", "message", ...fields, "trace_id", "span_id"}`; the last two when a span is current.
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let line = line(Timestamp::now(), metadata.level().as_str(), metadata.target(), fields, current_ids());
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Trace and span id of the current span, in hexadecimal.
fn current_ids() -> Option<(String, String)> {
    let context = opentelemetry::Context::current();
    let span = context.span();
    let ids = span.span_context();
    ids.is_valid().then(|| (ids.trace_id().to_string(), ids.span_id().to_string()))
}

fn line(
    now: Timestamp,
    level: &str,
    target: &str,
    fields: Fields,
    ids: Option<(String, String)>,
) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("timestamp".into(), format!("{now:.3}").into());
    line.insert("level".into(), level.to_ascii_lowercase().into());
    line.insert("target".into(), fields.log_target.unwrap_or_else(|| target.to_owned()).into());
    line.insert("message".into(), fields.message.into());
    if let Some((trace_id, span_id)) = ids {
        line.insert("trace_id".into(), trace_id.into());
        line.insert("span_id".into(), span_id.into());
    }
    // A field cannot pass for one of the record's own.
    for (name, value) in fields.others {
        line.entry(name).or_insert(value);
    }
    line
}

#[derive(Default)]
struct Fields {
    message: String,
    /// Target of a record that came through the `log` crate.
    log_target: Option<String>,
    others: Vec<(String, Value)>,
}

impl Fields {
    fn note(&mut self, field: &Field, value: Value) {
        match field.name() {
            "log.target" => self.log_target = value.as_str().map(ToOwned::to_owned),
            "log.module_path" | "log.file" | "log.line" => {}
            name => self.others.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.note(field, format!("{value:?}").into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.note(field, value.into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let chain = std::iter::successors(Some(value), |error| error.source());
        let text: Vec<String> = chain.map(ToString::to_string).collect();
        self.note(field, text.join(": ").into());
    }
}

/// Fields of spans are not part of a line, so nothing is kept of them.
pub(super) struct NoFields;

impl<'writer> FormatFields<'writer> for NoFields {
    fn format_fields<R: RecordFields>(&self, _: Writer<'writer>, _: R) -> fmt::Result {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::TracerProvider;
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt;

    use super::super::recheck::Recheck;
    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn filter() -> Targets {
        Targets::new().with_default(LevelFilter::INFO).with_target("quiet", LevelFilter::OFF)
    }

    fn lines_of(work: impl FnOnce()) -> Vec<Value> {
        let output = Output::default();
        let written = output.clone();
        let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || output.clone());
        let subscriber = tracing_subscriber::registry()
            .with(layer.event_format(JsonLines).fmt_fields(NoFields).with_filter(Recheck(filter())))
            .with(
                tracing_opentelemetry::layer()
                    .with_tracer(provider.tracer("test"))
                    .with_filter(Recheck(LevelFilter::INFO)),
            );
        tracing::subscriber::with_default(subscriber, work);
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_record_is_one_flat_object() {
        let lines = lines_of(|| tracing::info!(count = 3, name = %"x\ny", level = "fake", "done"));
        assert_eq!(lines.len(), 1);
        assert_eq!(
            (&lines[0]["message"], &lines[0]["count"], &lines[0]["name"]),
            (&"done".into(), &3.into(), &"x\ny".into())
        );
        assert_eq!(lines[0]["level"], "info");
        assert!(lines[0].get("trace_id").is_none());
    }

    #[test]
    fn a_record_within_a_span_has_the_trace_of_its_remote_parent() {
        opentelemetry::global::set_text_map_propagator(opentelemetry_sdk::propagation::TraceContextPropagator::new());
        let lines = lines_of(|| {
            let span = tracing::info_span!("work");
            let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
            crate::propagation::adopt(&span, &[("traceparent".to_owned(), traceparent.to_owned())].into());
            span.in_scope(|| tracing::info!("inside"));
        });
        assert_eq!(lines[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(lines[0]["span_id"].as_str().unwrap().len(), 16);
        assert_ne!(lines[0]["span_id"], "00f067aa0ba902b7");
    }

    #[test]
    fn a_mere_question_loses_no_record() {
        let lines = lines_of(|| {
            for round in 0..3 {
                assert!(tracing::enabled!(target: "quiet", tracing::Level::INFO), "traces have it on");
                tracing::info!(round, "kept");
            }
        });
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn an_error_is_written_with_its_sources() {
        let source = std::io::Error::other("refused");
        let error = crate::shutdown::Error::ListenForSignal { signal: "SIGTERM", source };
        let lines = lines_of(|| tracing::warn!(error = &error as &dyn std::error::Error, "no"));
        assert_eq!(lines[0]["error"], "failed to listen for SIGTERM: refused");
    }
}
