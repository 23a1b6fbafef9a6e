//! Options of limits.

use clap::Args;
use realtime_contract::environment;
use thiserror::Error;

use super::{Limit, bucket::Rate};

/// How often somebody may; without a limit when it is not given.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Limits, <a second>/<at once> as in 10/50")]
pub struct LimitConfig {
    /// Requests of one client address, with openings of streams and sessions
    #[arg(id = "limit-address", long = "limit-address", env = environment::LIMIT_ADDRESS, value_name = "REALTIME_LIMIT_ADDRESS")]
    pub address: Option<Rate>,

    /// The same of one user
    #[arg(id = "limit-user", long = "limit-user", env = environment::LIMIT_USER, value_name = "REALTIME_LIMIT_USER")]
    pub user: Option<Rate>,

    /// Notifications published by one user, or address where nobody is asked
    #[arg(id = "limit-publish", long = "limit-publish", env = environment::LIMIT_PUBLISH, value_name = "REALTIME_LIMIT_PUBLISH")]
    pub publish: Option<Rate>,

    /// Openings of streams and sessions, and subscriptions to more, by one user or address
    #[arg(id = "limit-subscribe", long = "limit-subscribe", env = environment::LIMIT_SUBSCRIBE, value_name = "REALTIME_LIMIT_SUBSCRIBE")]
    pub subscribe: Option<Rate>,
}

/// A limit is set that would limit nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Ineffective {
    /// Users are not known.
    #[error(
        "failed to limit users: nobody is asked who he is; set {} to jwt, or leave {} out",
        environment::AUTH,
        environment::LIMIT_USER
    )]
    Users,
    /// The service takes nothing.
    #[error("failed to limit what is published: nothing is published here; leave {} out", environment::LIMIT_PUBLISH)]
    Publishing,
}

impl LimitConfig {
    /// These limits at a service that asks clients who they are, or not, and to which one can publish, or not.
    ///
    /// # Errors
    /// [`Ineffective`] when one of them would limit nothing.
    pub const fn at(self, asks: bool, takes_posts: bool) -> Result<Self, Ineffective> {
        match self {
            Self { user: Some(_), .. } if !asks => Err(Ineffective::Users),
            Self { publish: Some(_), .. } if !takes_posts => Err(Ineffective::Publishing),
            effective => Ok(effective),
        }
    }

    pub(super) const fn rate(&self, limit: Limit) -> Option<Rate> {
        match limit {
            Limit::Address => self.address,
            Limit::User => self.user,
            Limit::Publish => self.publish,
            Limit::Subscribe => self.subscribe,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[command(flatten)]
        limits: LimitConfig,
    }

    #[test]
    fn each_limit_has_its_option() {
        let options =
            ["test", "--limit-address=1/1", "--limit-user=2/1", "--limit-publish=4/1", "--limit-subscribe=5/1"];
        let limits = Options::parse_from(options).limits;
        let intervals = Limit::ALL.map(|limit| limits.rate(limit).unwrap().interval);
        assert_eq!(intervals, [1_000_000, 500_000, 250_000, 200_000]);
        assert_eq!(Options::parse_from(["test"]).limits, LimitConfig::default());
    }

    #[test]
    fn refuses_limits_that_would_limit_nothing_by_their_names() {
        let parse =
            |option| Options::parse_from(["test", "--limit-address=1/1", "--limit-subscribe=1/1", option]).limits;
        let (users, publishing) = (parse("--limit-user=1/1"), parse("--limit-publish=1/1"));
        for (limits, asks, takes_posts, name) in [
            (users, true, false, None),
            (users, false, true, Some("REALTIME_LIMIT_USER")),
            (publishing, false, true, None),
            (publishing, true, false, Some("REALTIME_LIMIT_PUBLISH")),
        ] {
            match (limits.at(asks, takes_posts), name) {
                (Ok(effective), None) => assert_eq!(effective, limits),
                (Err(error), Some(name)) => assert!(error.to_string().contains(name), "{error}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn refuses_with_a_sentence_that_says_what_to_change() {
        let error = Options::try_parse_from(["test", "--limit-user=10"]).unwrap_err().to_string();
        assert!(error.contains("as in 10/50"), "{error}");
    }
}
