//! What tests of the client need: a server that answers as it is told, over TLS too, and a clock
//! that can be moved.

use std::sync::{Arc, Mutex};

use axum::Router;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use url::Url;

use crate::clock::{Clock, SystemClock};
use crate::units::{Span, Timestamp};

/// A clock that moves when it is told to, and with the machine's besides.
pub(super) struct Movable {
    real: SystemClock,
    pub(super) ahead: Mutex<Span>,
}

impl Clock for Movable {
    fn now(&self) -> Timestamp {
        self.real.now() + *self.ahead.lock().expect("whole")
    }
    fn resync(&self) -> Option<Span> {
        None
    }
}

pub(super) fn clock() -> Arc<Movable> {
    Arc::new(Movable {
        real: SystemClock::new(),
        ahead: Mutex::new(Span::ZERO),
    })
}

/// Serves over plain HTTP on loopback, and returns where.
pub(super) async fn plain(router: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url =
        Url::parse(&format!("http://{}", listener.local_addr().expect("bound"))).expect("a URL");
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Serves over TLS on loopback, and returns where, and the authority to trust, in PEM.
pub(super) async fn tls(router: Router) -> (Url, Vec<u8>) {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["localhost".into()]).expect("parameters");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocols")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a private key"),
        )
        .expect("a server");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let listener = TlsListener {
        listener,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    };
    tokio::spawn(async move { axum::serve(listener, router).await });
    (
        Url::parse(&format!("https://localhost:{port}")).expect("a URL"),
        authority.into_bytes(),
    )
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else {
                continue;
            };
            // A client that does not trust this server ends its connection here.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
