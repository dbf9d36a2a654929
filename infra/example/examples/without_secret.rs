//! A Lambda function that calls an API without a secret of its own: STS vouches for its role, and the issuer
//! exchanges that token for an access token.

use std::env;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::form_urlencoded::Serializer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let workload = &Workload::new().await?;
    run(service_fn(move |_: LambdaEvent<Value>| workload.handle())).await
}

struct Workload {
    issuer: String,
    api: String,
    sts: aws_sdk_sts::Client,
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// The last access token, and until when it is used. It outlives an invocation.
    access: Mutex<Option<(String, SystemTime)>>,
}

impl Workload {
    async fn new() -> Result<Self, Error> {
        let connector = HttpsConnectorBuilder::new().with_native_roots()?;
        let connector = connector.https_or_http().enable_http1().build();
        Ok(Self {
            issuer: env::var("TOKENSMITH_ISSUER")?, // https://auth.example
            api: env::var("API_URL")?,              // https://api.example/invoices
            sts: aws_sdk_sts::Client::new(&aws_config::load_from_env().await),
            http: Client::builder(TokioExecutor::new()).build(connector),
            access: Mutex::default(),
        })
    }

    async fn handle(&self) -> Result<Value, Error> {
        let mut authorization: HeaderValue =
            format!("Bearer {}", self.access_token().await?).parse()?;
        authorization.set_sensitive(true);
        let request = Request::get(&self.api).header(header::AUTHORIZATION, authorization);
        let invoices = self.send(request.body(Full::default())?).await?;
        Ok(json!({ "invoices": String::from_utf8(invoices.into())? }))
    }

    /// A token of the issuer: the last one until a minute before it expires.
    async fn access_token(&self) -> Result<String, Error> {
        let mut access = self.access.lock().await;
        // Not `Instant`, which may stand still while Lambda has frozen the function.
        if let Some((token, until)) = &*access
            && SystemTime::now() < *until
        {
            return Ok(token.clone());
        }
        let get = self.sts.get_web_identity_token().audience(&self.issuer);
        let get = get.signing_algorithm("ES384").duration_seconds(300);
        let signed = get.send().await.map_err(aws_sdk_sts::Error::from)?;
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_assertion_type", CLIENT_ASSERTION_JWT)
            .append_pair(
                "client_assertion",
                signed.web_identity_token().unwrap_or_default(),
            )
            .finish();
        let request = Request::post(format!("{}/oauth2/token", self.issuer))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.send(request.body(form.into())?).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let token = answer["access_token"].as_str().ok_or("no access token")?;
        let lifetime = answer["expires_in"].as_u64().ok_or("no lifetime")?;
        let used_for = Duration::from_secs(lifetime.saturating_sub(60));
        *access = Some((token.to_owned(), SystemTime::now() + used_for));
        Ok(token.to_owned())
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Bytes, Error> {
        let url = request.uri().clone();
        let response = self.http.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        match status.is_success() {
            true => Ok(body),
            // The issuer says why. Neither token is in its answer.
            false => Err(format!("{url}: {status} {}", String::from_utf8_lossy(&body)).into()),
        }
    }
}

const CLIENT_ASSERTION_JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
