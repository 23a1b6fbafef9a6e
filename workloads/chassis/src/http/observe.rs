//! A span, a count, a time and a log line for every request.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use tracing::{Instrument, Span, debug, field, info, info_span};

use crate::propagation;

const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");
/// Bytes of `tracestate` that are passed on; W3C Trace Context asks for as many, and it is stored with every notification.
const TRACE_STATE_BYTES: usize = 512;
const SOCKET_IO: &str = "/socket.io";
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// What is measured of requests, by method, matched route and status.
#[derive(Clone, Debug)]
pub struct RequestMetrics {
    seconds: HistogramVec,
    requests: IntCounterVec,
    routes: Arc<RwLock<Routes>>,
}

/// Handles by route, each with its method and status: to look them up by their labels would be a good part of a small request.
type Routes = HashMap<Box<str>, Vec<(&'static str, u16, Handles)>>;

#[derive(Clone, Debug)]
struct Handles {
    seconds: Histogram,
    requests: IntCounter,
}

impl Handles {
    fn count(&self, elapsed: Duration) {
        self.seconds.observe(elapsed.as_secs_f64());
        self.requests.inc();
    }
}

impl RequestMetrics {
    /// Registers `http_request_duration_seconds` (until the head of the answer) and `http_requests_total`.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = ["method", "route", "status"];
        let seconds = HistogramOpts::new("http_request_duration_seconds", "Seconds until the head of the answer");
        let seconds = HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &labels)?;
        let requests = IntCounterVec::new(Opts::new("http_requests_total", "Requests"), &labels)?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        Ok(Self { seconds, requests, routes: Arc::default() })
    }

    fn count(&self, method: &'static str, route: &str, status: u16, elapsed: Duration) {
        let is_it = |known: &&(&'static str, u16, Handles)| (known.0, known.1) == (method, status);
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, handles)) = routes.get(route).and_then(|known| known.iter().find(is_it)) {
            return handles.count(elapsed);
        }
        drop(routes);
        let labels = [method, route, &status.to_string()];
        let handles = Handles {
            seconds: self.seconds.with_label_values(&labels),
            requests: self.requests.with_label_values(&labels),
        };
        handles.count(elapsed);
        // Twice the same is no harm: the first one is found.
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.entry(route.into()).or_default().push((method, status, handles));
    }
}

/// Middleware: the request's root span with the caller's trace context, its metrics, its log line, and `x-trace-id` in the answer.
pub async fn observe(
    State(metrics): State<RequestMetrics>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = method_label(request.method());
    let route = route_label(matched.as_ref().map(MatchedPath::as_str));
    let span = info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
    );
    bound_trace_state(request.headers_mut());
    propagation::adopt_http(&span, request.headers());
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    if let Some(value) = propagation::trace_id(&span).and_then(|id| HeaderValue::from_str(&id).ok()) {
        response.headers_mut().insert(TRACE_ID, value);
    }
    let elapsed = started.elapsed();
    metrics.count(method, route, status, elapsed);
    log(&span, method, route, status, u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
    response
}

/// Leaves out a `tracestate` that is too long; the trace goes on without.
fn bound_trace_state(headers: &mut HeaderMap) {
    let bytes: usize = headers.get_all(TRACE_STATE).iter().map(HeaderValue::len).sum();
    if bytes > TRACE_STATE_BYTES {
        headers.remove(TRACE_STATE);
    }
}

/// Scrapes and polls come all the time, and say nothing.
fn log(span: &Span, method: &str, route: &str, status: u16, milliseconds: u64) {
    let _entered = span.enter();
    if matches!(route, "/metrics" | SOCKET_IO) && status < 400 {
        debug!(method, route, status, milliseconds, "request answered");
    } else {
        info!(method, route, status, milliseconds, "request answered");
    }
}

/// Labels come from a closed set: whatever a client invents is one more of the same.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    const NAMES: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.iter().zip(NAMES).find(|(known, _)| *known == method).map_or("OTHER", |(_, name)| name)
}

fn route_label(matched: Option<&str>) -> &str {
    match matched {
        // Two routes, with and without the last slash, are one thing.
        Some(route) if route.trim_end_matches('/') == SOCKET_IO => SOCKET_IO,
        Some(route) => route,
        None => "unmatched",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_trace_state_is_left_out() {
        for (bytes, kept) in [(512, true), (513, false)] {
            let value = HeaderValue::from_str(&"x".repeat(bytes)).unwrap();
            let mut headers = HeaderMap::from_iter([(TRACE_STATE, value)]);
            bound_trace_state(&mut headers);
            assert_eq!(headers.contains_key(TRACE_STATE), kept, "{bytes} bytes");
        }
    }

    #[test]
    fn requests_are_counted_by_their_own_labels_also_when_these_were_seen_before() {
        let metrics = RequestMetrics::register(&Registry::new()).unwrap();
        for _ in 0..2 {
            metrics.count("GET", "/a", 200, Duration::from_millis(3));
            metrics.count("POST", "/a", 200, Duration::from_millis(3));
            metrics.count("GET", "/a", 404, Duration::from_millis(3));
        }
        metrics.count("GET", "/b", 200, Duration::from_millis(3));
        let counted =
            [["GET", "/a", "200"], ["POST", "/a", "200"], ["GET", "/a", "404"], ["GET", "/b", "200"]].map(|labels| {
                (metrics.requests.with_label_values(&labels).get(), metrics.seconds.with_label_values(&labels))
            });
        assert_eq!(counted.each_ref().map(|(requests, _)| *requests), [2, 2, 2, 1]);
        assert_eq!(counted.map(|(_, seconds)| seconds.get_sample_count()), [2, 2, 2, 1]);
    }

    #[test]
    fn labels_come_from_closed_sets() {
        assert_eq!(method_label(&Method::POST), "POST");
        assert_eq!(method_label(&Method::from_bytes(b"INVENTED").unwrap()), "OTHER");
        assert_eq!(route_label(None), "unmatched");
        assert_eq!(route_label(Some("/socket.io/")), "/socket.io");
        assert_eq!(route_label(Some("/socket.io")), "/socket.io");
        assert_eq!(route_label(Some("/")), "/");
        assert_eq!(route_label(Some("/items/{id}")), "/items/{id}");
    }
}
