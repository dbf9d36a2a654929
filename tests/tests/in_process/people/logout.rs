//! OpenID Connect RP-Initiated Logout 1.0.

use super::*;

const OUT: &str = "https://app.example/signed-out?tenant=a";

/// A scene whose client has people sent to [`OUT`], signed in to it.
struct SignedIn {
    scene: Scene,
    browser: Browser,
    id_token: String,
    session: String,
}

impl SignedIn {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let registered = |client: &mut Client| {
            client.post_logout_redirect_uris = vec![OUT.parse().expect("a URI")];
            client.name = Some("The App".to_owned());
        };
        scene.issuer.change_client(&scene.client, registered).await;
        let mut browser = scene.browser_of("alice").await;
        let session = browser.session();
        let tokens = scene.tokens(&mut browser, "openid").await;
        Self {
            id_token: tokens.string("id_token"),
            scene,
            browser,
            session,
        }
    }

    async fn ask(&mut self, parameters: &[(&str, &str)]) -> Answer {
        self.browser
            .get(&self.scene.issuer, &logout(parameters))
            .await
    }

    async fn is_signed_in(&self) -> bool {
        self.scene.has_session(&self.session).await
    }
}

fn logout(parameters: &[(&str, &str)]) -> String {
    let mut url = Url::parse("https://issuer.example").expect("a URL");
    url.query_pairs_mut().extend_pairs(parameters);
    format!("{}?{}", paths::LOGOUT, url.query().unwrap_or_default())
}

#[tokio::test]
async fn rp_initiated_logout_2_an_id_token_of_the_session_signs_out_without_a_question() {
    let mut signed_in = SignedIn::new().await;
    let hint = signed_in.id_token.clone();
    // It may have expired (§4).
    signed_in.scene.issuer.pass(3600);
    let answer = signed_in
        .ask(&[
            ("id_token_hint", &hint),
            ("client_id", "app"),
            ("post_logout_redirect_uri", OUT),
            ("state", "x y&z"),
        ])
        .await;
    let back = answer.header("location").expect("a redirect");
    assert_eq!(
        (answer.status, back),
        (303, &*format!("{OUT}&state=x+y%26z"))
    );
    assert_eq!(signed_in.browser.session_cookie(), None);
    assert!(!signed_in.is_signed_in().await);
}

#[tokio::test]
async fn rp_initiated_logout_3_without_an_address_there_is_a_page() {
    let mut signed_in = SignedIn::new().await;
    let hint = signed_in.id_token.clone();
    let answer = signed_in
        .ask(&[("id_token_hint", &hint), ("state", "x")])
        .await;
    assert_eq!((answer.status, answer.header("location")), (200, None));
    assert!(text(&answer).contains("You are signed out"));
    assert!(!signed_in.is_signed_in().await);
}

#[tokio::test]
async fn oidc_core_11_signing_out_ends_the_tokens_of_the_session() {
    let mut signed_in = SignedIn::new().await;
    let (online, offline) = (
        signed_in
            .scene
            .tokens(&mut signed_in.browser, "openid")
            .await,
        signed_in
            .scene
            .tokens(&mut signed_in.browser, "openid offline_access")
            .await,
    );
    let hint = signed_in.id_token.clone();
    signed_in.ask(&[("id_token_hint", &hint)]).await;
    let (issuer, client) = (&signed_in.scene.issuer, &signed_in.scene.client);
    let refreshed = issuer.refresh(client, &online.refresh_token()).await;
    refreshed.assert_refused(400, "invalid_grant");
    let refreshed = issuer.refresh(client, &offline.refresh_token()).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
}

