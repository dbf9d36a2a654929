//! The standard claims (OpenID Connect Core 1.0 §5.1): their names, the scope that asks for each (§5.4), and what
//! their values look like.

use serde_json::{Map, Value};

use crate::names::Scopes;
use crate::store::records::User;

/// A claim about a person that everybody understands in the same way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StandardClaim {
    /// Its name.
    pub name: &'static str,
    /// The scope that asks for it.
    pub scope: &'static str,
    /// What its value looks like.
    pub form: ClaimForm,
}

/// What the value of a claim looks like, as JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClaimForm {
    /// A string that is not empty.
    Text,
    /// An absolute URL.
    Url,
    /// `YYYY-MM-DD`, where the year may be `0000`, or `YYYY` alone.
    Date,
    /// `true` or `false`.
    Flag,
    /// An object of strings (§5.1.1).
    Address,
    /// When the others were last changed. It is counted, and nobody sets it.
    Changed,
}

/// Every standard claim but `sub`, which every answer has.
pub const STANDARD_CLAIMS: [StandardClaim; 19] = [
    claim("name", PROFILE, ClaimForm::Text),
    claim("family_name", PROFILE, ClaimForm::Text),
    claim("given_name", PROFILE, ClaimForm::Text),
    claim("middle_name", PROFILE, ClaimForm::Text),
    claim("nickname", PROFILE, ClaimForm::Text),
    claim(PREFERRED_USERNAME, PROFILE, ClaimForm::Text),
    claim("profile", PROFILE, ClaimForm::Url),
    claim("picture", PROFILE, ClaimForm::Url),
    claim("website", PROFILE, ClaimForm::Url),
    claim("gender", PROFILE, ClaimForm::Text),
    claim("birthdate", PROFILE, ClaimForm::Date),
    claim("zoneinfo", PROFILE, ClaimForm::Text),
    claim("locale", PROFILE, ClaimForm::Text),
    claim(UPDATED_AT, PROFILE, ClaimForm::Changed),
    claim("email", "email", ClaimForm::Text),
    claim("email_verified", "email", ClaimForm::Flag),
    claim("address", "address", ClaimForm::Address),
    claim("phone_number", "phone", ClaimForm::Text),
    claim("phone_number_verified", "phone", ClaimForm::Flag),
];

const fn claim(name: &'static str, scope: &'static str, form: ClaimForm) -> StandardClaim {
    StandardClaim { name, scope, form }
}

impl StandardClaim {
    /// The claim of this name.
    pub fn named(name: &str) -> Option<Self> {
        STANDARD_CLAIMS.into_iter().find(|claim| claim.name == name)
    }

    /// Whether it can have this value. What is not known is no claim at all, so neither `null` nor an empty
    /// string is a value (OpenID Connect Core 1.0 §5.3.2).
    ///
    /// # Errors
    /// [`InvalidClaim`] says what its values look like.
    pub fn check(self, value: &Value) -> Result<(), InvalidClaim> {
        let fits = match self.form {
            ClaimForm::Text => is_text(value),
            ClaimForm::Url => is_url(value),
            ClaimForm::Date => value.as_str().is_some_and(is_date),
            ClaimForm::Flag => value.is_boolean(),
            ClaimForm::Address => value.as_object().is_some_and(is_address),
            ClaimForm::Changed => return Err(InvalidClaim::NotYours(self.name)),
        };
        let wrong = || InvalidClaim::Value(self.name, self.form.described());
        fits.then_some(()).ok_or_else(wrong)
    }
}

impl ClaimForm {
    const fn described(self) -> &'static str {
        match self {
            Self::Text => "a string that is not empty",
            Self::Url => "a URL that begins with https:// or http://",
            Self::Date => "a date as \"YYYY-MM-DD\", \"0000-MM-DD\" or \"YYYY\"",
            Self::Flag => "true or false",
            Self::Address => {
                "an object of strings, with some of: formatted, street_address, locality, region, postal_code, country"
            }
            Self::Changed => "a time in seconds since 1970",
        }
    }
}

