//! The page at `/`: who may see it, what it shows, and that its commands work.

mod commands;
mod contents;
mod visitors;

use tokensmith_tests::{HttpRequest, TestIssuer};

/// The page.
fn page(issuer: &TestIssuer) -> String {
    let answer = issuer.send(&HttpRequest::get("/"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// What stands between two marks, each time that they are there.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    let inner = parts.map(|part| part.split_once(end).expect("its end").0);
    inner.collect()
}

/// A section of the page.
fn section<'a>(page: &'a str, name: &str) -> &'a str {
    let start = format!("<section aria-labelledby=\"{name}\">");
    between(page, &start, "</section>")[0]
}

/// The row of a table, or the item of a list, that names this.
fn row<'a>(rows: &[&'a str], name: &str) -> &'a str {
    let mut found = rows.iter().filter(|row| row.contains(name));
    let row = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "{name} is there twice");
    row
}
