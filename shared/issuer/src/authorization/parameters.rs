use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};

use crate::endpoint::Form;
use crate::error::BadRequest;

/// The parameters of an authorization request, as the client sent them: in the query or in a form (RFC 6749 §3.1), or pushed
/// (RFC 9126).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Those in the query of `uri`.
    ///
    /// # Errors
    /// [`BadRequest`] when they are malformed, or too long to be sent on through pages.
    pub fn of_query(uri: &Uri) -> Result<Self, BadRequest> {
        Self::bounded(Form::of_query(uri.query().unwrap_or_default().as_bytes())?)
    }

    /// The parameters of a page of ours, one of which may be a whole request that is sealed.
    ///
    /// # Errors
    /// [`BadRequest`] when they are malformed.
    pub fn of_page(uri: &Uri) -> Result<Self, BadRequest> {
        let form = Form::of_query(uri.query().unwrap_or_default().as_bytes())?;
        Ok(Self(form.into_parameters()))
    }

    /// Those in the form that is the body.
    ///
    /// # Errors
    /// [`BadRequest`] when it is no form, or one that no correct client sends.
    pub fn of_form(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Self, BadRequest> {
        Self::bounded(Form::parse(uri, headers, body)?)
    }

    /// Those in a form that was parsed.
    ///
    /// # Errors
    /// [`BadRequest::RequestTooLong`] when they are too long to be sent on through pages.
    pub fn bounded(form: Form) -> Result<Self, BadRequest> {
        Self::of_pairs(form.into_parameters())
    }

    /// These, wherever they come from.
    ///
    /// # Errors
    /// [`BadRequest::RequestTooLong`] when they are too long to be sent on through pages.
    pub(crate) fn of_pairs(parameters: Vec<(String, String)>) -> Result<Self, BadRequest> {
        let length = |(name, value): &(String, String)| name.len() + value.len();
        match parameters.iter().map(length).sum::<usize>() <= MAX_BYTES {
            true => Ok(Self(parameters)),
            false => Err(BadRequest::RequestTooLong),
        }
    }

    /// The value of a parameter, if it is there.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut named = self.0.iter().filter(|(one, _)| one == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter that may be repeated.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(one, _)| one == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Without those whose names are given: they say who the client is, and what it proves that with.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// With this one behind them.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As a query.
    pub fn to_query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.0 {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

/// They travel in the address of a page, sealed: with that they still fit into what browsers and gateways take.
const MAX_BYTES: usize = 4096;
