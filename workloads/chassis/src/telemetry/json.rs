//! Log records as JSON, one object a line.

use std::{fmt, io};

use jiff::Timestamp;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `{"timestamp", "level", "target", "message", ...fields, "trace_id", "span_id"}`; the last two when a span is current. A line is written for
/// each request, so it is written as it goes, without a map of its fields.
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut own = Own::default();
        event.record(&mut own);
        let metadata = event.metadata();
        let target = own.log_target.as_deref().unwrap_or(metadata.target());
        let mut line = Line(writer);
        write!(line.0, "{{\"timestamp\":\"{:.3}\",\"level\":\"{}\"", Timestamp::now(), level(*metadata.level()))?;
        line.field("target", target)?;
        line.field("message", &own.message)?;
        let ids = current_ids();
        if let Some(ids) = &ids {
            write!(line.0, ",\"trace_id\":\"{}\",\"span_id\":\"{}\"", ids.trace_id(), ids.span_id())?;
        }
        let mut others = Others { line, has_ids: ids.is_some(), outcome: Ok(()) };
        event.record(&mut others);
        others.outcome?;
        others.line.0.write_str("}\n")
    }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// Trace and span id of the current span.
fn current_ids() -> Option<SpanContext> {
    opentelemetry::Context::map_current(|context| {
        let span = context.span();
        Some(span.span_context()).filter(|ids| ids.is_valid()).cloned()
    })
}

/// A line that has begun.
struct Line<'writer>(Writer<'writer>);

impl Line<'_> {
    fn field(&mut self, name: &str, value: impl Serialize) -> fmt::Result {
        self.0.write_char(',')?;
        self.json(name)?;
        self.0.write_char(':')?;
        self.json(value)
    }

    fn json(&mut self, value: impl Serialize) -> fmt::Result {
        serde_json::to_writer(Text(&mut self.0), &value).map_err(|_| fmt::Error)
    }
}

/// Takes the pieces of JSON, each of which is text.
struct Text<'a, 'writer>(&'a mut Writer<'writer>);

impl io::Write for Text<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What stands in front of the other fields.
#[derive(Default)]
struct Own {
    message: String,
    /// Target of a record that came through the `log` crate.
    log_target: Option<String>,
}

impl Visit for Own {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "log.target" => self.log_target = Some(format!("{value:?}")),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "log.target" => self.log_target = Some(value.to_owned()),
            _ => {}
        }
    }
}

/// Writes the other fields.
struct Others<'writer> {
    line: Line<'writer>,
    has_ids: bool,
    outcome: fmt::Result,
}

impl Others<'_> {
    fn note(&mut self, field: &Field, value: impl Serialize) {
        let is_another = match field.name() {
            "log.target" | "log.module_path" | "log.file" | "log.line" => false,
            // A field cannot pass for one of the record's own.
            "timestamp" | "level" | "target" | "message" => false,
            "trace_id" | "span_id" => !self.has_ids,
            _ => true,
        };
        if is_another && self.outcome.is_ok() {
            self.outcome = self.line.field(field.name(), value);
        }
    }
}

impl Visit for Others<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != "message" {
            self.note(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let chain = std::iter::successors(Some(value), |error| error.source());
        let text: Vec<String> = chain.map(ToString::to_string).collect();
        self.note(field, text.join(": "));
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
    use serde_json::Value;
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
