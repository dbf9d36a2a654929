//! The dates in JWTs that others have made.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use tokensmith_verifier::Timestamp;

/// RFC 7519 §2: seconds since 1970, which may have a fraction.
pub(crate) fn numeric_date<'de, D: Deserializer<'de>>(date: D) -> Result<Timestamp, D::Error> {
    let seconds = f64::deserialize(date)?;
    match (0.0..MAX_DATE).contains(&seconds) {
        true => Ok(Timestamp::from_seconds(seconds as u64)),
        false => Err(D::Error::custom("not a date")),
    }
}

/// The same, for a date that may be absent.
pub(crate) fn optional_numeric_date<'de, D>(date: D) -> Result<Option<Timestamp>, D::Error>
where
    D: Deserializer<'de>,
{
    numeric_date(date).map(Some)
}

/// The year 9999. What lies further ahead is no date.
const MAX_DATE: f64 = 253_402_300_800.0;
