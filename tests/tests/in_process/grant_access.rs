//! Invariant 5, RFC 6749 §6 and RFC 8707: a token of a grant carries what was asked for, as far as
//! grant and client allow it, and asking for less never shrinks the grant.

use tokensmith_issuer::store::records::{Client, Grant};
use tokensmith_tests::records::{API, OTHER_API, scopes};
use tokensmith_tests::{Answer, InProcess};
use tokensmith_verifier::Audiences;

/// Refreshes once, with these parameters; a refusal must have written nothing.
async fn refresh_with(
    client: impl FnOnce(&mut Client),
    grant: impl FnOnce(&mut Grant),
    more: &[(&str, &str)],
) -> Answer {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", client).await;
    let grant = issuer.grant(&client, grant).await;
    let before = issuer.items().await;
    let answer = issuer.refresh_with(&client, &grant.token, more).await;
    let stored = issuer.stored(&grant).await;
    match answer.status {
        200 => assert_eq!(stored.generation, 2),
        _ => assert_eq!(issuer.items().await, before, "a refusal writes nothing"),
    }
    answer
}

#[tokio::test]
async fn invariant_5_the_scopes_are_what_was_asked_and_granted_and_the_client_has() {
    for (asked, granted, registered, expected) in [
        // Not asked: everything that both allow.
        ("", "a b", "a b c", Ok("a b")),
        ("", "a b", "a", Ok("a")),
        ("", "a b", "b c", Ok("b")),
        ("", "a b", "c", Ok("")),
        ("", "", "a b", Ok("")),
        // Asked: exactly that, or nothing at all.
        ("b", "a b", "a b c", Ok("b")),
        ("b a", "a b", "a b c", Ok("b a")),
        ("a a", "a b", "a b c", Ok("a")),
        ("c", "a b", "a b c", Err("invalid_scope")),
        ("a c", "a b", "a b c", Err("invalid_scope")),
        ("b", "a b", "a c", Err("invalid_scope")),
        ("unknown", "a b", "a b c", Err("invalid_scope")),
        ("A", "a b", "a b c", Err("invalid_scope")),
        ("a\"", "a b", "a b c", Err("invalid_scope")),
    ] {
        let answer = refresh_with(
            |client| client.scopes = scopes(registered),
            |grant| grant.scopes = scopes(granted),
            &[("scope", asked)],
        )
        .await;
        let case = format!("{asked:?} of {granted:?}, {registered:?}: {}", answer.body);
        match expected {
            Ok(expected) => {
                assert_eq!(answer.status, 200, "{case}");
                let scope = answer.claims().scope.unwrap_or_default();
                assert_eq!(scope, expected, "{case}");
                let told = answer.json()["scope"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                assert_eq!(told, expected, "{case}");
            }
            Err(error) => assert_eq!(answer.error(), (400, error.into()), "{case}"),
        }
    }
}

#[tokio::test]
async fn a_clients_default_scopes_play_no_part_in_a_refresh() {
    let defaults = |client: &mut Client| client.default_scopes = scopes("c");
    let answer = refresh_with(defaults, |_| {}, &[]).await;
    assert_eq!(answer.claims().scope.as_deref(), Some("a b"));
}

#[tokio::test]
async fn rfc6749_6_asking_for_less_never_shrinks_the_grant() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let narrow = issuer
        .refresh_with(&client, &grant.token, &[("scope", "b")])
        .await;
    assert_eq!(narrow.claims().scope.as_deref(), Some("b"));
    // Neither for the retry of the same token nor for its successor.
    let retried = issuer.refresh(&client, &grant.token).await;
    assert_eq!(retried.claims().scope.as_deref(), Some("a b"));
    let next = issuer.refresh(&client, &narrow.refresh_token()).await;
    assert_eq!(next.claims().scope.as_deref(), Some("a b"));
    assert_eq!(issuer.stored(&grant).await.scopes, scopes("a b"));
}

#[tokio::test]
async fn a_scope_that_the_client_loses_is_gone_at_once_and_comes_back_with_it() {
    let issuer = InProcess::configured(|config| config.cache_ttl = Default::default()).await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let first = issuer.refresh(&client, &grant.token).await;
    assert_eq!(first.claims().scope.as_deref(), Some("a b"));
    issuer
        .change_client(&client, |c| c.scopes = scopes("a c"))
        .await;
    let lost = issuer.refresh(&client, &first.refresh_token()).await;
    assert_eq!(lost.claims().scope.as_deref(), Some("a"));
    let refused = issuer
        .refresh_with(&client, &lost.refresh_token(), &[("scope", "b")])
        .await;
    assert_eq!(refused.error(), (400, "invalid_scope".into()));
    issuer
        .change_client(&client, |c| c.scopes = scopes("a b c"))
        .await;
    let again = issuer.refresh(&client, &lost.refresh_token()).await;
    assert_eq!(again.claims().scope.as_deref(), Some("a b"));
}

