//! `import`: the policy that corresponds to an `arrconfig.json`.

use std::borrow::Cow;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::daemon::PolicyError;
use crate::policy::SecretSource;
use crate::report::Hint;

use super::by_hand::read_arrconfig;
use super::error::Failed;
use super::output;

/// Where systemd shows the unit its credential.
const CREDENTIAL: &str = "/run/credentials/leasekeeper.service/account-key";

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImportError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] PolicyError),
    /// The key cannot be written.
    #[error("cannot write the account key to {}", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl Hint for ImportError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::File(error) => error.hint(),
            Self::Key { .. } => Some("name a new file with --key-file".into()),
        }
    }

    fn is_drawn(&self) -> bool {
        matches!(self, Self::File(error) if error.is_drawn())
    }
}

/// Prints the policy. The key goes to a file of its own, or nowhere.
pub(super) fn import(file: &Path, key_file: Option<&Path>) -> Result<u8, Failed> {
    let config = read_arrconfig(file).map_err(ImportError::File)?;
    let place = match key_file {
        Some(path) => {
            let failed = |source| ImportError::Key {
                path: path.into(),
                source,
            };
            let mut options = std::fs::OpenOptions::new();
            let mut new = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(failed)?;
            if let Some(SecretSource::Inline(key)) = &config.key {
                writeln!(new, "{key}").map_err(failed)?;
            }
            let place = std::path::absolute(path).map_err(failed)?;
            place.display().to_string()
        }
        None => CREDENTIAL.to_owned(),
    };
    output::print(config.policy_text(&place))?;
    match key_file {
        Some(_) => output::note(format_args!("the account key is in {place}, mode 0600")),
        None => output::note(format_args!(
            "the account key is not in the policy; as root, put it where the unit finds it:\n  \
             jq -r .accountSettings.arrAccountKey {} | \
             install -Dm 600 /dev/stdin /etc/credstore/leasekeeper.account-key\n\
             or let --key-file FILE write it to a file of its own",
            file.display()
        )),
    }
    Ok(0)
}
