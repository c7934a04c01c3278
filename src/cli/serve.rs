//! `serve`: the session service alone.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::clock::Clock;
use crate::daemon::{Signal, listen};
use crate::host::faults::{GRAMMAR, Rule, rules};
use crate::host::limits::LARGEST_PAGE;
use crate::host::{
    EntraError, EntraVerifier, Host, HostAccount, HostConfig, HostError, HostOptions, KeyError,
    StateError, StateFile, Tls, TlsError, WireFormat, self_signed,
};
use crate::report::Hint;
use crate::units::{BadSpan, Span, is_uuid};

use super::error::Failed;
use super::output;

/// Run the session service alone
///
/// It speaks the session management REST API of Azure Remote Rendering over simulated servers, with
/// its token service on the same address. Without --state sessions live in memory and end with the
/// process.
///
/// With --tls-self-signed it makes a certificate for localhost, 127.0.0.1 and ::1, and says which
/// file clients are to trust: in a policy `service.ca_file`, for Python's requests
/// REQUESTS_CA_BUNDLE, for most others SSL_CERT_FILE.
#[derive(Debug, Args)]
#[command(after_long_help = format!("Faults, for tests of clients:\n{GRAMMAR}"))]
pub(super) struct ServeArgs {
    /// Where to listen; port 0 takes any free one. Without TLS, loopback only
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
    /// How many sessions a page of a list has, 1 to 1000
    #[arg(
        long,
        default_value_t = 100,
        value_parser = clap::value_parser!(u16).range(1..=LARGEST_PAGE as i64)
    )]
    page_size: u16,
    /// Speak TLS with the certificate in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Speak TLS with a certificate made for this machine and kept in this folder; clients trust
    /// its ca.pem
    #[arg(long, value_name = "DIR", conflicts_with = "tls_cert")]
    tls_self_signed: Option<PathBuf>,
    /// Send null, 0 and 0.0 for empty fields of a session, as the service did in early 2021
    #[arg(long)]
    legacy_nulls: bool,
    /// Exchange tokens of an identity provider, as Entra ID's, that are signed with a key of this
    /// JSON Web Key Set
    #[arg(long, value_name = "FILE")]
    entra_jwks: Option<PathBuf>,
    /// Exchange tokens that are signed (HS256) with the secret in this file, as a test makes them
    #[arg(long, value_name = "FILE")]
    entra_secret_file: Option<PathBuf>,
    /// The account domain: exchanged tokens must be for https://sts.DOMAIN
    #[arg(long, value_name = "DOMAIN")]
    account_domain: Option<String>,
    /// How long a token lasts
    #[arg(long, default_value = "24h", value_name = "SPAN")]
    token_life: String,
    /// Keep sessions and the key of tokens in this file across restarts; without, in memory
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Something that is to go wrong, as in get:429,times=3; repeatable, the whole grammar is below
    #[arg(long, value_name = "RULE")]
    fault: Vec<Rule>,
    /// A TOML file of such rules: [[fault]] with on, effect and the keys of a rule
    #[arg(long, value_name = "FILE")]
    fault_file: Option<PathBuf>,
    /// What chance begins with: the same seed and requests give the same faults
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    /// Plain HTTP must not leave the machine.
    #[error("{0} is not a loopback address, and plain HTTP must not leave the machine")]
    NotLoopback(SocketAddr),
    /// An account that cannot be read.
    #[error("{0:?} is not an account")]
    HostAccount(String),
    /// An account whose id is not a UUID.
    #[error("{0:?} is not an account id; it must be a UUID")]
    AccountId(String),
    /// An account that is given twice.
    #[error("the account {0} is given twice")]
    Twice(String),
    /// A span of time cannot be read.
    #[error("{option} cannot be used")]
    Span {
        /// The option.
        option: &'static str,
        /// Why not.
        source: BadSpan,
    },
    /// The keys of the identity provider cannot be used.
    #[error(transparent)]
    EntraVerifier(#[from] EntraError),
    /// The state cannot be kept.
    #[error(transparent)]
    StateFile(#[from] StateError),
    /// A file of rules cannot be read.
    #[error("cannot read the rules in {}", path.display())]
    Faults {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It does not start.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Signals cannot be listened to.
    #[error("cannot listen to signals")]
    Signals(#[source] std::io::Error),
    /// A path that cannot be found out.
    #[error("cannot tell where {} is", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl Hint for ServeError {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NotLoopback(_) => Some("add --tls-self-signed or --tls-cert".into()),
            Self::HostAccount(_) => Some("write ID:KEYFILE".into()),
            Self::AccountId(_) => Some("as in 7c1f9c5e-1111-4a5b-9a55-0123456789ab".into()),
            Self::EntraVerifier(error) => error.hint(),
            Self::StateFile(error) => error.hint(),
            Self::Tls(error) => error.hint(),
            Self::Key(error) => error.hint(),
            Self::Host(error) => error.hint(),
            Self::Twice(_)
            | Self::Span { .. }
            | Self::Faults { .. }
            | Self::Signals(_)
            | Self::Path { .. } => None,
        }
    }
}

/// Runs until a signal ends it.
pub(super) async fn serve(args: ServeArgs, clock: Arc<dyn Clock>) -> Result<u8, Failed> {
    let (tls, ca) = tls(&args, &*clock)?;
    if tls.is_none() && !args.listen.ip().is_loopback() {
        return Err(ServeError::NotLoopback(args.listen).into());
    }
    let mut asked = listen().map_err(ServeError::Signals)?;
    let state = args.state.as_deref().map(StateFile::open).transpose()?;
    let accounts = accounts(&args, state.as_ref())?;
    let made = accounts
        .first()
        .filter(|_| args.account.is_empty())
        .map(|a| a.id.clone());
    let config = HostConfig {
        listen: args.listen,
        accounts,
        boot_delay: span("--boot-delay", &args.boot_delay)?,
        capacity: args.capacity,
        page_size: args.page_size.into(),
    };
    let options = HostOptions {
        tls,
        format: if args.legacy_nulls {
            WireFormat::LegacyNulls
        } else {
            WireFormat::Modern
        },
        token_life: Some(span("--token-life", &args.token_life)?),
        entra: entra(&args)?,
        faults: faults(&args)?,
        seed: args.seed,
        state,
        ..HostOptions::default()
    };
    let host = Host::start_with(config, options, clock).await?;
    greet(
        &host,
        ca.as_deref(),
        made.as_deref().zip(Some(&*args.key_file)),
    )?;
    while asked.recv().await.is_some_and(|a| a == Signal::Reload) {}
    host.shutdown().await;
    Ok(0)
}

fn span(option: &'static str, text: &str) -> Result<Span, ServeError> {
    text.parse()
        .map_err(|source| ServeError::Span { option, source })
}

fn entra(args: &ServeArgs) -> Result<EntraVerifier, EntraError> {
    let mut entra = EntraVerifier::default();
    if let Some(path) = &args.entra_jwks {
        entra = entra.with_key_set(path)?;
    }
    if let Some(path) = &args.entra_secret_file {
        entra = entra.with_secret(path)?;
    }
    Ok(args
        .account_domain
        .iter()
        .fold(entra, |entra, domain| entra.for_domain(domain)))
}

/// The rules of the command line, then those of the file.
fn faults(args: &ServeArgs) -> Result<Vec<Rule>, ServeError> {
    let mut all = args.fault.clone();
    if let Some(path) = &args.fault_file {
        let failed = |source| ServeError::Faults {
            path: path.clone(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(|e| failed(e.into()))?;
        all.extend(rules(&text).map_err(|e| failed(e.into()))?);
    }
    Ok(all)
}

/// The certificate, and the authority that clients are to trust if it was made here.
fn tls(args: &ServeArgs, clock: &dyn Clock) -> Result<(Option<Tls>, Option<PathBuf>), ServeError> {
    if let Some(folder) = &args.tls_self_signed {
        let found = self_signed(folder, args.listen.ip(), clock.now())?;
        return Ok((Some(found.tls), Some(found.ca)));
    }
    let pair = args.tls_cert.clone().zip(args.tls_key.clone());
    Ok((pair.map(|(cert, key)| Tls { cert, key }), None))
}

/// Says where the service is, and what a client needs.
fn greet(host: &Host, ca: Option<&Path>, made: Option<(&str, &Path)>) -> Result<(), Failed> {
    let url = host.url();
    let mut text = format!("listening on {url}\n");
    let ca = ca.map(absolute).transpose()?;
    if let Some(ca) = &ca {
        text += &format!("clients trust it by {ca}\n");
    }
    if let Some((id, key)) = made {
        let key = absolute(key)?;
        text += "\nAn account was made for it. In a policy:\n\n";
        text += &format!("[service]\nendpoint = \"{url}\"\naccount_id = \"{id}\"\n");
        if let Some(ca) = &ca {
            text += &format!("ca_file = {ca:?}\n");
        }
        text += &format!("\n[auth]\nmethod = \"account-key\"\nkey_file = {key:?}\n");
    }
    output::print(text)?;
    Ok(())
}

fn absolute(path: &Path) -> Result<String, ServeError> {
    match std::path::absolute(path) {
        Ok(path) => Ok(path.display().to_string()),
        Err(source) => Err(ServeError::Path {
            path: path.into(),
            source,
        }),
    }
}

fn accounts(args: &ServeArgs, state: Option<&StateFile>) -> Result<Vec<HostAccount>, ServeError> {
    if args.account.is_empty() {
        let account = state.map_or_else(|| Ok(HostAccount::fresh()?), StateFile::account)?;
        account.write_key(&args.key_file)?;
        return Ok(vec![account]);
    }
    let mut accounts: Vec<HostAccount> = Vec::new();
    for text in &args.account {
        let (id, file) = text
            .split_once(':')
            .ok_or_else(|| ServeError::HostAccount(text.clone()))?;
        if !is_uuid(id) {
            return Err(ServeError::AccountId(id.into()));
        }
        if accounts.iter().any(|a| a.id.eq_ignore_ascii_case(id)) {
            return Err(ServeError::Twice(id.into()));
        }
        accounts.push(HostAccount::from_file(id, Path::new(file))?);
    }
    Ok(accounts)
}
