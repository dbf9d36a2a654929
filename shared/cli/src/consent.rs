//! The consent to a change that takes something away and cannot be taken back.

use std::io::{IsTerminal, Write, stderr, stdin};

use clap::Args;
use serde::Serialize;
use tokensmith_issuer::admin::Ending;

use crate::data::OpenData;
use crate::{Failure, progress};

/// How the operator consents.
#[derive(Args)]
pub struct Consent {
    /// Do it without asking; needed where nobody can be asked, because standard input or standard error
    /// is no terminal
    #[arg(long)]
    yes: bool,
    /// Say what would be done and how much would end, and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

impl Consent {
    /// Refuses to go on when nobody has consented and nobody can be asked.
    pub fn check(&self) -> Result<(), Failure> {
        let can_ask = stdin().is_terminal() && stderr().is_terminal();
        match self.yes || self.dry_run || can_ask {
            true => Ok(()),
            false => Err(Failure::wrong_call(
                "this cannot be undone, and there is no terminal to ask on: repeat it with --yes, or with \
                 --dry-run to see what would end",
            )),
        }
    }

    /// Whether nothing may be changed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Prints what `change` would end.
    pub fn print_dry_run(
        &self,
        data: &OpenData,
        change: &Change<'_>,
        ending: Ending,
    ) -> Result<(), Failure> {
        data.print_dry_run(&Ends { change, ending })
    }

    /// Whether the operator wants `change` to be made: asks, or prints what would end if this is a dry
    /// run. `ending` counts that; with `--yes` nothing is counted.
    pub async fn given<E>(
        &self,
        data: &OpenData,
        change: &Change<'_>,
        ending: impl Future<Output = Result<Ending, E>>,
    ) -> Result<bool, Failure>
    where
        Failure: From<E>,
    {
        if self.yes {
            return Ok(true);
        }
        let ending = ending.await;
        progress::clear();
        let ending = ending?;
        match self.dry_run {
            true => self.print_dry_run(data, change, ending).map(|()| false),
            false => ask(&question(data, change, ending)),
        }
    }
}

/// A change that ends something.
#[derive(Serialize)]
pub struct Change<'a> {
    #[serde(rename = "would")]
    what: &'a str,
    #[serde(rename = "ends_also")]
    uncounted: &'a str,
}

impl<'a> Change<'a> {
    /// `what` is done, in words that follow "this will"; `uncounted` ends too, and nobody can count it.
    pub const fn new(what: &'a str, uncounted: &'a str) -> Self {
        Self { what, uncounted }
    }
}

/// What a dry run prints.
#[derive(Serialize)]
struct Ends<'a> {
    #[serde(flatten)]
    change: &'a Change<'a>,
    #[serde(rename = "ends")]
    ending: Ending,
}

fn question(data: &OpenData, change: &Change<'_>, ending: Ending) -> String {
    let counts = [
        (ending.grants, "live grant"),
        (ending.api_keys, "API key"),
        (ending.signing_keys, "signing key"),
        (ending.hmac_keys, "HMAC key"),
        (ending.sessions, "session"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let mut ends: Vec<String> = counts
        .map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" }))
        .collect();
    ends.push(change.uncounted.to_owned());
    format!(
        "This will {} at {}.\nIt ends {}, and cannot be undone. Go on? [y/N] ",
        change.what,
        data.described(),
        ends.join(", ")
    )
}

/// Asks on the terminal. Everything but a clear yes is a no.
fn ask(question: &str) -> Result<bool, Failure> {
    let mut terminal = stderr().lock();
    terminal.write_all(question.as_bytes())?;
    terminal.flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        _ => Err(Failure::new("nothing was changed")),
    }
}
