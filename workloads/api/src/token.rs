//! `realtime-api token`: a token for who has a shell in a pod of the stack.

use std::io::{self, Write};

use anyhow::Context;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use realtime_access::{AccessConfig, Wish};
use realtime_contract::channel::{Pattern, is_user};

/// What the token shall say.
#[derive(Args, Debug)]
pub(crate) struct TokenOptions {
    /// The user, the claim sub
    #[arg(long, value_parser = user)]
    sub: String,

    /// Channels to hear and read: names and patterns by comma, * for all but those of users
    #[arg(long, value_delimiter = ',', value_parser = pattern)]
    channels: Vec<Pattern>,

    /// Channels to publish to, likewise
    #[arg(long, value_delimiter = ',', value_parser = pattern)]
    publish: Vec<Pattern>,

    /// Hours until it ends
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=8760))]
    hours: u16,

    #[command(flatten)]
    access: AccessConfig,
}

/// Writes the token and a line end to standard output, and nothing to the log.
pub(crate) fn write(options: &TokenOptions) -> anyhow::Result<()> {
    let token = token(options, Timestamp::now())?;
    writeln!(io::stdout(), "{token}").context("failed to write the token")
}

fn token(options: &TokenOptions, now: Timestamp) -> anyhow::Result<String> {
    let wish = Wish {
        user: &options.sub,
        subscribe: options.channels.iter().cloned().collect(),
        publish: options.publish.iter().cloned().collect(),
        expires: now + SignedDuration::from_hours(options.hours.into()),
    };
    Ok(options.access.issue(&wish)?)
}

fn user(text: &str) -> Result<String, &'static str> {
    let sentence = "a user has 1 to 123 of A-Z a-z 0-9 . _ : / - @ | + = ~";
    is_user(text).then(|| text.to_owned()).ok_or(sentence)
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text.trim()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use realtime_access::{Credential, Gate};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::arguments::{Arguments, Command};

    const SECRET: &str = "--jwt-secret=0123456789abcdef0123456789abcdef";

    fn options(options: &[&str]) -> Result<TokenOptions, String> {
        let all = ["realtime-api", "token"].iter().chain(options);
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Token(options) => Ok(*options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_stack_takes_its_token() {
        let options = options(&["--sub=me", "--channels=*,user:7", "--publish=orders", SECRET, "--auth=jwt"]).unwrap();
        let now = Timestamp::now();
        let token = token(&options, now).unwrap();
        let gate = Gate::start(&options.access, b"key", CancellationToken::new()).unwrap();
        let access = gate.check_now(Credential::Token(&token)).unwrap();
        assert!(access.may_subscribe("stock") && access.may_subscribe("user:7") && !access.may_subscribe("user:8"));
        assert!(access.may_publish("orders") && !access.may_publish("stock"));
        assert_eq!(access.expires.map(|end| end.as_second() - now.as_second()), Some(3630));
    }

    #[test]
    fn refuses_what_no_token_can_say() {
        for (given, sentence) in [
            (vec![SECRET], "--sub"),
            (vec!["--sub=a b", SECRET], "a user has 1 to 123"),
            (vec!["--sub=me", "--channels=a b", SECRET], "a pattern of channels has"),
            (vec!["--sub=me", "--hours=0", SECRET], "1..=8760"),
        ] {
            let error = options(&given).unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
        for (given, sentence) in [
            (vec!["--sub=me", "--auth=jwt"], "REALTIME_JWT_SECRET"),
            (vec!["--sub=me", SECRET], "REALTIME_AUTH is not jwt"),
        ] {
            let error = token(&options(&given).unwrap(), Timestamp::now()).unwrap_err().to_string();
            assert!(error.contains(sentence), "{error}");
        }
    }
}
