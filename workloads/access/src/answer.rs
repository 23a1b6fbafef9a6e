//! Refusals as answers to requests.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use realtime_chassis::http::Problem;

use crate::{Refusal, limits::TooMany};

/// When the keys may be there again.
const RETRY: Duration = Duration::from_secs(5);

impl IntoResponse for Refusal {
    /// A problem with its code. Who is not known is asked for a token.
    fn into_response(self) -> Response {
        let problem = Problem::new(self.status(), self.to_string()).code(self.code());
        let problem = if self == Self::KeysAway { problem.retry_after(RETRY) } else { problem };
        let mut response = problem.into_response();
        if let Some(challenge) = self.challenge() {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<TooMany> for Problem {
    /// 429 (RFC 6585, section 4).
    fn from(too_many: TooMany) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, too_many.to_string()).code(TooMany::CODE);
        problem.retry_after(Duration::from_secs(too_many.seconds()))
    }
}

impl IntoResponse for TooMany {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::RETRY_AFTER;

    use super::*;
    use crate::limits::Limit;

    fn answer(refusal: Refusal) -> (u16, Option<String>, bool) {
        let response = refusal.into_response();
        let challenge = response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), challenge, response.headers().contains_key(RETRY_AFTER))
    }

    #[test]
    fn who_showed_a_bad_token_is_told_so_and_who_showed_none_is_asked_for_one() {
        assert_eq!(answer(Refusal::Missing), (401, Some("Bearer".to_owned()), false));
        assert_eq!(answer(Refusal::Expired), (401, Some(r#"Bearer error="invalid_token""#.to_owned()), false));
        assert_eq!(answer(Refusal::Channel), (403, None, false));
        assert_eq!(answer(Refusal::KeysAway), (503, None, true));
    }

    #[test]
    fn who_comes_too_often_is_told_when_to_come_again() {
        let too_many = TooMany { limit: Limit::User, retry_after: Duration::from_millis(1500) };
        let response = too_many.into_response();
        assert_eq!((response.status().as_u16(), &response.headers()[RETRY_AFTER]), (429, &HeaderValue::from(2)));
    }
}