#[tokio::test]
async fn rp_initiated_logout_2_without_a_hint_of_this_session_the_person_is_asked() {
    let mut signed_in = SignedIn::new().await;
    let mut of_bob = signed_in.scene.browser_of("bob").await;
    let of_bob = signed_in.scene.tokens(&mut of_bob, "openid").await;
    let mut other = signed_in.scene.browser_of("alice").await;
    let other = signed_in.scene.tokens(&mut other, "openid").await;
    let access = signed_in
        .scene
        .tokens(&mut signed_in.browser, "openid")
        .await;
    let mut forged = signed_in.id_token.clone();
    forged.truncate(forged.len() - 8);
    forged.push_str("AAAAAAAA");
    for (hint, why) in [
        (None, "no hint"),
        (Some(of_bob.string("id_token")), "of somebody else"),
        (Some(other.string("id_token")), "of another session"),
        (Some(access.access_token()), "an access token"),
        (Some(forged), "forged"),
        (Some("x".to_owned()), "no token"),
    ] {
        let mut parameters = vec![("client_id", "app"), ("post_logout_redirect_uri", OUT)];
        if let Some(hint) = &hint {
            parameters.push(("id_token_hint", hint));
        }
        let page = signed_in.ask(&parameters).await;
        assert_eq!((page.status, page.header("location")), (200, None), "{why}");
        assert!(
            text(&page).contains("The App asks to sign you out"),
            "{}",
            text(&page)
        );
        assert!(signed_in.is_signed_in().await, "{why}");
    }
}

#[tokio::test]
async fn rp_initiated_logout_2_the_person_decides() {
    let mut signed_in = SignedIn::new().await;
    let parameters = [
        ("client_id", "app"),
        ("post_logout_redirect_uri", OUT),
        ("state", "s"),
    ];
    for (decision, location) in [
        ("deny", paths::ACCOUNT.to_owned()),
        ("", paths::ACCOUNT.to_owned()),
        ("allow", format!("{OUT}&state=s")),
    ] {
        assert!(signed_in.is_signed_in().await);
        let page = signed_in.ask(&parameters).await;
        let form = field(&page, "form");
        let fields = [("form", form.as_str()), ("decision", decision)];
        let issuer = signed_in.scene.issuer.clone();
        let answer = signed_in
            .browser
            .post(&issuer, paths::LOGOUT, &fields)
            .await;
        assert_eq!(answer.header("location"), Some(location.as_str()));
    }
    assert!(!signed_in.is_signed_in().await);
    assert_eq!(signed_in.browser.session_cookie(), None);
    let page = signed_in.ask(&[]).await;
    assert!(
        text(&page).contains("You are signed out"),
        "{}",
        text(&page)
    );
}

/// RFC 9700 §4.7.1: nobody else can answer for the person.
#[tokio::test]
async fn rfc9700_4_7_1_only_the_page_that_asked_can_be_answered() {
    let mut signed_in = SignedIn::new().await;
    let issuer = signed_in.scene.issuer.clone();
    let page = signed_in.ask(&[]).await;
    let form = field(&page, "form");
    let fields = [("form", form.as_str()), ("decision", "allow")];
    let request = HttpRequest::form(paths::LOGOUT, &fields);
    let cross = request.header("sec-fetch-site", "cross-site");
    assert_eq!(signed_in.browser.send(&issuer, cross).await.status, 403);
    let mut bob = signed_in.scene.browser_of("bob").await;
    assert_eq!(bob.post(&issuer, paths::LOGOUT, &fields).await.status, 400);
    bob.account(&issuer).await;
    assert!(signed_in.is_signed_in().await);
    issuer.pass(600);
    let late = signed_in
        .browser
        .post(&issuer, paths::LOGOUT, &fields)
        .await;
    assert_eq!(late.status, 400);
    assert!(signed_in.is_signed_in().await);
}

