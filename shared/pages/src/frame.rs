//! What is around every page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::language::Language;
use crate::look::Look;

/// How wide the card is.
#[derive(Clone, Copy)]
pub(crate) enum Width {
    /// One question.
    Narrow,
    /// Lists.
    Wide,
}

/// A whole document. `title` is plain text; `content` has the one `h1`.
pub(crate) fn document(
    look: &Look,
    language: Language,
    title: &str,
    width: Width,
    content: &Markup,
) -> String {
    let brand = &look.brand;
    let is_wide = matches!(width, Width::Wide);
    let page = html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " – " (brand.name) }
                link rel="icon" href=(look.icon);
                style { (PreEscaped(&look.style)) }
            }
            body {
                div .card .wide[is_wide] {
                    header .brand {
                        @if let Some(logo) = &brand.logo {
                            // The name is written beside it.
                            img .logo src=(logo.as_str()) alt="";
                        } @else {
                            span .mark aria-hidden="true" { (initial(&brand.name)) }
                        }
                        span { (brand.name) }
                    }
                    main { (content) }
                }
            }
        }
    };
    page.into_string()
}

/// The first letter of a name, for its mark.
pub(crate) fn initial(name: &str) -> String {
    let letter = name.chars().find(|letter| letter.is_alphanumeric());
    letter.into_iter().flat_map(char::to_uppercase).collect()
}
