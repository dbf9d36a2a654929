//! What a browser does that is measured: it keeps cookies, and sends forms.

use tokensmith_tests::{Answer, HttpRequest, Page};
use url::Url;

/// The cookies of a browser.
#[derive(Clone, Debug, Default)]
pub struct Browser(Vec<(String, String)>);

impl Browser {
    /// A request as the browser sends it.
    pub fn sending(&self, request: &HttpRequest) -> HttpRequest {
        let cookies = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<_> = cookies.collect();
        let request = request.clone().header("user-agent", USER_AGENT);
        match cookies.is_empty() {
            true => request,
            false => request.header("cookie", cookies.join("; ")),
        }
    }

    /// Keeps the cookies of an answer; one without a value is gone.
    pub fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let pair = cookie.split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a value");
            self.0.retain(|(other, _)| other != name);
            if !value.is_empty() {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// The request by which the form of a page with this button is sent, with what is entered into its fields.
pub fn form_of(answer: &Answer, button: &str, entered: &[(&str, &str)]) -> HttpRequest {
    let page = Page {
        answer: answer.clone(),
        target: String::new(),
    };
    let form = page.form_with(button);
    let mut buttons = form.buttons.iter();
    let pressed = buttons.find(|(_, value)| value == button);
    let (name, value) = pressed.expect("the button");
    let fields = form.fields.iter().map(|(field, filled)| {
        let by_hand = entered.iter().find(|(one, _)| one == field);
        let value = by_hand.map_or(filled.as_str(), |(_, text)| *text);
        (field.as_str(), value)
    });
    let mut fields: Vec<_> = fields.collect();
    if !name.is_empty() {
        fields.push((name, value));
    }
    HttpRequest::form(&form.action, &fields)
}

/// The code that a browser is sent back with.
pub fn code_in(answer: &Answer) -> Option<String> {
    let back = Url::parse(answer.header("location")?).ok()?;
    let mut parameters = back.query_pairs();
    let code = parameters.find(|(name, _)| name == "code");
    code.map(|(_, value)| value.into_owned())
}

/// As long as those of today's browsers.
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
