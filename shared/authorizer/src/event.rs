//! The events that API Gateway calls a Lambda authorizer with: of HTTP APIs in payload format 2.0
//! or 1.0, and of REST APIs with an authorizer of type TOKEN or REQUEST.

use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use tokensmith_issuer::credential::ApiKeySecret;
use tokensmith_issuer::endpoint::check::{Asked, ExpectedTable};
use tokensmith_verifier::dpop::DPOP_HEADER;

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
    headers: CredentialHeaders,
    multi_value_headers: CredentialHeaders,
    /// HTTP APIs in format 2.0.
    route_key: Option<String>,
    http_method: Option<String>,
    resource: Option<String>,
    /// HTTP APIs in format 2.0; the others have the next member.
    raw_path: Option<String>,
    path: Option<String>,
    request_context: RouteContext,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RouteContext {
    request_id: Option<String>,
    /// HTTP APIs with format 1.0 have the route's key here, and REST APIs an id of their own.
    resource_id: Option<String>,
    resource_path: Option<String>,
    /// HTTP APIs with format 2.0 say here where a request comes from.
    http: Option<Origin>,
    /// The others say it here.
    identity: Option<Origin>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Origin {
    source_ip: Option<String>,
    method: Option<String>,
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
    /// The values of its `DPoP` headers.
    pub(crate) proofs: Vec<&'a [u8]>,
    /// Its method and path, which a TOKEN authorizer is not told.
    pub(crate) method: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
    /// The API keys in its `x-api-key` headers. What is none of ours may be one of API Gateway's own.
    pub(crate) api_keys: Vec<&'a str>,
    /// The address that it comes from, if the event says that.
    pub(crate) source: Option<IpAddr>,
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
        let (authorization, api_keys) = self.credentials();
        let proofs = chosen(&self.headers.proofs, &self.multi_value_headers.proofs);
        let of_http = self.request_context.http.as_ref();
        let method = of_http.and_then(|http| http.method.as_deref());
        Ok(AuthorizationRequest {
            kind,
            arn,
            route: route.ok_or(NotFromAuthorizer)?,
            authorization: authorization.map(Secret::as_bytes).collect(),
            proofs: proofs.iter().map(Secret::as_bytes).collect(),
            method: method.or(self.http_method.as_deref()),
            path: self.raw_path.as_deref().or(self.path.as_deref()),
            api_keys,
            source: self.source(),
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

    /// The values of the `Authorization` headers, and the API keys.
    fn credentials(&self) -> (impl Iterator<Item = &Secret>, Vec<&str>) {
        let (authorization, api_keys) = match self.authorizer_type.as_deref() {
            // Of a TOKEN authorizer, the API has chosen the header.
            Some("TOKEN") => {
                let value = self.authorization_token.as_slice();
                let is_key = value.iter().any(Secret::is_api_key);
                if is_key {
                    (&[][..], value)
                } else {
                    (value, &[][..])
                }
            }
            _ => {
                let (one, several) = (&self.headers, &self.multi_value_headers);
                (
                    chosen(&one.authorization, &several.authorization),
                    chosen(&one.api_key, &several.api_key),
                )
            }
        };
        let api_keys = api_keys.iter().filter(|value| value.is_api_key());
        (authorization.iter(), api_keys.map(Secret::as_str).collect())
    }

    fn source(&self) -> Option<IpAddr> {
        let RouteContext { http, identity, .. } = &self.request_context;
        let origin = http.as_ref().or(identity.as_ref())?;
        origin.source_ip.as_deref()?.parse().ok()
    }
}

/// Events with `multiValueHeaders` have the last value of each header in `headers` as well.
fn chosen<'a>(one: &'a [Secret], several: &'a [Secret]) -> &'a [Secret] {
    if several.is_empty() { one } else { several }
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

    fn as_str(&self) -> &str {
        &self.0
    }

    fn is_api_key(&self) -> bool {
        ApiKeySecret::is_meant(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Reads every value of every `Authorization`, `x-api-key` and `DPoP` member of a headers object, whatever the case of its
/// name. It is not parsed as a map, because a map would hide a member that occurs twice.
#[derive(Debug, Default)]
struct CredentialHeaders {
    authorization: Vec<Secret>,
    proofs: Vec<Secret>,
    api_key: Vec<Secret>,
}

impl<'de> Deserialize<'de> for CredentialHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = CredentialHeaders;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of headers, or null")
    }

    fn visit_unit<E>(self) -> Result<CredentialHeaders, E> {
        Ok(CredentialHeaders::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut headers: A) -> Result<CredentialHeaders, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Values {
            One(Secret),
            Several(Vec<Secret>),
        }
        let mut found = CredentialHeaders::default();
        while let Some(name) = headers.next_key()? {
            let of_name = match name {
                HeaderName::Authorization => &mut found.authorization,
                HeaderName::ApiKey => &mut found.api_key,
                HeaderName::Dpop => &mut found.proofs,
                HeaderName::Other => {
                    headers.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            match headers.next_value()? {
                Values::One(value) => of_name.push(value),
                Values::Several(values) => of_name.extend(values),
            }
        }
        Ok(found)
    }
}

/// What a header's name says of its value (RFC 9110 §5.1: names have no case).
enum HeaderName {
    Authorization,
    ApiKey,
    Dpop,
    Other,
}

impl<'de> Deserialize<'de> for HeaderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = HeaderName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a header")
            }

            fn visit_str<E>(self, name: &str) -> Result<HeaderName, E> {
                let is = |known: &str| name.eq_ignore_ascii_case(known);
                Ok(match () {
                    () if is("authorization") => HeaderName::Authorization,
                    () if is("x-api-key") => HeaderName::ApiKey,
                    () if is(DPOP_HEADER) => HeaderName::Dpop,
                    () => HeaderName::Other,
                })
            }
        }

        deserializer.deserialize_str(Name)
    }
}
