//! Whom the issuer connects to, and whom it believes.

use rcgen::{CertificateParams, date_time_ymd};
use tempfile::TempDir;
use tokensmith_issuer::fetched::{DocumentUrl, Reach, Web};
use tokensmith_tests::InProcess;
use tokensmith_tests::foreign::ForeignServer;
use tokensmith_tests::logged::logged_with;
use tokensmith_tests::tls::TlsFront;
use tokensmith_verifier::{Fetch, FetchError, FetchRequest};

use super::{instance, numbered, url, usual};

/// Where the processes of these tests find the servers.
const SERVERS: &str = "TOKENSMITH_FOREIGN_SERVERS";

/// What is wrong with a certificate.
type Change = fn(&mut CertificateParams);

const BAD: [(&str, Change); 3] = [
    ("it has expired", |certificate| {
        certificate.not_after = date_time_ymd(2001, 1, 1);
    }),
    ("it is not valid yet", |certificate| {
        certificate.not_before = date_time_ymd(4095, 1, 1);
    }),
    ("it is of another host", |certificate| {
        let other = CertificateParams::new(["other.example".to_owned()]);
        certificate.subject_alt_names = other.expect("a name").subject_alt_names;
    }),
];

#[tokio::test]
async fn only_a_server_with_a_valid_certificate_is_believed() {
    let folder = TempDir::new().expect("a folder");
    let front = TlsFront::new(folder.path());
    let server = ForeignServer::publishing(&numbered(1));
    let good = front.stand_before(&server.base_url());
    let bad = BAD.map(|(_, change)| front.presenting(change).stand_before(&server.base_url()));
    let servers = [vec![good], bad.to_vec()].concat().join(" ");
    let roots = front.roots().to_str().expect("a path");
    let environment = [("SSL_CERT_FILE", roots), (SERVERS, &servers)];
    let logged = logged_with(&environment, async {
        let issuer = InProcess::start().await;
        let servers = std::env::var(SERVERS).expect("servers");
        let mut servers = servers.split(' ');
        let good = url(servers.next().expect("a server"));
        assert_eq!(usual(&instance(&issuer).await, &good).await, Some(1));
        for bad in servers {
            assert_eq!(usual(&instance(&issuer).await, &url(bad)).await, None);
        }
    });
    let Some(logged) = logged.await else {
        return;
    };
    let lines = logged.lines();
    assert_eq!(lines.len(), BAD.len(), "{lines:?}");
    for (line, (what, _)) in lines.iter().zip(BAD) {
        let message = line["message"].as_str().expect("a message");
        assert!(
            message.contains("invalid peer certificate"),
            "{what}: {message}"
        );
    }
    assert_eq!(
        server.take_requests().len(),
        1,
        "the others were asked nothing"
    );
}

#[tokio::test]
async fn an_authority_that_the_machine_does_not_know_is_not_believed() {
    let folder = TempDir::new().expect("a folder");
    let server = ForeignServer::publishing(&numbered(1));
    let front = TlsFront::new(folder.path()).stand_before(&server.base_url());
    let issuer = InProcess::start().await;
    assert_eq!(usual(&instance(&issuer).await, &url(&front)).await, None);
    assert!(server.take_requests().is_empty());
}

/// A proxy would look the name up itself, where nobody checks the address.
#[tokio::test]
async fn no_proxy_of_the_environment_is_used() {
    let server = ForeignServer::publishing(&numbered(1));
    let proxy = ForeignServer::publishing(&numbered(2));
    let (proxy_url, server_url) = (proxy.base_url(), server.base_url());
    let environment = [
        ("http_proxy", proxy_url.as_str()),
        ("HTTP_PROXY", &proxy_url),
        ("https_proxy", &proxy_url),
        ("HTTPS_PROXY", &proxy_url),
        ("ALL_PROXY", &proxy_url),
        (SERVERS, &server_url),
    ];
    let logged = logged_with(&environment, async {
        let issuer = InProcess::start().await;
        let server = std::env::var(SERVERS).expect("servers");
        assert_eq!(
            usual(&instance(&issuer).await, &url(&server)).await,
            Some(1)
        );
    });
    if logged.await.is_some() {
        assert!(proxy.take_requests().is_empty());
    }
}

async fn fetched(reach: Reach, url: &str) -> Result<(), FetchError> {
    let request = FetchRequest {
        url,
        etag: None,
        max_bytes: 1000,
    };
    Web::new(reach).fetch(request).await.map(|_| ())
}

/// The name is a public one by its form; what it resolves to is not.
#[tokio::test]
async fn a_name_with_a_private_address_is_not_connected_to() {
    let url: DocumentUrl = "https://localhost/keys".parse().expect("a URL");
    let refused = fetched(Reach::Public, url.as_str()).await;
    let Err(FetchError::Transport(reason)) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        reason.contains("no address that may be connected to"),
        "{reason}"
    );
}

/// Such a URL can be in a table on which `serve --fetch-private` has run.
#[tokio::test]
async fn what_is_not_public_by_its_form_is_not_looked_up() {
    let server = ForeignServer::publishing(&numbered(1));
    let private = format!("{}/keys", server.base_url());
    assert_eq!(fetched(Reach::Private, &private).await, Ok(()));
    let address = private.replace("http:", "https:");
    for url in [
        &private,
        &address,
        &address.replace("127.0.0.1", "localhost"),
        "https://127.0.0.1/keys",
        "https://2130706433/keys",
        "https://keys.example:8443/keys",
    ] {
        let refused = fetched(Reach::Public, url).await;
        assert!(
            matches!(refused, Err(FetchError::Unusable(_))),
            "{url}: {refused:?}"
        );
    }
    assert_eq!(server.take_requests().len(), 1);
}

/// Without fetches, nobody reads them: a file of roots that is not there stops no start.
#[tokio::test]
async fn a_start_reads_no_root_certificates() {
    let environment = [
        ("SSL_CERT_FILE", "/nowhere/roots.pem"),
        ("SSL_CERT_DIR", "/nowhere"),
    ];
    let logged = logged_with(&environment, async {
        let issuer = InProcess::start().await;
        let documents = instance(&issuer).await;
        let server = ForeignServer::publishing(&numbered(1));
        assert_eq!(usual(&documents, &url(&server.base_url())).await, None);
    });
    let Some(logged) = logged.await else {
        return;
    };
    let lines = logged.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let message = lines[0]["message"].as_str().expect("a message");
    assert!(message.contains("no root certificates"), "{message}");
}
