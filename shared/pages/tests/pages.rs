//! What is true of every page, in every state and language.

mod markup;
mod samples;

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use markup::{Tag, style, tags, without_style};
use samples::{Sample, USUAL, Words, samples};
use tokensmith_pages::{Brand, Language, Look};

fn look() -> Look {
    Look::new(Brand {
        name: "Example Cloud".to_owned(),
        logo: None,
        colour: None,
    })
}

/// Every page in every language, with the language.
fn every_page() -> Vec<(Language, Sample)> {
    let look = look();
    let of = |language| {
        samples(&look, language, USUAL)
            .into_iter()
            .map(move |page| (language, page))
    };
    Language::ALL.into_iter().flat_map(of).collect()
}

/// A source expression (CSP level 3, §2.3.1).
fn source(text: &str) -> String {
    format!(
        "'sha256-{}'",
        STANDARD.encode(digest(&SHA256, text.as_bytes()))
    )
}

#[test]
fn every_page_with_its_style_is_smaller_than_15_kb() {
    for (language, page) in every_page() {
        assert!(
            page.html.len() < 15_000,
            "{} {language:?}: {}",
            page.name,
            page.html.len()
        );
    }
}

/// WCAG 2.2, success criteria 2.4.2 and 3.1.1, and one heading and one landmark to jump to.
#[test]
fn every_page_has_a_language_a_title_a_heading_and_a_main_part() {
    let mut titles = BTreeSet::new();
    for (language, page) in every_page() {
        let tags = tags(&page.html);
        let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
        for name in ["html", "title", "main", "h1", "style", "header"] {
            assert_eq!(count(name), 1, "{name} in {}", page.name);
        }
        let html = tags.iter().find(|tag| tag.name == "html").unwrap();
        assert_eq!(html.value("lang"), Some(language.tag()), "{}", page.name);
        let title = page.html.split("<title>").nth(1).unwrap();
        let title = title.split("</title>").next().unwrap();
        let own = title.strip_suffix(" – Example Cloud").unwrap();
        assert!(!own.is_empty());
        titles.insert((own.to_owned(), language.tag()));
    }
    let of = |language: Language| {
        let own = titles.iter().filter(|(_, tag)| *tag == language.tag());
        own.map(|(title, _)| title.clone()).collect::<BTreeSet<_>>()
    };
    let [english, german] = Language::ALL.map(of);
    assert!(english.len() > 20);
    assert!(english.is_disjoint(&german));
}

/// WCAG 2.2, success criterion 3.3.2.
#[test]
fn every_field_has_a_label() {
    let mut fields = 0;
    for (_, page) in every_page() {
        let tags = tags(&page.html);
        let labels: Vec<_> = tags.iter().filter_map(|tag| tag.value("for")).collect();
        for input in tags
            .iter()
            .filter(|tag| tag.name == "input" && tag.is_shown())
        {
            let id = input.value("id").unwrap();
            assert_eq!(
                labels.iter().filter(|label| **label == id).count(),
                1,
                "{id} in {}",
                page.name
            );
            fields += 1;
        }
    }
    assert!(fields > 10);
}

/// HTML, "The id attribute", and ARIA's references, which a screen reader cannot follow otherwise.
#[test]
fn every_id_is_there_once_and_every_reference_has_one() {
    for (_, page) in every_page() {
        let tags = tags(&page.html);
        let ids: Vec<_> = tags.iter().filter_map(|tag| tag.value("id")).collect();
        let different: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), different.len(), "{}: {ids:?}", page.name);
        for name in ["for", "aria-describedby", "aria-labelledby"] {
            for id in tags
                .iter()
                .filter_map(|tag| tag.value(name))
                .flat_map(|ids| ids.split(' '))
            {
                assert!(ids.contains(&id), "{name}={id} in {}", page.name);
            }
        }
    }
}

/// CSP level 3, §6.7.3: an inline element is admitted by the hash of exactly its text.
#[test]
fn the_policy_admits_the_style_that_is_in_the_page_and_nothing_else() {
    let look = look();
    for (_, page) in every_page() {
        let own = source(style(&page.html));
        let (script, policy) = match page.html.split_once("<script>") {
            None => (String::new(), look.content_security_policy()),
            Some((_, rest)) => {
                assert_eq!(page.name, "form-post");
                let script = source(rest.split("</script>").next().unwrap());
                (format!("script-src {script}; "), look.form_post_policy())
            }
        };
        let expected = format!(
            "default-src 'none'; style-src {own}; img-src data:; {script}base-uri 'none'; \
             frame-ancestors 'none'"
        );
        assert_eq!(policy, expected, "{}", page.name);
    }
}

#[test]
fn no_page_has_a_script_or_a_style_in_an_attribute_or_fetches_anything() {
    for (_, page) in every_page() {
        let scripts = usize::from(page.name == "form-post");
        let tags = tags(&page.html);
        assert_eq!(
            tags.iter().filter(|tag| tag.name == "script").count(),
            scripts,
            "{}",
            page.name
        );
        for (name, value) in tags.iter().flat_map(|tag| &tag.attributes) {
            assert!(
                name != "style" && !name.starts_with("on"),
                "{name} in {}",
                page.name
            );
            assert!(
                name != "src" || value.starts_with("data:"),
                "{value} in {}",
                page.name
            );
        }
        let style = style(&page.html);
        assert!(!style.contains("url(") && !style.contains("@import"));
    }
}

