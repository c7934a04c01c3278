//! A certificate for this machine, and the authority that clients are told to trust.
//!
//! The authority's key signs once and is then thrown away: who trusts the authority's file trusts
//! this one certificate and nothing else. A certificate that is there is used again while it is
//! good for another week and has every name.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};

use crate::units::{Span, Timestamp};

use super::tls::{Tls, TlsError, certificates, provider};

/// How long a certificate is good.
const LIFE: Span = Span::hours(397 * 24);
/// How long one that is used again must still be good.
const SPARE: Span = Span::hours(7 * 24);
/// Clients' clocks may be behind by as much.
const SLACK: Span = Span::hours(24);

/// The name of an authority that was made here.
const AUTHORITY: &str = "leasekeeper serve, an authority for one certificate";

/// A certificate made for this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfSigned {
    /// The certificate and key.
    pub tls: Tls,
    /// The authority that clients are to trust, in PEM.
    pub ca: PathBuf,
    /// Whether it was made just now.
    pub new: bool,
}

/// What the certificate must be good for: the loopback names and addresses, and the one that is
/// listened on.
fn addresses(listen: IpAddr) -> Vec<IpAddr> {
    let mut addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    if !listen.is_unspecified() && !addresses.contains(&listen) {
        addresses.push(listen);
    }
    addresses
}

/// Finds the certificate in a folder, or makes it.
///
/// # Errors
/// If it cannot be made or written.
pub fn self_signed(folder: &Path, listen: IpAddr, now: Timestamp) -> Result<SelfSigned, TlsError> {
    let tls = Tls {
        cert: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    };
    let mut found = SelfSigned {
        tls,
        ca: folder.join("ca.pem"),
        new: false,
    };
    if !is_good(&found, listen, now) {
        if !is_replaceable(&found) {
            return Err(TlsError::Foreign(folder.into()));
        }
        make(folder, &found, listen, now)?;
        found.new = true;
    }
    Ok(found)
}

/// Whether what is there would be trusted by clients now and in a week, for every name.
fn is_good(found: &SelfSigned, listen: IpAddr, now: Timestamp) -> bool {
    let checked = || -> Option<()> {
        found.tls.acceptor().ok()?;
        let chain = certificates(&found.tls.cert).ok()?;
        let mut roots = RootCertStore::empty();
        for root in certificates(&found.ca).ok()? {
            roots.add(root).ok()?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .ok()?;
        let (leaf, between) = chain.split_first()?;
        let names = addresses(listen)
            .into_iter()
            .map(|a| ServerName::IpAddress(a.into()));
        for name in names.chain([ServerName::try_from("localhost").ok()?]) {
            for at in [now, now + SPARE] {
                let seconds = u64::try_from(at.millis().div_euclid(1_000)).ok()?;
                let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
                verifier
                    .verify_server_cert(leaf, between, &name, &[], at)
                    .ok()?;
            }
        }
        Some(())
    };
    checked().is_some()
}

/// Whether what is there, if anything is, was made here.
fn is_replaceable(found: &SelfSigned) -> bool {
    let named = |path: &Path| {
        certificates(path).is_ok_and(|chain| {
            let has_name = |der: &[u8]| {
                der.windows(AUTHORITY.len())
                    .any(|w| w == AUTHORITY.as_bytes())
            };
            chain.iter().all(|certificate| has_name(certificate))
        })
    };
    // The authority comes first and goes last, so that a start that was cut short is seen as ours.
    let nothing = [&found.ca, &found.tls.cert, &found.tls.key]
        .iter()
        .all(|path| path.symlink_metadata().is_err());
    let cert_is_ours = found.tls.cert.symlink_metadata().is_err() || named(&found.tls.cert);
    nothing || (named(&found.ca) && cert_is_ours)
}

fn make(folder: &Path, found: &SelfSigned, listen: IpAddr, now: Timestamp) -> Result<(), TlsError> {
    let named = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        // A month is 1 to 12 and a day 1 to 31.
        let small = |n: u32| u8::try_from(n).unwrap_or(1);
        let date = |day: DateTime<Utc>| {
            rcgen::date_time_ymd(day.year(), small(day.month()), small(day.day()))
        };
        params.not_before = date((now - SLACK).to_utc());
        params.not_after = date((now + LIFE).to_utc());
        params
    };
    let mut authority = named(AUTHORITY);
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut server = named("leasekeeper serve");
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.subject_alt_names = addresses(listen)
        .into_iter()
        .map(SanType::IpAddress)
        .collect();
    server
        .subject_alt_names
        .push(SanType::DnsName("localhost".try_into()?));
    let key = KeyPair::generate()?;
    let cert = server.signed_by(&key, &issuer)?;

    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| TlsError::Write { path, source }
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed(folder))?;
    for (path, mode, text) in [
        (&found.ca, 0o644, ca.pem()),
        (&found.tls.cert, 0o644, cert.pem()),
        (&found.tls.key, 0o600, key.serialize_pem()),
    ] {
        write(path, mode, &text).map_err(failed(path))?;
    }
    Ok(())
}

/// Puts a file in the place of another as a whole.
fn write(path: &Path, mode: u32, text: &str) -> std::io::Result<()> {
    let aside = path.with_extension("new");
    // What an earlier run left has the mode that it was made with.
    match std::fs::remove_file(&aside) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&aside, path)
}
