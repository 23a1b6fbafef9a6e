//! Tokens for a stack that asks for them: as its users get them, and others that nobody should be given.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use realtime_contract::Component;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::kubectl;
use crate::stack::Stack;

/// A token of that user by the command of docs/operations.md, with more options.
///
/// # Panics
/// When the command fails.
pub async fn issued(stack: &Stack, user: &str, options: &[&str]) -> String {
    try_issued(stack, user, options).await.unwrap_or_else(|error| panic!("{error}"))
}

/// A token of that user by the command of docs/operations.md, with more options.
///
/// # Errors
/// What the command says when it fails.
pub async fn try_issued(stack: &Stack, user: &str, options: &[&str]) -> Result<String, String> {
    let deployment = format!("deploy/{}", stack.object_name(Component::Api));
    let mut command = vec!["/realtime-api", "token", "--sub", user, "--hours", "1"];
    command.extend_from_slice(options);
    let output = kubectl::exec(&stack.namespace, &deployment, &command, "").await;
    if output.success { Ok(output.stdout.trim().to_owned()) } else { Err(format!("no token: {}", output.stderr)) }
}

/// The secret that the operator made for the tokens of this stack.
///
/// # Panics
/// When there is none.
pub async fn secret(stack: &Stack) -> String {
    let name = format!("{}-auth", stack.name);
    let secret = stack.objects::<Secret>().get(&name).await.unwrap_or_else(|error| panic!("Secret {name}: {error}"));
    let data = secret.data.and_then(|mut data| data.remove("secret")).unwrap_or_else(|| panic!("{name} has no secret"));
    String::from_utf8(data.0).unwrap_or_else(|error| panic!("{name} is no text: {error}"))
}

/// A token of that user for every channel but those of users, which ends in so many seconds, or did before.
pub fn signed(secret: &str, user: &str, seconds: i64) -> String {
    let claims = json!({
        "sub": user, "exp": Timestamp::now().as_second() + seconds, "channels": ["*"], "publish": ["*"],
    });
    with_header(&json!({"alg": "HS256", "typ": "JWT"}), &claims, secret)
}

/// A token with that header and those claims, signed by HS256 whatever the header says.
///
/// # Panics
/// Never: a key may have any length.
pub fn with_header(header: &Value, claims: &Value, secret: &str) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let message = format!("{}.{}", part(header.to_string().as_bytes()), part(claims.to_string().as_bytes()));
    let signature = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mut signature = signature.unwrap_or_else(|error| panic!("failed to take the secret as a key: {error}"));
    signature.update(message.as_bytes());
    format!("{message}.{}", part(&signature.finalize().into_bytes()))
}
