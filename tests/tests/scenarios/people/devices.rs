//! RFC 8628: somebody lets a device in that shows them a code.

use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::{Answer, HttpRequest, Page, Person, TestClient, TestIssuer};
use tokensmith_verifier::jose::SignatureAlgorithm;

use super::{PASSWORD, World};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SCOPES: &str = "openid read";

/// What a device was told.
struct Codes {
    device: String,
    user: String,
    complete: String,
}

fn world() -> World {
    let arguments = ["--public", "--grant=device_code", "--grant=refresh_token"];
    let mut with_audience = arguments.to_vec();
    with_audience.push("--audience=https://api.example/");
    World::with(&with_audience)
}

fn ask(issuer: &TestIssuer, client: &TestClient) -> Codes {
    let request = HttpRequest::form("/oauth2/device_authorization", &[("scope", SCOPES)]);
    let answer = issuer.send(&request.by(client));
    assert_eq!(answer.status, 200, "{}", answer.body);
    Codes {
        device: answer.string("device_code"),
        user: answer.string("user_code"),
        complete: answer.string("verification_uri_complete"),
    }
}

fn poll(world: &World, codes: &Codes) -> Answer {
    let form = [
        ("grant_type", DEVICE_CODE),
        ("device_code", codes.device.as_str()),
    ];
    let request = HttpRequest::form("/oauth2/token", &form).by(&world.client);
    world.issuer.send(&request)
}

impl World {
    /// Opens an address, and signs in there.
    fn arrive(&mut self, target: &str) -> Page {
        let page = self.person.open(&self.issuer, target).page();
        match page.has_button("Sign in") {
            true => self.sign_in(&page, PASSWORD).page(),
            false => page,
        }
    }

    fn enter(&mut self, page: &Page, code: &str) -> Page {
        let entered = [("user_code", code)];
        let next = self.person.press(&self.issuer, page, "Continue", &entered);
        next.page()
    }
}

#[test]
fn rfc8628_3_3_somebody_enters_the_code_and_the_device_gets_tokens() {
    let mut world = world();
    let codes = ask(&world.issuer, &world.client);
    poll(&world, &codes).assert_refused(400, "authorization_pending");
    let page = world.arrive("/device");
    // People type it as they like.
    let page = world.enter(&page, &codes.user.to_lowercase().replace('-', " "));
    for shown in [world.client.id.as_str(), &codes.user] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    let page = world.decide(&page, "allow").page();
    assert!(
        page.text().contains("Your device is connected"),
        "{}",
        page.text()
    );
    let answer = poll(&world, &codes);
    let token = answer.token();
    assert_eq!(token.claims["scope"], SCOPES);
    assert!(token.claims["auth_time"].is_u64());
    assert!(answer.json()["id_token"].is_string());
    let refresh = HttpRequest::refresh(&world.client, &answer.refresh_token());
    let refreshed = world.issuer.send(&refresh);
    assert_eq!(refreshed.token().claims["sub"], token.claims["sub"]);
}

/// RFC 8628 §5.4: a link that somebody else has sent lets nobody in.
#[test]
fn rfc8628_5_4_nothing_is_given_by_opening_a_link() {
    let mut world = world();
    let codes = ask(&world.issuer, &world.client);
    let page = world.arrive(&codes.complete);
    assert!(page.answer.body.contains(&codes.user), "it is filled in");
    assert!(!page.has_button("allow"), "the person compares it first");
    poll(&world, &codes).assert_refused(400, "authorization_pending");
    let page = world.enter(&page, &codes.user);
    let page = world.decide(&page, "deny").page();
    assert!(page.text().contains("Access denied"), "{}", page.text());
    poll(&world, &codes).assert_refused(400, "access_denied");
}

#[test]
fn rfc8628_3_3_a_code_that_nobody_has_is_told_apart_from_no_other() {
    let mut world = world();
    let codes = ask(&world.issuer, &world.client);
    let page = world.arrive("/device");
    let page = world.enter(&page, "nonsense");
    assert_eq!(page.answer.status, 400);
    assert!(
        page.text().contains("no device with this code"),
        "{}",
        page.text()
    );
    let page = world.enter(&page, &codes.user);
    world.decide(&page, "allow").page();
    // Once it is answered, the code means nothing any more.
    let page = world.arrive("/device");
    let page = world.enter(&page, &codes.user);
    assert_eq!(page.answer.status, 400);
    assert_eq!(poll(&world, &codes).status, 200);
}

#[test]
fn of_two_people_with_one_code_the_first_decides() {
    let mut world = world();
    let codes = ask(&world.issuer, &world.client);
    let page = world.arrive("/device");
    let mine = world.enter(&page, &codes.user);
    let first = std::mem::replace(&mut world.person, Person::new());
    let page = world.arrive("/device");
    let theirs = world.enter(&page, &codes.user);
    world.decide(&theirs, "deny").page();
    world.person = first;
    let late = world.decide(&mine, "allow").page();
    assert_ne!(late.answer.status, 200, "{}", late.text());
    poll(&world, &codes).assert_refused(400, "access_denied");
}

/// RFC 9700 §4.7: another session's form decides nothing.
#[test]
fn rfc9700_4_7_a_form_of_another_session_lets_nothing_in() {
    let mut world = world();
    let codes = ask(&world.issuer, &world.client);
    let page = world.arrive("/device");
    let page = world.enter(&page, &codes.user);
    // A thief takes the form along, and makes a victim send it.
    world.person = Person::new();
    world.arrive("/device");
    let refused = world.decide(&page, "allow").page();
    assert_ne!(refused.answer.status, 200, "{}", refused.text());
    poll(&world, &codes).assert_refused(400, "authorization_pending");
}

/// The answer to a device is repeated for a minute: to whoever has its key, once the device has proved one (RFC 9449 §5).
#[test]
fn invariant_13_the_answer_to_a_device_with_a_key_is_repeated_for_that_key() {
    let mut world = world();
    let codes = ask(&world.issuer, &world.client);
    let page = world.arrive("/device");
    let page = world.enter(&page, &codes.user);
    world.decide(&page, "allow").page();
    let polled = |key: Option<&OwnKey>| {
        let form = [
            ("grant_type", DEVICE_CODE),
            ("device_code", codes.device.as_str()),
        ];
        let request = HttpRequest::form("/oauth2/token", &form).by(&world.client);
        world.issuer.send(&match key {
            Some(key) => request.proving(key, &world.issuer.url),
            None => request,
        })
    };
    let [own, thief] = [(); 2].map(|()| OwnKey::new(SignatureAlgorithm::ES256));
    let token = polled(Some(&own)).refresh_token();
    for key in [None, Some(&thief)] {
        polled(key).assert_refused(400, "invalid_dpop_proof");
    }
    assert_eq!(polled(Some(&own)).refresh_token(), token);
}
