//! Tokens of Entra ID, by `azure_identity`: managed identity, workload identity, an application's
//! secret or certificate, and whoever is signed in to the Azure CLI.
//!
//! A credential is made afresh for every token: files are read then, and the crate's own cache,
//! which goes by the wall clock, is never asked twice. The crate sends through our own transport,
//! so extra certificate authorities count there too. Promises: every wait ends at the deadline; an
//! error names the tenant, the application and the file to look at.

use std::borrow::Cow;
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret as AzureSecret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, HttpClient, RetryOptions, Transport};
use azure_identity::{
    AzureCliCredential, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};

use crate::arr::client::retry::{may_pass, pause};
use crate::arr::protocol::error::unauthorized;
use crate::arr::protocol::text::sanitize;
use crate::clock::Clock;
use crate::keeper::FailureKind;
use crate::policy::{EntraCredential, EntraSettings, SecretSource};
use crate::report::Hint;
use crate::service::ServiceError;
use crate::units::{Secret, Span, Timestamp};

use super::certificate::{Certificate, CertificateError};
use super::token::{SecretError, read_secret};

/// The authority of the public cloud.
const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";
/// Names the authority of another cloud, as for every other client of Entra ID.
const AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum NoToken {
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The authority did not answer in time.
    #[error("no answer within {0}")]
    TooLate(Span),
    /// The authority, or the way to it, said no.
    #[error("{words}")]
    Refused {
        /// In its own words.
        words: String,
        /// Whether it may say yes soon.
        may_pass: bool,
    },
}

impl Hint for NoToken {
    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Secret(error) => error.hint(),
            Self::Certificate(error) => error.hint(),
            Self::TooLate(_) | Self::Refused { .. } => None,
        }
    }
}

impl NoToken {
    /// What the crate's error comes to. The crate's texts hold their causes.
    fn of(error: &azure_core::Error) -> Self {
        Self::Refused {
            words: words(&error.to_string()),
            may_pass: passes(error),
        }
    }

    const fn may_pass(&self) -> bool {
        match self {
            Self::TooLate(_) => true,
            Self::Refused { may_pass, .. } => *may_pass,
            Self::Secret(_) | Self::Certificate(_) => false,
        }
    }
}

/// An identity, and what is needed to ask for its tokens.
pub(super) struct Identity<'a> {
    pub(in crate::arr) entra: &'a EntraSettings,
    pub(in crate::arr) transport: Arc<dyn HttpClient>,
    pub(in crate::arr) clock: &'a dyn Clock,
}

