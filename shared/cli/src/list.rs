//! How a list is printed: as a table on a terminal, and as JSON elsewhere, while it is being read.

use std::io::{IsTerminal, stdout};
use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};
use serde::Serialize;
use tokensmith_issuer::store::StoreError;

use crate::field::Field;
use crate::{Failure, print_text};

/// The options of every list.
#[derive(Args)]
pub struct ListOptions {
    /// Show at most this many
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// How to print the list [default: table on a terminal, json elsewhere]
    #[arg(long, short, value_name = "FORMAT", value_enum)]
    output: Option<Format>,
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// A line for each, with the most important columns
    Table,
    /// One array
    Json,
    /// One line of JSON for each
    Jsonl,
}

/// What can be shown in a list.
pub trait Listed: Serialize {
    /// The titles of the columns.
    const COLUMNS: &'static [&'static str];

    /// The columns of one line.
    fn cells(&self) -> Vec<String>;
}

/// Prints a list page by page.
pub struct ListPrinter {
    format: Format,
    field: Option<Field>,
    left: usize,
    printed: usize,
    unreadable: usize,
    widths: Vec<usize>,
}

impl ListPrinter {
    /// A list of which `field` is printed, or everything.
    pub fn new(options: &ListOptions, field: Option<Field>) -> Self {
        let usual = match stdout().is_terminal() {
            true => Format::Table,
            false => Format::Json,
        };
        Self {
            format: match field {
                // A line for each.
                Some(_) => Format::Jsonl,
                None => options.output.unwrap_or(usual),
            },
            field,
            left: options.limit.map_or(usize::MAX, NonZeroUsize::get),
            printed: 0,
            unreadable: 0,
            widths: Vec::new(),
        }
    }

    /// A list that never ends: unlike one array, each line of it can be read at once.
    pub fn following(options: &ListOptions, field: Option<Field>) -> Self {
        let printer = Self::new(options, field);
        Self {
            format: match printer.format {
                Format::Json => Format::Jsonl,
                other => other,
            },
            ..printer
        }
    }

    /// Whether as many are shown as were asked for.
    pub fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Prints those records of one page that are wanted, as they are shown.
    pub fn records<'a, R, T: Listed>(
        &mut self,
        page: &'a [Result<R, StoreError>],
        is_wanted: impl Fn(&R) -> bool,
        shown: impl Fn(&'a R) -> T,
    ) -> Result<(), Failure> {
        let wanted = page.iter();
        let wanted = wanted.filter(|one| one.as_ref().map_or(true, &is_wanted));
        self.page(wanted.map(|one| one.as_ref().map(&shown).map_err(Clone::clone)))
    }

    /// Prints one page. What cannot be read is reported on stderr, and the rest is shown.
    pub fn page<T: Listed>(
        &mut self,
        page: impl Iterator<Item = Result<T, StoreError>>,
    ) -> Result<(), Failure> {
        let mut readable = Vec::new();
        for item in page {
            match item {
                Ok(item) => readable.push(item),
                Err(err) => {
                    self.unreadable += 1;
                    eprintln!("warning: {err}");
                }
            }
        }
        readable.truncate(self.left);
        self.left -= readable.len();
        let mut text = String::new();
        if self.format == Format::Table {
            self.table(&readable, &mut text);
        }
        for item in &readable {
            match self.format {
                Format::Table => {}
                Format::Jsonl => text.push_str(&match &self.field {
                    Some(field) => field.of(item)?,
                    None => format!("{}\n", serde_json::to_string(item)?),
                }),
                Format::Json => {
                    text.push_str(if self.printed == 0 { "[\n  " } else { ",\n  " });
                    let json = serde_json::to_string_pretty(item)?;
                    text.push_str(&json.replace('\n', "\n  "));
                }
            }
            self.printed += 1;
        }
        print_text(&text)
    }

    fn table<T: Listed>(&mut self, items: &[T], text: &mut String) {
        let rows: Vec<_> = items.iter().map(Listed::cells).collect();
        if self.widths.is_empty() && !rows.is_empty() {
            // The first page decides: the next ones are not read yet.
            let width = |column: usize| {
                let cells = rows.iter().map(|row| row[column].chars().count());
                cells.max().unwrap_or(0).max(T::COLUMNS[column].len())
            };
            self.widths = (0..T::COLUMNS.len()).map(width).collect();
            let titles: Vec<_> = T::COLUMNS.iter().map(ToString::to_string).collect();
            let (bold, plain) = match is_colored() {
                true => ("\x1b[1m", "\x1b[0m"),
                false => ("", ""),
            };
            text.push_str(&format!("{bold}{}{plain}\n", self.line(&titles)));
        }
        for row in &rows {
            text.push_str(&self.line(row));
            text.push('\n');
        }
    }

    fn line(&self, cells: &[String]) -> String {
        let padded = cells.iter().zip(&self.widths);
        let padded: Vec<_> = padded
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    }

    /// Ends the list.
    ///
    /// # Errors
    /// When a record could not be read.
    pub fn finish(self) -> Result<(), Failure> {
        if self.format == Format::Json {
            print_text(if self.printed == 0 { "[]\n" } else { "\n]\n" })?;
        }
        match self.unreadable {
            0 => Ok(()),
            1 => Err(Failure::new(
                "one record could not be read; the others are shown",
            )),
            many => Err(Failure::new(format!(
                "{many} records could not be read; the others are shown"
            ))),
        }
    }
}

/// Whether a table may have bold titles (<https://no-color.org>).
fn is_colored() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stdout().is_terminal() && !refused
}
