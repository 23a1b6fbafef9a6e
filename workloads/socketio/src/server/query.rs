//! What stands in the query of a request.

use crate::namespace::Transport;

/// What stands in the query of a request. Of equal names the first counts. Nothing in it needs to be escaped, so nothing is read as if it were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Query<'a> {
    /// `EIO`: the revision of the protocol is 4.
    pub(super) speaks_4: bool,
    /// `transport`, if it is one of ours.
    pub(super) transport: Option<Transport>,
    /// `sid`, unless it is empty.
    pub(super) session: Option<&'a str>,
    /// `j`: the answer is to be a script.
    pub(super) is_jsonp: bool,
}

impl<'a> Query<'a> {
    /// Reads a query.
    pub(super) fn parse(text: &'a str) -> Self {
        let value = |name| text.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let transport = value("transport").unwrap_or_default();
        Self {
            speaks_4: value("EIO") == Some("4"),
            transport: Transport::ALL.into_iter().find(|one| one.name() == transport),
            session: value("sid").filter(|session| !session.is_empty()),
            is_jsonp: value("j").is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_say() {
        let handshake = Query { speaks_4: true, transport: Some(Transport::Polling), session: None, is_jsonp: false };
        assert_eq!(Query::parse("EIO=4&transport=polling&t=abc123"), handshake);
        let upgrade = Query { transport: Some(Transport::WebSocket), session: Some("a-b_"), ..handshake };
        assert_eq!(Query::parse("EIO=4&transport=websocket&sid=a-b_"), upgrade);
        assert!(Query::parse("EIO=4&transport=polling&j=0").is_jsonp);
    }

    #[test]
    fn anything_else_is_not_there() {
        assert_eq!(Query::parse(""), Query::default());
        assert_eq!(Query::parse("EIO=abc&transport=abc&sid=&jsonp=1"), Query::default());
        assert_eq!(Query::parse("xEIO=4&transportation=polling&EIO"), Query::default());
        assert!(!Query::parse("EIO=3&EIO=4").speaks_4);
    }
}
