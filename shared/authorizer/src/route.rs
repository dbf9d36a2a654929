use std::str::FromStr;

use crate::pattern::Pattern;

/// A route of API Gateway: `GET /orders/{id}`, `ANY /files/{path+}`, or `$default`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Route {
    key: String,
    /// `None` stands for all methods.
    method: Option<String>,
    path: Pattern,
}

impl Route {
    /// Its name in API Gateway.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether API Gateway can give this request to the route.
    pub(crate) fn takes(&self, method: &str, path: &Pattern) -> bool {
        let own = self.method.as_deref();
        own.is_none_or(|own| own == method) && self.path.takes(path)
    }

    /// Whether two routes differ only in the names of their parameters.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.is_default() == other.is_default()
            && self.method == other.method
            && self.path == other.path
    }

    /// Whether a request can fit both routes.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.shares_method_with(other) && self.path.overlaps(&other.path)
    }

    /// Whether API Gateway gives a request that fits both to this route.
    pub(crate) fn goes_before(&self, other: &Self) -> bool {
        let rank = |route: &Self| (route.is_default(), route.method.is_none());
        let (own, others) = (rank(self), rank(other));
        (own.0, self.path.rank(), own.1) < (others.0, other.path.rank(), others.1)
    }

    /// Whether the policy for this route also matches requests that belong to `other`.
    pub(crate) fn spills_into(&self, other: &Self) -> bool {
        let beyond = self.path.beyond();
        self.shares_method_with(other) && beyond.iter().any(|path| path.overlaps(&other.path))
    }

    /// The resources, below API and stage, by which a policy names the route.
    pub(crate) fn resources(&self) -> Vec<String> {
        match self.is_default() {
            true => vec!["*".to_owned()],
            false => self.with_methods(&self.path.in_policy()),
        }
    }

    /// The resources that [`resources`](Self::resources) matches beyond the route.
    pub(crate) fn resources_beyond(&self) -> Vec<String> {
        let beyond = self.path.beyond();
        beyond
            .iter()
            .flat_map(|path| self.with_methods(path))
            .collect()
    }

    pub(crate) fn is_default(&self) -> bool {
        self.key == DEFAULT
    }

    /// Names every method, because a `*` in its place would also match a part of the path.
    fn with_methods(&self, path: &Pattern) -> Vec<String> {
        let path = path.to_resource();
        let with = |method: &str| format!("{method}/{path}");
        match &self.method {
            Some(method) => vec![with(method)],
            None => METHODS.into_iter().map(with).collect(),
        }
    }

    fn shares_method_with(&self, other: &Self) -> bool {
        match (&self.method, &other.method) {
            (Some(own), Some(others)) => own == others,
            _ => true,
        }
    }
}

impl FromStr for Route {
    type Err = InvalidRoute;

    fn from_str(key: &str) -> Result<Self, InvalidRoute> {
        let (method, path) = match key.split_once(' ') {
            _ if key == DEFAULT => (None, Pattern::everything()),
            Some(("ANY", path)) => (None, Pattern::of_route(path).ok_or(InvalidRoute)?),
            Some((method, path)) if METHODS.contains(&method) => (
                Some(method.to_owned()),
                Pattern::of_route(path).ok_or(InvalidRoute)?,
            ),
            _ => return Err(InvalidRoute),
        };
        Ok(Self {
            key: key.to_owned(),
            method,
            path,
        })
    }
}

/// The text is not a route key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a route is METHOD /path/{{parameter}}, ANY /path/{{rest+}} or $default")]
pub struct InvalidRoute;

const DEFAULT: &str = "$default";

/// The methods that API Gateway has routes for.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
