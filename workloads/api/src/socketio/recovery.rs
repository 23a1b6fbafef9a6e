//! What becomes of a client that comes back to the namespace `/`: pure decisions.
//!
//! | its `pid` | its session | its `offset` | what becomes of it |
//! |---|---|---|---|
//! | good | kept | there | the same session goes on behind the offset; with a gap, a new one with the same channels |
//! | good | kept | missing | as if there were no session |
//! | good | not kept, or Redis is away | any | a new session |
//! | none, or not ours | | any | a new session |
//!
//! A new session goes on behind `resume` if the client gives it, else it begins with what comes.

use serde_json::{Value, value::RawValue};

use super::{
    channels::{Channels, Refused},
    private_id::PrivateId,
    sessions::{Found, Record},
};

/// What a client says when it connects, in what the client library calls `auth`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The private id that it was given before.
    pub(crate) pid: Option<String>,
    /// The cursor behind which it wants to go on with that session.
    offset: Option<String>,
    /// The cursor behind which it wants to go on in any case.
    resume: Option<String>,
    /// What it wants to hear, unless its session is found.
    channels: Channels,
}

impl Claim {
    /// Reads the data of a CONNECT packet. Fields that are not known belong to others.
    ///
    /// # Errors
    /// When its channels are none; the sentence is for the client.
    pub(crate) fn read(auth: Option<&RawValue>) -> Result<Self, Refused> {
        let fields: Value = auth.and_then(|auth| serde_json::from_str(auth.get()).ok()).unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        // Empty counts as absent: that is what a client sends that has seen none.
        let cursor = |name: &str| text(name).filter(|cursor| !cursor.is_empty());
        let channels = fields.get("channels").filter(|channels| !channels.is_null());
        Ok(Self {
            pid: text("pid"),
            offset: cursor("offset"),
            resume: cursor("resume"),
            channels: channels.map(Channels::read).transpose()?.unwrap_or_default(),
        })
    }
}

/// What is known of the session that a client claims.
#[derive(Debug)]
pub(crate) enum Known {
    /// It claims none.
    Unclaimed,
    /// Its private id was not made with this stack's key.
    Invalid,
    /// Its private id is good, and that is what Redis says.
    Asked(PrivateId, Found),
}

/// What is to be done for a client, as far as that is known before its history is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The session that goes on.
    pub(crate) session: Option<(PrivateId, Box<str>)>,
    /// What it hears.
    pub(crate) channels: Channels,
    /// The cursor behind which it goes on.
    pub(crate) cursor: Option<String>,
    /// What came of it if nothing is missing; `None` for a client that is new.
    pub(crate) outcome: Option<Outcome>,
}

/// What came of the wish to go on: a closed set, the label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The same session, and all that it missed.
    Recovered,
    /// A new session, and all that the client missed.
    Resumed,
    /// The session is kept no longer.
    Expired,
    /// The private id is not ours, or came without an offset.
    Invalid,
    /// Some of what was missed cannot be given, and the client was told.
    Gap,
    /// Redis does not answer, or what was missed cannot be read now.
    Unavailable,
}

