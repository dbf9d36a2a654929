use crate::route_name::RouteName;

/// The ARN of a request: `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResourceArn<'a> {
    whole: &'a str,
    /// All of it up to the stage.
    stage: &'a str,
    method: &'a str,
    /// The path as it was requested, without its first slash.
    path: &'a str,
}

impl<'a> ResourceArn<'a> {
    /// `None` when it is the ARN of anything else.
    pub(crate) fn parse(whole: &'a str) -> Option<Self> {
        let service = whole.split(':').nth(2);
        let mut slashes = whole.match_indices('/').map(|(at, _)| at);
        let (api, stage) = (slashes.next(), slashes.next());
        let (Some("execute-api"), Some(_), Some(stage)) = (service, api, stage) else {
            return None;
        };
        let below = &whole[stage + 1..];
        let (method, path) = below.split_once('/').unwrap_or((below, ""));
        Some(Self {
            whole,
            stage: &whole[..stage],
            method,
            path,
        })
    }

    /// The request itself.
    pub(crate) fn as_str(&self) -> &'a str {
        self.whole
    }

    /// Whether a policy that names the request matches nothing else. The caller chooses the path,
    /// which may contain a policy's wildcards.
    pub(crate) fn is_literal(&self) -> bool {
        !self.path.contains(['*', '?', '$'])
    }

    /// A resource below the request's API and stage.
    pub(crate) fn sibling(&self, resource: &str) -> String {
        format!("{}/{resource}", self.stage)
    }

    /// What the ARN says about the route.
    pub(crate) fn route(&self) -> RouteName<'a> {
        RouteName::Unknown {
            method: self.method,
            path: self.path,
        }
    }
}
