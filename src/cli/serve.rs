//! `serve`: the session service alone.

mod error;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use url::Url;

use crate::clock::Clock;
use crate::daemon::{Signal, listen};
use crate::files;
use crate::host::faults::{GRAMMAR, Rule, rules};
use crate::host::limits::LARGEST_PAGE;
use crate::host::{
    EntraError, EntraVerifier, Host, HostAccount, HostConfig, HostOptions, StateFile, Tls,
    WireFormat, self_signed,
};
use crate::units::{Span, is_uuid};

use super::error::Failed;
use super::output;

use error::ServeError;

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
    /// The address that clients use, where a proxy stands before the service: links to further
    /// pages of a list begin with it
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<Url>,
    /// A proxy that is believed about X-Forwarded-Proto; repeatable
    #[arg(long, value_name = "ADDRESS", default_values = ["127.0.0.1", "::1"])]
    trusted_proxy: Vec<IpAddr>,
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

/// Runs until a signal ends it.
///
/// Everything that is only read comes first, then the socket, and files are written only once it is
/// bound: a second service at the same address changes nothing.
pub(super) async fn serve(args: ServeArgs, clock: Arc<dyn Clock>) -> Result<u8, Failed> {
    let speaks_tls = args.tls_self_signed.is_some() || args.tls_cert.is_some();
    if !speaks_tls && !args.listen.ip().is_loopback() {
        return Err(ServeError::NotLoopback(args.listen).into());
    }
    let mut signals = listen().map_err(ServeError::Signals)?;
    let named = named_accounts(&args)?;
    let boot_delay = span("--boot-delay", &args.boot_delay)?;
    let mut options = HostOptions {
        format: if args.legacy_nulls {
            WireFormat::LegacyNulls
        } else {
            WireFormat::Modern
        },
        token_life: Some(span("--token-life", &args.token_life)?),
        entra: entra(&args)?,
        faults: faults(&args)?,
        seed: args.seed,
        public_url: args.public_url.clone(),
        trusted_proxies: args.trusted_proxy.clone(),
        ..HostOptions::default()
    };
    let bound = Host::bind(args.listen).await.map_err(ServeError::Host)?;
    let (tls, ca) = tls(&args, &*clock)?;
    options.tls = tls;
    let (accounts, made) = if named.is_empty() {
        let (state, account) = made_account(&args)?;
        options.state = state;
        (vec![account.clone()], Some(account.id))
    } else {
        options.state = open_state(&args, None)?;
        (named, None)
    };
    let config = HostConfig {
        listen: args.listen,
        accounts,
        boot_delay,
        capacity: args.capacity,
        page_size: args.page_size.into(),
    };
    let host = bound
        .start(config, options, clock)
        .map_err(ServeError::Host)?;
    let made = made.as_deref().zip(Some(&*args.key_file));
    announce(&host, ca.as_deref(), made)?;
    while signals.recv().await.is_some_and(|s| s == Signal::Reload) {}
    host.shutdown().await;
    Ok(0)
}

/// A URL of a scheme and a host, and maybe a path below which a proxy serves this service.
fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if web && bare {
        Ok(url)
    } else {
        Err("it must read https://HOST, maybe with a port and a path".into())
    }
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

/// The largest file of rules that is read: far more of them than anybody writes.
const LARGEST_FAULT_FILE: u64 = 1024 * 1024;

/// The rules of the command line, then those of the file.
fn faults(args: &ServeArgs) -> Result<Vec<Rule>, ServeError> {
    let mut all = args.fault.clone();
    if let Some(path) = &args.fault_file {
        let text = files::read_string(path, LARGEST_FAULT_FILE).map_err(|source| {
            ServeError::FaultFile {
                path: path.clone(),
                source,
            }
        })?;
        all.extend(rules(&text).map_err(|source| ServeError::Faults {
            path: path.clone(),
            source,
        })?);
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
fn announce(host: &Host, ca: Option<&Path>, made: Option<(&str, &Path)>) -> Result<(), Failed> {
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

/// The accounts that are given.
fn named_accounts(args: &ServeArgs) -> Result<Vec<HostAccount>, ServeError> {
    let mut accounts: Vec<HostAccount> = Vec::new();
    for text in &args.account {
        let (id, file) = text
            .split_once(':')
            .ok_or_else(|| ServeError::Account(text.clone()))?;
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

/// The account that is served where none is given: the state's, else that of the key file, else a
/// new one. Its key stands in the key file from then on.
fn made_account(args: &ServeArgs) -> Result<(Option<StateFile>, HostAccount), ServeError> {
    let earlier = HostAccount::from_key_file(&args.key_file)?;
    let state = open_state(args, earlier.as_ref())?;
    let account = match (&state, earlier) {
        (Some(state), _) => state.account()?,
        (None, Some(earlier)) => earlier,
        (None, None) => HostAccount::fresh()?,
    };
    account.place_key(&args.key_file)?;
    Ok((state, account))
}

fn open_state(
    args: &ServeArgs,
    account: Option<&HostAccount>,
) -> Result<Option<StateFile>, ServeError> {
    let open = |path| StateFile::open_for(path, account);
    Ok(args.state.as_deref().map(open).transpose()?)
}