/// What is sent comes back with what it belongs to, and never in the query of a URL.
#[test]
fn every_form_is_posted_with_its_hidden_field_and_has_a_button() {
    let mut forms = 0;
    for (_, page) in every_page() {
        let html = without_style(&page.html);
        for form in html.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap();
            forms += 1;
            assert!(
                form.starts_with("method=\"post\" action=\""),
                "{}",
                page.name
            );
            assert_eq!(form.matches("<button ").count().min(1), 1, "{}", page.name);
            if page.name != "form-post" {
                assert_eq!(
                    form.matches("type=\"hidden\" name=\"form\" value=\"v1.")
                        .count(),
                    1
                );
            }
        }
    }
    assert!(forms > 60);
}

/// WCAG 2.2, success criterion 4.1.3: what went wrong is said, and the field that it is about says so too.
#[test]
fn a_problem_is_an_alert_that_its_fields_refer_to() {
    for (name, about) in [
        ("sign-in-wrong", vec!["user_name", "password"]),
        ("device-code-unknown", vec!["user_code"]),
        ("wrong-password", vec!["current_password"]),
        ("password-too-short", vec!["new_password"]),
        ("sign-in-slow", vec![]),
        ("last-way", vec![]),
    ] {
        let pages = every_page();
        for (_, page) in pages.iter().filter(|(_, page)| page.name == name) {
            let tags = tags(&page.html);
            let alert = tags
                .iter()
                .find(|tag| tag.value("role") == Some("alert"))
                .unwrap();
            assert_eq!(alert.value("id"), Some("problem"));
            let is_invalid = |tag: &&Tag| tag.value("aria-invalid") == Some("true");
            let invalid: Vec<_> = tags.iter().filter(is_invalid).collect();
            let names: Vec<_> = invalid.iter().filter_map(|tag| tag.value("name")).collect();
            assert_eq!(names, about, "{name}");
            for tag in invalid {
                assert!(tag.value("aria-describedby").unwrap().contains("problem"));
            }
        }
    }
}

/// Whatever others write, the page has the elements and attributes that it always has.
#[test]
fn what_others_write_is_text() {
    let look = look();
    for language in Language::ALL {
        let usual = samples(&look, language, USUAL);
        let hostile = samples(&look, language, HOSTILE);
        for (page, hostile) in usual.iter().zip(&hostile) {
            let shape =
                |page: &Sample| -> Vec<_> { tags(&page.html).iter().map(Tag::shape).collect() };
            assert_eq!(shape(page), shape(hostile), "{}", page.name);
            assert!(!hostile.html.contains("<script>\""), "{}", page.name);
        }
        let all: String = hostile
            .iter()
            .map(|page| without_style(&page.html))
            .collect();
        for name in FIELDS {
            let escaped = format!("&lt;script&gt;&quot;'&amp;{name}");
            assert!(all.contains(&escaped), "{name} is on no page");
        }
    }
}

/// A name that turns the direction of writing around must not turn around the words beside it.
#[test]
fn names_that_others_choose_are_isolated() {
    let look = look();
    let words = Words {
        client: "\u{202e}evil",
        ..USUAL
    };
    for page in samples(&look, Language::English, words) {
        let html = without_style(&page.html);
        let (_, body) = html.split_once("<body>").unwrap();
        let all = body.matches("\u{202e}evil").count();
        let isolated = body.matches(">\u{202e}evil</bdi>").count();
        assert_eq!(all, isolated, "{}", page.name);
    }
}

/// The brand is configured, and still it is only text.
#[test]
fn a_brand_is_text_too() {
    let look = Look::new(Brand {
        name: "<script>\"'& & Sons".to_owned(),
        logo: Some(
            "https://cdn.example.com/a\"onerror=\"x.svg"
                .parse()
                .unwrap(),
        ),
        colour: Some("#6d28d9".parse().unwrap()),
    });
    for page in samples(&look, Language::English, USUAL) {
        let tags = tags(&page.html);
        assert!(tags.iter().all(|tag| tag.value("onerror").is_none()));
        let logo = tags.iter().find(|tag| tag.name == "img").unwrap();
        assert_eq!(
            logo.value("src"),
            Some("https://cdn.example.com/a&quot;onerror=&quot;x.svg")
        );
        let whole = page
            .html
            .matches("&lt;script&gt;&quot;'&amp; &amp; Sons")
            .count();
        // In the title and beside the logo.
        assert_eq!(whole, 2, "{}", page.name);
        assert!(style(&page.html).starts_with(":root{--brand:#6d28d9;"));
    }
}

const HOSTILE: Words = Words {
    client: "<script>\"'&client",
    user_name: "<script>\"'&user_name",
    display_name: "<script>\"'&display_name",
    host: "<script>\"'&host",
    resource: "<script>\"'&resource",
    scope: "<script>\"'&scope",
    description: "<script>\"'&description",
    browser: "<script>\"'&browser",
    source: "<script>\"'&source",
    upstream: "<script>\"'&upstream",
    href: "<script>\"'&href",
    code: "<script>\"'&code",
    detail: "<script>\"'&detail",
    form: "<script>\"'&form",
    token: "<script>\"'&token",
    id: "<script>\"'&id",
};
const FIELDS: [&str; 16] = [
    "client",
    "user_name",
    "display_name",
    "host",
    "resource",
    "scope",
    "description",
    "browser",
    "source",
    "upstream",
    "href",
    "code",
    "detail",
    "form",
    "token",
    "id",
];
