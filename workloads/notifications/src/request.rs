//! What a client asks for: the query of `/events/stream`, and the header in which it says what it saw last.

use std::collections::BTreeSet;

use realtime_fanout::{FieldFilter, Filter, Heartbeat};
use thiserror::Error;

/// Names that one parameter lists at most.
const NAMES: usize = 64;
/// Bytes of a name or value at most.
const NAME_BYTES: usize = 256;
/// Fields that one stream selects by.
const FIELDS: usize = 8;
/// Names of a field's path.
const DEPTH: usize = 8;
/// How a parameter begins that selects by a field.
const FIELD: &str = "field.";

/// The parameter with a ticket.
pub(crate) const TICKET: &str = "ticket";

/// The parameter's value, the last one of that name.
pub(crate) fn last<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A stream as a client asks for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StreamRequest {
    /// The channels that the client names; which it may hear is not known here.
    pub(crate) channels: Option<BTreeSet<Box<str>>>,
    /// What else is selected.
    pub(crate) filter: Filter,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) resume: Option<Cursor>,
}

/// What the client saw last, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Sent by an EventSource that comes back.
    LastEventId(String),
    /// Given in the query.
    Since(String),
}

/// Why the query is refused; each says what to change.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidQuery {
    #[error("{parameter} may name {NAMES} at most; name fewer, or leave it out for all")]
    CountNames { parameter: String },
    #[error("{parameter} has a name of more than {NAME_BYTES} bytes")]
    MeasureName { parameter: String },
    #[error("{parameter} must list names, in which no * stands: name each of them, or leave it out for all")]
    ReadName { parameter: String },
    #[error("{parameter} must name fields by dots, as in field.product.id, {DEPTH} at most")]
    ReadPath { parameter: String },
    #[error("{parameter} must list values by comma, as in {parameter}=a,b")]
    ReadValues { parameter: String },
    #[error("a stream may select by {FIELDS} fields at most")]
    CountFields,
    #[error("heartbeat must be data or comment")]
    ReadHeartbeat,
}

impl InvalidQuery {
    /// The parameter that is wrong.
    pub(crate) fn parameter(&self) -> &str {
        match self {
            Self::CountNames { parameter }
            | Self::MeasureName { parameter }
            | Self::ReadName { parameter }
            | Self::ReadPath { parameter }
            | Self::ReadValues { parameter } => parameter,
            Self::CountFields => "field",
            Self::ReadHeartbeat => "heartbeat",
        }
    }
}

impl StreamRequest {
    /// Reads the parameters, of which the last of each name counts, and the header `Last-Event-ID`, which beats `since`. Parameters that are
    /// not known are left alone: clients put some of their own into addresses.
    ///
    /// # Errors
    /// [`InvalidQuery`] with the parameter and what to change.
    pub(crate) fn read(query: &[(String, String)], last_event_id: Option<&[u8]>) -> Result<Self, InvalidQuery> {
        let last = |name: &str| last(query, name);
        let names = |parameter: &str| {
            let names = list(parameter, last(parameter).unwrap_or_default())?;
            Ok((!names.is_empty()).then_some(names))
        };
        let channels = names("channels")?;
        // Who asks for a pattern would wait for ever for a channel of that name.
        if channels.iter().flatten().any(|name| name.contains('*')) {
            return Err(InvalidQuery::ReadName { parameter: "channels".to_owned() });
        }
        let heartbeat = match last("heartbeat") {
            None | Some("" | "data") => Heartbeat::Data,
            Some("comment") => Heartbeat::Comment,
            Some(_) => return Err(InvalidQuery::ReadHeartbeat),
        };
        let since = last("since").filter(|since| !since.is_empty()).map(|since| Cursor::Since(since.to_owned()));
        let header = last_event_id.filter(|header| !header.is_empty());
        let header = header.map(|header| Cursor::LastEventId(String::from_utf8_lossy(header).into_owned()));
        Ok(Self {
            channels,
            filter: Filter { channels: None, kinds: names("types")?, fields: fields(query)? },
            heartbeat,
            resume: header.or(since),
        })
    }
}

fn fields(query: &[(String, String)]) -> Result<Vec<FieldFilter>, InvalidQuery> {
    let asked = query.iter().filter(|(name, _)| name.starts_with(FIELD));
    let fields = asked.map(|(name, value)| field(name, value)).collect::<Result<Vec<_>, _>>()?;
    if fields.len() > FIELDS { Err(InvalidQuery::CountFields) } else { Ok(fields) }
}

