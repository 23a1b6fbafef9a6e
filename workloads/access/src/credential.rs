//! What a client shows of itself.

use std::fmt;

use axum::http::{HeaderMap, header::AUTHORIZATION};

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
    fn does_not_show_itself() {
        let text = format!("{:?} {:?}", Credential::Token("secret"), Some(Credential::Ticket("secret")));
        assert!(!text.contains("secret"), "{text}");
    }
}
