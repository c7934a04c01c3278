//! The client side: typed calls over the unix socket.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How long the daemon may take to answer; it answers from memory.
const REPLY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody answers.
    #[error("no daemon answers at {}: {why}; is `leasekeeper run` running? name its socket with --socket or LEASEKEEPER_SOCKET", socket.display())]
    Silent {
        /// The socket.
        socket: PathBuf,
        /// Why not.
        why: String,
    },
    /// The daemon refused.
    #[error("{0}")]
    Refused(String),
    /// The answer is not what this version understands.
    #[error("the daemon at {} answered what this version does not understand: {why}; do both have the same version?", socket.display())]
    Strange {
        /// The socket.
        socket: PathBuf,
        /// What is not understood.
        why: String,
    },
}

/// A daemon, through its socket.
pub struct ControlClient {
    http: reqwest::Client,
    socket: PathBuf,
}

impl ControlClient {
    /// The daemon that listens on a socket. Nothing is sent yet.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn at(socket: &Path) -> Result<Self, CallError> {
        let silent = |e: reqwest::Error| CallError::Silent {
            socket: socket.into(),
            why: e.to_string(),
        };
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .timeout(REPLY_TIMEOUT)
            .no_proxy()
            .build()
            .map_err(silent)?;
        Ok(Self {
            http,
            socket: socket.into(),
        })
    }

    /// Asks for something.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, CallError> {
        let pairs: Vec<String> = query
            .iter()
            .map(|(k, v)| {
                format!(
                    "{k}={}",
                    url::form_urlencoded::byte_serialize(v.as_bytes()).collect::<String>()
                )
            })
            .collect();
        let query = if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        };
        self.call(Method::GET, &format!("{path}{query}"), None)
            .await
    }

    /// Asks for a change.
    ///
    /// # Errors
    /// If nobody answers, the daemon refuses, or the answer is not understood.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, CallError> {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, CallError> {
        let silent = |e: &reqwest::Error| {
            let mut cause: &dyn std::error::Error = e;
            while let Some(source) = cause.source() {
                cause = source;
            }
            CallError::Silent {
                socket: self.socket.clone(),
                why: cause.to_string(),
            }
        };
        let mut request = self
            .http
            .request(method, format!("http://leasekeeper{path}"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|e| silent(&e))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|e| silent(&e))?;
        if !status.is_success() {
            let said: Option<Value> = serde_json::from_slice(&bytes).ok();
            let message = said.as_ref().and_then(|v| v["error"]["message"].as_str());
            let text = message.map_or_else(
                || String::from_utf8_lossy(&bytes).into_owned(),
                str::to_owned,
            );
            return Err(CallError::Refused(text));
        }
        serde_json::from_slice(&bytes).map_err(|e| CallError::Strange {
            socket: self.socket.clone(),
            why: e.to_string(),
        })
    }
}
