//! W3C trace context in and out of a process: HTTP headers, Kafka headers, and string maps (outbox, feed).

use std::collections::HashMap;

use axum::http::HeaderMap;
use opentelemetry::global;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TraceContextExt;
use rdkafka::message::{Header, OwnedHeaders};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The span's context as `traceparent` and, when there is one, `tracestate`. Empty for a span that is filtered out.
pub fn carrier(span: &Span) -> HashMap<String, String> {
    let mut carrier = HashMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&span.context(), &mut carrier));
    carrier.retain(|_, value: &mut String| !value.is_empty());
    carrier
}

/// Makes the carrier's context the parent of the span. Call it before the span is first entered. A carrier without a valid context changes nothing.
pub fn adopt(span: &Span, carrier: &HashMap<String, String>) {
    adopt_from(span, carrier);
}

/// [`adopt`] from the headers of an HTTP request.
pub fn adopt_http(span: &Span, headers: &HeaderMap) {
    adopt_from(span, &HttpHeaders(headers));
}

/// A carrier as Kafka headers.
pub fn kafka_headers(carrier: &HashMap<String, String>) -> OwnedHeaders {
    let add =
        |headers: OwnedHeaders, (key, value): (&String, &String)| headers.insert(Header { key, value: Some(value) });
    carrier.iter().fold(OwnedHeaders::new_with_capacity(carrier.len()), add)
}

/// The span's trace id in hexadecimal, for answers to clients.
pub fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let ids = span.span_context();
    ids.is_valid().then(|| ids.trace_id().to_string())
}

fn adopt_from(span: &Span, carrier: &dyn Extractor) {
    let parent = global::get_text_map_propagator(|propagator| propagator.extract(carrier));
    if parent.span().span_context().is_valid() {
        // Only a span that was entered before refuses, and then keeps the parent that it has.
        drop(span.set_parent(parent));
    }
}

struct HttpHeaders<'a>(&'a HeaderMap);

impl Extractor for HttpHeaders<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
