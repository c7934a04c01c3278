//! `serve`: the session service alone.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::clock::Clock;
use crate::daemon::{Asked, listen};
use crate::host::{Account, Config, Host, HostError, KeyError};
use crate::units::{BadSpan, Span};

/// Run the session service alone
///
/// It speaks the session management REST API of Azure Remote Rendering over simulated servers, with its token service on
/// the same address. Sessions live in memory and end with the process.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where to listen; port 0 takes any free one. Loopback only, because it speaks plain HTTP
    #[arg(long, default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// An account and the file with its key; repeatable. Without any, one is made
    #[arg(long, value_name = "ID:KEYFILE")]
    account: Vec<String>,
    /// Where the key of a made account is written, mode 0600
    #[arg(long, default_value = "leasekeeper-serve.key", value_name = "FILE")]
    key_file: PathBuf,
    /// How long a server boots
    #[arg(long, default_value = "5s")]
    boot_delay: String,
    /// How many servers there are
    #[arg(long, default_value_t = 1_000)]
    capacity: u32,
    /// How many sessions a page of a list has
    #[arg(long, default_value_t = 100)]
    page_size: usize,
}

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    /// Plain HTTP must not leave the machine.
    #[error("{0} is not a loopback address; the service speaks plain HTTP, so put a TLS proxy in front of it")]
    NotLoopback(SocketAddr),
    /// An account that cannot be read.
    #[error("{0:?} is not an account; write ID:KEYFILE")]
    Account(String),
    /// The boot delay cannot be read.
    #[error("--boot-delay: {0}")]
    BootDelay(#[from] BadSpan),
    /// A key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It does not start.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Signals or output fail.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Runs until a signal ends it.
pub(super) async fn serve(args: ServeArgs, clock: Arc<dyn Clock>) -> Result<(), ServeError> {
    if !args.listen.ip().is_loopback() {
        return Err(ServeError::NotLoopback(args.listen));
    }
    let mut asked = listen()?;
    let made = args.account.is_empty();
    let accounts = accounts(&args)?;
    let id = accounts.first().map(|a| a.id.clone()).unwrap_or_default();
    let config = Config {
        listen: args.listen,
        accounts,
        boot_delay: args.boot_delay.parse::<Span>()?,
        capacity: args.capacity,
        page_size: args.page_size,
    };
    let host = Host::start(config, clock).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on http://{}", host.address())?;
    if made {
        let key = std::path::absolute(&args.key_file)?;
        writeln!(out, "\nAn account was made for it. In a policy:\n")?;
        writeln!(out, "[service]\nendpoint = \"http://{}\"\naccount_id = \"{id}\"\n", host.address())?;
        writeln!(out, "[auth]\nmethod = \"account-key\"\nkey_file = {:?}", key.display().to_string())?;
    }
    out.flush()?;
    while asked.recv().await.is_some_and(|a| a == Asked::Reload) {}
    host.shutdown().await;
    Ok(())
}

fn accounts(args: &ServeArgs) -> Result<Vec<Account>, ServeError> {
    if args.account.is_empty() {
        let account = Account::fresh()?;
        account.write_key(&args.key_file)?;
        return Ok(vec![account]);
    }
    let read = |text: &String| {
        let (id, file) = text.split_once(':').ok_or_else(|| ServeError::Account(text.clone()))?;
        Ok(Account::from_file(id, std::path::Path::new(file))?)
    };
    args.account.iter().map(read).collect()
}
