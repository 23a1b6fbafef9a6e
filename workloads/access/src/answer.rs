//! Denials as answers to requests.

use std::time::Duration;

use axum::http::StatusCode;
use realtime_chassis::http::Problem;

use crate::{Denied, Refusal, limits::TooMany};

/// When the keys may be there again.
const RETRY: Duration = Duration::from_secs(5);

impl From<Refusal> for Problem {
    /// Status, sentence and code. Who is not known is asked for a token, and who may be known later to come again.
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(refusal.status(), refusal.to_string()).code(refusal.code());
        match refusal.challenge() {
            Some(challenge) => problem.challenge(challenge),
            None if refusal == Refusal::KeysAway => problem.retry_after(RETRY),
            None => problem,
        }
    }
}

impl From<TooMany> for Problem {
    /// 429 (RFC 6585, section 4).
    fn from(too_many: TooMany) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, too_many.to_string()).code(TooMany::CODE);
        problem.retry_after(Duration::from_secs(too_many.seconds()))
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused(refusal) => refusal.into(),
            Denied::TooMany(too_many) => too_many.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        http::header::{RETRY_AFTER, WWW_AUTHENTICATE},
        response::IntoResponse,
    };

    use super::*;
    use crate::limits::Limit;

    /// Status, what is to be shown, and when to come again.
    fn answer(denied: impl Into<Denied>) -> (u16, Option<String>, Option<String>) {
        let response = Problem::from(denied.into()).into_response();
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), header(WWW_AUTHENTICATE), header(RETRY_AFTER))
    }

    #[test]
    fn who_showed_a_bad_token_is_told_so_and_who_showed_none_is_asked_for_one() {
        assert_eq!(answer(Refusal::Missing), (401, Some("Bearer".to_owned()), None));
        assert_eq!(answer(Refusal::Expired), (401, Some(r#"Bearer error="invalid_token""#.to_owned()), None));
        assert_eq!(answer(Refusal::Channel), (403, None, None));
    }

    #[test]
    fn who_cannot_be_known_now_and_who_comes_too_often_are_told_when_to_come_again() {
        assert_eq!(answer(Refusal::KeysAway), (503, None, Some("5".to_owned())));
        let too_many = TooMany { limit: Limit::User, retry_after: Duration::from_millis(1500) };
        assert_eq!(answer(too_many), (429, None, Some("2".to_owned())));
    }

    #[test]
    fn each_denial_has_its_sentence_and_code() {
        let problem = Problem::from(Refusal::Channel);
        assert_eq!(
            (problem.detail.as_str(), problem.code),
            ("the token does not permit this channel", Some("CHANNEL_FORBIDDEN"))
        );
        let too_many = TooMany { limit: Limit::User, retry_after: Duration::from_secs(3) };
        let problem = Problem::from(too_many);
        assert_eq!(
            (problem.detail.as_str(), problem.code),
            ("too many requests of this user: come again in 3 s", Some("TOO_MANY"))
        );
    }
}
