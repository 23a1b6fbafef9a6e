//! Whether the workloads that clients connect to ask them who they are, and what they check the answer with.

use realtime_contract::environment;
use realtime_crds::{Auth, RemoteKeys, Security, TokenKey as Source};

use crate::controller::dereference::token_key::{Form, TokenKey};
use crate::controller::stack::Value;

/// The variables for it. What the spec leaves open is the binaries' own choice, also that nobody is asked.
pub(super) fn settings(security: Option<&Security>, key: Option<&TokenKey>) -> Vec<(&'static str, Value)> {
    let Some(Auth::Jwt(jwt)) = security.and_then(|security| security.auth.clone()) else { return Vec::new() };
    let audience = (!jwt.audience.is_empty()).then(|| jwt.audience.join(","));
    let mut texts = vec![
        (environment::AUTH, Some("jwt".to_owned())),
        (environment::JWT_ISSUER, jwt.issuer),
        (environment::JWT_AUDIENCE, audience),
        (environment::JWT_LEEWAY_SECONDS, jwt.leeway_seconds.map(|seconds| seconds.to_string())),
    ];
    if let Some(Source::Jwks(RemoteKeys { url, refresh_seconds })) = jwt.key {
        texts.push((environment::JWT_JWKS_URL, Some(url)));
        texts.push((environment::JWT_JWKS_SECONDS, refresh_seconds.map(|seconds| seconds.to_string())));
    }
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, Value::Literal(text?))));
    texts.chain(key.map(of_secret)).collect()
}

fn of_secret(key: &TokenKey) -> (&'static str, Value) {
    let variable = match key.form {
        Form::Shared => environment::JWT_SECRET,
        Form::Set => environment::JWT_JWKS,
    };
    (variable, Value::Secret { name: key.secret.clone(), key: key.form.key(), hash: key.hash.clone() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn names(auth: &Json) -> Vec<&'static str> {
        let security: Security = serde_json::from_value(json!({ "auth": auth })).unwrap();
        settings(Some(&security), None).into_iter().map(|(name, _)| name).collect()
    }

    /// A workload does not start with one that has none.
    #[test]
    fn no_variable_is_set_that_would_have_no_effect() {
        assert_eq!(settings(None, None), []);
        assert_eq!(names(&json!({"anonymous": {}})), [""; 0]);
        let jwt = |key: Json| names(&json!({"jwt": {"leewaySeconds": 5, "key": key}}));
        let asks = [environment::AUTH, environment::JWT_LEEWAY_SECONDS];
        assert_eq!(jwt(json!({"generated": {}})), asks);
        assert_eq!(jwt(json!({"secret": {"name": "keys"}})), asks);
        let address = [environment::JWT_JWKS_URL, environment::JWT_JWKS_SECONDS];
        let remote = json!({"jwks": {"url": "https://login.example.com/keys", "refreshSeconds": 60}});
        assert_eq!(jwt(remote), [asks, address].concat());
    }
}
