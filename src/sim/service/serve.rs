//! What a region does with a request: the real registry of `host` carries it out, and the reply
//! says what the registry says.

use crate::host::{HostedSession, RegistryError};
use crate::keeper::{Address, Ports, Session, Status};
use crate::service::FailureKind;
use crate::units::{Region, Timestamp};

use super::request::{ServiceFailure, ServiceReply, ServiceRequest, ServiceResult};
use super::sites::Site;

/// Carries out a request at once.
pub(in crate::sim) fn serve(
    site: &mut Site,
    region: Option<&Region>,
    request: &ServiceRequest,
    now: Timestamp,
) -> ServiceResult {
    let (registry, servers) = (&mut site.registry, &mut site.servers);
    let view = |hosted| session_view(hosted, region, now);
    let done = match request {
        ServiceRequest::Create { id, size, lease } => registry
            .create(servers, id, size, *lease, now)
            .map(|(_, hosted)| ServiceReply::Session(view(hosted))),
        ServiceRequest::Get(id) => registry.get(id).map(|h| ServiceReply::Session(view(h))),
        ServiceRequest::List => {
            let mut sessions = Vec::with_capacity(registry.live_len());
            sessions.extend(registry.live(now, None).map(view));
            Ok(ServiceReply::Sessions(sessions))
        }
        ServiceRequest::Extend { id, lease } => registry
            .extend(servers, id, *lease, now)
            .map(|hosted| ServiceReply::Session(view(hosted))),
        ServiceRequest::Stop(id) => registry
            .stop(servers, id, now)
            .map(|()| ServiceReply::Nothing),
        ServiceRequest::Pause => Ok(ServiceReply::Nothing),
    };
    done.map_err(|refused| match refused {
        RegistryError::NotFound => ServiceFailure::Kind(FailureKind::NotFound, "404 NotFound"),
        RegistryError::Conflict => ServiceFailure::Kind(FailureKind::Conflict, "409 Conflict"),
        RegistryError::NotLarger | RegistryError::AboveMaximum | RegistryError::Ended => {
            ServiceFailure::Kind(FailureKind::Refused, "422 UnprocessableEntity")
        }
    })
}

/// A session as a reply describes it.
fn session_view(hosted: &HostedSession, region: Option<&Region>, now: Timestamp) -> Session {
    let status = hosted.status(now);
    let place = hosted.place().filter(|_| status == Status::Ready);
    Session {
        id: hosted.id.clone(),
        size: hosted.size.clone(),
        max_lease: hosted.lease,
        elapsed: hosted.elapsed(now),
        created: Some(hosted.created),
        address: place.map(|p| Address {
            hostname: p.hostname.clone(),
            ports: Ports::new([
                ("handshake", Some(p.handshake_port)),
                ("inspector", Some(p.inspector_port)),
            ]),
        }),
        teraflops: None,
        error: (status == Status::Error)
            .then(|| format!("no {} servers are available", hosted.size)),
        status,
        region: region.cloned(),
    }
}
