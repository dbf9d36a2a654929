//! Where an issuer runs, and where its data are.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use tokensmith_aws::dynamodb_of_function;
use tokensmith_issuer::admin::settle;
use tokensmith_issuer::config::Config;
use tokensmith_issuer::credential::random_id;
use tokensmith_issuer::keys::{KeyAccess, KeyRotation, RotationPolicy};
use tokensmith_issuer::{Abilities, Issuer};
use tokensmith_local::{ChangeCounter, EmbeddedDynamo, LocalData, dynamodb_client};
use tokensmith_people::Passwords;
use tokensmith_verifier::{Algorithm, Clock};
use tokio::runtime::Runtime;

use super::command;
use crate::contents::printed_items;
use crate::process::Background;
use crate::served::endpoint_at;
use crate::{Answer, HttpRequest};

/// What runs an issuer.
pub(super) enum Host {
    /// A process of the test's own.
    Serve(Serve),
    /// Functions, or whatever is at `ISSUER_URL`.
    Elsewhere,
    /// This process.
    Inside(Box<Inside>),
}

/// `tokensmith serve`.
pub(super) struct Serve {
    pub(super) process: Background,
    /// What it wrote on stdout until it was ready.
    pub(super) greeting: String,
    pub(super) log: PathBuf,
    arguments: Vec<String>,
}

impl Serve {
    /// Starts it on this address, with these data, and with its log in `directory`.
    pub(super) fn start(listen: &str, directory: &Path, data: &Path, more: &[&str]) -> Self {
        let (listen, data) = (
            format!("--listen={listen}"),
            format!("--data={}", data.display()),
        );
        let mut arguments = vec!["serve".to_owned(), listen, data];
        arguments.extend(more.iter().map(ToString::to_string));
        let log = directory.join(format!("log-{}", random_id()));
        let (process, greeting) = spawn(&arguments, &log);
        Self {
            process,
            greeting,
            log,
            arguments,
        }
    }

    /// Starts it again.
    pub(super) fn restart(&mut self) {
        (self.process, self.greeting) = spawn(&self.arguments, &self.log);
    }

    /// What it is started with, besides where to listen and its data.
    pub(super) fn set_arguments(&mut self, more: &[&str]) {
        self.arguments.truncate(3);
        self.arguments.extend(more.iter().map(ToString::to_string));
    }

    /// Where it says that it listens.
    pub(super) fn url(&self) -> String {
        listening_line(&self.greeting).expect("a URL").to_owned()
    }
}

fn spawn(arguments: &[String], log: &Path) -> (Background, String) {
    let (mut process, stdout) = Background::start_piped(command().args(arguments), log);
    let mut greeting = String::new();
    for line in BufReader::new(stdout).lines() {
        greeting.push_str(&line.expect("stdout is text"));
        greeting.push('\n');
        if listening_line(&greeting).is_some() {
            return (process, greeting);
        }
    }
    let ended = process.wait();
    panic!("the issuer ended before it was ready ({ended}): {greeting}");
}

fn listening_line(greeting: &str) -> Option<&str> {
    let mut lines = greeting.lines();
    lines.find_map(|line| line.strip_prefix("listening on "))
}

/// An issuer in this process, on the system's clock: what `serve` is, without its port.
pub(super) struct Inside {
    runtime: Runtime,
    issuer: Issuer,
    changes: Arc<ChangeCounter>,
}

impl Inside {
    /// Makes data in the directory `data`, and an issuer of this URL with every algorithm on them.
    pub(super) fn start(data: &Path, url: &str) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let mut config = Config::new(url.parse().expect("a URL"));
        config.algorithms = Algorithm::ALL.into();
        config.sign_in = true;
        let (issuer, changes) = runtime.block_on(async {
            let data = LocalData::open_or_create(data).await.expect("data");
            let (table, url) = (data.table, config.issuer.clone());
            let policy =
                RotationPolicy::new(url.clone(), config.algorithms.clone(), config.cache_ttl);
            let make = Arc::new(data.custody.clone());
            let rotation = KeyRotation::new(table.clone(), make, policy);
            let made = rotation.run(Clock::System.now()).await;
            made.expect("the first keys");
            let owner = config.owner();
            settle(&table, &owner).await.expect("settings");
            let abilities = Abilities {
                passwords: Some(Arc::new(Passwords::default())),
                ..KeyAccess::all(&data.custody).into()
            };
            (
                Issuer::new(config, table, abilities, Clock::System),
                data.changes,
            )
        });
        Self {
            runtime,
            issuer,
            changes,
        }
    }

    /// Sends a request to the endpoint that its path leads to.
    pub(super) fn send(&self, request: &HttpRequest) -> Answer {
        let request = request.in_process();
        let served = endpoint_at(request.uri().path());
        let Some(endpoint) = served.filter(|endpoint| self.issuer.serves(endpoint)) else {
            return Answer {
                status: 404,
                headers: HeaderMap::new(),
                body: String::new(),
            };
        };
        if self.changes.has_changed() {
            self.issuer.forget_cached();
        }
        let answer = self.issuer.handle(endpoint, request);
        let mut answer: Answer = self.runtime.block_on(answer).into();
        // As HTTP servers do, where an endpoint has not said it itself.
        let length = answer.headers.entry(CONTENT_LENGTH);
        length.or_insert(answer.body.len().into());
        answer
    }
}

/// Which data the command works on.
pub(super) enum Data {
    /// Those of `serve`.
    Directory(PathBuf),
    /// Those of functions: the name of the table, and the environment in which it is found.
    Table(String, Vec<(&'static str, String)>),
}

impl Data {
    /// `TOKENSMITH_TABLE`, or else `TOKENSMITH_DATA`.
    pub(super) fn of_environment() -> Self {
        let variable = |name| std::env::var(name).ok();
        match (variable("TOKENSMITH_TABLE"), variable("TOKENSMITH_DATA")) {
            // The command inherits the rest of its environment.
            (Some(table), _) => Self::Table(table, Vec::new()),
            (None, Some(data)) => Self::Directory(data.into()),
            (None, None) => {
                panic!("TOKENSMITH_DATA or TOKENSMITH_TABLE names the data of ISSUER_URL")
            }
        }
    }

    /// Every item of the table.
    pub(super) fn printed_items(&self) -> Vec<String> {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let client = match self {
                Self::Directory(data) => {
                    let database = EmbeddedDynamo::open(&data.join("table.sqlite"));
                    dynamodb_client(database.expect("a database"))
                }
                Self::Table(_, environment) => dynamodb_of_function(|wanted| {
                    let own = environment.iter().find(|(name, _)| *name == wanted);
                    let own = own.map(|(_, value)| value.clone());
                    own.or_else(|| std::env::var(wanted).ok())
                }),
            };
            printed_items(&client).await
        })
    }
}
