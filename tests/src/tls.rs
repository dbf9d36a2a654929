//! TLS before the emulated services, with certificates that are made on the spot.

use std::collections::HashMap;
use std::fs;
use std::io::{Result, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::connection::{authority_of, body_of, header_of, listen, read_message};

/// Who is trusted on a machine, where Debian and where Amazon Linux have it.
const SYSTEM_ROOTS: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// Makes TLS ends for services.
#[derive(Debug)]
pub struct TlsFront {
    authority: Arc<Issuer<'static, KeyPair>>,
    config: Arc<ServerConfig>,
    roots: PathBuf,
}

impl TlsFront {
    /// Makes an authority and a certificate for 127.0.0.1, and in `folder` a file of roots in which the
    /// authority is one of as many as there are on any machine: reading them is part of a cold start.
    pub fn new(folder: &Path) -> Self {
        let mut authority = CertificateParams::new([]).expect("parameters");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root = authority.self_signed(&key).expect("a root");
        let authority = Arc::new(Issuer::new(authority, key));

        let system = SYSTEM_ROOTS
            .iter()
            .find_map(|path| fs::read_to_string(path).ok());
        let roots = folder.join("roots.pem");
        fs::write(&roots, system.unwrap_or_default() + &root.pem()).expect("roots");
        Self {
            config: presenting(&authority, |_| {}),
            authority,
            roots,
        }
    }

    /// The same with a certificate of this authority that is changed as told.
    pub fn presenting(&self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self {
            authority: self.authority.clone(),
            config: presenting(&self.authority, change),
            roots: self.roots.clone(),
        }
    }

    /// The file of roots.
    pub fn roots(&self) -> &Path {
        &self.roots
    }

    /// Stands before the service at `upstream`, and returns where.
    pub fn stand_before(&self, upstream: &str) -> String {
        let (config, upstream) = (self.config.clone(), authority_of(upstream).to_owned());
        let known = Arc::new(Known::default());
        let address = listen(move |client| {
            let _ = forward(client, config.clone(), &upstream, &known);
        });
        format!("https://{address}")
    }
}

fn presenting(
    authority: &Issuer<'_, KeyPair>,
    change: impl FnOnce(&mut CertificateParams),
) -> Arc<ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let mut server = CertificateParams::new(["127.0.0.1".to_owned()]).expect("parameters");
    change(&mut server);
    let certificate = server.signed_by(&key, authority).expect("a certificate");
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("its key");
    Arc::new(config)
}

/// What was opened once: the emulator takes longer for it than KMS, and not always the same time.
type Known = Mutex<HashMap<Vec<u8>, Vec<u8>>>;

fn forward(
    client: TcpStream,
    config: Arc<ServerConfig>,
    upstream: &str,
    known: &Known,
) -> Result<()> {
    client.set_nodelay(true)?;
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut client = StreamOwned::new(connection, client);
    let mut upstream = TcpStream::connect(upstream)?;
    upstream.set_nodelay(true)?;
    loop {
        let request = read_message(&mut client)?;
        let opened = opened(&request);
        let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
        let last = opened.and_then(|body| lock().get(body).cloned());
        let answer = match last {
            Some(answer) => answer,
            None => {
                upstream.write_all(&request)?;
                read_message(&mut upstream)?
            }
        };
        if let Some(body) = opened {
            lock().insert(body.to_vec(), answer.clone());
        }
        client.write_all(&answer)?;
    }
}

/// The body of a call of Decrypt.
fn opened(request: &[u8]) -> Option<&[u8]> {
    let is_decrypt = header_of(request, "x-amz-target")? == "TrentService.Decrypt";
    is_decrypt.then(|| body_of(request)).flatten()
}