impl Identity<'_> {
    /// A token for a scope.
    pub(in crate::arr) async fn token(
        &self,
        scope: &str,
        deadline: Timestamp,
    ) -> Result<Secret, ServiceError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let limit = deadline - self.clock.now();
            let asked = tokio::time::timeout(limit.to_std(), self.ask(scope)).await;
            let why = match asked {
                Ok(Ok(token)) => return Ok(token),
                Ok(Err(refused)) => refused,
                Err(_) => NoToken::TooLate(limit),
            };
            let may_pass = why.may_pass();
            let kind = if may_pass {
                FailureKind::Unavailable
            } else {
                FailureKind::Unauthorized
            };
            let error = ServiceError {
                kind,
                hint: Some(why.hint().unwrap_or_else(|| self.hint().into()).into()),
                source: Some(Arc::new(why)),
                ..unauthorized(format!("Entra ID gave no token for {}", self.who()))
            };
            if !may_pass {
                return Err(error);
            }
            pause(self.clock, tried, deadline, error).await?;
        }
    }

    /// Asks once.
    async fn ask(&self, scope: &str) -> Result<Secret, NoToken> {
        let credential = self.credential()?;
        match credential.get_token(&[scope], None).await {
            Ok(token) => Ok(Secret::new(token.token.secret())),
            Err(error) => Err(NoToken::of(&error)),
        }
    }

    fn credential(&self) -> Result<Arc<dyn TokenCredential>, NoToken> {
        let made: azure_core::Result<Arc<dyn TokenCredential>> = match &self.entra.credential {
            EntraCredential::ManagedIdentity { client_id } => {
                let user_assigned_id = client_id.clone().map(UserAssignedId::ClientId);
                let client_options = self.options();
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id,
                    client_options,
                }))
                .map(|c| c as _)
            }
            EntraCredential::WorkloadIdentity {
                tenant_id,
                client_id,
                token_file,
            } => WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions {
                    client_options: self.options(),
                },
                client_id: client_id.clone(),
                tenant_id: tenant_id.clone(),
                token_file_path: token_file.clone(),
            }))
            .map(|c| c as _),
            EntraCredential::ClientSecret {
                tenant_id,
                client_id,
                secret,
            } => {
                let secret = read_secret(secret)?;
                let options = ClientSecretCredentialOptions {
                    client_options: self.options(),
                };
                let secret = AzureSecret::new(secret.expose().to_owned());
                ClientSecretCredential::new(tenant_id, client_id.clone(), secret, Some(options))
                    .map(|c| c as _)
            }
            EntraCredential::ClientCertificate {
                tenant_id,
                client_id,
                certificate,
            } => {
                let audience = format!(
                    "{}/{tenant_id}/oauth2/v2.0/token",
                    self.authority().trim_end_matches('/')
                );
                let assertion = Certificate::read(certificate, client_id, audience)?;
                let options = ClientAssertionCredentialOptions {
                    client_options: self.options(),
                };
                ClientAssertionCredential::new(
                    tenant_id.clone(),
                    client_id.clone(),
                    assertion,
                    Some(options),
                )
                .map(|c| c as _)
            }
            EntraCredential::AzureCli => AzureCliCredential::new(None).map(|c| c as _),
        };
        made.map_err(|e| NoToken::of(&e))
    }

    /// Our own transport and our own retries, which know the deadline.
    fn options(&self) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = self.authority();
        ClientOptions {
            retry: RetryOptions::none(),
            transport: Some(Transport::new(self.transport.clone())),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            ..ClientOptions::default()
        }
    }

    fn authority(&self) -> String {
        let named = self
            .entra
            .authority_host
            .clone()
            .or_else(|| std::env::var(AUTHORITY_HOST).ok());
        named.unwrap_or_else(|| PUBLIC_AUTHORITY.into())
    }

    fn who(&self) -> String {
        let or_environment =
            |id: &Option<String>, name: &str| id.clone().unwrap_or_else(|| format!("${name}"));
        match &self.entra.credential {
            EntraCredential::ManagedIdentity {
                client_id: Some(id),
            } => format!("the managed identity {id}"),
            EntraCredential::ManagedIdentity { client_id: None } => {
                "this machine's managed identity".into()
            }
            EntraCredential::WorkloadIdentity {
                tenant_id,
                client_id,
                ..
            } => {
                let client = or_environment(client_id, "AZURE_CLIENT_ID");
                format!(
                    "application {client} in tenant {}",
                    or_environment(tenant_id, "AZURE_TENANT_ID")
                )
            }
            EntraCredential::ClientSecret {
                tenant_id,
                client_id,
                ..
            }
            | EntraCredential::ClientCertificate {
                tenant_id,
                client_id,
                ..
            } => {
                format!("application {client_id} in tenant {tenant_id}")
            }
            EntraCredential::AzureCli => "whoever is signed in to the Azure CLI".into(),
        }
    }

    /// What to do about it.
    fn hint(&self) -> String {
        match &self.entra.credential {
            EntraCredential::ManagedIdentity { .. } => "has this machine that identity?".into(),
            EntraCredential::WorkloadIdentity { token_file, .. } => {
                let file = token_file
                    .as_ref()
                    .map_or("$AZURE_FEDERATED_TOKEN_FILE".into(), |f| {
                        f.display().to_string()
                    });
                format!("is the token in {file} one that this application trusts?")
            }
            EntraCredential::ClientSecret { secret, .. } => {
                let place = match secret {
                    SecretSource::File(path) => path.display().to_string(),
                    SecretSource::Env(name) => format!("${name}"),
                    SecretSource::Inline(_) => "`auth.secret`".into(),
                };
                format!("is the secret in {place} that application's, and has it not expired?")
            }
            EntraCredential::ClientCertificate { certificate, .. } => {
                format!(
                    "is the certificate in {} registered with that application?",
                    certificate.display()
                )
            }
            EntraCredential::AzureCli => {
                "sign in with `az login` as the user that runs this".into()
            }
        }
    }
}

/// Whether a failure may be none soon: a broken connection, or an answer that says so.
fn passes(error: &azure_core::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<azure_core::Error>() {
            match error.kind() {
                ErrorKind::HttpResponse { status, .. } => return may_pass(u16::from(*status)),
                ErrorKind::Connection | ErrorKind::Io => return true,
                _ => {}
            }
        }
        cause = error.source();
    }
    false
}

/// The crate's words: without its links and line breaks, and not too many.
fn words(text: &str) -> String {
    let told = text
        .lines()
        .take_while(|line| !line.starts_with("To troubleshoot"))
        .collect::<Vec<_>>()
        .join(" ");
    sanitize(told.trim())
}
