//! `[auth]`: how to get in.

use crate::policy::{Auth, EntraCredential, EntraSettings, SecretSource, ServiceConfig};

use super::reader::{Table, Value};
use super::service::{is_embedded, url};

pub(super) fn auth(root: &Table<'_, '_>, service: Option<&ServiceConfig>) -> Option<Auth> {
    let embedded = service.is_some_and(|s| is_embedded(&s.location));
    let Some(value) = root.get("auth") else {
        if embedded {
            return Some(Auth::Embedded);
        }
        if service.is_some() {
            root.must(
                "auth",
                "{ method = \"account-key\", key_file = \"account-key\" }",
            );
        }
        return None;
    };
    let table = value.table()?;
    let methods = [
        ("account-key", Method::AccountKey),
        ("token", Method::Token),
        ("entra", Method::EntraSettings),
    ];
    let method = table
        .must("method", "\"account-key\"")
        .and_then(|v| v.one_of(&methods));
    let auth = match method? {
        Method::AccountKey => secret(&table, "key_file", "key_env", "key").map(Auth::AccountKey),
        Method::Token => secret(&table, "token_file", "token_env", "token").map(Auth::Token),
        Method::EntraSettings => entra(&table).map(Auth::Entra),
    };
    table.end();
    if embedded {
        value.error(
            "the embedded service makes its own key",
            "leave [auth] out",
            None,
        );
        return None;
    }
    auth
}

#[derive(Clone, Copy)]
enum Method {
    AccountKey,
    Token,
    EntraSettings,
}

/// A secret from exactly one of a file, an environment variable and, with a warning, the policy
/// itself.
fn secret(
    table: &Table<'_, '_>,
    file: &'static str,
    env: &'static str,
    inline: &'static str,
) -> Option<SecretSource> {
    let (from_file, from_env, written) = (table.get(file), table.get(env), table.get(inline));
    let given = [from_file.is_some(), from_env.is_some(), written.is_some()]
        .into_iter()
        .filter(|g| *g)
        .count();
    if given != 1 {
        let message = format!("give exactly one of `{file}` and `{env}`");
        let label = if given == 0 {
            "no secret is named"
        } else {
            "more than one is given"
        };
        table.notes.error(table.span.clone(), message, label, None);
        return None;
    }
    if let Some(value) = written {
        let help = Some(format!(
            "put it into a file of mode 0600 and name that with `{file}`"
        ));
        value.warn(
            format!("`auth.{inline}` holds a secret in the policy itself"),
            "whoever reads the policy has it",
            help,
        );
        return value.str().map(|text| SecretSource::Inline(text.into()));
    }
    let from_file = from_file
        .and_then(|v| v.str())
        .map(|path| SecretSource::File(path.into()));
    from_file.or_else(|| {
        from_env
            .and_then(|v| v.str())
            .map(|name| SecretSource::Env(name.into()))
    })
}

#[derive(Clone, Copy)]
enum Kind {
    ManagedIdentity,
    WorkloadIdentity,
    ClientSecret,
    ClientCertificate,
    AzureCli,
}

fn entra(table: &Table<'_, '_>) -> Option<EntraSettings> {
    let kinds = [
        ("managed-identity", Kind::ManagedIdentity),
        ("workload-identity", Kind::WorkloadIdentity),
        ("client-secret", Kind::ClientSecret),
        ("client-certificate", Kind::ClientCertificate),
        ("azure-cli", Kind::AzureCli),
    ];
    let kind = table
        .must("credential", "\"managed-identity\"")
        .and_then(|v| v.one_of(&kinds))?;
    let text = |key| table.get(key).and_then(|v| v.str()).map(String::from);
    let must = |key| {
        table
            .must(key, "\"…\"")
            .and_then(|v| v.str())
            .map(String::from)
    };
    // The other two speak to no authority themselves.
    let authority_host = match kind {
        Kind::ManagedIdentity | Kind::AzureCli => None,
        _ => table.get("authority_host").and_then(|v| https(&v)),
    };
    let credential = match kind {
        Kind::ManagedIdentity => EntraCredential::ManagedIdentity {
            client_id: text("client_id"),
        },
        Kind::WorkloadIdentity => EntraCredential::WorkloadIdentity {
            tenant_id: text("tenant_id"),
            client_id: text("client_id"),
            token_file: text("federated_token_file").map(Into::into),
        },
        Kind::ClientSecret => {
            let (tenant_id, client_id) = (must("tenant_id"), must("client_id"));
            let secret = secret(table, "secret_file", "secret_env", "secret");
            EntraCredential::ClientSecret {
                tenant_id: tenant_id?,
                client_id: client_id?,
                secret: secret?,
            }
        }
        Kind::ClientCertificate => {
            let (tenant_id, client_id) = (must("tenant_id"), must("client_id"));
            let certificate = must("certificate_file").map(Into::into);
            EntraCredential::ClientCertificate {
                tenant_id: tenant_id?,
                client_id: client_id?,
                certificate: certificate?,
            }
        }
        Kind::AzureCli => EntraCredential::AzureCli,
    };
    Some(EntraSettings {
        credential,
        authority_host,
    })
}

/// An https URL: what is sent there is a secret, or as good as one.
fn https(value: &Value<'_, '_>) -> Option<String> {
    let url = url(value)?;
    if url.starts_with("https://") {
        return Some(url);
    }
    value.error(
        "an authority speaks https",
        "must begin with https://",
        None,
    );
    None
}
