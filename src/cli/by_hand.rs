//! Which service a `session` command speaks to: that of a policy, of an `arrconfig.json`, or of
//! flags alone.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::daemon::{PolicyError, read_policy, read_policy_text};
use crate::policy::{ArrConfig, Policy, SecretSource};
use crate::report::Hint;

/// Which service, and how to get in.
#[derive(Debug, Args)]
pub(super) struct ByHand {
    /// Take service and credential from this policy
    #[arg(long, global = true, value_name = "FILE", env = "LEASEKEEPER_POLICY")]
    policy: Option<PathBuf>,
    /// Take them from the arrconfig.json of the sample scripts
    #[arg(long, global = true, value_name = "FILE")]
    arrconfig: Option<PathBuf>,
    /// The account, a UUID, instead of the arrconfig.json's
    #[arg(long, global = true, value_name = "UUID", help_heading = OVERRIDES)]
    account_id: Option<String>,
    /// The file that holds the account key
    #[arg(long, global = true, value_name = "FILE", help_heading = OVERRIDES)]
    key_file: Option<PathBuf>,
    /// The environment variable that holds the account key
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        conflicts_with = "key_file",
        help_heading = OVERRIDES
    )]
    key_env: Option<String>,
    /// The region
    #[arg(long, global = true, help_heading = OVERRIDES)]
    region: Option<String>,
    /// The service itself, instead of a region's
    #[arg(long, global = true, value_name = "URL", help_heading = OVERRIDES)]
    endpoint: Option<String>,
    /// The token service
    #[arg(long, global = true, value_name = "URL", help_heading = OVERRIDES)]
    authentication_endpoint: Option<String>,
}

const OVERRIDES: &str = "Instead of a policy, or over an arrconfig.json";

/// Why no service is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoService {
    /// Nothing names one.
    #[error("which service?")]
    Unnamed,
    /// The service is named, and how to get in is not.
    #[error("which account key?")]
    NoKey,
    /// The policy, or what the settings make of one, cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl Hint for NoService {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Unnamed => Some(
                "name a policy with --policy FILE or LEASEKEEPER_POLICY, an arrconfig.json with \
                 --arrconfig FILE, or the service with --endpoint, --account-id and --key-file"
                    .into(),
            ),
            Self::NoKey => Some(
                "name its file with --key-file FILE, or its variable with --key-env NAME".into(),
            ),
            Self::Policy(error) => error.hint(),
        }
    }

    fn is_drawn(&self) -> bool {
        matches!(self, Self::Policy(error) if error.is_drawn())
    }
}

/// Reads an `arrconfig.json`.
///
/// # Errors
/// If it cannot be read or used.
pub(super) fn read_arrconfig(path: &Path) -> Result<ArrConfig, PolicyError> {
    let text = read_policy_text(path)?;
    ArrConfig::read(&path.display().to_string(), &text).map_err(|d| PolicyError::Invalid {
        rendered: d.render(false).trim_end().to_owned(),
    })
}

impl ByHand {
    /// The policy whose service and credential are used. Flags speak for themselves or over an
    /// `arrconfig.json`, and either counts more than a policy that only the environment names.
    ///
    /// # Errors
    /// If nothing names a service, or what names it cannot be used.
    pub(super) fn policy(self) -> Result<Policy, NoService> {
        let flags = [
            &self.account_id,
            &self.key_env,
            &self.region,
            &self.endpoint,
            &self.authentication_endpoint,
        ];
        let by_flags = self.key_file.is_some() || flags.iter().any(|f| f.is_some());
        let mut config = match (&self.arrconfig, &self.policy) {
            (Some(path), _) => read_arrconfig(path)?,
            (None, _) if by_flags => ArrConfig::default(),
            (None, Some(path)) => return Ok(read_policy(path)?),
            (None, None) => return Err(NoService::Unnamed),
        };
        if self.region.is_some() && self.endpoint.is_none() {
            config.service_endpoint = None;
        }
        let key = self
            .key_file
            .map(SecretSource::File)
            .or(self.key_env.map(SecretSource::Env));
        config.account_id = self.account_id.or(config.account_id);
        config.key = key.or(config.key);
        config.region = self.region.or(config.region);
        config.service_endpoint = self.endpoint.or(config.service_endpoint);
        config.authentication_endpoint = self
            .authentication_endpoint
            .or(config.authentication_endpoint);
        if config.key.is_none() {
            return Err(NoService::NoKey);
        }
        let unusable = |d: crate::policy::Diagnostics| PolicyError::Invalid {
            rendered: d.render(false),
        };
        Ok(config.policy().map_err(unusable)?)
    }
}
