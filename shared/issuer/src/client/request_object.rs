//! Requests that a client has signed (RFC 9101), which it pushes: whatever carries them cannot change them.

use std::time::Duration;

use serde_json::{Map, Value};
use tokensmith_verifier::jose::UnverifiedJws;
use tokensmith_verifier::{MAX_TOKEN_BYTES, Timestamp};

use super::jwt::LEEWAY;
use super::{ClientKeys, Evidence};
use crate::authorization::Parameters;
use crate::error::{AuthorizationDenied, BadRequest, Error, RequestObjectDenied};
use crate::store::records::Profile;

impl Evidence<'_> {
    /// The parameters in a request object of the client, which has authenticated. Those that were sent beside it do not count
    /// (RFC 9101 §6.3).
    ///
    /// # Errors
    /// [`RequestObjectDenied`] within when it is not accepted; [`BadRequest::RequestTooLong`].
    pub(crate) fn open_request(&self, object: &str, issuer: &str) -> Result<Parameters, Error> {
        let keys = self.keys.as_ref().map(ClientKeys::set);
        let Some(Ok(keys)) = keys else {
            return Err(AuthorizationDenied::RequestNotSupported.into());
        };
        let jws = parse(object).map_err(AuthorizationDenied::RequestObject)?;
        let verified = keys.verify(&jws);
        verified.map_err(|why| RequestObjectDenied::Unproven(why).within())?;
        let profile = self.record().and_then(|client| client.profile);
        let algorithm = jws.header.alg.parse().ok();
        let keeps = |profile: Profile| algorithm.is_some_and(|one| profile.allows(one));
        if !profile.is_none_or(keeps) {
            return Err(RequestObjectDenied::WrongAlgorithm.within().into());
        }
        let claims: Map<String, Value> = jws
            .payload()
            .map_err(|_| RequestObjectDenied::Malformed.within())?;
        let checked = check(&claims, self.client_id().as_str(), issuer)
            .and_then(|()| check_time(&claims, profile.is_some(), self.now()));
        checked.map_err(RequestObjectDenied::within)?;
        Ok(parameters(claims)?)
    }
}

fn parse(object: &str) -> Result<UnverifiedJws<'_>, RequestObjectDenied> {
    let jws = match object.len() <= MAX_TOKEN_BYTES {
        true => UnverifiedJws::parse(object).map_err(|_| RequestObjectDenied::Malformed)?,
        false => return Err(RequestObjectDenied::Malformed),
    };
    let header = &jws.header;
    // What says that it is something else, such as an assertion by the same key, is that (RFC 9101 §10.8).
    match header.typ.is_none() || TYPES.iter().any(|typ| header.has_type(typ)) {
        true => Ok(jws),
        false => Err(RequestObjectDenied::WrongType),
    }
}

/// RFC 9101 §4, §5.2, §10.8.
fn check(
    claims: &Map<String, Value>,
    client: &str,
    issuer: &str,
) -> Result<(), RequestObjectDenied> {
    let is = |name: &str, value: &str| claims.get(name).is_some_and(|one| one == value);
    if !is("iss", client) || !is("client_id", client) {
        return Err(RequestObjectDenied::WrongClient);
    }
    // An assertion has the client as its subject.
    if is("sub", client) {
        return Err(RequestObjectDenied::WrongType);
    }
    let is_for_us = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(|one| one == issuer),
        one => one.is_some_and(|one| one == issuer),
    };
    if !is_for_us {
        return Err(RequestObjectDenied::WrongAudience);
    }
    let nests = ["request", "request_uri"].map(|name| claims.contains_key(name));
    match nests.contains(&true) {
        true => Err(RequestObjectDenied::Malformed),
        false => Ok(()),
    }
}

/// FAPI 2.0 Message Signing §5.3.1: both ends, at most an hour away. `nbf` may be absent where no profile wants it.
fn check_time(
    claims: &Map<String, Value>,
    needs_start: bool,
    now: Timestamp,
) -> Result<(), RequestObjectDenied> {
    let date = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0);
            let seconds = seconds.ok_or(RequestObjectDenied::Malformed)?;
            Ok(Some(Timestamp::from_seconds(seconds as u64)))
        }
    };
    let end = date("exp")?.ok_or(RequestObjectDenied::LivesTooLong)?;
    if now >= end.after(LEEWAY) {
        return Err(RequestObjectDenied::Expired);
    }
    if end > now.after(LIFETIME + LEEWAY) {
        return Err(RequestObjectDenied::LivesTooLong);
    }
    match date("nbf")? {
        None if needs_start => Err(RequestObjectDenied::LivesTooLong),
        Some(start) if start > now.after(LEEWAY) => Err(RequestObjectDenied::NotYetValid),
        Some(start) if now > start.after(LIFETIME + LEEWAY) => Err(RequestObjectDenied::Expired),
        _ => Ok(()),
    }
}

/// The claims that are parameters, as they would have been sent.
fn parameters(claims: Map<String, Value>) -> Result<Parameters, BadRequest> {
    let mut pairs = Vec::new();
    for (name, value) in claims {
        if OF_JWTS.contains(&name.as_str()) {
            continue;
        }
        let values = match value {
            Value::Array(several) if name == "resource" => several,
            one => vec![one],
        };
        let texts = values.into_iter().map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        });
        pairs.extend(texts.map(|text| (name.clone(), text)));
    }
    Parameters::of_pairs(pairs)
}

/// RFC 9101 §4, and what older libraries say.
const TYPES: [&str; 2] = ["oauth-authz-req+jwt", "JWT"];

/// The claims that say something about the object and nothing about the request (RFC 7519 §4.1).
const OF_JWTS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// How far ahead the end, and how long ago the start, of a request object may be.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
