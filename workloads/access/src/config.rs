//! Options of access control.

use clap::{Args, ValueEnum};
use realtime_chassis::config::Secret;
use realtime_contract::environment;

/// Bytes of a secret for HS256 at least, as many as its hash has (RFC 7518, section 3.2).
pub(crate) const SECRET_BYTES: usize = 32;
/// After so many seconds keys at an address are read again unless it is said.
pub(crate) const JWKS_SECONDS: u32 = 300;
/// By so many seconds clocks may differ unless it is said.
pub(crate) const LEEWAY_SECONDS: u32 = 30;

/// Who is asked who he is, and how tokens are checked.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Access")]
pub struct AccessConfig {
    /// Whether clients need a token
    #[arg(long = "auth", env = environment::AUTH, value_name = "REALTIME_AUTH", value_enum, default_value_t = Auth::Anonymous)]
    pub auth: Auth,

    /// Secret of tokens that are signed by HS256, 32 bytes or more. The text itself is the key, also when it looks like base64
    #[arg(long, env = environment::JWT_SECRET, value_name = "REALTIME_JWT_SECRET", hide_env_values = true, value_parser = secret)]
    pub jwt_secret: Option<Secret>,

    /// Text of a set of keys (JWKS) that tokens are checked with
    #[arg(long, env = environment::JWT_JWKS, value_name = "REALTIME_JWT_JWKS", hide_env_values = true)]
    pub jwt_jwks: Option<Secret>,

    /// Address of such a set, http or https
    #[arg(long, env = environment::JWT_JWKS_URL, value_name = "REALTIME_JWT_JWKS_URL", value_parser = url)]
    pub jwt_jwks_url: Option<String>,

    /// Seconds after which the set at that address is read again, 300 unless it is said
    #[arg(long, env = environment::JWT_JWKS_SECONDS, value_name = "REALTIME_JWT_JWKS_SECONDS", value_parser = clap::value_parser!(u32).range(10..=86_400))]
    pub jwt_jwks_seconds: Option<u32>,

    /// What a token's claim iss has to be; not looked at when it is not given
    #[arg(long, env = environment::JWT_ISSUER, value_name = "REALTIME_JWT_ISSUER")]
    pub jwt_issuer: Option<String>,

    /// Audiences by comma of which a token's claim aud has to name one; not looked at when none is given
    #[arg(long, env = environment::JWT_AUDIENCE, value_name = "REALTIME_JWT_AUDIENCE", value_delimiter = ',', value_parser = audience)]
    pub jwt_audience: Vec<String>,

    /// Seconds by which the issuer's clock may differ, 30 unless it is said
    #[arg(long, env = environment::JWT_LEEWAY_SECONDS, value_name = "REALTIME_JWT_LEEWAY_SECONDS", value_parser = clap::value_parser!(u32).range(..=600))]
    pub jwt_leeway_seconds: Option<u32>,
}

/// Who is asked who he is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// Nobody.
    #[default]
    Anonymous,
    /// Everybody, by a JSON Web Token.
    Jwt,
}

impl AccessConfig {
    /// Variables of tokens that are set, of which none has a meaning where nobody is asked for one.
    pub(crate) fn of_tokens(&self) -> Vec<&'static str> {
        [
            (self.jwt_secret.is_some(), environment::JWT_SECRET),
            (self.jwt_jwks.is_some(), environment::JWT_JWKS),
            (self.jwt_jwks_url.is_some(), environment::JWT_JWKS_URL),
            (self.jwt_issuer.is_some(), environment::JWT_ISSUER),
            (!self.jwt_audience.is_empty(), environment::JWT_AUDIENCE),
            (self.jwt_jwks_seconds.is_some(), environment::JWT_JWKS_SECONDS),
            (self.jwt_leeway_seconds.is_some(), environment::JWT_LEEWAY_SECONDS),
        ]
        .into_iter()
        .filter_map(|(is_set, name)| is_set.then_some(name))
        .collect()
    }
}

fn secret(text: &str) -> Result<Secret, String> {
    if text.len() < SECRET_BYTES {
        return Err(format!(
            "a secret for tokens has {SECRET_BYTES} bytes or more; make one by `openssl rand -hex 32`"
        ));
    }
    if text.trim() != text {
        return Err(
            "a secret for tokens has no white space and no line end around it, which would be part of the key; \
             write the file without one, as by `printf %s`"
                .to_owned(),
        );
    }
    Ok(text.to_owned().into())
}

/// It goes to the log when it does not answer, so it must not carry a password.
fn url(text: &str) -> Result<String, String> {
    let of_form = || "an address of keys looks like https://issuer.example/.well-known/jwks.json".to_owned();
    let address: axum::http::Uri = text.parse().map_err(|_| of_form())?;
    let authority = address.authority().ok_or_else(of_form)?;
    if !matches!(address.scheme_str(), Some("http" | "https")) || authority.host().is_empty() {
        return Err(of_form());
    }
    if authority.as_str().contains('@') {
        return Err("an address of keys has no user and no password: what stands there is for everybody".to_owned());
    }
    Ok(text.to_owned())
}

fn audience(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("an audience is a text, several stand by comma".to_owned()) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[command(flatten)]
        access: AccessConfig,
    }

    fn parse(options: &[&str]) -> Result<AccessConfig, String> {
        let all = ["test"].iter().chain(options);
        Options::try_parse_from(all).map(|options| options.access).map_err(|error| error.to_string())
    }

    #[test]
    fn nobody_is_asked_unless_told_so() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.auth, Auth::Anonymous);
        assert!(config.of_tokens().is_empty());
        let seconds = parse(&["--jwt-jwks-seconds=300", "--jwt-leeway-seconds=30"]).unwrap();
        assert_eq!(seconds.of_tokens(), [environment::JWT_JWKS_SECONDS, environment::JWT_LEEWAY_SECONDS]);
    }

    #[test]
    fn audiences_are_read_by_comma() {
        assert_eq!(parse(&["--jwt-audience", "api, stream"]).unwrap().jwt_audience, ["api", "stream"]);
    }

    #[test]
    fn refuses_with_a_sentence_that_says_what_to_change() {
        for (option, value, sentence) in [
            ("--auth", "basic", "anonymous, jwt"),
            ("--jwt-secret", "short", "openssl rand -hex 32"),
            ("--jwt-secret", "0123456789abcdef0123456789abcdef\n", "no line end around it"),
            ("--jwt-secret", " 0123456789abcdef0123456789abcdef", "no white space"),
            ("--jwt-jwks-url", "issuer.example/jwks.json", "https://issuer.example"),
            ("--jwt-jwks-url", "file:///etc/passwd", "https://issuer.example"),
            ("--jwt-jwks-url", "https://u:p@issuer.example/", "no user and no password"),
            ("--jwt-jwks-seconds", "9", "10.."),
            ("--jwt-audience", "a,,b", "several stand by comma"),
            ("--jwt-leeway-seconds", "601", "600"),
        ] {
            let error = parse(&[option, value]).unwrap_err();
            assert!(error.contains(sentence), "{option} {value}: {error}");
        }
    }

    #[test]
    fn keys_do_not_show_themselves() {
        let config = parse(&["--jwt-secret", &"s3cret".repeat(6), "--jwt-jwks", "{\"keys\":\"s3cret\"}"]).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"));
        assert_eq!(config.of_tokens(), [environment::JWT_SECRET, environment::JWT_JWKS]);
    }
}
