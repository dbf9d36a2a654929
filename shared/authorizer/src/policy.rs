use serde::Serialize;

use crate::arn::ResourceArn;
use crate::principal::Principal;
use crate::route_name::RouteName;
use crate::route_scopes::{Matched, RouteScopes};

/// An IAM policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    version: &'static str,
    statement: Vec<Statement>,
}

impl PolicyDocument {
    /// The policy for a valid token or key. API Gateway may cache it and apply it to later requests, so it
    /// does not depend on this one: it lists the routes of this API and stage that the token's
    /// scopes permit.
    ///
    /// The policy names the request itself in two cases: it is denied, or its route cannot be
    /// listed without allowing another route as well.
    pub(crate) fn of_caller(
        principal: &Principal,
        routes: Option<&RouteScopes>,
        arn: &ResourceArn<'_>,
        route: RouteName<'_>,
        permitted: Option<Matched<'_>>,
    ) -> Self {
        let Some(routes) = routes else {
            return Self::new(vec![arn.sibling("*")], vec![]);
        };
        let permissions = routes.permissions(principal);
        let below = |resources: &[String]| -> Vec<String> {
            let resources = resources.iter();
            resources.map(|resource| arn.sibling(resource)).collect()
        };
        let mut allowed = below(&permissions.allowed);
        let mut denied = below(&permissions.denied);
        match permitted {
            None => denied.push(arn.as_str().to_owned()),
            Some(route) if permissions.include(route) => {}
            Some(_) if arn.is_literal() => allowed.push(arn.as_str().to_owned()),
            // The caller chose a path with wildcards, which a policy would read as several paths.
            Some(_) => {}
        }
        if let RouteName::Unknown { .. } = route {
            // Which route takes an escaped path cannot be told, so no list opens one.
            denied.push(arn.sibling("*%*"));
        }
        Self::new(allowed, denied)
    }

    /// The policy for a request without a valid token, or beyond the limit of the resource.
    pub(crate) fn of_nobody(arn: &ResourceArn<'_>) -> Self {
        Self::new(vec![], vec![arn.sibling("*")])
    }

    /// Allows and denies resources, each by its ARN. A resource in neither list, or in both, is
    /// denied.
    fn new(allowed: Vec<String>, denied: Vec<String>) -> Self {
        let statements = [("Allow", allowed), ("Deny", denied)].into_iter();
        let statements = statements.filter(|(_, resource)| !resource.is_empty());
        Self {
            version: "2012-10-17",
            statement: statements
                .map(|(effect, resource)| Statement {
                    action: "execute-api:Invoke",
                    effect,
                    resource,
                })
                .collect(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    action: &'static str,
    effect: &'static str,
    resource: Vec<String>,
}
