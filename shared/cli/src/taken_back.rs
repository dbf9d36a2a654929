//! A secret that nobody has seen: its only copy was in an answer that could not be written.

use std::fmt::Display;

use crate::Failure;

/// Passes on whether the answer was printed. If it was not, takes back the change whose secret it had, so
/// that the command can be repeated.
///
/// `taken_back` says what has come of it.
pub async fn or_taken_back<T, E: Display>(
    printed: Result<(), Failure>,
    taken_back: &str,
    take_back: impl Future<Output = Result<T, E>>,
) -> Result<(), Failure> {
    let Err(unprinted) = printed else {
        return Ok(());
    };
    let became = match take_back.await {
        Ok(_) => taken_back.to_owned(),
        Err(err) => format!("and it could not be taken back: {err}"),
    };
    Err(Failure::new(format!(
        "the answer could not be written ({unprinted}), and nobody has seen the new secret: {became}"
    )))
}
