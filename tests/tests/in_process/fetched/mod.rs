//! What the issuer fetches: each document is fetched by one, for all, within bounds.

mod answers;
mod leases;
mod outages;
mod tls;

use std::sync::Arc;

use serde_json::Value;
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::fetched::{
    Document, DocumentUrl, Documents, Fetcher, Parse, Reach, Wanted, Web,
};
use tokensmith_local::make_table;
use tokensmith_tests::InProcess;

/// A document with a number.
#[derive(Debug)]
struct Numbered(u64);

impl Parse for Numbered {
    fn parse(_: &DocumentUrl, body: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(body).map_err(|_| "it is no JSON".to_owned())?;
        let number = document["number"].as_u64();
        number
            .map(Self)
            .ok_or_else(|| "it has no number".to_owned())
    }
}

/// The text of a document with this number.
fn numbered(number: u64) -> String {
    format!("{{\"number\":{number}}}")
}

/// The documents of an instance of a function that may fetch.
async fn instance(issuer: &InProcess) -> Documents<Numbered> {
    let table = make_table(issuer.dynamo.clone()).await.expect("the table");
    issuer.dynamo.take_calls();
    let web = Arc::new(Web::new(Reach::Private));
    Documents::new(Arc::new(Fetcher::new(table, web)), issuer.clock())
}

fn url(base_url: &str) -> DocumentUrl {
    let url = format!("{base_url}/keys");
    Reach::Private.parse(&url).expect("a URL")
}

/// The number of the document, as it is usually asked for.
async fn usual(documents: &Documents<Numbered>, url: &DocumentUrl) -> Option<u64> {
    number(documents.get(url, Wanted::Usual).await)
}

/// The number of a document; `None` when there is none.
fn number(got: Result<Arc<Document<Numbered>>, Unavailable>) -> Option<u64> {
    match got {
        Ok(document) => Some(document.content.0),
        Err(Unavailable::NoDocument(_)) => None,
        Err(other) => panic!("{other}"),
    }
}
