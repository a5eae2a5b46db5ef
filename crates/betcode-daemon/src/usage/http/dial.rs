//! Finds a host and opens a connection to it: all its addresses are tried, the next one when the one before fails or takes
//! long, and the first that answers is taken.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use usage_core::failure::Unreachable;

/// Where a host has an address that leads nowhere, nobody waits for it longer than this before the next is tried.
const HEAD_START: Duration = Duration::from_millis(250);

/// Who knows the addresses of hosts.
#[derive(Debug)]
pub(super) enum Names {
    /// The system.
    System,
    /// A test, so that no question leaves this machine.
    #[cfg(test)]
    Fixed(std::collections::BTreeMap<String, Vec<IpAddr>>),
}

impl Names {
    /// The addresses of a host; never none.
    pub(super) async fn find(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        let addresses: io::Result<Vec<SocketAddr>> = match (self, host.parse::<IpAddr>()) {
            (_, Ok(address)) => Ok(vec![SocketAddr::new(address, port)]),
            (Self::System, Err(_)) => tokio::net::lookup_host((host, port))
                .await
                .map(Iterator::collect),
            #[cfg(test)]
            (Self::Fixed(known), Err(_)) => {
                let addresses = known.get(host).cloned().unwrap_or_default().into_iter();
                Ok(addresses.map(|it| SocketAddr::new(it, port)).collect())
            }
        };
        addresses
            .ok()
            .filter(|addresses| !addresses.is_empty())
            .ok_or(Unreachable::Dns)
    }

    /// A connection to a host.
    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Unreachable> {
        let addresses = self.find(host, port).await?;
        let mut waiting = in_turns(addresses).into_iter();
        let mut trying = FuturesUnordered::new();
        loop {
            match waiting.next() {
                Some(address) => trying.push(TcpStream::connect(address)),
                None if trying.is_empty() => return Err(Unreachable::Connect),
                None => {}
            }
            let is_last = waiting.len() == 0;
            let tried = tokio::select! {
                tried = trying.next() => tried,
                () = tokio::time::sleep(HEAD_START), if !is_last => None,
            };
            if let Some(Ok(stream)) = tried {
                // Small messages, one after the other; without it they would wait for each other.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
        }
    }
}

/// The two kinds of addresses in turns: often one kind as a whole leads nowhere.
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_new = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_new);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut turns = Vec::new();
    loop {
        let (this, that) = (one.next(), other.next());
        if this.is_none() && that.is_none() {
            return turns;
        }
        turns.extend(this);
        turns.extend(that);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_kinds_are_tried_in_turns() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"];
        let addresses = addresses.map(|address| address.parse().unwrap());
        let turns: Vec<_> = in_turns(addresses.to_vec())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(turns, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
    }
}