/// RFC 9700 §4.11: the endpoint sends nobody where its client is not registered to have people sent to.
#[tokio::test]
async fn rfc9700_4_11_logout_is_no_open_redirector() {
    let mut signed_in = SignedIn::new().await;
    client(&signed_in.scene.issuer, "other", |_| {}).await;
    let hint = signed_in.id_token.clone();
    let bad = |uri: &'static str| {
        vec![
            ("id_token_hint", hint.as_str()),
            ("post_logout_redirect_uri", uri),
        ]
    };
    let mut asked = vec![
        bad("https://evil.example/"),
        bad("https://app.example/signed-out"),
        bad("https://app.example/signed-out?tenant=a&more=b"),
        bad("https://app.example/signed-out?tenant=a#"),
        bad("https://APP.example/signed-out?tenant=a"),
        bad("//app.example/signed-out?tenant=a"),
        bad(CALLBACK),
        vec![("post_logout_redirect_uri", OUT)],
        vec![("id_token_hint", "x"), ("post_logout_redirect_uri", OUT)],
        vec![("client_id", "nobody"), ("post_logout_redirect_uri", OUT)],
        vec![("client_id", "other"), ("post_logout_redirect_uri", OUT)],
        vec![("client_id", "no id"), ("post_logout_redirect_uri", OUT)],
    ];
    // §2: both must be of one client.
    let mut other = bad(OUT);
    other.push(("client_id", "other"));
    asked.push(other);
    for parameters in asked {
        let mut nobody = Browser::default();
        for answer in [
            signed_in.ask(&parameters).await,
            nobody
                .get(&signed_in.scene.issuer, &logout(&parameters))
                .await,
        ] {
            let told = (answer.status, answer.header("location"));
            assert_eq!(told, (400, None), "{parameters:?}: {}", text(&answer));
        }
        assert!(signed_in.is_signed_in().await, "{parameters:?}");
    }
    // Nor where a client was registered that is none any more.
    let disable = |client: &mut Client| client.disabled = true;
    let (issuer, client) = (&signed_in.scene.issuer, &signed_in.scene.client);
    issuer.change_client(client, disable).await;
    let answer = signed_in.ask(&bad(OUT)).await;
    assert_eq!((answer.status, answer.header("location")), (400, None));
}

#[tokio::test]
async fn rp_initiated_logout_3_who_is_not_signed_in_goes_straight_back() {
    let signed_in = SignedIn::new().await;
    let issuer = &signed_in.scene.issuer;
    let before = issuer.items().await;
    let hint = signed_in.id_token.as_str();
    for parameters in [
        vec![("id_token_hint", hint), ("post_logout_redirect_uri", OUT)],
        vec![("client_id", "app"), ("post_logout_redirect_uri", OUT)],
    ] {
        let mut nobody = Browser::default();
        let answer = nobody.get(issuer, &logout(&parameters)).await;
        assert_eq!(answer.header("location"), Some(OUT));
    }
    // A cookie of no session is taken away.
    let mut stale = Browser::default();
    let value = format!("alice.{}", "x".repeat(43));
    stale.cookies.insert(SESSION.to_owned(), value);
    let answer = stale.get(issuer, paths::LOGOUT).await;
    assert!(text(&answer).contains("You are signed out"));
    assert_eq!(stale.session_cookie(), None);
    assert_eq!(issuer.items().await, before);
}

/// §2: clients use GET or POST. A POST of another site brings no cookie, so it goes on as a GET, which does.
#[tokio::test]
async fn rp_initiated_logout_2_a_client_may_post() {
    let mut signed_in = SignedIn::new().await;
    let issuer = signed_in.scene.issuer.clone();
    let hint = signed_in.id_token.clone();
    let form = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", OUT),
        ("state", "a&b"),
    ];
    let request = HttpRequest::form(paths::LOGOUT, &form).header("sec-fetch-site", "cross-site");
    let answer = issuer.send(&request).await;
    assert_eq!(answer.status, 303);
    let location = answer.header("location").expect("a redirect");
    assert!(location.starts_with(paths::LOGOUT), "{location}");
    let answer = signed_in.browser.get(&issuer, location).await;
    assert_eq!(
        answer.header("location"),
        Some(&*format!("{OUT}&state=a%26b"))
    );
    assert!(!signed_in.is_signed_in().await);
}

#[tokio::test]
async fn rfc9110_9_3_2_a_head_ends_nothing() {
    let mut signed_in = SignedIn::new().await;
    let issuer = signed_in.scene.issuer.clone();
    let target = logout(&[("id_token_hint", &signed_in.id_token)]);
    let head = HttpRequest::new("HEAD", &target);
    assert_eq!(signed_in.browser.send(&issuer, head).await.status, 405);
    assert!(signed_in.is_signed_in().await);
}

#[tokio::test]
async fn oidc_core_5_2_the_page_speaks_the_language_that_is_asked_for() {
    let mut signed_in = SignedIn::new().await;
    let page = signed_in.ask(&[("ui_locales", "fr de")]).await;
    assert!(page.body.contains("lang=\"de\""), "{}", text(&page));
}
