//! What `user create` and `user update` say about a person.

use clap::Args;
use serde_json::{Map, Value};
use tokensmith_issuer::admin::UserChanges;

use crate::one_value::named_json;

/// Standard claims (OpenID Connect Core 1.0 §5.1).
#[derive(Args)]
pub struct Claims {
    /// The e-mail address (claim `email`)
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Whether somebody has made sure that the address is the user's (claim `email_verified`)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    email_verified: Option<bool>,
    /// The name that people call the user, in full (claim `name`)
    #[arg(long, value_name = "TEXT")]
    full_name: Option<String>,
    /// The first name (claim `given_name`)
    #[arg(long, value_name = "TEXT")]
    given_name: Option<String>,
    /// The last name (claim `family_name`)
    #[arg(long, value_name = "TEXT")]
    family_name: Option<String>,
    /// Another standard claim, with its value as JSON: 'locale="de-DE"' or phone_number_verified=true; may be repeated
    #[arg(long = "claim", value_name = "NAME=JSON", value_parser = named_json)]
    others: Vec<(String, Value)>,
}

impl Claims {
    pub fn into_map(self) -> Map<String, Value> {
        let of = |name: &str, value: Option<Value>| value.map(|value| (name.to_owned(), value));
        let own = [
            of("email", self.email.map(Value::from)),
            of("email_verified", self.email_verified.map(Value::from)),
            of("name", self.full_name.map(Value::from)),
            of("given_name", self.given_name.map(Value::from)),
            of("family_name", self.family_name.map(Value::from)),
        ];
        own.into_iter().flatten().chain(self.others).collect()
    }
}

/// What only `user update` says.
#[derive(Args)]
pub struct Difference {
    /// The name of a claim that is known no longer; may be repeated
    #[arg(long = "remove-claim", value_name = "NAME")]
    removed: Vec<String>,
}

impl Difference {
    /// All changes.
    pub fn with(self, claims: Claims) -> UserChanges {
        UserChanges {
            claims: claims.into_map(),
            removed_claims: self.removed,
        }
    }
}