fn field(parameter: &str, value: &str) -> Result<FieldFilter, InvalidQuery> {
    let path: Vec<Box<str>> = parameter[FIELD.len()..].split('.').map(Box::from).collect();
    if path.len() > DEPTH || path.iter().any(|name| name.is_empty() || name.len() > NAME_BYTES) {
        return Err(InvalidQuery::ReadPath { parameter: parameter.chars().take(NAME_BYTES).collect() });
    }
    let values = list(parameter, value)?;
    if values.is_empty() {
        return Err(InvalidQuery::ReadValues { parameter: parameter.to_owned() });
    }
    Ok(FieldFilter { path, values })
}

/// `a,b`; empty names count as none.
fn list(parameter: &str, value: &str) -> Result<BTreeSet<Box<str>>, InvalidQuery> {
    let names: BTreeSet<Box<str>> =
        value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Box::from).collect();
    if names.len() > NAMES {
        return Err(InvalidQuery::CountNames { parameter: parameter.to_owned() });
    }
    if names.iter().any(|name| name.len() > NAME_BYTES) {
        return Err(InvalidQuery::MeasureName { parameter: parameter.to_owned() });
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Result<StreamRequest, InvalidQuery> {
        let query: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        StreamRequest::read(&query, None)
    }

    fn set(names: &[&str]) -> BTreeSet<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    #[test]
    fn an_empty_query_asks_for_everything_from_now_on() {
        for query in [&[][..], &[("types", ""), ("channels", " , "), ("since", ""), ("_", "17")]] {
            let request = read(query).unwrap();
            assert_eq!((request.channels, request.filter), (None, Filter::default()));
            assert_eq!((request.heartbeat, request.resume), (Heartbeat::Data, None));
        }
    }

    #[test]
    fn selects_by_type_channel_and_field() {
        let request = read(&[
            ("types", "ProductCreated,LowStockWarning"),
            ("channels", "a, b"),
            ("field.product.id", "p-1,p-2"),
            ("field.sold", "true"),
            ("heartbeat", "comment"),
        ])
        .unwrap();
        assert_eq!(request.filter.kinds, Some(set(&["ProductCreated", "LowStockWarning"])));
        assert_eq!(request.channels, Some(set(&["a", "b"])));
        assert_eq!(request.filter.fields[0].path, [Box::from("product"), Box::from("id")]);
        assert_eq!(request.filter.fields[0].values, set(&["p-1", "p-2"]));
        assert_eq!(request.filter.fields.len(), 2);
        assert_eq!(request.heartbeat, Heartbeat::Comment);
    }

    #[test]
    fn the_header_beats_the_query() {
        let query = [("since".to_owned(), "old".to_owned())];
        let resume = |header| StreamRequest::read(&query, header).unwrap().resume;
        assert_eq!(resume(None), Some(Cursor::Since("old".to_owned())));
        assert_eq!(resume(Some(b"")), Some(Cursor::Since("old".to_owned())), "a client that has seen no id sends none");
        assert_eq!(resume(Some(b"new")), Some(Cursor::LastEventId("new".to_owned())));
    }

    #[test]
    fn refuses_what_is_too_much_or_cannot_be_meant() {
        let many = (0..65).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
        assert!(matches!(read(&[("types", &many)]), Err(InvalidQuery::CountNames { .. })));
        assert!(matches!(read(&[("channels", &"x".repeat(257))]), Err(InvalidQuery::MeasureName { .. })));
        for pattern in ["*", "a,orders.*"] {
            let error = read(&[("channels", pattern)]).unwrap_err();
            assert_eq!(error, InvalidQuery::ReadName { parameter: "channels".to_owned() }, "{pattern}");
        }
        assert!(read(&[("types", "*")]).is_ok());
        for path in ["field.", "field.a..b", "field.a.b.c.d.e.f.g.h.i"] {
            assert!(matches!(read(&[(path, "v")]), Err(InvalidQuery::ReadPath { .. })), "{path}");
        }
        assert!(matches!(read(&[("field.a", "")]), Err(InvalidQuery::ReadValues { .. })));
        assert_eq!(read(&[("field.a", "v"); 9]), Err(InvalidQuery::CountFields));
        assert_eq!(read(&[("heartbeat", "loud")]), Err(InvalidQuery::ReadHeartbeat));
    }
}
