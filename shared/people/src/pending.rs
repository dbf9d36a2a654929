use serde::{Deserialize, Serialize};
use tokensmith_issuer::authorization::Parameters;
use tokensmith_issuer::credential::random_id;

/// An authorization request on its way through the pages.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Pending {
    /// Its random name: whoever approves it twice makes one grant.
    pub(crate) id: String,
    /// What the client has sent.
    pub(crate) parameters: Parameters,
    /// The record of the request, if the client has pushed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pushed: Option<String>,
    /// Whether somebody has signed in for it.
    #[serde(default)]
    pub(crate) signed_in: bool,
}

impl Pending {
    pub(crate) fn new(parameters: Parameters) -> Self {
        Self {
            id: random_id(),
            parameters,
            pushed: None,
            signed_in: false,
        }
    }
}

/// What somebody signs in for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Next {
    /// A client wants to be given something.
    Authorize(Box<Pending>),
    /// They want to see what they have given.
    Account,
    /// They want to let a device in, with this code if they came with one.
    Device(Option<String>),
}

impl Next {
    /// The languages that the client has asked for (OpenID Connect Core 1.0 §3.1.2.1).
    pub(crate) fn ui_locales(&self) -> Option<&str> {
        match self {
            Self::Authorize(pending) => pending.parameters.value("ui_locales"),
            Self::Account | Self::Device(_) => None,
        }
    }
}
