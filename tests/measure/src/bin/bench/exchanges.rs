//! What exchanges cost beside `client_credentials`: of an API key, and of a token by the API that it is for.

use std::time::Duration;

use futures_util::future::join_all;
use secrecy::ExposeSecret;
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_issuer::store::Insert;
use tokensmith_issuer::store::records::LiveSecret;
use tokensmith_local::LocalData;
use tokensmith_tests::records::new_client;
use tokensmith_tests::{HttpRequest, TestClient, TestIssuer};
use tokensmith_verifier::{Clock, paths};

use crate::CONNECTIONS;
use crate::load::{Load, Measured};

/// Prints all of it, measured in turn.
pub fn measure(time: Duration) {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    let client = issuer.register("bench", &["--scope=read", "--default-scope=read"]);
    let create = ["api-key", "create", "--client", &client.id, "--name=bench"];
    let created = issuer.change(&[&create[..], &["--scope=read"]].concat());
    let key = created["api_key"].as_str().expect("a key").to_owned();
    let of_token = exchange_of_token(&issuer);
    let unknown = unknown_clients(&issuer);
    println!(
        "\n{:<36} {:>9} {:>8} {:>12}",
        "", "tokens/s", "p99 ms", "per CPU-s"
    );
    let load = Load::new(&mut issuer, CONNECTIONS);
    let repeated = |request: &HttpRequest| load.repeat(request, time);
    let own = shown(
        "client_credentials",
        repeated(&HttpRequest::client_credentials(&client)),
    );
    let of_key = shown(
        "exchange of an API key",
        repeated(&HttpRequest::exchange(&key)),
    );
    let read = shown(
        "client_credentials, its client read",
        each_once(&load, &unknown, time),
    );
    let of_token = shown("exchange of a token", repeated(&of_token));
    println!(
        "processor time: an API key {:.2} x client_credentials; a token {:.2} x, and {:.2} x one that reads as well",
        own / of_key,
        own / of_token,
        read / of_token
    );
}

fn shown(name: &str, measured: Measured) -> f64 {
    println!(
        "{name:<36} {:>9.0} {:>8.2} {:>12.0}",
        measured.per_second(),
        measured.percentile(0.99),
        measured.per_cpu_second(),
    );
    measured.per_cpu_second()
}

/// Each connection sends its share of the requests.
fn each_once(load: &Load, clients: &[TestClient], time: Duration) -> Measured {
    let scripts = (0..CONNECTIONS).map(|connection| {
        let mut own = clients.iter().skip(connection).step_by(CONNECTIONS);
        move |_: Option<&[u8]>| {
            let client = own.next()?;
            Some(load.bytes(&HttpRequest::client_credentials(client)))
        }
    });
    load.run(scripts.collect(), time)
}

/// Clients that nobody has asked for: each is read, as in a function that has just started, or that has not heard of it for
/// a while.
fn unknown_clients(issuer: &TestIssuer) -> Vec<TestClient> {
    let (secret, now) = (ClientSecret::generate(), Clock::System.now());
    let names: Vec<_> = (0..UNKNOWN)
        .map(|number| format!("client-{number}"))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let data = LocalData::open(issuer.data()).await.expect("the data");
        for batch in names.chunks(64) {
            let inserts = batch.iter().map(async |name| {
                let mut client = new_client(name, now);
                client.secrets = vec![LiveSecret {
                    hash: secret.hash(),
                    created_at: now,
                    expires_at: None,
                }];
                data.table.insert(&client).await
            });
            for inserted in join_all(inserts).await {
                assert!(matches!(inserted, Ok(Insert::Inserted)));
            }
        }
    });
    let known = |name: &String| TestClient::new(name, secret.expose_secret());
    names.iter().map(known).collect()
}

/// An API goes on with the token that was sent to it. Its client is read from the cache, and what can have ended the token from the
/// table.
fn exchange_of_token(issuer: &TestIssuer) -> HttpRequest {
    let api = issuer.register(
        "orders-api",
        &["--grant=urn:ietf:params:oauth:grant-type:token-exchange"],
    );
    let resource = "https://orders.example/";
    issuer.register_resource(resource, &["read"], &["--owner", &api.id]);
    let allow = format!("--allow={resource}=read");
    let shop = issuer.register("shop", &["--grant=client_credentials", &allow]);
    let token = issuer.token(&shop, "").access_token();
    let form = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", token.as_str()),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ];
    HttpRequest::form(paths::TOKEN, &form).by(&api)
}

/// More than are asked for in the time.
const UNKNOWN: usize = 60_000;
