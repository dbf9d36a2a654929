//! `tokensmith events`

mod filter;
mod logs;

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use clap::Args as ClapArgs;
use serde::Serialize;
use serde_json::Value;
use tokensmith_issuer::event::{Event, OperatorLine};
use tokensmith_issuer::store::records::CHANGES_ARE_KEPT;
use tokensmith_verifier::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;
use crate::data::{Data, OpenData};
use crate::list::{ListOptions, ListPrinter, Listed};
use filter::Filter;
use logs::{LogOptions, Logs};

/// Show what happened: what clients did, what was refused, and what operators changed
///
/// Reads the records of operators' changes, and the log: that of `serve` in its directory; with a table the log groups of the
/// functions, which `--stack` or `--log-group` name. Without either, only the records are shown. docs/events.md has every event
/// and its fields.
///
/// `tokensmith events --client billing --since 24h`
#[derive(ClapArgs)]
pub struct Args {
    #[command(flatten)]
    filter: Filter,
    /// From how long ago on, such as 90m, 24h or 7days; at most 400days, for which records are kept
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
    since: Duration,
    /// Until how long ago [default: now]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "follow")]
    until: Option<Duration>,
    /// Go on showing what happens, until Ctrl-C or SIGTERM
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    logs: LogOptions,
    #[command(flatten)]
    list: ListOptions,
    #[command(flatten)]
    data: Data,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    if args.since > CHANGES_ARE_KEPT {
        let message = "--since is at most 400days: older records are deleted";
        return Err(Failure::wrong_call(message));
    }
    let logs = Logs::of(&args.logs, &args.data).await?;
    let data = args.data.open().await?;
    let mut printer = match args.follow {
        false => ListPrinter::new(&args.list, args.data.field()),
        true => ListPrinter::following(&args.list, args.data.field()),
    };
    let now = data.admin().now().await?;
    let since = before(now, args.since);
    let until = args.until.map_or(now, |ago| before(now, ago));
    let window = (since, until.after(Duration::from_secs(1)));
    let asked = Asked {
        data: &data,
        logs: &logs,
        filter: &args.filter,
    };
    if args.follow {
        follow(asked, window, &mut printer).await?;
    } else {
        let lines = found(asked, window).await?;
        printer.page(lines.into_iter().map(|line| Ok(Shown(line))))?;
    }
    printer.finish()
}

/// Shows what is found, and then what is new, until the process is asked to end or has shown enough.
async fn follow(
    asked: Asked<'_>,
    window: (Timestamp, Timestamp),
    printer: &mut ListPrinter,
) -> Result<(), Failure> {
    // Set up first, so that a signal is not lost while something is asked for.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        ended = show_new(asked, window, printer) => ended,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

async fn show_new(
    asked: Asked<'_>,
    mut window: (Timestamp, Timestamp),
    printer: &mut ListPrinter,
) -> Result<(), Failure> {
    let (since, mut shown) = (window.0, HashSet::new());
    loop {
        let mut lines = found(asked, window).await?;
        lines.retain(|line| shown.insert(line.to_string()));
        printer.page(lines.into_iter().map(|line| Ok(Shown(line))))?;
        if printer.is_full() {
            return Ok(());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        // What was begun may be completed meanwhile, and a log is late.
        let now = asked.data.admin().now().await?;
        window = (
            before(now, LOOKED_BACK).max(since),
            now.after(Duration::from_secs(1)),
        );
    }
}

/// Where events are looked for, and which.
#[derive(Clone, Copy)]
struct Asked<'a> {
    data: &'a OpenData,
    logs: &'a Logs,
    filter: &'a Filter,
}

/// What records and logs have between two moments, in the order in which it happened.
async fn found(
    Asked { data, logs, filter }: Asked<'_>,
    (since, until): (Timestamp, Timestamp),
) -> Result<Vec<Value>, Failure> {
    let mut lines = logs.lines(filter, since, until).await?;
    for change in data.admin().changes_of_operators(since, until).await? {
        let event = Event::Operator(OperatorLine::from(&change));
        lines.push(serde_json::to_value(event.at(change.moment()))?);
    }
    lines.retain(|line| filter.keeps(line) && is_within(line, since, until));
    lines.sort_by_cached_key(|line| text(line, "time").to_owned());
    Ok(lines)
}

fn is_within(line: &Value, since: Timestamp, until: Timestamp) -> bool {
    let moment = humantime::parse_rfc3339(text(line, "time")).ok();
    let seconds = moment.and_then(|moment| moment.duration_since(SystemTime::UNIX_EPOCH).ok());
    seconds.is_some_and(|seconds| {
        let moment = Timestamp::from_seconds(seconds.as_secs());
        since <= moment && moment < until
    })
}

fn before(now: Timestamp, ago: Duration) -> Timestamp {
    Timestamp::from_seconds(now.seconds().saturating_sub(ago.as_secs()))
}

/// A text of a line; empty when it has none.
fn text<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_default()
}

/// One event in the list.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Value);

impl Listed for Shown {
    const COLUMNS: &'static [&'static str] = &["TIME", "EVENT", "OUTCOME", "WHO", "WHAT", "WHY"];

    fn cells(&self) -> Vec<String> {
        let first = |names: &[&str]| {
            let mut texts = names.iter().map(|name| text(&self.0, name));
            texts
                .find(|text| !text.is_empty())
                .unwrap_or_default()
                .to_owned()
        };
        let outcome = match text(&self.0, "outcome") {
            "begun" => BEGUN,
            outcome => outcome,
        };
        vec![
            first(&["time"]),
            first(&["event"]),
            outcome.to_owned(),
            first(&["by", "client", "source"]),
            match text(&self.0, "by") {
                "" => first(&["grant", "key", "jti", "route", "endpoint", "path", "host"]),
                _ => first(&[
                    "key",
                    "client",
                    "resource",
                    "rule",
                    "federation_source",
                    "grant",
                    "subject",
                    "jti",
                    "kid",
                ]),
            },
            first(&["reason", "failure", "message"]),
        ]
    }
}

const BEGUN: &str = "begun, and not completed: it may have been made";

/// Bounds what following costs: a query of a day's records, and a request for each log group.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// CloudWatch shows a line some seconds after it was written.
const LOOKED_BACK: Duration = Duration::from_secs(120);
