//! Who may use what clients connect to.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may use what clients connect to.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Security {
    /// Whether clients of the API and of notifications are asked who they are. Default `anonymous`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
}

/// Whether clients are asked who they are.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Auth {
    /// Nobody is asked: everyone may hear, read and publish everything.
    Anonymous(#[serde(deserialize_with = "crate::null::is_default")] Nothing),
    /// A client shows a token (JWT), whose claims say what it may hear, read and publish.
    Jwt(#[serde(deserialize_with = "crate::null::is_default")] Jwt),
}

impl Default for Auth {
    fn default() -> Self {
        Self::Anonymous(Nothing {})
    }
}

/// A choice that needs no further words.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// Which tokens are taken.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Jwt {
    /// What the claim `iss` must be. Default: anything, also nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[^\s]+$"))]
    pub issuer: Option<String>,

    /// Of which the claim `aud` must hold one. Default: anything, also nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::null::is_default")]
    #[schemars(
        length(max = 16),
        inner(length(min = 1, max = 255), regex(pattern = r"^[^,\s]+$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub audience: Vec<String>,

    /// Seconds by which the clocks of who makes tokens and of the stack may differ. Default 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 600))]
    pub leeway_seconds: Option<u16>,

    /// What tokens are checked with. Default `generated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<TokenKey>,
}

/// What tokens are checked with.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenKey {
    /// A secret that the operator makes once, in the Secret `<stack>-auth` under the key `secret`. Whoever has it makes tokens (HS256).
    Generated(#[serde(deserialize_with = "crate::null::is_default")] Nothing),
    /// A Secret of yours.
    Secret(SecretKey),
    /// Public keys behind an address, as identity providers publish them.
    Jwks(RemoteKeys),
}

impl Default for TokenKey {
    fn default() -> Self {
        Self::Generated(Nothing {})
    }
}

/// A Secret in the stack's namespace.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// Its name, any but `<stack>-auth`. It has one of two keys: `secret`, 32 bytes or more that tokens are signed with as they stand there
    /// (HS256), or `jwks.json`, a set of JSON Web Keys. Changes of it are noticed at once when it has the label
    /// `realtimestack.io/reload: "true"`.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
}

/// A set of JSON Web Keys behind an address.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("isURL(self.url) && self.url.matches('^https?://[^/?#]+')")
    .message("jwks.url must be the whole address of a set of keys, such as https://login.example.com/.well-known/jwks.json; correct it"))]
#[x_kube(validation = Rule::new("!self.url.matches('^[^/]*//[^/?]*@')")
    .message("jwks.url: a user or password in it could be read by anyone who can read the stack, and keys are public; take it out"))]
pub struct RemoteKeys {
    /// Its address, as in `https://login.example.com/.well-known/jwks.json`.
    #[schemars(length(min = 1, max = 2048), regex(pattern = r"^https?://[^\s]+$"))]
    pub url: String,

    /// Seconds after which it is read again; a token with a key that is not known yet has it read at once. Default 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 86_400))]
    pub refresh_seconds: Option<u32>,
}
