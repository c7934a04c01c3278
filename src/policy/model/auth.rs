//! `[auth]`: how to get in, and where secrets are read from.

use std::path::PathBuf;

/// How to get in.
#[derive(Clone, Debug, PartialEq)]
pub enum Auth {
    /// The embedded service's own key, made afresh at each start.
    Embedded,
    /// An account key, exchanged at the STS.
    AccountKey(SecretSource),
    /// A ready-made access token for the session API.
    Token(SecretSource),
    /// Entra ID, exchanged at the STS.
    Entra(EntraSettings),
}

/// An identity of Entra ID.
#[derive(Clone, Debug, PartialEq)]
pub struct EntraSettings {
    /// Which credential speaks for it.
    pub credential: EntraCredential,
    /// URL of the authority, where it is not that of the public cloud or `AZURE_AUTHORITY_HOST`.
    pub authority_host: Option<String>,
}

/// Which Entra ID credential to use.
#[derive(Clone, Debug, PartialEq)]
pub enum EntraCredential {
    /// The machine's managed identity, or a user-assigned one by its client id.
    ManagedIdentity {
        /// Client id of a user-assigned identity.
        client_id: Option<String>,
    },
    /// A federated token, as Kubernetes mounts it.
    WorkloadIdentity {
        /// The tenant; `None` to take it from `AZURE_TENANT_ID`.
        tenant_id: Option<String>,
        /// The application; `None` to take it from `AZURE_CLIENT_ID`.
        client_id: Option<String>,
        /// The token's file; `None` to take it from `AZURE_FEDERATED_TOKEN_FILE`.
        token_file: Option<PathBuf>,
    },
    /// An application's secret.
    ClientSecret {
        /// The tenant.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// Its secret.
        secret: SecretSource,
    },
    /// An application's certificate.
    ClientCertificate {
        /// The tenant.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// A PEM file with the certificate and its RSA key.
        certificate: PathBuf,
    },
    /// Whoever is signed in to the Azure CLI.
    AzureCli,
}

/// Where a secret is read from. The secret itself is never part of a policy value, except where the
/// file holds it inline, which draws a warning.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file, read afresh at each use; surrounding white space is dropped.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// Written in the policy itself.
    Inline(String),
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Env(name) => f.debug_tuple("Env").field(name).finish(),
            Self::Inline(_) => f.write_str("Inline(<secret>)"),
        }
    }
}
