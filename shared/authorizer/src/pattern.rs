//! Paths of routes, as sets of paths that can be compared.

/// A set of paths, segment by segment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pattern(Vec<Segment>);

/// The ordering puts specific patterns first, as API Gateway does: a literal before a parameter
/// before a greedy parameter.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Segment {
    Literal(String),
    /// Any one segment: `{id}`.
    One,
    /// One or more segments: `{path+}`, or a `*` in a policy, which matches slashes as well.
    Several,
}

impl Pattern {
    /// Every path.
    pub(crate) fn everything() -> Self {
        Self(vec![Segment::Several])
    }

    /// The path of a route: `/orders/{id}`, `/files/{path+}`.
    pub(crate) fn of_route(path: &str) -> Option<Self> {
        let segments = path.strip_prefix('/')?.split('/');
        let segments: Option<Vec<_>> = segments.map(Segment::of_route).collect();
        let route = Self(segments?);
        let (_, before) = route.0.split_last()?;
        // A greedy parameter must be the last segment, and no segment may be empty.
        let is_route = !before.contains(&Segment::Several)
            && !route.0.contains(&Segment::Literal(String::new()));
        (route.is_root() || is_route).then_some(route)
    }

    /// One path as it was requested, without its first slash.
    pub(crate) fn of_request(path: &str) -> Option<Self> {
        let literal = |segment: &str| Segment::Literal(segment.to_owned());
        let segments: Vec<_> = path.split('/').map(literal).collect();
        // A path with a doubled or trailing slash or an escape matches nothing, because only API
        // Gateway knows which route it belongs to: `/orders/%65xport` may be `/orders/export`.
        let is_plain = path.is_empty() || !segments.contains(&literal(""));
        (is_plain && !path.contains('%')).then_some(Self(segments))
    }

    /// Whether API Gateway can give a requested path to this route. No parameter matches the root.
    pub(crate) fn takes(&self, requested: &Self) -> bool {
        self.overlaps(requested) && self.is_root() == requested.is_root()
    }

    fn is_root(&self) -> bool {
        self.0 == [Segment::Literal(String::new())]
    }

    /// Whether a path is in both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        overlap(&self.0, &other.0)
    }

    /// Whether API Gateway prefers this pattern for the paths that are in both.
    pub(crate) fn rank(&self) -> impl Ord + '_ {
        let literal = Segment::Literal(String::new());
        let kind = move |segment: &Segment| match segment {
            Segment::Literal(_) => literal.clone(),
            other => other.clone(),
        };
        self.0.iter().map(kind).collect::<Vec<_>>()
    }

    /// The paths that a policy with a `*` for each parameter matches.
    pub(crate) fn in_policy(&self) -> Self {
        let widened = self.0.iter().map(|segment| match segment {
            Segment::One => Segment::Several,
            other => other.clone(),
        });
        Self(widened.collect())
    }

    /// The paths that [`in_policy`](Self::in_policy) matches beyond the route: those with a slash
    /// in a parameter.
    pub(crate) fn beyond(&self) -> Vec<Self> {
        let parameters = self.0.iter().enumerate();
        let parameters = parameters.filter(|(_, segment)| **segment == Segment::One);
        parameters
            .map(|(at, _)| {
                let mut doubled = self.in_policy();
                doubled.0.insert(at, Segment::Several);
                doubled
            })
            .collect()
    }

    /// The pattern as a policy writes it.
    pub(crate) fn to_resource(&self) -> String {
        let segments = self.0.iter().map(|segment| match segment {
            Segment::Literal(text) => text,
            Segment::One | Segment::Several => "*",
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

impl Segment {
    fn of_route(text: &str) -> Option<Self> {
        let is_name = |name: &str| !name.is_empty() && !name.contains(['{', '}', '+']);
        let parameter = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'));
        match parameter {
            Some(name) => match name.strip_suffix('+') {
                Some(greedy) => is_name(greedy).then_some(Self::Several),
                None => is_name(name).then_some(Self::One),
            },
            // A literal must not contain what a policy reads as a wildcard or a variable.
            None => {
                let allowed = |byte: u8| byte.is_ascii_graphic() && !b"*?${}\"\\".contains(&byte);
                text.bytes()
                    .all(allowed)
                    .then(|| Self::Literal(text.to_owned()))
            }
        }
    }
}

fn overlap(a: &[Segment], b: &[Segment]) -> bool {
    let (Some((head_a, rest_a)), Some((head_b, rest_b))) = (a.split_first(), b.split_first())
    else {
        return a.is_empty() && b.is_empty();
    };
    let same = match (head_a, head_b) {
        (Segment::Literal(one), Segment::Literal(other)) => one == other,
        _ => true,
    };
    same && (overlap(rest_a, rest_b)
        || (*head_a == Segment::Several && overlap(a, rest_b))
        || (*head_b == Segment::Several && overlap(rest_a, b)))
}
