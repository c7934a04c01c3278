//! Entra ID by the built binary, where the credential comes from the process's environment: the
//! Azure CLI and the identity of an App Service.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use tempfile::TempDir;

use crate::support::{ACCOUNT, BINARY, serve};

/// An identity endpoint, an STS and a session service in one: each lets in only what the one before
/// it gave.
async fn everything(uri: Uri, headers: HeaderMap) -> (StatusCode, &'static str) {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let resource = "resource=https%3A%2F%2F127.0.0.1&";
    let query = format!("{}&", uri.query().unwrap_or_default());
    match (uri.path(), header("authorization")) {
        ("/identity", _)
            if header("x-identity-header") == "a-header" && query.contains(resource) =>
        {
            (
                StatusCode::OK,
                r#"{"access_token":"from-entra","expires_on":"4102444800",
                "token_type":"Bearer","resource":"x"}"#,
            )
        }
        (path, "Bearer from-entra") if path.ends_with("/token") => {
            (StatusCode::OK, r#"{"AccessToken":"from-sts"}"#)
        }
        (path, "Bearer from-sts") if path.ends_with("/sessions") => {
            (StatusCode::OK, r#"{"sessions":[]}"#)
        }
        _ => (StatusCode::UNAUTHORIZED, ""),
    }
}

struct World {
    folder: TempDir,
    url: String,
}

impl World {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(
            async move { axum::serve(listener, Router::new().fallback(everything)).await },
        );
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            url,
        }
    }

    /// An `az` that runs these lines.
    fn az(&self, lines: &str) -> String {
        let path = self.folder.path().join("az");
        std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("made a program");
        format!("{}:/usr/bin:/bin", self.folder.path().display())
    }

    async fn list(&self, credential: &str, environment: &[(&str, &str)]) -> Output {
        self.list_at(&self.url, credential, environment).await
    }

    /// Lists sessions at a service that is its own STS.
    async fn list_at(&self, url: &str, credential: &str, environment: &[(&str, &str)]) -> Output {
        let text = format!(
            r#"
owner = "st"
[service]
endpoint = "{url}"
account_id = "{ACCOUNT}"
timeout = "10s"
[auth]
method = "entra"
credential = "{credential}"
[[pool]]
name = "a"
"#
        );
        let policy: PathBuf = self.folder.path().join("policy.toml");
        std::fs::write(&policy, text).expect("written");
        let mut command = Command::new(BINARY);
        command
            .args(["session", "list", "--format", "json", "--policy"])
            .arg(policy);
        command
            .env_remove("IDENTITY_ENDPOINT")
            .env_remove("IDENTITY_HEADER")
            .envs(environment.iter().copied());
        tokio::task::spawn_blocking(move || command.output().expect("it runs"))
            .await
            .expect("it ends")
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn the_azure_cli_is_asked_for_the_scope_of_the_sts() {
    let world = World::start().await;
    let path = world.az(r#"scope=https://127.0.0.1/.default
[ "$*" = "account get-access-token -o json --scope $scope" ] || exit 9
echo '{"accessToken":"from-entra","expires_on":4102444800,"tokenType":"Bearer"}'"#);
    let output = world.list("azure-cli", &[("PATH", &path)]).await;
    assert_eq!(
        (output.status.code(), told(&output).as_str()),
        (Some(0), "")
    );
}

#[tokio::test]
async fn an_azure_cli_that_is_not_signed_in_says_so() {
    let world = World::start().await;
    let path = world.az("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    let output = world.list("azure-cli", &[("PATH", &path)]).await;
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told.contains("Please run 'az login'") && told.contains("as the user that runs this"),
        "{told}"
    );
    let output = world.list("azure-cli", &[("PATH", "/nowhere")]).await;
    assert!(
        self::told(&output).contains("az not found on PATH"),
        "{}",
        self::told(&output)
    );
}

#[tokio::test]
async fn an_app_services_identity_is_asked_where_the_environment_says() {
    let world = World::start().await;
    let endpoint = format!("{}/identity", world.url);
    let environment = [
        ("IDENTITY_ENDPOINT", endpoint.as_str()),
        ("IDENTITY_HEADER", "a-header"),
    ];
    let output = world.list("managed-identity", &environment).await;
    assert_eq!(
        (output.status.code(), told(&output).as_str()),
        (Some(0), "")
    );
    let output = world
        .list(
            "managed-identity",
            &[environment[0], ("IDENTITY_HEADER", "another")],
        )
        .await;
    assert!(
        told(&output).contains("has this machine that identity?"),
        "{}",
        told(&output)
    );
    assert!(!told(&output).contains("another"), "{}", told(&output));
}

#[tokio::test]
async fn our_own_service_lets_in_whom_entra_id_vouches_for() {
    let world = World::start().await;
    let write = |name: &str, text: &str| {
        let path = world.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let (key, secret) = (
        write("key", "unused"),
        write("secret", "the identity provider's"),
    );
    let token = |secret: &str| {
        let claims = serde_json::json!({"exp": 4_102_444_800_u64});
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let token =
            jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("signed");
        format!(
            r#"echo '{{"accessToken":"{token}","expires_on":4102444800,"tokenType":"Bearer"}}'"#
        )
    };
    let (_service, url) = serve(
        std::path::Path::new(&key),
        &["--entra-secret-file", &secret],
    );
    let path = world.az(&token("the identity provider's"));
    let output = world.list_at(&url, "azure-cli", &[("PATH", &path)]).await;
    assert_eq!(
        (output.status.code(), told(&output).as_str()),
        (Some(0), "")
    );
    let path = world.az(&token("somebody else's"));
    let output = world.list_at(&url, "azure-cli", &[("PATH", &path)]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("the Entra ID token was refused"),
        "{}",
        told(&output)
    );
}
