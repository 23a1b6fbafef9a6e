//! Who comes in: what a client shows is looked at, and how often it comes is counted.

use std::net::IpAddr;

use thiserror::Error;

use crate::{
    Access, Credential, Gate, Refusal,
    limits::{Charge, Limit, Limiter, TooMany, Who},
};

/// A client may not come in. The sentence is for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Denied {
    /// It may not at all.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It comes too often.
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

/// What the client may do that shows this, when it does not come too often: each request counts for its address and its user, and, for
/// `besides`, there too. What it shows is looked at once its address was counted, since that costs more than to count: with tokens two round
/// trips to Redis at most, else one.
///
/// # Errors
/// [`Denied`].
pub async fn admit(
    gate: &Gate,
    limiter: &Limiter,
    credential: Credential<'_>,
    client: Option<IpAddr>,
    besides: Option<Limit>,
) -> Result<Access, Denied> {
    let asks = gate.asks();
    let address = client.map(|address| charge(Limit::Address, Who::Address(address)));
    if let Some(address) = address.filter(|_| asks) {
        limiter.take_all(&[address]).await?;
    }
    let access = gate.check(credential).await?;
    let user = access.user.as_deref().map(|user| charge(Limit::User, Who::User(user)));
    let besides = besides.and_then(|limit| Some(charge(limit, Who::of(&access, client)?)));
    let charges: Vec<Charge<'_>> = [address.filter(|_| !asks), user, besides].into_iter().flatten().collect();
    limiter.take_all(&charges).await?;
    Ok(access)
}

const fn charge(limit: Limit, who: Who<'_>) -> Charge<'_> {
    Charge { limit, who, cost: 1 }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use prometheus::Registry;
    use realtime_contract::Component;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{AccessConfig, Auth, forge, limits::LimitConfig};

    /// Each limit that is named is reached with the second one.
    fn limiter(named: &[Limit]) -> Limiter {
        let rate = |limit| named.contains(&limit).then(|| "0.001/1".parse().unwrap());
        let config = LimitConfig {
            address: rate(Limit::Address),
            user: rate(Limit::User),
            publish: rate(Limit::Publish),
            subscribe: rate(Limit::Subscribe),
        };
        Limiter::new(config, Component::Api, None, &Registry::new()).unwrap()
    }

    fn asking() -> Gate {
        let jwt_secret = Some(forge::SECRET.to_owned().into());
        let config = AccessConfig { auth: Auth::Jwt, jwt_secret, ..AccessConfig::default() };
        Gate::start(&config, forge::SECRET.as_bytes(), CancellationToken::new()).unwrap()
    }

    fn token(user: &str) -> String {
        let mut claims = forge::claims();
        claims["sub"] = user.into();
        claims["exp"] = 4_000_000_000_i64.into();
        forge::with(&claims)
    }

    /// What two clients are told that come one behind the other: that they may come in, that they are refused, or which limit is reached.
    async fn told(gate: &Gate, limiter: &Limiter, shown: [(&str, u8); 2]) -> [Result<(), Option<Limit>>; 2] {
        let mut told = [Ok(()), Ok(())];
        for (told, (text, host)) in told.iter_mut().zip(shown) {
            let client = Some(Ipv4Addr::new(192, 0, 2, host).into());
            let admitted = admit(gate, limiter, Credential::Token(text), client, Some(Limit::Subscribe)).await;
            *told = admitted.map(drop).map_err(|denied| match denied {
                Denied::Refused(_) => None,
                Denied::TooMany(too_many) => Some(too_many.limit),
            });
        }
        told
    }

    #[tokio::test]
    async fn where_tokens_are_asked_for_address_and_user_count_and_what_is_subscribed_to_counts_for_the_user() {
        let (gate, seven, eight) = (asking(), token("7"), token("8"));
        for (limit, shown, second) in [
            (Limit::Address, [(&seven, 1), (&eight, 1)], Err(Some(Limit::Address))),
            (Limit::Address, [(&seven, 1), (&seven, 2)], Ok(())),
            (Limit::User, [(&seven, 1), (&seven, 2)], Err(Some(Limit::User))),
            (Limit::User, [(&seven, 1), (&eight, 1)], Ok(())),
            (Limit::Subscribe, [(&seven, 1), (&seven, 2)], Err(Some(Limit::Subscribe))),
            (Limit::Subscribe, [(&seven, 1), (&eight, 1)], Ok(())),
            (Limit::Publish, [(&seven, 1), (&seven, 1)], Ok(())),
        ] {
            let shown = shown.map(|(token, host)| (token.as_str(), host));
            assert_eq!(told(&gate, &limiter(&[limit]), shown).await, [Ok(()), second], "{limit:?}");
        }
    }

    #[tokio::test]
    async fn where_nobody_is_asked_what_is_subscribed_to_counts_for_the_address() {
        for (limit, second) in [
            (Limit::Address, Err(Some(Limit::Address))),
            (Limit::Subscribe, Err(Some(Limit::Subscribe))),
            (Limit::User, Ok(())),
        ] {
            let (gate, limiter) = (Gate::anonymous(), limiter(&[limit]));
            assert_eq!(told(&gate, &limiter, [("a", 1), ("b", 1)]).await, [Ok(()), second], "{limit:?}");
            assert_eq!(told(&gate, &limiter, [("a", 3), ("b", 4)]).await, [Ok(()), Ok(())], "{limit:?}");
        }
    }

    #[tokio::test]
    async fn who_shows_nothing_good_counts_for_its_address_before_that_is_looked_at() {
        let (gate, good) = (asking(), token("7"));
        let refused_first = told(&gate, &limiter(&[Limit::Address]), [("junk", 1), (&good, 1)]).await;
        assert_eq!(refused_first, [Err(None), Err(Some(Limit::Address))]);
        let elsewhere = told(&gate, &limiter(&[Limit::User, Limit::Subscribe]), [("junk", 1), (&good, 1)]).await;
        assert_eq!(elsewhere, [Err(None), Ok(())], "nobody's user is nobody else");
    }
}
