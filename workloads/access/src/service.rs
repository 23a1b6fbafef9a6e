//! Requests about the whole service: they concern what is everybody's, so they need a token for everything.

use realtime_contract::channel::Pattern;

use crate::{Access, Refusal, Scope};

/// What a request about the whole service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// It looks at what all do together.
    Look,
    /// It has an effect on all others.
    Change,
}

impl Access {
    /// Whether it may ask for that: where tokens are asked for, to look needs `*` in the claim `channels`, to change `*` in `publish`.
    ///
    /// # Errors
    /// [`Refusal::Service`] with the claim that lacks it.
    pub fn permits(&self, service: Service) -> Result<(), Refusal> {
        let (scope, claim) = match service {
            Service::Look => (&self.subscribe, "channels"),
            Service::Change => (&self.publish, "publish"),
        };
        if scope.is_everything() { Ok(()) } else { Err(Refusal::Service(claim)) }
    }
}

impl Scope {
    /// Whether it is every channel; those of users, which nobody has by `*`, aside.
    fn is_everything(&self) -> bool {
        match self {
            Self::Everything => true,
            Self::Patterns(patterns) => patterns.contains(&Pattern::every()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(patterns: &[&str]) -> Scope {
        Scope::Patterns(patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect())
    }

    fn access(subscribe: &[&str], publish: &[&str]) -> Access {
        Access { subscribe: scope(subscribe), publish: scope(publish), ..Access::anonymous() }
    }

    #[test]
    fn anyone_may_where_nobody_is_asked() {
        for service in [Service::Look, Service::Change] {
            assert_eq!(Access::anonymous().permits(service), Ok(()));
        }
    }

    #[test]
    fn each_needs_a_claim_of_its_own_for_everything() {
        let (no_look, no_change) = (Err(Refusal::Service("channels")), Err(Refusal::Service("publish")));
        for (subscribe, publish, look, change) in [
            (&["*"][..], &["*"][..], Ok(()), Ok(())),
            (&["user:*", "*"], &[], Ok(()), no_change),
            (&[], &["orders", "*"], no_look, Ok(())),
            (&["o*", "user:*"], &["*.eu", "user:*"], no_look, no_change),
            (&[], &[], no_look, no_change),
        ] {
            let access = access(subscribe, publish);
            assert_eq!(access.permits(Service::Look), look, "{access:?}");
            assert_eq!(access.permits(Service::Change), change, "{access:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_the_token_lacks() {
        let sentence = access(&[], &["*"]).permits(Service::Look).unwrap_err().to_string();
        assert_eq!(
            sentence,
            "the token does not permit requests about the whole service: its claim channels lacks \"*\""
        );
    }
}
