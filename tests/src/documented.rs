//! What docs/events.md says of the lines of the log: which events there are, and which fields each has. The page is the only
//! list of them, so that tests compare the code and the lines of scenarios with what operators read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The fields of a line, and whether each is always there.
pub type Fields = BTreeMap<String, bool>;

/// The events of one section, with all the fields that each has.
pub type Events = BTreeMap<String, Fields>;

/// The page.
#[derive(Debug)]
pub struct Documented {
    /// The events of each section, by its heading.
    pub sections: BTreeMap<String, Events>,
    /// The fields that are explained.
    pub explained: BTreeSet<String>,
}

impl Documented {
    /// Reads the page's text.
    pub fn read(page: &str) -> Self {
        let mut documented = Self {
            sections: BTreeMap::new(),
            explained: BTreeSet::new(),
        };
        let (mut heading, mut common) = ("", Fields::new());
        for line in page.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                (heading, common) = (title, Fields::new());
            } else if let Some((_, fields)) = line.split_once("Each line has ") {
                common = fields_in(fields);
            } else if let Some(row) = line.strip_prefix("| `") {
                let cells: Vec<&str> = row.trim_end_matches('|').split(" | ").collect();
                let name = cells[0].trim_end_matches('`');
                if heading == "Fields" {
                    documented.explained.insert(name.to_owned());
                } else if !common.is_empty() {
                    let mut fields = fields_in(cells[cells.len() - 1]);
                    fields.extend(common.clone());
                    let section = documented.sections.entry(heading.to_owned()).or_default();
                    section.insert(name.to_owned(), fields);
                }
            }
        }
        documented
    }

    /// Whether the line is one that the page describes: it has all the fields that its event always has, and none that
    /// it never has.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, line: &Value) -> Result<(), String> {
        let members = line.as_object().ok_or("it is no object")?;
        let event = line["event"].as_str().ok_or("it has no event")?;
        let mut described = self
            .sections
            .values()
            .filter_map(|events| events.get(event));
        let fits = |fields: &Fields| {
            let known = members.keys().all(|name| fields.contains_key(name));
            let mut always = fields.iter().filter(|(_, always)| **always);
            known && always.all(|(name, _)| members.contains_key(name))
        };
        match described.any(fits) {
            true => Ok(()),
            false => Err(format!("docs/events.md describes no such {event}: {line}")),
        }
    }
}

/// The names between backquotes; one with a question mark is not always there.
fn fields_in(text: &str) -> Fields {
    let names = text.split('`').skip(1).step_by(2);
    let fields = names.map(|name| (name.trim_end_matches('?').to_owned(), !name.ends_with('?')));
    fields.collect()
}
