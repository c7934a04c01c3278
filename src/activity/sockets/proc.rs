//! The connections of this machine as `/proc` lists them, which counts no bytes: for where the
//! kernel may not be asked.

use std::io::{Error, ErrorKind};

use procfs::net::{TcpState, UdpState};
use procfs::process::Process;
use procfs::{ProcError, ProcResult};

use crate::keeper::Transport;

use super::flow::Flow;

/// The connections of this process's own network: the only tables that a hardened unit shows
/// (proc(5)).
pub(super) fn flows() -> Result<Vec<Flow>, Error> {
    read().map_err(Error::other)
}

fn read() -> ProcResult<Vec<Flow>> {
    let process = Process::myself()?;
    let tcp = table(process.tcp())?
        .into_iter()
        .chain(table(process.tcp6())?)
        .filter(|entry| entry.state == TcpState::Established)
        .map(|entry| Flow::new(Transport::Tcp, entry.local_address, entry.remote_address));
    let udp = table(process.udp())?
        .into_iter()
        .chain(table(process.udp6())?)
        .filter(|entry| entry.state == UdpState::Established)
        .map(|entry| Flow::new(Transport::Udp, entry.local_address, entry.remote_address));
    Ok(tcp.chain(udp).collect())
}

/// A table, which is empty where the kernel does not speak the protocol.
fn table<T>(read: ProcResult<Vec<T>>) -> ProcResult<Vec<T>> {
    match read {
        Err(ProcError::NotFound(_)) => Ok(Vec::new()),
        Err(ProcError::Io(error, _)) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}
