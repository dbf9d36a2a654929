//! `tokensmith login`: a device in a shell (RFC 8628).

mod http;
mod issuer;
mod qr;

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use clap::Args as ClapArgs;
use serde_json::{Map, Value};
use tokensmith_issuer::names::{Audience, ClientId, IssuerUrl, Scope};
use tokio::time::{Instant, sleep_until};

use crate::field::Field;
use crate::one_value::{one_audience, one_scope};
use crate::{Failure, print_json, print_text};
use http::{Answer, Http};
use issuer::{Endpoints, issuer_of};

/// Sign in with a browser, on this or another device, and print an access token
///
/// Prints an address and a code on standard error, and on a terminal a QR code. Whoever opens the address, signs in and agrees
/// gives this shell a token. No secret is needed, and nothing is kept on this machine.
///
/// `curl -H "Authorization: Bearer $(tokensmith login)" https://api.example/`
#[derive(ClapArgs)]
pub struct Args {
    /// The issuer [default: TOKENSMITH_ISSUER, or that of the data of `serve` in this folder]
    #[arg(long, value_name = "URL")]
    issuer: Option<IssuerUrl>,
    /// The client, which has `--public --grant device_code`
    #[arg(long, value_name = "ID", default_value = CLIENT)]
    client: ClientId,
    /// A scope of the token; must be one of the client's; may be repeated [default: the client's default scopes]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = one_scope)]
    scopes: Vec<Scope>,
    /// The resource that the token is for; must be one of the client's [default: the client's first]
    #[arg(long, value_name = "URI", value_parser = one_audience)]
    resource: Option<Audience>,
    /// Print the whole answer as JSON, with the refresh token if the client may have one
    #[arg(long)]
    json: bool,
    /// Print only this member of the answer: `refresh_token`, or `id_token`
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    field: Option<Field>,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let issuer = issuer_of(args.issuer.clone()).await?;
    let http = Http::new()?;
    let endpoints = Endpoints::discover(&http, &issuer).await?;
    let code = Code::ask(&http, &endpoints, &args).await?;
    code.show()?;
    let tokens = code.wait(&http, &endpoints, &args.client).await?;
    match (&args.field, args.json) {
        (Some(field), _) => print_text(&field.of(&tokens)?),
        (None, true) => print_json(&tokens),
        (None, false) => print_text(&Field::called("access_token").of(&tokens)?),
    }
}

/// What the issuer has answered (RFC 8628 §3.2).
struct Code {
    device: String,
    user: String,
    address: String,
    complete: Option<String>,
    interval: Duration,
    ends: Instant,
}

impl Code {
    async fn ask(http: &Http, endpoints: &Endpoints, args: &Args) -> Result<Self, Failure> {
        let scope: Vec<_> = args.scopes.iter().map(Scope::as_str).collect();
        let scope = scope.join(" ");
        let mut form = vec![("client_id", args.client.as_str())];
        if !scope.is_empty() {
            form.push(("scope", &scope));
        }
        if let Some(resource) = &args.resource {
            form.push(("resource", resource.as_str()));
        }
        let asked = Instant::now();
        let answer = http.post(&endpoints.device_authorization, &form).await;
        let answer = answer.map_err(Failure::new)?;
        if answer.status != 200 {
            return Err(refused(&answer, &args.client));
        }
        let seconds = |name, default| {
            let seconds = answer.body.get(name).and_then(Value::as_u64);
            Duration::from_secs(seconds.unwrap_or(default).min(MAX_WAIT))
        };
        Ok(Self {
            device: answer.text("device_code")?,
            user: answer.shown("user_code")?,
            address: answer.shown("verification_uri")?,
            complete: answer.shown("verification_uri_complete").ok(),
            interval: seconds("interval", 5).max(Duration::from_secs(1)),
            ends: asked + seconds("expires_in", 600),
        })
    }

    /// Tells the person what to do. The code is shown beside the address that has it already, so that they can compare it
    /// (RFC 8628 §3.3.1).
    fn show(&self) -> Result<(), Failure> {
        let mut terminal = stderr().lock();
        if let Some(complete) = self.complete.as_ref().filter(|_| terminal.is_terminal())
            && let Some(picture) = qr::picture(complete)
        {
            writeln!(terminal, "{picture}")?;
        }
        writeln!(
            terminal,
            "Open {} and enter the code {}",
            self.address, self.user
        )?;
        if let Some(complete) = &self.complete {
            writeln!(terminal, "or open {complete}")?;
        }
        Ok(terminal.flush()?)
    }

    /// Polls until there is an answer, or none can come any more (RFC 8628 §3.5).
    async fn wait(
        self,
        http: &Http,
        endpoints: &Endpoints,
        client: &ClientId,
    ) -> Result<Map<String, Value>, Failure> {
        let form = [
            ("grant_type", DEVICE_CODE),
            ("device_code", self.device.as_str()),
            ("client_id", client.as_str()),
        ];
        let mut interval = self.interval;
        loop {
            let next = Instant::now() + interval;
            if next >= self.ends {
                return Err(Failure::new(NOBODY_ANSWERED));
            }
            sleep_until(next).await;
            let answer = http.post(&endpoints.token, &form).await;
            match answer
                .as_ref()
                .map(|answer| (answer.status, answer.error()))
            {
                Ok((200, _)) => return answer.map(|answer| answer.body).map_err(Failure::new),
                Ok((_, "authorization_pending")) => {}
                Ok((_, "slow_down")) => interval += SLOWER,
                // It may not have been reached, or have no time: ask, and ask less often.
                Err(_) | Ok((429 | 500.., _)) => interval = (interval * 2).min(SLOWEST),
                Ok((_, "access_denied")) => {
                    return Err(Failure::new("the request was refused in the browser"));
                }
                Ok((_, "expired_token")) => return Err(Failure::new(NOBODY_ANSWERED)),
                Ok(_) => {
                    let answer = answer.map_err(Failure::new)?;
                    return Err(refused(&answer, client));
                }
            }
        }
    }
}

/// What the issuer's refusal means for who has called the command.
fn refused(answer: &Answer, client: &ClientId) -> Failure {
    let said = answer.description();
    match answer.error() {
        "invalid_client" | "unauthorized_client" => Failure::new(format!(
            "the issuer refuses the client {client}: {said}. An operator makes it with `tokensmith client create \
             --public --id {client} --grant device_code --grant refresh_token --scope …`, and --client names another"
        )),
        _ => Failure::new(format!("the issuer answers {}: {said}", answer.status)),
    }
}

/// The client of the command itself, where an operator has made it.
const CLIENT: &str = "tokensmith-cli";

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

const NOBODY_ANSWERED: &str = "nobody has answered in time: begin again";

/// By how much the interval grows when the issuer says so (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// The longest interval that an issuer in trouble is asked in.
const SLOWEST: Duration = Duration::from_secs(60);

/// No answer makes the command wait for longer, in seconds.
const MAX_WAIT: u64 = 24 * 60 * 60;
