/// What is known of a request's route.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RouteName<'a> {
    /// Its key.
    Key(&'a str),
    /// The path of its resource. The route may be for this method or for any.
    Resource { method: &'a str, path: &'a str },
    /// The path that was requested, without its first slash.
    Unknown { method: &'a str, path: &'a str },
}

impl RouteName<'_> {
    /// The key, if it is known. It never contains text that the caller chose.
    pub(crate) fn to_key(self) -> Option<String> {
        match self {
            Self::Key(key) => Some(key.to_owned()),
            Self::Resource { method, path } => Some(format!("{method} {path}")),
            Self::Unknown { .. } => None,
        }
    }
}
