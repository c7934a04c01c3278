//! The settings of the sample scripts, as a value.

use crate::policy::SecretSource;
use crate::units::{Minutes, Size};

/// The settings of the sample scripts, from their file or from flags that override it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArrConfig {
    /// `accountSettings.arrAccountId`: a UUID.
    pub account_id: Option<String>,
    /// `accountSettings.arrAccountKey`, or where it is kept.
    pub key: Option<SecretSource>,
    /// `accountSettings.region`.
    pub region: Option<String>,
    /// `accountSettings.authenticationEndpoint`.
    pub authentication_endpoint: Option<String>,
    /// `accountSettings.serviceEndpoint`, which replaces the region's.
    pub service_endpoint: Option<String>,
    /// `renderingSessionSettings.vmSize`.
    pub size: Option<Size>,
    /// `renderingSessionSettings.maxLeaseTime`.
    pub lease: Option<Minutes>,
}
