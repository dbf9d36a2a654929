use serde::Serialize;
use tokensmith_verifier::VerifiedClaims;

use crate::arn::ResourceArn;
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
    /// What a token may do. API Gateway may apply it to later requests as well, so it does not depend
    /// on this one: it lists the routes that the token's scopes permit, below this API and stage.
    ///
    /// Two things are said of the request itself: that it is denied, when it is; and that it is
    /// allowed, when its route is one that no list can name without opening another.
    pub(crate) fn of_token(
        claims: &VerifiedClaims,
        routes: Option<&RouteScopes>,
        arn: &ResourceArn<'_>,
        route: RouteName<'_>,
        permitted: Option<Matched<'_>>,
    ) -> Self {
        let Some(routes) = routes else {
            return Self::new(vec![arn.sibling("*")], vec![]);
        };
        let permissions = routes.permissions(claims);
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
            // Who asks has chosen a path that a policy would read as several.
            Some(_) => {}
        }
        if let RouteName::Unknown { .. } = route {
            // Which route takes an escaped path cannot be told, so no list opens one.
            denied.push(arn.sibling("*%*"));
        }
        Self::new(allowed, denied)
    }

    /// What is said to who has no good token.
    pub(crate) fn of_nobody(arn: &ResourceArn<'_>) -> Self {
        Self::new(vec![], vec![arn.sibling("*")])
    }

    /// Allows and denies resources, each by its ARN. What is in neither is denied, and what is in both
    /// too.
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
