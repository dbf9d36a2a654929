//! `with-issuer COMMAND [ARGUMENT]...` runs a command next to an issuer, for the clients that are
//! not written in Rust: it starts an issuer (or takes the one at `ISSUER_URL`), registers clients,
//! and ends with the command's exit code.
//!
//! The command finds in its environment
//! - `ISSUER_URL`: the issuer;
//! - `TOKENSMITH`, `TOKENSMITH_DATA_ARGUMENTS`: the `tokensmith` command and, as a JSON array, what it
//!   has to be told of the data that it manages;
//! - `TOKENSMITH_CLIENTS`: a JSON array of clients, each with `alg`, `client_id`, `client_secret`,
//!   `audience` (its default), `other_audience` and `access_ttl` (of its tokens, in seconds);
//! - `TOKENSMITH_GRANT_CLIENTS`: a JSON object of the clients that refresh, revoke and introspect:
//!   `confidential` and `public` with `client_id`, `audience` (the default), `other_audience` and,
//!   where it has one, `client_secret`; `resource_server`, which owns `audience` alone; `confidential` owns
//!   `other_audience`. Both are registered resources.

use std::process::{Command, ExitCode};

use serde_json::{Value, json};
use tokensmith_tests::records::{API, OTHER_API};
use tokensmith_tests::{TestIssuer, command, unique};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: with-issuer COMMAND [ARGUMENT]...");
        return ExitCode::from(2);
    };
    let issuer = TestIssuer::shared();
    let clients: Value = ALGORITHMS.map(|alg| register(&issuer, alg)).into();
    let grant_clients = register_grant_clients(&issuer);
    let ended = Command::new(&program)
        .args(arguments)
        .env("ISSUER_URL", &issuer.url)
        .env("TOKENSMITH", command().get_program())
        .env("TOKENSMITH_DATA_ARGUMENTS", data_arguments(&issuer))
        .env("TOKENSMITH_CLIENTS", clients.to_string())
        .env("TOKENSMITH_GRANT_CLIENTS", grant_clients.to_string())
        .status();
    match ended {
        // No code means that a signal ended it.
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(err) => {
            eprintln!("with-issuer: {}: {err}", program.display());
            ExitCode::FAILURE
        }
    }
}

fn data_arguments(issuer: &TestIssuer) -> String {
    let arguments = issuer.data_arguments();
    let arguments = arguments.map(|one| one.to_string_lossy().into_owned());
    json!(arguments).to_string()
}

fn register(issuer: &TestIssuer, algorithm: &str) -> Value {
    let client = issuer.register(
        &algorithm.to_lowercase(),
        &[
            "--alg",
            algorithm,
            "--scope=read",
            "--scope=write",
            "--default-scope=read",
            "--audience",
            API,
            "--audience",
            OTHER_API,
            "--access-ttl",
            &format!("{ACCESS_TTL}s"),
        ],
    );
    json!({
        "alg": algorithm,
        "client_id": client.id,
        "client_secret": client.secret(),
        "audience": API,
        "other_audience": OTHER_API,
        "access_ttl": ACCESS_TTL,
    })
}

fn register_grant_clients(issuer: &TestIssuer) -> Value {
    let resource_server = issuer.register("resource-server", &[]);
    let [api, other_api] = [API, OTHER_API].map(|base| format!("{base}{}", unique("resource")));
    let scopes = ["read", "write"];
    issuer.register_resource(&api, &scopes, &["--owner", &resource_server.id]);
    issuer.register_resource(&other_api, &scopes, &[]);
    let [allow, allow_other] = [&api, &other_api].map(|uri| format!("--allow={uri}=read,write"));
    let shared = ["--grant=refresh_token", &allow, &allow_other];
    let own = [
        "--grant=client_credentials",
        "--grant=device_code",
        "--default-scope=read",
    ];
    let confidential = issuer.register("confidential", &[&shared[..], &own].concat());
    let public = issuer.register_public("public", &shared);
    issuer.change(&[
        "resource",
        "update",
        &other_api,
        "--add-owner",
        &confidential.id,
    ]);
    json!({
        "confidential": {
            "client_id": confidential.id,
            "client_secret": confidential.secret(),
            "audience": api,
            "other_audience": other_api,
        },
        "public": {
            "client_id": public.id,
            "audience": api,
            "other_audience": other_api,
        },
        "resource_server": {
            "client_id": resource_server.id,
            "client_secret": resource_server.secret(),
        },
    })
}

const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];
const ACCESS_TTL: u64 = 300;
