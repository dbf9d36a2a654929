/// The headers of an answer that say how long it may be kept, as they were sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CacheHeaders {
    /// `ETag` (RFC 9110 §8.8.3), quotes included.
    pub etag: Option<String>,
    /// `Cache-Control` (RFC 9111 §5.2).
    pub cache_control: Option<String>,
    /// `Age` (RFC 9111 §5.1): how long a cache on the way has kept it, in seconds.
    pub age: Option<String>,
}

impl CacheHeaders {
    /// For how many more seconds the document is fresh (RFC 9111 §4.2); `None` when the headers do
    /// not say.
    pub fn fresh_for(&self) -> Option<u64> {
        let directives = self.cache_control.as_deref()?.split(',').map(str::trim);
        let mut max_age = None;
        for directive in directives {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Some(0),
                "max-age" if max_age.is_none() => max_age = seconds(value),
                _ => {}
            }
        }
        let age = self.age.as_deref().and_then(seconds).unwrap_or(0);
        max_age.map(|max_age| max_age.saturating_sub(age))
    }
}

fn seconds(text: &str) -> Option<u64> {
    text.trim().trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9111_4_2_freshness_is_max_age_less_age() {
        for (cache_control, age, fresh_for) in [
            ("public, max-age=300", None, Some(300)),
            ("Max-Age=300", Some("100"), Some(200)),
            ("max-age=300", Some("301"), Some(0)),
            ("max-age=\"60\", must-revalidate", None, Some(60)),
            ("max-age=60, no-cache", None, Some(0)),
            ("no-store", None, Some(0)),
            ("max-age=10, max-age=20", None, Some(10)),
            ("max-age=soon", None, None),
            ("max-age=-1", None, None),
            ("public", None, None),
            ("", None, None),
        ] {
            let headers = CacheHeaders {
                etag: None,
                cache_control: Some(cache_control.to_owned()),
                age: age.map(str::to_owned),
            };
            assert_eq!(headers.fresh_for(), fresh_for, "{cache_control} {age:?}");
        }
        assert_eq!(CacheHeaders::default().fresh_for(), None);
    }
}
