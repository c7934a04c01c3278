//! Where ledger and socket are, unless the policy or a flag says otherwise.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;

/// The folder of this program below those that it shares with others.
const OWN: &str = "leasekeeper";

/// The folders that the environment names.
#[derive(Clone, Debug, Default)]
struct Folders {
    /// `$LEASEKEEPER_SOCKET`: the socket itself.
    socket: Option<PathBuf>,
    /// `$STATE_DIRECTORY`, which systemd sets.
    state: Option<PathBuf>,
    /// `$RUNTIME_DIRECTORY`, which systemd sets.
    runtime: Option<PathBuf>,
    /// Where a user's state is kept, `~/.local/state` unless `$XDG_STATE_HOME` says otherwise.
    user_state: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`.
    user_runtime: Option<PathBuf>,
}

impl Folders {
    fn of_process() -> Self {
        let env = |name| {
            let value = std::env::var_os(name).filter(|v| !v.is_empty());
            value.map(PathBuf::from)
        };
        let xdg = Xdg::new().ok();
        Self {
            socket: env("LEASEKEEPER_SOCKET"),
            state: env("STATE_DIRECTORY"),
            runtime: env("RUNTIME_DIRECTORY"),
            user_state: xdg.as_ref().and_then(Xdg::state_dir),
            user_runtime: xdg.as_ref().and_then(Xdg::runtime_dir),
        }
    }

    fn state(&self) -> PathBuf {
        let of_user = || {
            self.user_state
                .as_deref()
                .unwrap_or(Path::new("/"))
                .join(OWN)
        };
        self.state.clone().unwrap_or_else(of_user)
    }

    fn socket(&self) -> PathBuf {
        let of_user = || self.user_runtime.as_ref().map(|folder| folder.join(OWN));
        let folder = || {
            let runtime = self.runtime.clone().or_else(of_user);
            runtime.unwrap_or_else(|| self.state())
        };
        self.socket
            .clone()
            .unwrap_or_else(|| folder().join("control.sock"))
    }
}

/// The ledger's default place: in `$STATE_DIRECTORY`, else in `$XDG_STATE_HOME/leasekeeper`, else
/// in `~/.local/state/leasekeeper`.
pub fn default_ledger() -> PathBuf {
    Folders::of_process().state().join("ledger.db")
}

/// The control socket's default place: `$LEASEKEEPER_SOCKET`, else `control.sock` in
/// `$RUNTIME_DIRECTORY`, in `$XDG_RUNTIME_DIR/leasekeeper`, or in the ledger's default folder.
pub fn default_socket() -> PathBuf {
    Folders::of_process().socket()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_particular_folder_wins() {
        let mut folders = Folders {
            user_state: Some("/h/.local/state".into()),
            ..Folders::default()
        };
        let place = |folders: &Folders| folders.socket().display().to_string();
        assert_eq!(place(&folders), "/h/.local/state/leasekeeper/control.sock");
        folders.state = Some("/var/lib/lk".into());
        assert_eq!(place(&folders), "/var/lib/lk/control.sock");
        folders.user_runtime = Some("/x".into());
        assert_eq!(place(&folders), "/x/leasekeeper/control.sock");
        folders.runtime = Some("/r".into());
        assert_eq!(place(&folders), "/r/control.sock");
        folders.socket = Some("/s".into());
        assert_eq!(place(&folders), "/s");
    }
}
