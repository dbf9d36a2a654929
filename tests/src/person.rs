use std::collections::BTreeMap;

use url::Url;
use url::form_urlencoded::Serializer;

use crate::{Answer, HttpRequest, TestIssuer};

/// Somebody with a browser that runs no scripts: it keeps cookies, follows redirects within the issuer, and sends forms as they are.
#[derive(Clone, Debug, Default)]
pub struct Person {
    cookies: BTreeMap<String, String>,
    /// What the browser says about itself.
    headers: Vec<(String, String)>,
}

/// Where a browser has come to.
#[derive(Clone, Debug)]
pub enum Place {
    /// A page of the issuer.
    Page(Page),
    /// A redirect to somewhere else: its whole URL.
    Elsewhere(Url),
}

/// A page of the issuer.
#[derive(Clone, Debug)]
pub struct Page {
    /// What was answered.
    pub answer: Answer,
    /// Its path and query.
    pub target: String,
}

/// A form of a page, as a browser would send it.
#[derive(Clone, Debug)]
pub struct PageForm {
    /// Where it is sent.
    pub action: String,
    /// The hidden fields, and what is filled in already.
    pub fields: Vec<(String, String)>,
    /// The buttons: their names and values.
    pub buttons: Vec<(String, String)>,
}

impl Place {
    /// The page that it is.
    pub fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Elsewhere(url) => panic!("the browser was sent to {url}"),
        }
    }

    /// The address elsewhere that it is.
    pub fn elsewhere(self) -> Url {
        match self {
            Self::Elsewhere(url) => url,
            Self::Page(page) => panic!(
                "the browser is on a page ({}): {}",
                page.answer.status,
                page.text()
            ),
        }
    }
}

impl Person {
    /// Somebody with a browser that has been nowhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, whose browser sends this header with every request.
    #[must_use]
    pub fn sending(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a cookie, by the end of its name.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut cookies = self.cookies.iter();
        let found = cookies.find(|(one, _)| one.ends_with(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Puts a cookie into the browser, as somebody who can write to it.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Opens a path of the issuer, or an address.
    pub fn open(&mut self, issuer: &TestIssuer, target: &str) -> Place {
        let target = target.strip_prefix(&issuer.url).unwrap_or(target);
        self.follow(issuer, HttpRequest::get(target), target)
    }

    /// Sends the form of a page that has this button, with what the person enters.
    pub fn press(
        &mut self,
        issuer: &TestIssuer,
        page: &Page,
        button: &str,
        entered: &[(&str, &str)],
    ) -> Place {
        let form = page.form_with(button);
        let (name, value) = form.button(button);
        let mut fields: Vec<(&str, &str)> = Vec::new();
        for (field, filled) in &form.fields {
            let by_hand = entered.iter().find(|(one, _)| one == field);
            fields.push((field, by_hand.map_or(filled.as_str(), |(_, text)| text)));
        }
        if !name.is_empty() {
            fields.push((name, value));
        }
        self.send(issuer, &form.action, &fields)
    }

    /// Sends these fields to a path of the issuer by a form.
    pub fn send(&mut self, issuer: &TestIssuer, action: &str, fields: &[(&str, &str)]) -> Place {
        let mut encoded = Serializer::new(String::new());
        let body = encoded.extend_pairs(fields).finish();
        let request = HttpRequest::post(action, body).header("sec-fetch-site", "same-origin");
        self.follow(issuer, request, action)
    }

    /// Sends one request with the cookies, and keeps those that come back. No redirect is followed.
    pub fn request(&mut self, issuer: &TestIssuer, request: HttpRequest) -> Answer {
        let cookies = self.cookies.iter();
        let cookies: Vec<String> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = request;
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value.as_str());
        }
        let answer = issuer.send(&request);
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a value");
            for attribute in ["Path=/", "HttpOnly", "SameSite=Lax"] {
                assert!(attributes.contains(attribute), "{cookie}");
            }
            match attributes.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    fn follow(&mut self, issuer: &TestIssuer, request: HttpRequest, target: &str) -> Place {
        let (mut request, mut target) = (request, target.to_owned());
        for _ in 0..10 {
            let answer = self.request(issuer, request);
            let Some(location) = answer.header("location") else {
                return Place::Page(Page { answer, target });
            };
            assert_eq!(answer.status, 303, "RFC 9700 §4.12");
            let base = Url::parse(&issuer.url).expect("a URL");
            let next = base.join(location).expect("a URL");
            if next.origin() != base.origin() {
                return Place::Elsewhere(next);
            }
            target = next[url::Position::BeforePath..].to_owned();
            request = HttpRequest::get(&target);
        }
        panic!("too many redirects");
    }
}

impl Page {
    /// What a person reads on it.
    pub fn text(&self) -> String {
        let body = self
            .answer
            .body
            .split("</style>")
            .last()
            .unwrap_or_default();
        let mut text = String::new();
        let mut is_tag = false;
        for character in body.chars() {
            match character {
                '<' => is_tag = true,
                '>' => {
                    is_tag = false;
                    text.push(' ');
                }
                _ if is_tag => {}
                _ => text.push(character),
            }
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        unescaped(&words.join(" "))
    }

    /// Its forms, in order.
    pub fn forms(&self) -> Vec<PageForm> {
        let forms = self.answer.body.split("<form").skip(1);
        forms.map(PageForm::parse).collect()
    }

    /// The form with a button of this value or text.
    pub fn form_with(&self, button: &str) -> PageForm {
        let mut forms = self.forms().into_iter();
        let found = forms.find(|form| form.buttons.iter().any(|(_, value)| value == button));
        found.unwrap_or_else(|| panic!("no button {button} on the page: {}", self.text()))
    }

    /// Whether it has a button of this value or text.
    pub fn has_button(&self, button: &str) -> bool {
        let forms = self.forms();
        let mut buttons = forms.iter().flat_map(|form| &form.buttons);
        buttons.any(|(_, value)| value == button)
    }
}

impl PageForm {
    fn parse(text: &str) -> Self {
        let text = text.split("</form>").next().unwrap_or_default();
        let (head, inside) = text.split_once('>').expect("a tag");
        let mut form = Self {
            action: attribute(head, "action").expect("an action"),
            fields: Vec::new(),
            buttons: Vec::new(),
        };
        for tag in inside.split('<') {
            let (tag, label) = tag.split_once('>').unwrap_or((tag, ""));
            let name = attribute(tag, "name").unwrap_or_default();
            let value = attribute(tag, "value");
            if tag.starts_with("input") && !name.is_empty() {
                form.fields.push((name, value.unwrap_or_default()));
            } else if tag.starts_with("button") {
                let shown = unescaped(label.trim());
                form.buttons.push((name, value.unwrap_or(shown)));
            }
        }
        form
    }

    fn button(&self, value: &str) -> (&str, &str) {
        let mut buttons = self.buttons.iter();
        let found = buttons.find(|(_, one)| one == value);
        let (name, value) = found.expect("the button");
        (name, value)
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = tag[start..].split('"').next()?;
    Some(unescaped(value))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
