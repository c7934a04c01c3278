//! Other clients of the same account, who make sessions of their own and meddle with ours.

use crate::sim::scenarios::fault::Fault;
use crate::units::{Minutes, SessionId, Size};

use super::state::Trial;

impl<F: FnMut(&str)> Trial<'_, F> {
    pub(super) fn outsider(&mut self, fault: &Fault) {
        let draw = self.rng.u128(..);
        let ulid = ulid::Ulid::from(draw);
        let which = self.rng.usize(..);
        self.world.outsider(|sites, now| {
            let ours: Vec<SessionId> = sites
                .live(now)
                .filter(|s| s.id.as_str().starts_with("st-"))
                .map(|s| s.id.clone())
                .collect();
            let one = (!ours.is_empty()).then(|| ours[which % ours.len()].clone());
            let create = match fault {
                Fault::OutsiderCreates => Some(format!("other-p0-0-{ulid}")),
                Fault::OutsiderImitates { pool } => Some(format!("st-p{pool}-0-{ulid}")),
                _ => None,
            };
            if let Some(id) = create {
                let id = SessionId::new(&id).expect("an id");
                let site = sites.all().next().expect("a site");
                site.registry
                    .create(
                        &mut site.servers,
                        &id,
                        &Size::Standard,
                        Minutes::new(60),
                        now,
                    )
                    .ok()?;
                return Some(id);
            }
            let id = one?;
            let site = sites.of(&id)?;
            match fault {
                Fault::OutsiderExtends { by } => {
                    let lease = site.registry.get(&id).ok()?.lease.plus(Minutes::new(*by));
                    site.registry
                        .extend(&mut site.servers, &id, lease, now)
                        .ok()?;
                }
                _ => site.registry.stop(&mut site.servers, &id, now).ok()?,
            }
            Some(id)
        });
        self.promises.exempt.doubles |= matches!(fault, Fault::OutsiderImitates { .. });
    }
}
