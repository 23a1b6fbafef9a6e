//! The codes that are documented are those that clients get.

use std::collections::BTreeSet;

use super::*;

/// Status and code of each refusal. Programs rely on them: none is changed without the documentation, the packages of clients, and this.
const REFUSALS: [(u16, &str); 14] = [
    (401, "TOKEN_MISSING"),
    (401, "TOKEN_MALFORMED"),
    (401, "TOKEN_ALGORITHM"),
    (401, "TOKEN_KEY"),
    (401, "TOKEN_SIGNATURE"),
    (401, "TOKEN_EXPIRED"),
    (401, "TOKEN_EARLY"),
    (401, "TOKEN_AUDIENCE"),
    (401, "TOKEN_ISSUER"),
    (401, "TOKEN_CLAIM"),
    (403, "CHANNEL_FORBIDDEN"),
    (403, "USER_FORBIDDEN"),
    (403, "SERVICE_FORBIDDEN"),
    (503, "KEYS_AWAY"),
];

fn refusals() -> BTreeSet<(u16, String)> {
    REFUSALS.map(|(status, code)| (status, code.to_owned())).into()
}

/// A file of the documentation.
fn page(name: &str) -> String {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a request is told.
fn told(answer: &Answer) -> (u16, String) {
    let code = answer.json()["code"].as_str().unwrap_or_else(|| panic!("no code: {answer:?}")).to_owned();
    (answer.status, code)
}

/// Keys at an address where nothing listens.
fn keyless() -> Gate {
    let config = AccessConfig {
        auth: Auth::Jwt,
        jwt_jwks_url: Some("http://127.0.0.1:9/keys".to_owned()),
        jwt_jwks_seconds: Some(300),
        ..AccessConfig::default()
    };
    Gate::start(&config, KEY, CancellationToken::new()).unwrap()
}

#[tokio::test]
async fn each_refusal_is_the_answer_to_a_request() {
    let (address, ..) = asking().await;
    let mut answered = BTreeSet::new();
    for (_, token, _) in refused() {
        answered.insert(told(&get_with(address, "/api/notifications", &bearer(&token)).await));
    }
    for path in ["/api/notifications?channel=stock", "/api/users/8/notifications", "/api/stack"] {
        answered.insert(told(&get_with(address, path, &bearer(&good())).await));
    }
    let (mut state, _publisher) = found(7);
    state.gate = keyless();
    let by_key = token(&json!({ "alg": "RS256", "kid": "rsa" }), &claims(), Signer::Rsa);
    let answer = get_with(served(&state).await, "/api/notifications", &bearer(&by_key)).await;
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    answered.insert(told(&answer));
    assert_eq!(answered, refusals());
}

/// Out of the rows ``| 401 | `TOKEN_EXPIRED`, `TOKEN_EARLY` | … |``.
#[test]
fn each_refusal_is_documented_with_its_status() {
    let page = page("api.md");
    let (_, table) = page.split_once("**Refusals.**").unwrap();
    let (table, _) = table.split_once("\n#").unwrap();
    let mut documented = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let (Some(Ok(status)), Some(codes)) = (cells.next().map(str::parse::<u16>), cells.next()) else { continue };
        documented.extend(codes.split(", ").map(|code| (status, code.trim_matches('`').to_owned())));
    }
    assert_eq!(documented, refusals());
}
