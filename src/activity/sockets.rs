//! Watched sockets: established TCP connections from this machine, or from this container's
//! network, to a server.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::Watched;

/// The kernel's tables of this process's own network (proc(5)), the only ones that a hardened unit
/// shows.
const TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/// The state of an established connection in those tables.
const ESTABLISHED: &str = "01";
/// How long a name server may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Where the established connections of this machine lead to.
pub(super) fn remote_ends() -> BTreeSet<SocketAddr> {
    let text = |table| std::fs::read_to_string(table).unwrap_or_default();
    TABLES
        .iter()
        .flat_map(|table| remote_ends_of(&text(table)))
        .collect()
}

/// Whether a connection leads to a session's server.
pub(super) async fn leads_to(session: &Watched, connected: &BTreeSet<SocketAddr>) -> bool {
    let Some(hostname) = session
        .hostname
        .as_deref()
        .filter(|_| !connected.is_empty())
    else {
        return false;
    };
    let ports = || session.ports.iter().copied();
    // Asking for a name costs time: not where no connection has the port.
    if !ports().any(|port| connected.iter().any(|end| end.port() == port)) {
        return false;
    }
    let found = tokio::time::timeout(TIMEOUT, tokio::net::lookup_host((hostname, 0))).await;
    let Ok(Ok(addresses)) = found else {
        return false;
    };
    addresses
        .map(|a| a.ip().to_canonical())
        .any(|ip| ports().any(|port| connected.contains(&(ip, port).into())))
}

fn remote_ends_of(table: &str) -> Vec<SocketAddr> {
    let remote = |line: &str| {
        let mut columns = line.split_whitespace().skip(2);
        let (remote, state) = (columns.next()?, columns.next()?);
        if state == ESTABLISHED {
            address(remote)
        } else {
            None
        }
    };
    table.lines().skip(1).filter_map(remote).collect()
}

/// Reads `0100007F:1F90`: words of four bytes in the machine's own order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        ip.get(at * 8..at * 8 + 8)
            .and_then(|w| u32::from_str_radix(w, 16).ok())
            .map(u32::to_ne_bytes)
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(words).ok()?)).to_canonical()
        }
        _ => return None,
    };
    Some((ip, port).into())
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read_in_both_families_and_only_established_connections_count() {
        let table = "  sl  local_address rem_address   st tx_queue\n\
             0: 0100007F:A1B2 0100007F:1F90 01 00000000:00000000\n\
             1: 0100007F:A1B3 0200007F:1F90 06 00000000:00000000\n\
             2: 0000000000000000FFFF00000100007F:A1B4 0000000000000000FFFF00000301A8C0:C350 01 0\n\
             3: 00000000000000000000000001000000:A1B4 00000000000000000000000001000000:C351 01 0\n";
        let ends: Vec<String> = remote_ends_of(table)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(ends, ["127.0.0.1:8080", "192.168.1.3:50000", "[::1]:50001"]);
    }

    proptest::proptest! {
        #[test]
        fn any_table_is_read_without_a_panic(table in "(\\PC|\n){0,200}", ip in "\\PC{0,40}") {
            let _ = (remote_ends_of(&table), address(&format!("{ip}:1F90")));
        }
    }
}
