//! What a client shows of itself.

use std::fmt;

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, COOKIE},
};

/// Name of the cookie that holds a ticket.
pub const TICKET_COOKIE: &str = "realtime_ticket";

/// What a client shows of itself. Debug shows none of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// Nothing.
    Nothing,
    /// A token, from `Authorization: Bearer` or the CONNECT of Socket.IO.
    Token(&'a str),
    /// A ticket that was given for a token, from the query or the cookie of a stream.
    Ticket(&'a str),
    /// The header field `Authorization` holds something else.
    Unreadable,
}

impl<'a> Credential<'a> {
    /// What a request shows in its header field `Authorization` (RFC 6750, section 2.1).
    pub fn of_headers(headers: &'a HeaderMap) -> Self {
        let Some(value) = headers.get(AUTHORIZATION) else { return Self::Nothing };
        let token = value.to_str().ok().and_then(|text| text.split_once(' ')).and_then(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
        });
        token.map_or(Self::Unreadable, Self::Token)
    }

    /// What a request for a stream shows: its header field, else the ticket of its query, else that of its cookie. What the header
    /// field holds for somebody else, such as a proxy that asks for a password, hides no ticket.
    pub fn of_stream(headers: &'a HeaderMap, ticket: Option<&'a str>) -> Self {
        let shown = Self::of_headers(headers);
        if names_bearer(headers) {
            return shown;
        }
        let ticket = ticket.filter(|ticket| !ticket.is_empty()).or_else(|| cookie(headers));
        ticket.map_or(shown, Self::Ticket)
    }
}

/// Whether the header field `Authorization` is meant for us.
fn names_bearer(headers: &HeaderMap) -> bool {
    let scheme = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split(' ').next());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
}

/// The ticket among the cookies (RFC 6265, section 4.2.1).
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == TICKET_COOKIE && !value.is_empty()).map(|(_, value)| value.trim_matches('"'))
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Token(_) => "Token(***)",
            Self::Ticket(_) => "Ticket(***)",
            Self::Unreadable => "Unreadable",
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn shown(value: Option<&str>) -> String {
        let headers: HeaderMap =
            value.map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).into_iter().collect();
        match Credential::of_headers(&headers) {
            Credential::Token(token) => token.to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn reads_the_header() {
        assert_eq!(shown(None), "Nothing");
        assert_eq!(shown(Some("Bearer a.b.c")), "a.b.c");
        assert_eq!(shown(Some("bearer  a.b.c ")), "a.b.c");
        for other in ["Basic a", "Bearer", "Bearer ", ""] {
            assert_eq!(shown(Some(other)), "Unreadable", "{other}");
        }
    }

    #[test]
    fn a_stream_shows_the_header_else_the_query_else_the_cookie() {
        let shown = |headers: &[(&str, &'static str)], ticket| {
            let field = |(name, value): &(&str, &'static str)| (name.parse().unwrap(), HeaderValue::from_static(value));
            let headers: HeaderMap = headers.iter().map(field).collect();
            match Credential::of_stream(&headers, ticket) {
                Credential::Token(text) => format!("token {text}"),
                Credential::Ticket(text) => format!("ticket {text}"),
                other => format!("{other:?}"),
            }
        };
        let (header, cookie) = (("authorization", "Bearer a"), ("cookie", "x=1; realtime_ticket=c; y=2"));
        assert_eq!(shown(&[header, cookie], Some("b")), "token a");
        assert_eq!(shown(&[("authorization", "Basic a"), cookie], Some("b")), "ticket b");
        assert_eq!(shown(&[("authorization", "Basic a"), cookie], None), "ticket c");
        assert_eq!(shown(&[("authorization", "Basic a")], None), "Unreadable");
        assert_eq!(shown(&[("authorization", "Bearer"), cookie], Some("b")), "Unreadable");
        assert_eq!(shown(&[cookie], Some("b")), "ticket b");
        assert_eq!(shown(&[cookie], Some("")), "ticket c");
        for other in ["", "xrealtime_ticket=c", "realtime_ticket", "realtime_ticket="] {
            assert_eq!(shown(&[("cookie", other)], None), "Nothing", "{other}");
        }
    }

    #[test]
    fn does_not_show_itself() {
        let text = format!("{:?} {:?}", Credential::Token("secret"), Some(Credential::Ticket("secret")));
        assert!(!text.contains("secret"), "{text}");
    }
}