/// Checks all that is known about a person.
///
/// # Errors
/// [`InvalidClaim`] says which rule is broken.
pub fn check(claims: &Map<String, Value>) -> Result<(), InvalidClaim> {
    for (name, value) in claims {
        let claim = StandardClaim::named(name);
        let claim = claim.ok_or_else(|| InvalidClaim::Unknown(name.clone()))?;
        claim.check(value)?;
    }
    match serde_json::to_vec(claims).is_ok_and(|json| json.len() <= MAX_BYTES) {
        true => Ok(()),
        false => Err(InvalidClaim::TooLong),
    }
}

/// What a client with these scopes is told about a person: `sub` always, and no claim that is not known
/// (OpenID Connect Core 1.0 §5.3.2, §5.4).
pub fn told(user: &User, scopes: &Scopes) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("sub".to_owned(), user.subject.as_str().into());
    for claim in STANDARD_CLAIMS {
        if !scopes.has(claim.scope) {
            continue;
        }
        if let Some(value) = value_of(claim, user) {
            told.insert(claim.name.to_owned(), value);
        }
    }
    told
}

fn value_of(claim: StandardClaim, user: &User) -> Option<Value> {
    if claim.form == ClaimForm::Changed {
        return Some(user.updated_at.seconds().into());
    }
    // A release that knows a form better must not repeat what an earlier one has stored.
    let known = user.claims.get(claim.name);
    let known = known.filter(|value| claim.check(value).is_ok()).cloned();
    // Whoever signs in by a name is called by it, unless they say otherwise.
    let own_name = (claim.name == PREFERRED_USERNAME).then(|| user.name.as_str().into());
    known.or(own_name)
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

fn is_url(value: &Value) -> bool {
    let host = |url: &str| {
        let rest = ["https://", "http://"].map(|scheme| url.strip_prefix(scheme).map(str::len));
        rest.into_iter().flatten().any(|length| length > 0)
    };
    let url = value.as_str();
    url.is_some_and(|url| host(url) && url.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn is_date(text: &str) -> bool {
    let number = |part: &str, digits: usize| {
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<u16>().ok()).flatten()
    };
    match text.split('-').collect::<Vec<_>>()[..] {
        [year] => number(year, 4).is_some(),
        [year, month, day] => match (number(year, 4), number(month, 2), number(day, 2)) {
            (Some(year), Some(month), Some(day)) => (1..=days_of(year, month)).contains(&day),
            _ => false,
        },
        _ => false,
    }
}

/// The year `0000`, which is not told, may have a 29 February.
fn days_of(year: u16, month: u16) -> u16 {
    let is_leap_year =
        year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year => 29,
        2 => 28,
        _ => 0,
    }
}

fn is_address(members: &Map<String, Value>) -> bool {
    let known = |name: &String| ADDRESS_MEMBERS.contains(&name.as_str());
    let mut all = members.iter();
    !members.is_empty() && all.all(|(name, value)| known(name) && is_text(value))
}

/// Why something cannot be known about a person.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidClaim {
    /// No client would understand it.
    #[error(
        "{0:?} is no standard claim (OpenID Connect Core 1.0 §5.1), such as name, email or locale"
    )]
    Unknown(String),
    /// The service itself says when something was changed.
    #[error("{0} is set by tokensmith, whenever a claim changes")]
    NotYours(&'static str),
    /// Its value has another form.
    #[error("the claim {0} must be {1}")]
    Value(&'static str, &'static str),
    /// Together they would make answers too long.
    #[error("all claims of a person take at most {MAX_BYTES} bytes together, as JSON")]
    TooLong,
}

const PROFILE: &str = "profile";
const PREFERRED_USERNAME: &str = "preferred_username";
const UPDATED_AT: &str = "updated_at";

/// OpenID Connect Core 1.0 §5.1.1.
const ADDRESS_MEMBERS: [&str; 6] = [
    "formatted",
    "street_address",
    "locality",
    "region",
    "postal_code",
    "country",
];

/// Far more than a person needs, and still one unit of a read.
const MAX_BYTES: usize = 3 * 1024;

#[cfg(test)]
mod tests;
