//! The account page, on every host: what a person ends there has ended for the client.

use tokensmith_tests::{Answer, HttpRequest, Page, Person, Place};

use super::{PASSWORD, World};

impl World {
    /// The account page of somebody who signs in there if they have to.
    fn account_in(&self, person: &mut Person) -> Page {
        let page = person.open(&self.issuer, "/account").page();
        match page.has_button("Sign in") {
            false => page,
            true => {
                let entered = [("user_name", self.user.as_str()), ("password", PASSWORD)];
                person
                    .press(&self.issuer, &page, "Sign in", &entered)
                    .page()
            }
        }
    }

    fn refresh(&self, refresh_token: &str) -> Answer {
        self.issuer
            .send(&HttpRequest::refresh(&self.client, refresh_token))
    }
}

fn is_account(place: Place) -> bool {
    place.page().has_button("sign-out-everywhere")
}

#[test]
fn rfc7009_what_a_person_takes_back_has_ended_for_the_client() {
    let mut world = World::new();
    let flow = world.flow("openid offline_access read");
    let code = world.code(&flow);
    let tokens = flow.redeem(&world.issuer, &code).tokens();
    let mut person = world.person.clone();
    let page = world.account_in(&mut person);
    assert!(page.text().contains(&world.client.id), "{}", page.text());
    let page = person
        .press(&world.issuer, &page, "revoke-grant", &[])
        .page();
    assert!(
        page.text().contains("The access is removed"),
        "{}",
        page.text()
    );
    world
        .refresh(&tokens.refresh)
        .assert_refused(400, "invalid_grant");
    // The client asks again, and gets it without a question: that was agreed to, until it is taken back, too.
    assert!(matches!(
        flow.begin(&mut person, &world.issuer),
        Place::Elsewhere(_)
    ));
    let page = world.account_in(&mut person);
    let page = person
        .press(&world.issuer, &page, "revoke-consent", &[])
        .page();
    assert!(page.text().contains("asked again"), "{}", page.text());
    let asked = world
        .flow("openid")
        .begin(&mut person, &world.issuer)
        .page();
    assert!(asked.has_button("allow"), "{}", asked.text());
}

#[test]
fn a_person_signs_out_of_another_browser_and_everywhere() {
    let world = World::new();
    let (mut one, mut other) = (Person::new(), Person::new());
    world.account_in(&mut one);
    let page = world.account_in(&mut other);
    let page = other.press(&world.issuer, &page, "end-session", &[]).page();
    assert!(page.text().contains("signed out"), "{}", page.text());
    assert!(!is_account(one.open(&world.issuer, "/account")));
    let page = world.account_in(&mut one);
    let page = one.press(&world.issuer, &page, "sign-out-everywhere", &[]);
    assert!(page.page().text().contains("You are signed out"));
    for person in [&mut one, &mut other] {
        assert!(!is_account(person.open(&world.issuer, "/account")));
    }
}

#[test]
fn a_new_password_signs_out_everywhere_else() {
    let world = World::new();
    let (mut one, mut other) = (Person::new(), Person::new());
    world.account_in(&mut other);
    let page = world.account_in(&mut one);
    let new = "another phrase of words";
    let entered = [("current_password", PASSWORD), ("new_password", new)];
    let page = one
        .press(&world.issuer, &page, "change-password", &entered)
        .page();
    assert!(
        page.text().contains("password is changed"),
        "{}",
        page.text()
    );
    assert!(is_account(one.open(&world.issuer, "/account")));
    let page = other.open(&world.issuer, "/account").page();
    for (password, opens) in [(PASSWORD, false), (new, true)] {
        let entered = [("user_name", world.user.as_str()), ("password", password)];
        let place = other.press(&world.issuer, &page, "Sign in", &entered);
        assert_eq!(is_account(place), opens);
    }
}
