//! The buttons that lead to upstreams.

use tokensmith_issuer::store::records::Upstream;
use tokensmith_pages::UpstreamLink;
use tokensmith_verifier::paths;
use url::form_urlencoded::Serializer;

/// Where signing in begins, for each upstream.
pub(crate) struct Links(Vec<String>);

impl Links {
    /// Each link has `sealed` with it, under this name.
    pub(crate) fn of(upstreams: &[Upstream], parameter: &str, sealed: &str) -> Self {
        let links = upstreams.iter().map(|upstream| {
            let mut query = Serializer::new(String::new());
            query
                .append_pair("name", upstream.name.as_str())
                .append_pair(parameter, sealed);
            format!("{}?{}", paths::UPSTREAM, query.finish())
        });
        Self(links.collect())
    }

    /// As the page has them.
    pub(crate) fn shown<'a>(&'a self, upstreams: &'a [Upstream]) -> Vec<UpstreamLink<'a>> {
        let links = self.0.iter().zip(upstreams);
        let links = links.map(|(href, upstream)| UpstreamLink {
            name: upstream.shown_name(),
            href,
        });
        links.collect()
    }
}
