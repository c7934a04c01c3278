//! What a service that is plausible and wrong makes of requests and answers.

use crate::keeper::Session;
use crate::sim::service::request::{ServiceReply, ServiceRequest, ServiceResult};
use crate::units::{Minutes, Region};

use super::faults::NetworkFault;
use super::wire::WireState;

impl WireState {
    /// An extension by about half of what was asked for.
    pub(super) fn grant_less(&self, request: ServiceRequest) -> ServiceRequest {
        let ServiceRequest::Extend { id, lease } = request else {
            return request;
        };
        let now = self.sites.get(&id).map_or(lease, |hosted| hosted.lease);
        let more = Minutes::new(lease.minus(now).get() / 2).max(Minutes::new(1));
        let lease = now.plus(more).min(lease);
        ServiceRequest::Extend { id, lease }
    }

    /// Makes a list as old or as short as the fault says.
    pub(super) fn distort_list(
        &mut self,
        region: Option<&Region>,
        sessions: &mut Vec<Session>,
        fault: Option<NetworkFault>,
    ) {
        let Some(site) = self.sites.at(region) else {
            return;
        };
        let fresh = sessions.clone();
        match fault {
            Some(NetworkFault::StaleList) => {
                if let Some(old) = site.old_list(&mut self.rng) {
                    sessions.clone_from(old);
                }
            }
            Some(NetworkFault::ShortList) if !sessions.is_empty() => {
                sessions.remove(self.rng.usize(0..sessions.len()));
            }
            _ => {}
        }
        site.remember(fresh);
    }

    /// Makes minutes or leases of an answer what they cannot be.
    pub(super) fn distort_numbers(&mut self, result: &mut ServiceResult) {
        let sessions = match result {
            Ok(ServiceReply::Session(session)) => std::slice::from_mut(session),
            Ok(ServiceReply::Sessions(sessions)) => sessions,
            _ => return,
        };
        for session in sessions {
            match self.rng.u8(0..3) {
                0 => session.elapsed = Minutes::new(u32::MAX),
                1 => session.elapsed = session.elapsed.plus(Minutes::new(1_500)),
                _ => session.max_lease = Minutes::new(u32::MAX),
            }
        }
    }
}