/// What fails against a cached record is checked against the table before it is refused.
#[tokio::test]
async fn a_scope_that_the_client_gains_works_in_spite_of_the_cache() {
    let issuer = InProcess::start().await;
    let client = issuer
        .confidential("app", |client| client.scopes = scopes("a"))
        .await;
    let grant = issuer.grant(&client, |_| {}).await;
    let first = issuer.refresh(&client, &grant.token).await;
    assert_eq!(first.claims().scope.as_deref(), Some("a"));
    issuer
        .change_client(&client, |c| c.scopes = scopes("a b"))
        .await;
    issuer.pass(1);
    let gained = issuer
        .refresh_with(&client, &first.refresh_token(), &[("scope", "b")])
        .await;
    assert_eq!(gained.claims().scope.as_deref(), Some("b"));
}

/// What was asked, granted and registered, and what comes of it.
type Case<'a> = (
    &'a [&'a str],
    &'a [&'a str],
    &'a [&'a str],
    Result<Audiences, ()>,
);

#[tokio::test]
async fn rfc8707_2_the_audience_is_a_resource_of_grant_and_client_or_invalid_target() {
    let both: &[&str] = &[API, OTHER_API];
    let one = |audience: &str| Audiences::One(audience.into());
    let many = || Audiences::Many(vec![OTHER_API.into(), API.into()]);
    let cases: [Case<'_>; 13] = [
        // None asked: the client's first one that was granted.
        (&[], both, both, Ok(one(API))),
        (&[], &[OTHER_API], both, Ok(one(OTHER_API))),
        (&[], both, &[OTHER_API, API], Ok(one(OTHER_API))),
        (&[], &[API], &[OTHER_API], Err(())),
        (&[], &[], both, Err(())),
        (&[API], both, both, Ok(one(API))),
        (&[OTHER_API], both, both, Ok(one(OTHER_API))),
        (&[OTHER_API, API], both, both, Ok(many())),
        (&[OTHER_API, API, API], both, both, Ok(many())),
        (&[OTHER_API], &[API], both, Err(())),
        (&[API, OTHER_API], both, &[API], Err(())),
        (&["https://api.example"], both, both, Ok(one(API))),
        (&["https://api.example//"], both, both, Err(())),
    ];
    for (asked, granted, registered, expected) in cases {
        let parsed = |list: &[&str]| list.iter().map(|one| one.parse().expect("one")).collect();
        let form: Vec<_> = asked.iter().map(|one| ("resource", *one)).collect();
        let answer = refresh_with(
            |client| client.audiences = parsed(registered),
            |grant| grant.audiences = parsed(granted),
            &form,
        )
        .await;
        let case = format!("{asked:?} of {granted:?}, {registered:?}: {}", answer.body);
        match expected {
            Ok(expected) => assert_eq!(answer.claims().aud, expected, "{case}"),
            Err(()) => assert_eq!(answer.error(), (400, "invalid_target".into()), "{case}"),
        }
    }
}

#[tokio::test]
async fn rfc8707_2_a_resource_that_is_no_absolute_uri_is_an_invalid_target() {
    for resource in ["api", "/api", "https://api.example/#part", "https://"] {
        let answer = refresh_with(|_| {}, |_| {}, &[("resource", resource)]).await;
        assert_eq!(answer.error(), (400, "invalid_target".into()), "{resource}");
    }
}

#[tokio::test]
async fn asking_for_one_resource_never_takes_another_from_the_grant() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let both = [API, OTHER_API].map(|one| one.parse().expect("one"));
    let grant = issuer.grant(&client, |g| g.audiences = both.into()).await;
    let narrow = issuer
        .refresh_with(&client, &grant.token, &[("resource", OTHER_API)])
        .await;
    assert_eq!(narrow.claims().aud, Audiences::One(OTHER_API.into()));
    let next = issuer
        .refresh_with(&client, &narrow.refresh_token(), &[("resource", API)])
        .await;
    assert_eq!(next.claims().aud, Audiences::One(API.into()));
}

/// API Gateway takes 10,240 bytes of headers in all, so that a token has 6 KiB at most.
#[tokio::test]
async fn a_token_of_over_6_kib_is_not_minted() {
    for (count, status, length) in [(300, 200, 5000..6145), (400, 400, 0..1)] {
        let many: Vec<String> = (0..count).map(|n| format!("scope-{n:06}")).collect();
        let many = many.join(" ");
        let wide = |client: &mut Client| client.scopes = scopes(&many);
        let granted = |grant: &mut Grant| grant.scopes = scopes(&many);
        let answer = refresh_with(wide, granted, &[]).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        let token = answer.json()["access_token"].as_str().map_or(0, str::len);
        assert!(length.contains(&token), "{token}");
    }
}

/// A token that no verifier would look at is refused before anything is consumed.
#[tokio::test]
async fn a_token_that_would_be_too_long_is_refused_and_a_shorter_one_is_not() {
    let many: Vec<String> = (0..600).map(|n| format!("scope-{n:06}")).collect();
    let many = many.join(" ");
    let wide = |client: &mut Client| client.scopes = scopes(&many);
    let granted = |grant: &mut Grant| grant.scopes = scopes(&many);
    let answer = refresh_with(wide, granted, &[]).await;
    assert_eq!(answer.error(), (400, "invalid_scope".into()));
    let answer = refresh_with(wide, granted, &[("scope", "scope-000001 scope-000599")]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
