//! What the protocol allows (session management REST API, PUT and PATCH).

use crate::policy::{ExtensionLimits, Limits};
use crate::units::Minutes;

/// The longest lease of a create.
pub const LARGEST_CREATE: Minutes = Minutes::new(1440);
/// The longest lease of an update, which must stay below that of a create.
pub const LARGEST_UPDATE: Minutes = Minutes::new(1439);

/// The same, as the seam to the service states it.
pub const LIMITS: Limits = Limits {
    largest_create: LARGEST_CREATE,
    extension: Some(ExtensionLimits {
        largest_total: LARGEST_UPDATE,
        smallest_step: Minutes::new(1),
    }),
};
