//! Addresses of pages.

use std::{collections::BTreeSet, fmt::Write};

use axum::http::HeaderValue;

use crate::cursor::PageCursor;

/// An address with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link(String);

impl Link {
    /// To a path, which is encoded already.
    pub(super) fn to(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// With another parameter.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        let separator = if self.0.contains('?') { '&' } else { '?' };
        self.0.push(separator);
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&encoded(value));
        self
    }

    /// With a parameter of several values, if there are any.
    #[must_use]
    pub(super) fn with_all(self, name: &str, values: Option<&BTreeSet<String>>) -> Self {
        let Some(values) = values else { return self };
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        self.with(name, &values.join(","))
    }

    /// The value of `Link` that leads to the page which begins there.
    pub(crate) fn next_page(self, cursor: &PageCursor) -> HeaderValue {
        self.with("cursor", &cursor.to_string()).next()
    }

    /// The value of `Link` (RFC 8288) which says that the next page is there.
    pub(super) fn next(self) -> HeaderValue {
        HeaderValue::try_from(format!("<{}>; rel=\"next\"", self.0)).expect("what is encoded is visible ASCII")
    }
}

/// The text with everything encoded that has a meaning in addresses (RFC 3986, section 2.3), but not the comma, which separates values.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_what_has_a_meaning_in_addresses() {
        let link = Link::to("/a").with("type", "a+b&c").with("cursor", "1-2");
        assert_eq!(link.next(), "</a?type=a%2Bb%26c&cursor=1-2>; rel=\"next\"");
        assert_eq!(encoded("auth0|7/ä"), "auth0%7C7%2F%C3%A4");
    }

    #[test]
    fn says_values_by_comma() {
        let values = BTreeSet::from(["b".to_owned(), "a".to_owned()]);
        assert_eq!(Link::to("/a").with_all("x", None).with_all("y", Some(&values)), Link("/a?y=a,b".to_owned()));
    }
}
