//! The events that API Gateway calls a Lambda authorizer with: of HTTP APIs in payload format 2.0
//! or 1.0, and of REST APIs with an authorizer of type TOKEN or REQUEST.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use tokensmith_issuer::endpoint::check::{Asked, ExpectedTable};

use crate::arn::ResourceArn;
use crate::route_name::RouteName;

/// An event of any kind. Members that only other kinds have stay empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AuthorizerEvent {
    /// API Gateway's events have no such member: whoever may invoke the function asks for a check.
    tokensmith: Option<Asked>,
    #[serde(rename = "new_table")]
    new_table: bool,
    version: Option<String>,
    #[serde(rename = "type")]
    authorizer_type: Option<String>,
    /// The ARN in HTTP APIs with format 2.0; the others have the next member.
    route_arn: Option<String>,
    method_arn: Option<String>,
    /// TOKEN authorizers have this in place of headers. Format 1.0 repeats its identity sources
    /// here.
    authorization_token: Option<Secret>,
    headers: AuthorizationValues,
    multi_value_headers: AuthorizationValues,
    /// HTTP APIs in format 2.0.
    route_key: Option<String>,
    http_method: Option<String>,
    resource: Option<String>,
    request_context: RouteContext,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RouteContext {
    request_id: Option<String>,
    /// HTTP APIs with format 1.0 have the route's key here, and REST APIs an id of their own.
    resource_id: Option<String>,
    resource_path: Option<String>,
}

/// The kind of API that asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EventKind {
    /// An HTTP API, payload format 2.0.
    HttpV2,
    /// An HTTP API, payload format 1.0.
    HttpV1,
    /// A REST API.
    Rest,
}

/// A request that is to be authorized.
#[derive(Debug)]
pub(crate) struct AuthorizationRequest<'a> {
    pub(crate) kind: EventKind,
    pub(crate) arn: ResourceArn<'a>,
    pub(crate) route: RouteName<'a>,
    /// The values of its `Authorization` headers.
    pub(crate) authorization: Vec<&'a [u8]>,
    pub(crate) request_id: Option<&'a str>,
}

impl AuthorizerEvent {
    /// The check that it asks for, if it is no request.
    pub fn check(&self) -> Option<ExpectedTable> {
        ExpectedTable::asked(self.tokensmith, self.new_table)
    }

    /// The request that the event asks about.
    ///
    /// # Errors
    /// [`NotFromAuthorizer`] for an event that API Gateway does not send.
    pub(crate) fn request(&self) -> Result<AuthorizationRequest<'_>, NotFromAuthorizer> {
        let version = self.version.as_deref();
        let (kind, arn, route) = match (version, self.authorizer_type.as_deref()) {
            (Some("2.0"), Some("REQUEST")) => (
                EventKind::HttpV2,
                resource(&self.route_arn)?,
                self.route_key.as_deref().map(RouteName::Key),
            ),
            (Some("1.0"), Some("REQUEST")) => (
                EventKind::HttpV1,
                resource(&self.method_arn)?,
                self.route_key_in_context().or_else(|| self.resource()),
            ),
            (None, Some("REQUEST")) => (
                EventKind::Rest,
                resource(&self.method_arn)?,
                self.resource(),
            ),
            (None, Some("TOKEN")) => {
                let arn = resource(&self.method_arn)?;
                (EventKind::Rest, arn, Some(arn.route()))
            }
            _ => return Err(NotFromAuthorizer),
        };
        Ok(AuthorizationRequest {
            kind,
            arn,
            route: route.ok_or(NotFromAuthorizer)?,
            authorization: match self.authorizer_type.as_deref() {
                Some("TOKEN") => self
                    .authorization_token
                    .iter()
                    .map(Secret::as_bytes)
                    .collect(),
                _ => self.authorization(),
            },
            request_id: self.request_context.request_id.as_deref(),
        })
    }

    fn route_key_in_context(&self) -> Option<RouteName<'_>> {
        let id = self.request_context.resource_id.as_deref()?;
        let is_key = id.starts_with('$') || id.contains(" /");
        is_key.then_some(RouteName::Key(id))
    }

    fn resource(&self) -> Option<RouteName<'_>> {
        let in_context = self.request_context.resource_path.as_deref();
        Some(RouteName::Resource {
            method: self.http_method.as_deref()?,
            path: in_context.or(self.resource.as_deref())?,
        })
    }

    fn authorization(&self) -> Vec<&[u8]> {
        // Events with `multiValueHeaders` have the last value of each header in `headers` as well.
        let (one, several) = (&self.headers.0, &self.multi_value_headers.0);
        let headers = if several.is_empty() { one } else { several };
        headers.iter().map(Secret::as_bytes).collect()
    }
}

fn resource(arn: &Option<String>) -> Result<ResourceArn<'_>, NotFromAuthorizer> {
    let arn = arn.as_deref().and_then(ResourceArn::parse);
    arn.ok_or(NotFromAuthorizer)
}

/// The event is not one that API Gateway calls an authorizer with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the event is not one of an API Gateway authorizer")]
pub struct NotFromAuthorizer;

/// A value that may be a token.
#[derive(Deserialize)]
#[serde(transparent)]
struct Secret(String);

impl Secret {
    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Reads every value of every `Authorization` member of a headers object, whatever the case of its
/// name. It is not parsed as a map, because a map would hide a member that occurs twice.
#[derive(Debug, Default)]
struct AuthorizationValues(Vec<Secret>);

impl<'de> Deserialize<'de> for AuthorizationValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = AuthorizationValues;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of headers, or null")
    }

    fn visit_unit<E>(self) -> Result<AuthorizationValues, E> {
        Ok(AuthorizationValues::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut headers: A) -> Result<AuthorizationValues, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Values {
            One(Secret),
            Several(Vec<Secret>),
        }
        let mut found = Vec::new();
        while let Some(IsAuthorization(wanted)) = headers.next_key()? {
            match wanted.then(|| headers.next_value()).transpose()? {
                Some(Values::One(value)) => found.push(value),
                Some(Values::Several(values)) => found.extend(values),
                None => {
                    headers.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(AuthorizationValues(found))
    }
}

/// Whether a header's name is `Authorization` (RFC 9110 §5.1: names have no case).
struct IsAuthorization(bool);

impl<'de> Deserialize<'de> for IsAuthorization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = IsAuthorization;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a header")
            }

            fn visit_str<E>(self, name: &str) -> Result<IsAuthorization, E> {
                Ok(IsAuthorization(name.eq_ignore_ascii_case("authorization")))
            }
        }

        deserializer.deserialize_str(Name)
    }
}
