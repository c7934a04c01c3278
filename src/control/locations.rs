//! Where ledger and socket are, unless the policy or a flag says otherwise.

use std::path::PathBuf;

/// The state directory: `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/leasekeeper`, else
/// `~/.local/state/leasekeeper`.
fn state_directory(var: &dyn Fn(&str) -> Option<PathBuf>) -> PathBuf {
    let home = || {
        var("HOME")
            .unwrap_or_else(|| PathBuf::from("/"))
            .join(".local/state")
    };
    var("STATE_DIRECTORY").unwrap_or_else(|| {
        var("XDG_STATE_HOME")
            .unwrap_or_else(home)
            .join("leasekeeper")
    })
}

fn env(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
}

/// The ledger's default place.
pub fn default_ledger() -> PathBuf {
    state_directory(&env).join("ledger.db")
}

fn socket(var: &dyn Fn(&str) -> Option<PathBuf>) -> PathBuf {
    let directory = var("RUNTIME_DIRECTORY")
        .or_else(|| var("XDG_RUNTIME_DIR").map(|d| d.join("leasekeeper")))
        .unwrap_or_else(|| state_directory(var));
    var("LEASEKEEPER_SOCKET").unwrap_or_else(|| directory.join("control.sock"))
}

/// The control socket's default place: `$LEASEKEEPER_SOCKET`, else `control.sock` in
/// `$RUNTIME_DIRECTORY`, in `$XDG_RUNTIME_DIR/leasekeeper`, or in the state directory.
pub fn default_socket() -> PathBuf {
    socket(&env)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_particular_directory_wins() {
        let with = |vars: &'static [(&'static str, &'static str)]| {
            move |name: &str| {
                vars.iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, v)| PathBuf::from(v))
            }
        };
        for (vars, expected) in [
            (
                &[("HOME", "/h")][..],
                "/h/.local/state/leasekeeper/control.sock",
            ),
            (
                &[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/x")][..],
                "/x/leasekeeper/control.sock",
            ),
            (
                &[("RUNTIME_DIRECTORY", "/r"), ("XDG_RUNTIME_DIR", "/x")][..],
                "/r/control.sock",
            ),
            (
                &[("RUNTIME_DIRECTORY", "/r"), ("LEASEKEEPER_SOCKET", "/s")][..],
                "/s",
            ),
        ] {
            assert_eq!(socket(&with(vars)), PathBuf::from(expected));
        }
    }
}
