//! OpenID Connect RP-Initiated Logout 1.0, on every host.

use tokensmith_tests::{HttpRequest, Place};
use url::form_urlencoded::Serializer;

use super::World;

const OUT: &str = "https://app.example/signed-out";

fn logout(parameters: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    format!("/oauth2/logout?{}", query.extend_pairs(parameters).finish())
}

#[test]
fn rp_initiated_logout_2_a_client_signs_its_person_out() {
    let registered = format!("--post-logout-redirect-uri={OUT}");
    let mut world = World::with(&[&registered]);
    let flow = world.flow("openid");
    let code = world.code(&flow);
    let answer = flow.redeem(&world.issuer, &code);
    let (id_token, refresh_token) = (answer.string("id_token"), answer.refresh_token());
    let asked = logout(&[
        ("id_token_hint", &id_token),
        ("post_logout_redirect_uri", OUT),
        ("state", "s"),
    ]);
    let back = world.person.open(&world.issuer, &asked).elsewhere();
    assert_eq!(back.as_str(), format!("{OUT}?state=s"));
    assert_eq!(world.person.cookie("session"), None);
    let refreshed = HttpRequest::refresh(&world.client, &refresh_token);
    let refreshed = world.issuer.send(&refreshed);
    refreshed.assert_refused(400, "invalid_grant");
    world.sign_in_page(&flow);
}

/// Whoever signs in again in the same browser goes on in the same session, under another cookie.
#[test]
fn rp_initiated_logout_2_what_was_given_before_another_sign_in_ends_as_well() {
    let mut world = World::new();
    let flow = world.flow("openid");
    let code = world.code(&flow);
    let before = flow.redeem(&world.issuer, &code);
    let again = world.flow("openid").with("prompt", "login");
    let page = world.sign_in_page(&again);
    let back = world.sign_in(&page, super::PASSWORD).elsewhere();
    let code = again.code(&world.issuer, &back);
    again.redeem(&world.issuer, &code).tokens();
    let asked = logout(&[("id_token_hint", &before.string("id_token"))]);
    let page = world.person.open(&world.issuer, &asked).page();
    assert!(
        page.text().contains("You are signed out"),
        "{}",
        page.text()
    );
    let refreshed = HttpRequest::refresh(&world.client, &before.refresh_token());
    world
        .issuer
        .send(&refreshed)
        .assert_refused(400, "invalid_grant");
}

#[test]
fn rp_initiated_logout_2_without_an_id_token_the_person_decides() {
    let mut world = World::new();
    let flow = world.flow("openid");
    world.code(&flow);
    for (decision, words) in [("deny", "Your account"), ("allow", "You are signed out")] {
        let asked = logout(&[("client_id", &world.client.id)]);
        let page = world.person.open(&world.issuer, &asked).page();
        assert!(page.text().contains("Sign out?"), "{}", page.text());
        let page = world.decide(&page, decision).page();
        assert!(page.text().contains(words), "{}", page.text());
    }
}

/// RFC 9700 §4.11.
#[test]
fn rfc9700_4_11_logout_sends_nobody_where_its_client_is_not_registered() {
    let mut world = World::new();
    let flow = world.flow("openid");
    let code = world.code(&flow);
    let id_token = flow.redeem(&world.issuer, &code).string("id_token");
    let asked = logout(&[
        ("id_token_hint", &id_token),
        ("post_logout_redirect_uri", OUT),
    ]);
    let page = world.person.open(&world.issuer, &asked).page();
    assert_eq!(page.answer.status, 400);
    assert!(matches!(
        flow.begin(&mut world.person, &world.issuer),
        Place::Elsewhere(_)
    ));
}
