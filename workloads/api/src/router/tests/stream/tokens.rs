//! A state that asks for tokens, and tokens for it.

use jiff::{SignedDuration, Timestamp};
use realtime_access::{
    Access, AccessConfig, Auth, Gate, Scope, Wish,
    limits::{LimitConfig, Limiter},
};
use realtime_contract::{Component, channel::Pattern};
use realtime_fanout::Publisher;
use tokio_util::sync::CancellationToken;

use super::found;
use crate::state::ApiState;

/// Without leeway, so that what expires does so when it says.
fn config() -> AccessConfig {
    let jwt_secret = Some("0123456789abcdef0123456789abcdef".to_owned().into());
    AccessConfig { auth: Auth::Jwt, jwt_secret, jwt_leeway_seconds: Some(0), ..AccessConfig::default() }
}

/// A state whose feed was found at that position, and that asks for tokens.
pub(in super::super) fn guarded(position: u64) -> (ApiState, Publisher) {
    let (mut state, publisher) = found(position);
    state.gate = Gate::start(&config(), b"0123456789abcdef", CancellationToken::new()).unwrap();
    (state, publisher)
}

/// A token of that user for those channels, which ends after so many seconds.
pub(in super::super) fn token(user: &str, channels: &[&str], seconds: i64) -> String {
    let subscribe = patterns(channels);
    let expires = Timestamp::now() + SignedDuration::from_secs(seconds);
    config().issue(&Wish { user, subscribe, publish: [].into(), expires }).unwrap()
}

/// A ticket of that user for those channels, which ends after so many seconds.
pub(super) fn ticket(state: &ApiState, user: &str, channels: &[&str], seconds: i64) -> String {
    let access = Access {
        user: Some(user.into()),
        subscribe: Scope::Patterns(patterns(channels)),
        publish: Scope::Patterns([].into()),
        expires: Some(Timestamp::now() + SignedDuration::from_secs(seconds)),
    };
    state.gate.ticket(&access, Timestamp::now()).unwrap().text
}

/// Lets each user subscribe so often at once, and hardly ever afterwards.
pub(in super::super) fn limited(state: &mut ApiState, subscriptions: u32) {
    let subscribe = Some(format!("0.001/{subscriptions}").parse().unwrap());
    let limits = LimitConfig { subscribe, ..LimitConfig::default() };
    state.limiter = Limiter::new(limits, Component::Api, None, &prometheus::Registry::new()).unwrap();
}

fn patterns(texts: &[&str]) -> std::collections::BTreeSet<Pattern> {
    texts.iter().map(|text| Pattern::new(text).unwrap()).collect()
}
