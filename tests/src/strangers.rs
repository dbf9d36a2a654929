//! What strangers send: requests that no client's credentials stand behind, as expensive as they can be.

use secrecy::ExposeSecret;
use serde_json::Value;
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

use crate::assertion::{OwnKey, assertion_claims};
use crate::{Form, HttpRequest, TestClient, unique};

/// The requests of strangers to the endpoint at `path`. `refresh_token` is a real one, `forged` one that
/// names a key which does not exist, and `access_token` a real one; strangers may have stolen them.
pub fn requests(
    path: &str,
    refresh_token: &str,
    forged: &str,
    access_token: &str,
) -> Vec<HttpRequest> {
    let (stranger, other) = (unique("stranger"), unique("stranger"));
    let huge = "x".repeat(64 * 1024);
    match path {
        paths::TOKEN | paths::REFRESH => [refresh_token, forged, access_token]
            .into_iter()
            .map(|token| {
                let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
                HttpRequest::form(path, &form).basic(&unique("stranger"), &secret())
            })
            .chain([
                HttpRequest::post(path, "grant_type=client_credentials")
                    .basic(&stranger, &secret()),
                HttpRequest::form(
                    path,
                    &[
                        ("grant_type", "client_credentials"),
                        ("client_id", &other),
                        ("client_secret", &secret()),
                    ],
                ),
                HttpRequest::post(path, huge),
            ])
            .chain(asserted(path, &[("grant_type", "client_credentials")]))
            .chain(proving(path, "POST", || {
                let own = HttpRequest::post(path, "grant_type=client_credentials");
                own.basic(&unique("stranger"), &secret())
            }))
            .collect(),
        paths::REVOKE | paths::INTROSPECT => [refresh_token, forged, access_token]
            .into_iter()
            .flat_map(|token| {
                let (known, unknown) = ([("token", token)], unique("stranger"));
                let public = [("token", token), ("client_id", unknown.as_str())];
                [
                    HttpRequest::form(path, &known).basic(&unique("stranger"), &secret()),
                    HttpRequest::form(path, &public),
                ]
            })
            .chain([HttpRequest::post(path, huge)])
            .chain(asserted(path, &[("token", access_token)]))
            .collect(),
        paths::USERINFO => [access_token, refresh_token, &huge[..8000]]
            .into_iter()
            .flat_map(|token| {
                let bearer = format!("Bearer {token}");
                [
                    HttpRequest::get(path).header("authorization", bearer),
                    HttpRequest::form(path, &[("access_token", token)]),
                ]
            })
            .chain([HttpRequest::post(path, huge.clone())])
            .chain(proving(path, "GET", || {
                HttpRequest::get(path).header("authorization", format!("DPoP {access_token}"))
            }))
            .collect(),
        paths::REVOCATIONS => [
            "",
            "?since=0",
            "?since=1799999999",
            "?since=x",
            "?since=1&since=2",
        ]
        .map(|query| HttpRequest::get(&format!("{path}{query}")))
        .into(),
        _ => vec![
            HttpRequest::get(path),
            HttpRequest::get(path).header("if-none-match", huge[..8000].to_owned()),
            HttpRequest::new("OPTIONS", path),
        ],
    }
}

/// With an assertion for each algorithm, by a key that no client has, as long as one may be.
fn asserted(path: &str, form: Form<'_>) -> Vec<HttpRequest> {
    let assertions = SignatureAlgorithm::ALL.map(|algorithm| {
        let client = TestClient::public(&unique("stranger"));
        let mut claims = assertion_claims(&client, "https://issuer.example");
        claims["more"] = "m".repeat(5500).into();
        let key = OwnKey::new(algorithm);
        let mut header = key.header();
        header["kid"] = Value::Null;
        HttpRequest::asserted(path, form, &key.sign(&header, &claims))
    });
    assertions.into()
}

/// With a good proof by each algorithm: whoever makes a key can sign.
fn proving(
    path: &str,
    method: &str,
    request: impl Fn() -> HttpRequest,
) -> impl Iterator<Item = HttpRequest> {
    let url = format!("https://issuer.example{path}");
    let proofs =
        SignatureAlgorithm::ALL.map(|algorithm| OwnKey::new(algorithm).proof(method, &url));
    proofs
        .into_iter()
        .map(move |proof| request().header("dpop", proof))
}

/// A secret that looks like one. Others are refused without a look at the client.
fn secret() -> String {
    ClientSecret::generate().expose_secret().to_owned()
}

/// Every endpoint.
pub const ENDPOINTS: [&str; 9] = [
    paths::TOKEN,
    paths::REFRESH,
    paths::REVOKE,
    paths::INTROSPECT,
    paths::USERINFO,
    paths::REVOCATIONS,
    paths::JWKS,
    paths::AUTHORIZATION_SERVER_METADATA,
    paths::OPENID_CONFIGURATION,
];
