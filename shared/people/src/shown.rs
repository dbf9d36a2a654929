//! What is asked for, in words.

use tokensmith_issuer::names::{Audience, Scope, Scopes};
use tokensmith_issuer::store::records::Resource;
use tokensmith_pages::ConsentAccess;

/// Scopes that are asked for one resource, or about the person.
pub(crate) struct ShownAccess {
    resource: Option<String>,
    scopes: Vec<(String, Option<String>)>,
}

impl ShownAccess {
    /// What is about the person first, then what is about the resource.
    pub(crate) fn of(
        scopes: &Scopes,
        audiences: &[Audience],
        resource: Option<&Resource>,
    ) -> Vec<Self> {
        let about_people = scopes.about_people();
        let others = scopes.iter();
        let others = others.filter(|scope| !about_people.has(scope.as_str()));
        let others: Scopes = others.cloned().collect();
        let mut shown = Vec::new();
        if !about_people.is_empty() {
            shown.push(Self {
                resource: None,
                scopes: described(&about_people, None),
            });
        }
        if !others.is_empty() {
            let name = resource.and_then(|resource| resource.name.clone());
            let first = audiences.first().map(ToString::to_string);
            shown.push(Self {
                resource: name.or(first),
                scopes: described(&others, resource),
            });
        }
        shown
    }

    /// Each scope, with what its resource says about it.
    pub(crate) fn scopes(&self) -> Vec<(&str, Option<&str>)> {
        let scopes = self.scopes.iter();
        let scopes = scopes.map(|(name, description)| (name.as_str(), description.as_deref()));
        scopes.collect()
    }

    /// All of it as a page lists it, with the `scopes` of each.
    pub(crate) fn on_a_page<'a>(
        shown: &'a [Self],
        scopes: &'a [Vec<(&'a str, Option<&'a str>)>],
    ) -> Vec<ConsentAccess<'a>> {
        let each = shown.iter().zip(scopes);
        let each = each.map(|(one, scopes)| ConsentAccess {
            resource: one.resource.as_deref(),
            scopes,
        });
        each.collect()
    }
}

fn described(scopes: &Scopes, resource: Option<&Resource>) -> Vec<(String, Option<String>)> {
    let description = |scope: &Scope| {
        let mut defined = resource?.scopes.iter();
        let found = defined.find(|defined| defined.name == *scope);
        found.map(|defined| defined.description.clone())
    };
    let scopes = scopes.iter();
    let scopes = scopes.map(|scope| (scope.to_string(), description(scope)));
    scopes.collect()
}
