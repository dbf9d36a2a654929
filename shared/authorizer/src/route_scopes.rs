//! The scopes that each route requires, and the permissions in a policy that follow from them.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use tokensmith_verifier::RequiredScopes;

use crate::pattern::Pattern;
use crate::principal::Principal;
use crate::route::Route;
use crate::route_name::RouteName;
use crate::size::{AROUND_BYTES, STAGE_BYTES};

/// The routes of an API, each with the scopes that it requires. Requests to any other route are
/// denied.
#[derive(Clone, Debug)]
pub struct RouteScopes {
    routes: Vec<RouteEntry>,
}

#[derive(Clone, Debug)]
struct RouteEntry {
    route: Route,
    required: RequiredScopes,
    /// The indexes of routes that take a part of this one's requests.
    within: Vec<usize>,
    /// The indexes of routes whose requests the policy for this one matches as well.
    beyond: Vec<usize>,
}

/// The route that a request belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matched<'a> {
    index: usize,
    /// Its key.
    pub(crate) key: &'a str,
    /// The scopes that it requires.
    pub(crate) required: &'a RequiredScopes,
}

/// What a policy permits: resources below API and stage.
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    pub(crate) allowed: Vec<String>,
    /// Denials, which take precedence.
    pub(crate) denied: Vec<String>,
    listed: Vec<usize>,
}

impl Permissions {
    /// Whether a route is among what is allowed.
    pub(crate) fn include(&self, route: Matched<'_>) -> bool {
        self.listed.contains(&route.index)
    }
}

impl RouteScopes {
    /// The most that an answer with a policy takes, in bytes. API Gateway takes
    /// [`MAX_ANSWER_BYTES`](crate::MAX_ANSWER_BYTES). A policy allows or denies each route, and denies
    /// what the wildcards for its parameters would match beyond it.
    pub fn max_answer_bytes(&self) -> usize {
        let resources = self.routes.iter().flat_map(|entry| {
            let route = &entry.route;
            route
                .resources()
                .into_iter()
                .chain(route.resources_beyond())
        });
        let bytes: usize = resources.map(|resource| STAGE_BYTES + resource.len()).sum();
        AROUND_BYTES + bytes
    }

    /// The route of a request. API Gateway names the route, except to a TOKEN authorizer.
    pub(crate) fn route_of(&self, name: RouteName<'_>) -> Option<Matched<'_>> {
        let index = match name {
            RouteName::Key(key) => self.with_key(key),
            RouteName::Resource { method, path } => self
                .with_key(&format!("{method} {path}"))
                .or_else(|| self.with_key(&format!("ANY {path}"))),
            RouteName::Unknown { method, path } => self.taking(method, path),
        }?;
        let RouteEntry {
            route, required, ..
        } = &self.routes[index];
        Some(Matched {
            index,
            key: route.key(),
            required,
        })
    }

    /// The permissions of a token for all its requests: the routes that its scopes permit, and
    /// nothing that belongs to another route.
    ///
    /// A `*` in a policy matches slashes, so a route with parameters is listed together with
    /// denials of the other routes that it would allow. A denial takes precedence wherever it
    /// matches, so a route whose denials would close another permitted route is left out, and is
    /// permitted request by request.
    pub(crate) fn permissions(&self, principal: &Principal) -> Permissions {
        let permitted = |entry: &RouteEntry| principal.meets(&entry.required);
        let permitted: Vec<bool> = self.routes.iter().map(permitted).collect();
        let mut permissions = Permissions::default();
        for index in (0..self.routes.len()).filter(|index| permitted[*index]) {
            if let Some(denied) = self.denials_for(index, &permitted) {
                permissions
                    .allowed
                    .extend(self.routes[index].route.resources());
                permissions.denied.extend(denied);
                permissions.listed.push(index);
            }
        }
        permissions.denied.sort();
        permissions.denied.dedup();
        permissions
    }

    /// The denials with which a route can be allowed; `None` when they would close a permitted
    /// route.
    fn denials_for(&self, index: usize, permitted: &[bool]) -> Option<Vec<String>> {
        let entry = &self.routes[index];
        let mut denied = Vec::new();
        let mut rivals = entry.within.clone();
        match entry.beyond.iter().any(|other| permitted[*other]) {
            true => rivals.extend(&entry.beyond),
            false => denied.extend(entry.route.resources_beyond()),
        }
        for rival in rivals.into_iter().filter(|rival| !permitted[*rival]) {
            let rival = &self.routes[rival];
            let mut closed = rival.within.iter().chain(&rival.beyond);
            if closed.any(|other| permitted[*other]) {
                return None;
            }
            denied.extend(rival.route.resources());
        }
        Some(denied)
    }

    fn with_key(&self, key: &str) -> Option<usize> {
        self.routes
            .iter()
            .position(|entry| entry.route.key() == key)
    }

    fn taking(&self, method: &str, path: &str) -> Option<usize> {
        let path = Pattern::of_request(path)?;
        let takes =
            |entry: &RouteEntry| !entry.route.is_default() && entry.route.takes(method, &path);
        let taking = (0..self.routes.len()).filter(|index| takes(&self.routes[*index]));
        taking.reduce(|first, other| {
            let goes_before = self.routes[other]
                .route
                .goes_before(&self.routes[first].route);
            if goes_before { other } else { first }
        })
    }

    fn new(routes: Vec<(Route, RequiredScopes)>) -> Self {
        let others = |index: usize, condition: &dyn Fn(&Route) -> bool| -> Vec<usize> {
            let others = routes.iter().enumerate();
            let others = others.filter(|(other, (route, _))| *other != index && condition(route));
            others.map(|(other, _)| other).collect()
        };
        let entries = routes
            .iter()
            .enumerate()
            .map(|(index, (route, required))| RouteEntry {
                within: others(index, &|other| {
                    other.overlaps(route) && other.goes_before(route)
                }),
                beyond: others(index, &|other| route.spills_into(other)),
                route: route.clone(),
                required: required.clone(),
            });
        Self {
            routes: entries.collect(),
        }
    }
}

impl FromStr for RouteScopes {
    type Err = serde_json::Error;

    /// Parses a JSON object: `{"GET /orders/{id}": "orders:read", "$default": "admin"}`.
    fn from_str(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}

impl<'de> Deserialize<'de> for RouteScopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RoutesVisitor)
    }
}

struct RoutesVisitor;

impl<'de> Visitor<'de> for RoutesVisitor {
    type Value = RouteScopes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of routes and the scopes that they require")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RouteScopes, A::Error> {
        let mut routes: Vec<(Route, RequiredScopes)> = Vec::new();
        while let Some((key, required)) = map.next_entry::<String, RequiredScopes>()? {
            let route: Route = key.parse().map_err(A::Error::custom)?;
            if routes.iter().any(|(other, _)| other.is_same_as(&route)) {
                return Err(A::Error::custom("a route is there twice"));
            }
            routes.push((route, required));
        }
        Ok(RouteScopes::new(routes))
    }
}
