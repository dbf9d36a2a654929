use std::pin::Pin;

use lambda_runtime::Error;
use serde::Serialize;

/// The answer to a check that has found nothing wrong.
#[derive(Debug, Serialize)]
pub struct Checked {
    tokensmith: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
}

impl Checked {
    /// This version can work; it was deployed as `revision`.
    pub fn new(revision: Option<String>) -> Self {
        Self {
            tokensmith: "checked",
            revision,
        }
    }
}

/// What a function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply<A> {
    /// To what it is there for.
    Answer(A),
    /// To a check.
    Checked(Checked),
}

/// The work on one event. Boxed, because the runtime nests what it runs so deeply that the compiler gives
/// up.
pub type Replying<'a, A> = Pin<Box<dyn Future<Output = Result<Reply<A>, Error>> + 'a>>;
