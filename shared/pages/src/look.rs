//! What all pages have in common, prepared once: the style, and the policies that admit it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::brand::Brand;
use crate::colour::Colour;
use crate::form_post::SUBMIT;

/// How the pages of a brand look.
#[derive(Debug)]
pub struct Look {
    pub(crate) brand: Brand,
    pub(crate) style: String,
    pub(crate) icon: String,
    policy: String,
    form_post_policy: String,
}

impl Look {
    /// Prepares the pages of `brand`.
    pub fn new(brand: Brand) -> Self {
        let colour = brand.colour.unwrap_or(COLOUR);
        let style = style_in(colour);
        let images = brand.logo.as_ref().and_then(|logo| logo.origin());
        Self {
            policy: policy(&style, images, None),
            form_post_policy: policy(&style, images, Some(SUBMIT)),
            icon: icon_in(colour),
            brand,
            style,
        }
    }

    /// The value of `Content-Security-Policy` for every page but [`FormPost`](crate::FormPost).
    ///
    /// It has no `form-action`, because Chromium applies that to every redirect that follows a form, and the
    /// last of them goes to the client (CSP level 3, §6.4.2).
    pub fn content_security_policy(&self) -> &str {
        &self.policy
    }

    /// The value of `Content-Security-Policy` for [`FormPost`](crate::FormPost), which has one script.
    pub fn form_post_policy(&self) -> &str {
        &self.form_post_policy
    }
}

/// The style sheet, with the colours of a brand in front of it. In the dark, a brand that can hardly be seen
/// there is lighter.
fn style_in(colour: Colour) -> String {
    let light = colour.apart_from(LIGHT);
    let dark = colour.apart_from(DARK).visible_on(DARK, 3.0);
    format!(
        ":root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}\n{STYLE}",
        variables(light, LIGHT),
        variables(dark, DARK),
    )
}

/// A brand's colour on `ground`: what is filled with it, the ink on that, its edge, and text in it.
fn variables(colour: Colour, ground: Colour) -> String {
    format!(
        "--brand:{colour};--ink:{};--edge:{};--accent:{}",
        colour.ink(),
        colour.visible_on(ground, 3.0),
        // A little more than is needed on the card, because there is also text on a tinted ground.
        colour.visible_on(ground, 5.5),
    )
}

/// A browser that is told of no icon asks for `/favicon.ico`.
fn icon_in(colour: Colour) -> String {
    let fill = colour.to_string().replace('#', "%23");
    format!(
        "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>\
         <rect width='16' height='16' rx='4' fill='{fill}'/></svg>"
    )
}

/// Nothing is fetched, framed or run but what is named here: the style, the logo, and perhaps a script.
fn policy(style: &str, images: Option<&str>, script: Option<&str>) -> String {
    let mut policy = format!(
        "default-src 'none'; style-src {}; img-src data:",
        source(style)
    );
    if let Some(origin) = images {
        policy.push(' ');
        policy.push_str(origin);
    }
    if let Some(script) = script {
        policy.push_str("; script-src ");
        policy.push_str(&source(script));
    }
    policy.push_str("; base-uri 'none'; frame-ancestors 'none'");
    policy
}

/// The source expression of an inline element with this text (CSP level 3, §2.3.1).
fn source(text: &str) -> String {
    let hash = STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!("'sha256-{hash}'")
}

/// The colour of a brand that has none.
const COLOUR: Colour = Colour::new(0x0a, 0x6a, 0x5c);
/// The cards, as the style sheet has them in the light and in the dark.
const LIGHT: Colour = Colour::WHITE;
const DARK: Colour = Colour::new(0x1b, 0x1e, 0x22);
const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests {
    use super::*;

    /// The colour of a variable in one of the two blocks of the style sheet, the light one and the dark one.
    fn variable(name: &str, block: usize) -> Colour {
        let after = STYLE.split(&format!("--{name}: ")).nth(block + 1).unwrap();
        let text = after.split(';').next().unwrap();
        match text {
            "#fff" => Colour::WHITE,
            text => text.parse().unwrap(),
        }
    }

    #[test]
    fn the_cards_are_those_of_the_style_sheet() {
        assert_eq!(variable("card", 0), LIGHT);
        assert_eq!(variable("card", 1), DARK);
    }

    /// WCAG 2.2, success criteria 1.4.3 (text) and 1.4.11 (the edges of fields).
    #[test]
    fn everything_can_be_read_in_the_light_and_in_the_dark() {
        for block in [0, 1] {
            for (text, ground, contrast) in [
                ("text", "card", 7.0),
                ("text", "raised", 7.0),
                ("muted", "card", 4.5),
                ("muted", "raised", 4.5),
                ("bad", "bad-ground", 4.5),
                ("good", "good-ground", 4.5),
                ("good", "card", 4.5),
                ("field", "card", 3.0),
                ("bad", "card", 3.0),
            ] {
                let found = variable(text, block).contrast(variable(ground, block));
                assert!(
                    found >= contrast,
                    "{text} on {ground} in block {block}: {found}"
                );
            }
        }
    }

    #[test]
    fn a_policy_names_the_origin_of_the_logo_and_no_more() {
        let with = |logo: Option<&str>| {
            let logo = logo.map(|logo| logo.parse().unwrap());
            let name = "Example".to_owned();
            let look = Look::new(Brand {
                name,
                logo,
                colour: None,
            });
            let policy = look.content_security_policy();
            let images = policy.split("; ").find(|part| part.starts_with("img-src"));
            images.unwrap().to_owned()
        };
        assert_eq!(with(None), "img-src data:");
        assert_eq!(with(Some("data:image/png;base64,aGk=")), "img-src data:");
        assert_eq!(
            with(Some("https://cdn.example.com:8443/logo.svg?v=2;script-src")),
            "img-src data: https://cdn.example.com:8443"
        );
    }
}
