//! Takes out of the feed what concerns no token any more. Records of single tokens and grants are
//! deleted when they expire; those of clients, subjects and API keys stay, and leave the feed.

use tokensmith_verifier::Timestamp;

use super::pass::SKEW;
use crate::store::{StoreError, Table};

/// Takes the clients, subjects and API keys out of the feed whose last revoked token had expired at `now`, and
/// returns how many they were. A call takes at most 1,000; the next one does the rest.
///
/// Safe to run twice at once, and to be killed at any point.
///
/// # Errors
/// [`StoreError`] when the table fails.
pub async fn sweep_feed(table: &Table, now: Timestamp) -> Result<usize, StoreError> {
    let dead_at = now.before(SKEW);
    let (mut swept, mut read, mut after) = (0, 0, None);
    loop {
        let (places, next) = table.query_dead_in_feed(dead_at, after, PAGE).await?;
        read += places.len();
        for place in places.iter().filter(|place| place.is_of_lasting_record()) {
            table.leave_feed(place).await?;
            swept += 1;
        }
        match next {
            Some(_) if read < MOST => after = next,
            _ => return Ok(swept),
        }
    }
}

const PAGE: i32 = 100;
const MOST: usize = 1000;
