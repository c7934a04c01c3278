//! The connections of this machine's network namespace as the kernel lists them when asked
//! (sock_diag(7)), with the bytes that each TCP connection has moved. Of UDP sockets none are
//! counted.
//!
//! Promise: an answer that is cut off or not understood is an error, never a shorter list. What is
//! asked blocks for no longer than [`TIMEOUT`] at each step.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP};
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags,
};
use rustix::fd::OwnedFd;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

use crate::keeper::Transport;

use super::flow::{Counter, Flow};

/// How long one answer of the kernel may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The kernel puts no more than this into one answer.
const LONGEST_ANSWER: usize = 64 * 1024;

/// All connections of this network namespace.
///
/// # Errors
/// If the kernel may not be asked, or does not speak this.
pub(super) fn flows() -> Result<Vec<Flow>> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    set_socket_timeout(&socket, Timeout::Recv, Some(TIMEOUT))?;
    let mut flows = Vec::new();
    for (transport, protocol) in [(Transport::Tcp, IPPROTO_TCP), (Transport::Udp, IPPROTO_UDP)] {
        for socket_id in [SocketId::new_v4(), SocketId::new_v6()] {
            let responses = dump(&socket, protocol, socket_id)?;
            flows.extend(responses.iter().map(|found| flow(transport, found)));
        }
    }
    Ok(flows)
}

/// Everything that is connected by one protocol of one family.
fn dump(socket: &OwnedFd, protocol: u8, socket_id: SocketId) -> Result<Vec<InetResponse>> {
    send(socket, &request(protocol, socket_id), SendFlags::empty())?;
    let mut buffer = vec![0; LONGEST_ANSWER];
    let mut found = Vec::new();
    loop {
        let (_, length) = recv(socket, &mut buffer[..], RecvFlags::TRUNC)?;
        let mut rest = buffer
            .get(..length)
            .ok_or_else(|| garbled("it is too long"))?;
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest).map_err(garbled)?;
            // Messages are aligned to four bytes.
            let length = (message.header.length as usize).next_multiple_of(4);
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(one)) => {
                    found.push(*one);
                }
                NetlinkPayload::Done(_) => return Ok(found),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                other => return Err(garbled(format!("{other:?} is no answer"))),
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

fn request(protocol: u8, socket_id: SocketId) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let wanted = InetRequest {
        family: if socket_id.source_address.is_ipv4() {
            AF_INET
        } else {
            AF_INET6
        },
        protocol,
        extensions: ExtensionFlags::INFO,
        states: StateFlags::ESTABLISHED,
        socket_id,
    };
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(wanted).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

fn flow(transport: Transport, found: &InetResponse) -> Flow {
    let id = &found.header.socket_id;
    let near = SocketAddr::new(id.source_address, id.source_port);
    let far = SocketAddr::new(id.destination_address, id.destination_port);
    let bytes = found.nlas.iter().find_map(|nla| match nla {
        Nla::TcpInfo(info) => Some(info.bytes_acked.saturating_add(info.bytes_received)),
        _ => None,
    });
    let counter = bytes.map(|bytes| Counter {
        cookie: u64::from_ne_bytes(id.cookie),
        bytes,
    });
    Flow {
        counter,
        ..Flow::new(transport, near, far)
    }
}

fn garbled(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}
