//! JWTs that others have signed: a client, or another issuer.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use tokensmith_verifier::jose::UnverifiedJws;
use tokensmith_verifier::{MAX_TOKEN_BYTES, Timestamp};

use crate::error::AssertionDenied;

/// The parts of a JWT. Its `typ` must be absent or one of `types`: what says that it is something else, such as an
/// access token, a DPoP proof or a request object by the same key, is that.
///
/// # Errors
/// [`AssertionDenied`] for what nobody could have signed.
pub(crate) fn parse<'a>(
    text: &'a str,
    types: &[&str],
) -> Result<UnverifiedJws<'a>, AssertionDenied> {
    if text.len() > MAX_TOKEN_BYTES {
        return Err(AssertionDenied::AssertionTooLong);
    }
    let jws = UnverifiedJws::parse(text)?;
    let header = &jws.header;
    match header.typ.is_none() || types.iter().any(|typ| header.has_type(typ)) {
        true => Ok(jws),
        false => Err(AssertionDenied::WrongAssertionType),
    }
}

/// Judges when a JWT is valid: until `end`, and from `iat` and `nbf` on.
///
/// # Errors
/// [`AssertionDenied`] before and after that.
pub(crate) fn check_time(
    end: Timestamp,
    iat: Option<Timestamp>,
    nbf: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), AssertionDenied> {
    if now >= end.after(LEEWAY) {
        return Err(AssertionDenied::AssertionExpired);
    }
    match iat
        .max(nbf)
        .is_some_and(|starts| starts > now.after(LEEWAY))
    {
        true => Err(AssertionDenied::AssertionNotYetValid),
        false => Ok(()),
    }
}

/// How far the clocks of whoever signs and of this issuer may differ.
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);

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