impl Outcome {
    pub(crate) const ALL: [Self; 6] =
        [Self::Recovered, Self::Resumed, Self::Expired, Self::Invalid, Self::Gap, Self::Unavailable];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Resumed => "resumed",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
            Self::Gap => "gap",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Plan {
    /// Decides by the table above.
    pub(crate) fn new(claim: Claim, known: Known) -> Self {
        let reason = match known {
            Known::Asked(id, Found::Record(Record { id: socket, channels })) => match claim.offset {
                Some(offset) => {
                    let (session, outcome) = (Some((id, socket)), Some(Outcome::Recovered));
                    return Self { session, channels, cursor: Some(offset), outcome };
                }
                None => Some(Outcome::Invalid),
            },
            Known::Asked(_, Found::Nothing) => Some(Outcome::Expired),
            Known::Asked(_, Found::Away) => Some(Outcome::Unavailable),
            Known::Invalid => Some(Outcome::Invalid),
            Known::Unclaimed => None,
        };
        let outcome = if claim.resume.is_some() { Some(Outcome::Resumed) } else { reason };
        Self { session: None, channels: claim.channels, cursor: claim.resume, outcome }
    }

    /// The same when something of what was missed cannot be given: the client must not take itself for recovered.
    pub(crate) fn with_gap(self) -> Self {
        Self { session: None, outcome: Some(Outcome::Gap), ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::socketio::private_id::Signer;

    fn claim(auth: &Value) -> Result<Claim, Refused> {
        let auth = serde_json::value::to_raw_value(auth).unwrap();
        Claim::read(Some(&auth))
    }

    fn channels(names: &[&str]) -> Channels {
        Channels::read(&json!(names)).unwrap()
    }

    fn id() -> PrivateId {
        Signer::new(b"0123456789abcdef").make()
    }

    fn kept() -> Found {
        Found::Record(Record { id: "socket".into(), channels: channels(&["kept"]) })
    }

    /// Channels, cursor and outcome of a plan without a session.
    fn new(channels: Channels, cursor: Option<&str>, outcome: Option<Outcome>) -> Plan {
        Plan { session: None, channels, cursor: cursor.map(ToOwned::to_owned), outcome }
    }

    #[test]
    fn reads_what_a_client_says() {
        assert_eq!(Claim::read(None), Ok(Claim::default()));
        for nothing in [json!(null), json!({}), json!("text"), json!({ "pid": 7, "channels": null, "resume": "" })] {
            assert_eq!(claim(&nothing), Ok(Claim::default()), "{nothing}");
        }
        let all = json!({ "pid": "p", "offset": "o", "resume": "r", "channels": ["a"], "token": "t" });
        let text = |text: &str| Some(text.to_owned());
        let expected = Claim { pid: text("p"), offset: text("o"), resume: text("r"), channels: channels(&["a"]) };
        assert_eq!(claim(&all), Ok(expected));
        assert_eq!(claim(&json!({ "channels": [7] })), Err(Refused::ReadChannels));
    }

    #[test]
    fn a_new_client_begins_with_what_comes() {
        let plan = Plan::new(claim(&json!({ "channels": "a" })).unwrap(), Known::Unclaimed);
        assert_eq!(plan, new(channels(&["a"]), None, None));
    }

    #[test]
    fn a_session_that_is_kept_goes_on_as_it_was() {
        let id = id();
        let claimed = json!({ "offset": "o", "resume": "r", "channels": ["other"] });
        let plan = Plan::new(claim(&claimed).unwrap(), Known::Asked(id.clone(), kept()));
        let expected = Plan {
            session: Some((id, "socket".into())),
            channels: channels(&["kept"]),
            cursor: Some("o".to_owned()),
            outcome: Some(Outcome::Recovered),
        };
        assert_eq!(plan, expected);
    }

    #[test]
    fn a_session_with_a_gap_is_a_new_one_with_the_same_channels() {
        let plan = Plan::new(claim(&json!({ "offset": "o" })).unwrap(), Known::Asked(id(), kept())).with_gap();
        assert_eq!(plan, new(channels(&["kept"]), Some("o"), Some(Outcome::Gap)));
    }

    #[test]
    fn what_cannot_go_on_begins_anew_and_says_why() {
        for (known, outcome) in [
            (Known::Asked(id(), Found::Nothing), Outcome::Expired),
            (Known::Asked(id(), Found::Away), Outcome::Unavailable),
            (Known::Invalid, Outcome::Invalid),
        ] {
            let plan = Plan::new(claim(&json!({ "offset": "o", "channels": ["a"] })).unwrap(), known);
            assert_eq!(plan, new(channels(&["a"]), None, Some(outcome)), "the offset belongs to the session");
        }
        for without in [json!({}), json!({ "offset": "" }), json!({ "offset": null })] {
            let plan = Plan::new(claim(&without).unwrap(), Known::Asked(id(), kept()));
            assert_eq!(plan, new(Channels::All, None, Some(Outcome::Invalid)), "there is no offset in {without}");
        }
    }

    #[test]
    fn a_client_that_gives_a_cursor_goes_on_there_without_its_session() {
        let claimed = || claim(&json!({ "resume": "r", "channels": ["a"] })).unwrap();
        let resumed = || new(channels(&["a"]), Some("r"), Some(Outcome::Resumed));
        for known in [
            Known::Unclaimed,
            Known::Invalid,
            Known::Asked(id(), Found::Nothing),
            Known::Asked(id(), Found::Away),
            Known::Asked(id(), kept()),
        ] {
            assert_eq!(Plan::new(claimed(), known), resumed());
        }
        let plan = Plan::new(claimed(), Known::Unclaimed).with_gap();
        assert_eq!(plan, new(channels(&["a"]), Some("r"), Some(Outcome::Gap)));
    }
}
