//! A session's properties as they go over the wire.

use chrono::{Datelike, Timelike};

use crate::arr::wire::{ErrorDetail, SessionBody};
use crate::keeper::Status;
use crate::units::Timestamp;

use super::session::{BootFailure, BootOutcome, HostedSession};

impl HostedSession {
    /// The session's properties as they go over the wire.
    pub fn body(&self, now: Timestamp) -> SessionBody {
        let status = self.status(now);
        let place = self
            .server()
            .map(|(_, place)| place)
            .filter(|_| status == Status::Ready);
        let booted = self
            .server()
            .filter(|(at, _)| *at <= self.end().0 && (self.settled || *at <= now));
        let speed = booted.map(|(_, place)| place);
        let message = match &self.boot {
            BootOutcome::Fails(_, BootFailure::OutOfServers) => {
                Some(format!("No {} servers are available.", self.size))
            }
            BootOutcome::Fails(_, BootFailure::Broken) => {
                Some("The server could not be started.".into())
            }
            BootOutcome::Ready(..) => None,
        };
        let error = message
            .filter(|_| status == Status::Error)
            .map(|message| ErrorDetail {
                code: "InternalServerError".into(),
                message,
                ..ErrorDetail::default()
            });
        SessionBody {
            id: self.id.to_string(),
            creation_time: Some(creation_time(self.created)),
            hostname: place.map(|p| p.hostname.clone()),
            handshake_port: place.map(|p| p.handshake_port.into()),
            arr_inspector_port: place.map(|p| p.inspector_port.into()),
            elapsed_time_minutes: Some(self.elapsed(now).get().into()),
            max_lease_time_minutes: Some(self.lease.get().into()),
            size: Some(self.size.to_string()),
            status: status.as_str().into(),
            teraflops: speed
                .and_then(|p| serde_json::Number::from_f64(f64::from(p.decitflops) / 10.0)),
            error,
        }
    }
}

/// An instant as the service writes it, whose fraction never ends in a zero. A list has a thousand
/// of them, and a pattern that is read anew for each would take longer than all the rest.
fn creation_time(at: Timestamp) -> String {
    let at = at.to_utc();
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let millis = at.timestamp_subsec_millis();
    if millis > 0 {
        text.push_str(format!(".{millis:03}").trim_end_matches('0'));
    }
    text.push_str("+00:00");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_creation_has_an_offset_and_no_zeros_at_its_end() {
        for (millis, text) in [
            (1_616_433_083_214, "2021-03-22T17:11:23.214+00:00"),
            (1_616_433_083_210, "2021-03-22T17:11:23.21+00:00"),
            (1_616_433_083_004, "2021-03-22T17:11:23.004+00:00"),
            (0, "1970-01-01T00:00:00+00:00"),
        ] {
            assert_eq!(creation_time(Timestamp::from_millis(millis)), text);
        }
    }
}
