//! `import`: the policy that corresponds to an `arrconfig.json`.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::daemon::PolicyError;
use crate::policy::SecretSource;

use super::by_hand::read_arrconfig;

/// Where systemd shows the unit its credential.
const CREDENTIAL: &str = "/run/credentials/leasekeeper.service/account-key";

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImportError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] PolicyError),
    /// The key cannot be written.
    #[error("cannot write the account key to {}: {source}; name a new file with --key-file", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Standard output failed.
    #[error("cannot write: {0}")]
    Io(#[from] std::io::Error),
}

/// Prints the policy. The key goes to a file of its own, or nowhere.
pub(super) fn import(file: &Path, key_file: Option<&Path>) -> Result<(), ImportError> {
    let config = read_arrconfig(file)?;
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
            std::path::absolute(path)?.display().to_string()
        }
        None => CREDENTIAL.to_owned(),
    };
    std::io::stdout().write_all(config.policy_text(&place).as_bytes())?;
    match key_file {
        Some(_) => eprintln!("the account key is in {place}, mode 0600"),
        None => eprintln!(
            "the account key is not in the policy; as root, put it where the unit finds it:\n  \
             jq -r .accountSettings.arrAccountKey {} | install -Dm 600 /dev/stdin /etc/credstore/leasekeeper.account-key\n\
             or let --key-file FILE write it to a file of its own",
            file.display()
        ),
    }
    Ok(())
}
