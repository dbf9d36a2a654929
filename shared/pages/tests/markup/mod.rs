//! Reads the HTML that the templates write: lower-case names, double quotes around every value.

/// An opening tag.
#[derive(Debug)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute, as it is written.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a person sees this field.
    pub fn is_shown(&self) -> bool {
        self.value("type") != Some("hidden") && self.value("hidden").is_none()
    }

    /// Its name and those of its attributes.
    pub fn shape(&self) -> String {
        let names: Vec<_> = self
            .attributes
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        format!("{} {}", self.name, names.join(" "))
    }
}

/// The text of the one style element.
pub fn style(html: &str) -> &str {
    let (_, rest) = html.split_once("<style>").unwrap();
    rest.split_once("</style>").unwrap().0
}

/// The document without the text of its style.
pub fn without_style(html: &str) -> String {
    html.replacen(style(html), "", 1)
}

/// Every opening tag. A `<` can only be where one begins: in text and in values it is escaped.
pub fn tags(html: &str) -> Vec<Tag> {
    let html = without_style(html);
    let opening = |text: &&str| text.starts_with(|first: char| first.is_ascii_alphabetic());
    html.split('<').filter(opening).map(tag).collect()
}

fn tag(text: &str) -> Tag {
    let end = text.find([' ', '>']).unwrap();
    let (name, mut rest) = text.split_at(end);
    let mut attributes = Vec::new();
    while let Some(attribute) = rest.strip_prefix(' ') {
        let end = attribute.find(['=', ' ', '>']).unwrap();
        let (name, after) = attribute.split_at(end);
        let value = match after.strip_prefix("=\"") {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"').unwrap();
                rest = after;
                value
            }
            None => {
                rest = after;
                ""
            }
        };
        attributes.push((name.to_owned(), value.to_owned()));
    }
    assert!(rest.starts_with('>'), "<{text}");
    Tag {
        name: name.to_owned(),
        attributes,
    }
}
