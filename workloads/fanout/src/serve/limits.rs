//! How many streams may be open, in all and of one client.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::HeaderMap;
use ipnet::IpNet;

/// How many streams are open, and how many may be.
#[derive(Debug)]
pub struct Limits {
    connections: usize,
    per_address: Option<usize>,
    trusted: Vec<IpNet>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    /// Empty unless streams are limited by address.
    by_address: HashMap<IpAddr, usize>,
}

/// The place of one open stream; dropping it frees the place.
#[derive(Debug)]
pub struct Slot {
    limits: Arc<Limits>,
    address: IpAddr,
}

/// Which limit a stream is refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// That of all streams.
    Connections,
    /// That of one client address.
    Address,
}

impl Limits {
    /// `connections` streams at most, `per_address` of them from one client. Networks in `trusted` are of proxies whose
    /// `X-Forwarded-For` is believed.
    pub fn new(connections: usize, per_address: Option<usize>, trusted: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { connections, per_address, trusted, open: Mutex::default() })
    }

    /// A place for a stream of that client.
    ///
    /// # Errors
    /// The limit that is reached.
    pub fn enter(self: &Arc<Self>, client: IpAddr) -> Result<Slot, Exceeded> {
        let address = subscriber(client);
        let mut open = self.lock();
        if open.total >= self.connections {
            return Err(Exceeded::Connections);
        }
        if let Some(limit) = self.per_address {
            let of_address = open.by_address.get(&address).copied().unwrap_or_default();
            if of_address >= limit {
                return Err(Exceeded::Address);
            }
            open.by_address.insert(address, of_address + 1);
        }
        open.total += 1;
        Ok(Slot { limits: self.clone(), address })
    }

    /// Streams that are open.
    pub fn open(&self) -> usize {
        self.lock().total
    }

    /// The address of the client of a request that came from `peer`: `peer` itself, unless it is a trusted proxy. Then the rightmost
    /// address of `X-Forwarded-For` that is no trusted proxy; what stands to the left of it was written by whoever sent it.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer.to_canonical();
        let lines: Vec<&[u8]> = headers.get_all("x-forwarded-for").iter().map(http::HeaderValue::as_bytes).collect();
        let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        while self.trusted.iter().any(|network| network.contains(&nearest)) {
            let Some(hop) = hops.next().and_then(address) else { break };
            nearest = hop;
        }
        nearest
    }

    fn leave(&self, address: IpAddr) {
        let mut open = self.lock();
        open.total -= 1;
        if let Some(count) = open.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }

    /// No method panics between two changes, so that a poisoned lock still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.limits.leave(self.address);
    }
}

/// Some proxies write the port, too.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let with_port = || text.parse().map(|address: std::net::SocketAddr| address.ip());
    text.parse().or_else(|_| with_port()).ok().map(|address: IpAddr| address.to_canonical())
}

/// Whose streams are counted together: one address, or one network of 64 bits, which is what a single host gets in IPv6.
pub fn subscriber(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        older @ IpAddr::V4(_) => older,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client(peer: &str, lines: &[&'static str]) -> IpAddr {
        let limits = Limits::new(1, None, vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", http::HeaderValue::from_static(line));
        }
        limits.client(ip(peer), &headers)
    }

    #[test]
    fn places_are_freed_when_their_streams_end() {
        let limits = Limits::new(2, None, Vec::new());
        let first = limits.enter(ip("192.0.2.1")).unwrap();
        let second = limits.enter(ip("192.0.2.1")).unwrap();
        assert_eq!(limits.enter(ip("192.0.2.2")).unwrap_err(), Exceeded::Connections);
        drop(first);
        limits.enter(ip("192.0.2.2")).unwrap();
        drop(second);
        assert_eq!(limits.open(), 0);
    }

    #[test]
    fn one_address_does_not_take_the_places_of_others() {
        let limits = Limits::new(10, Some(1), Vec::new());
        let held = limits.enter(ip("192.0.2.1")).unwrap();
        assert_eq!(limits.enter(ip("::ffff:192.0.2.1")).unwrap_err(), Exceeded::Address);
        limits.enter(ip("192.0.2.2")).unwrap();
        drop(held);
        limits.enter(ip("192.0.2.1")).unwrap();
        assert!(limits.lock().by_address.is_empty(), "addresses without a stream are kept");
    }

    #[test]
    fn a_network_of_64_bits_counts_as_one_client() {
        let limits = Limits::new(10, Some(1), Vec::new());
        let _held = limits.enter(ip("2001:db8:0:1::1")).unwrap();
        assert_eq!(limits.enter(ip("2001:db8:0:1:ffff::2")).unwrap_err(), Exceeded::Address);
        limits.enter(ip("2001:db8:0:2::1")).unwrap();
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), ip("192.0.2.1"));
        assert_eq!(client("10.1.2.3", &["198.51.100.7"]), ip("198.51.100.7"));
        assert_eq!(client("::ffff:10.1.2.3", &["198.51.100.7"]), ip("198.51.100.7"));
        assert_eq!(client("fd00::1", &["[2001:db8::7]:4711"]), ip("2001:db8::7"));
    }

    #[test]
    fn what_stands_left_of_the_client_is_not_believed() {
        assert_eq!(client("10.1.2.3", &["203.0.113.9, 198.51.100.7 , 10.9.9.9"]), ip("198.51.100.7"));
        assert_eq!(client("10.1.2.3", &["203.0.113.9", "198.51.100.7:80", "10.9.9.9"]), ip("198.51.100.7"));
    }

    #[test]
    fn without_a_readable_address_the_last_proxy_counts() {
        assert_eq!(client("10.1.2.3", &[]), ip("10.1.2.3"));
        assert_eq!(client("10.1.2.3", &["unknown"]), ip("10.1.2.3"));
        assert_eq!(client("10.1.2.3", &["198.51.100.7, unknown, 10.9.9.9"]), ip("10.9.9.9"));
        assert_eq!(client("10.1.2.3", &["10.2.2.2, 10.3.3.3"]), ip("10.2.2.2"));
    }
}
