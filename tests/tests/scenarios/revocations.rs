//! `tokensmith revoke` while the issuer is running, and clients that are disabled or deleted
//! (invariant 4).

use serde_json::json;
use tokensmith_tests::{HttpRequest, TestIssuer, World, unique};

#[test]
fn rfc7009_2_1_revoke_token_and_revoke_grant_revoke_what_they_name() {
    let world = World::new(TestIssuer::shared());
    let first = world.refresh(&world.grant().token);
    let second = world.refresh(&first.refresh);
    world.issuer.manage(&["revoke", "--token", &first.access]);
    assert!(!world.is_active(&first.access));
    assert!(world.is_active(&second.access));
    let third = world.refresh(&second.refresh);
    // Any refresh token of a grant stands for all of it, however old it is.
    world.issuer.manage(&["revoke", "--token", &first.refresh]);
    for tokens in [&first, &second, &third] {
        world.assert_invalid(tokens);
    }
    let (grant, other) = (world.grant(), world.grant());
    let (tokens, others) = (world.refresh(&grant.token), world.refresh(&other.token));
    let revoked = world
        .issuer
        .manage(&["revoke", "--grant", &grant.id.to_string()]);
    assert_eq!(revoked["revoked"]["grant_id"], grant.id.to_string());
    world.assert_invalid(&tokens);
    // Revoking is safe to repeat.
    world
        .issuer
        .manage(&["revoke", "--grant", &grant.id.to_string()]);
    assert!(world.is_active(&others.access));
    world.refresh(&others.refresh);
}

#[test]
fn revoke_client_revokes_its_tokens_and_not_those_issued_later() {
    let world = World::new(TestIssuer::shared());
    let tokens = world.refresh(&world.grant().token);
    let unused = world.grant();
    let own = world.own_token();
    assert!(world.is_active(&own));
    world
        .issuer
        .manage(&["revoke", "--client", &world.client.id, "--yes"]);
    assert!(!world.is_active(&own));
    world.assert_invalid(&tokens);
    world
        .try_refresh(&unused.token)
        .assert_refused(400, "invalid_grant");
    assert!(world.is_active(&world.own_token()));
    let later = world.refresh(&world.grant().token);
    assert!(world.is_active(&later.access));
    assert!(world.is_active(&world.refresh(&later.refresh).access));
    world.assert_invalid(&tokens);
}

#[test]
fn revoke_subject_revokes_its_grants_and_not_those_made_later() {
    let world = World::new(TestIssuer::shared());
    let (subject, own) = (unique("user"), world.own_token());
    let tokens = world.refresh(&world.grant_by(&subject).token);
    let others = world.refresh(&world.grant().token);
    world
        .issuer
        .manage(&["revoke", "--subject", &subject, "--yes"]);
    world.assert_invalid(&tokens);
    let later = world.refresh(&world.grant_by(&subject).token);
    assert!(world.is_active(&later.access));
    assert!(world.is_active(&world.refresh(&later.refresh).access));
    // Nobody else has noticed.
    assert!(world.is_active(&own) && world.is_active(&others.access));
    world.refresh(&others.refresh);
}

#[test]
fn revoke_of_what_is_not_there_fails() {
    let world = World::new(TestIssuer::shared());
    let (known, elsewhere) = (world.grant(), World::new(TestIssuer::serve(&[])));
    let foreign = elsewhere.grant();
    let foreign_access = elsewhere.refresh(&foreign.token).access;
    for (arguments, code) in [
        (["--token", "nonsense"], 1),
        (["--token", &foreign.token], 1),
        (["--token", &foreign_access], 1),
        (["--grant", &foreign.id.to_string()], 1),
        // An id like any other: one in 64 begins with a hyphen.
        (
            ["--grant", "-aLm5zZo3hBaQQtDFfsZXQzYNIPDtFDf_PovO75bQ7M"],
            1,
        ),
        (["--client", "nobody"], 1),
        (["--subject", "nobody"], 1),
        (["--grant", "nonsense"], 2),
        (["--client", "not an id"], 2),
    ] {
        let refused = world
            .issuer
            .try_manage(&[&["revoke", "--yes"], &arguments[..]].concat());
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}");
        assert!(
            refused.stdout.is_empty() && !refused.stderr.is_empty(),
            "{arguments:?}"
        );
    }
    assert_eq!(world.issuer.try_manage(&["revoke"]).status.code(), Some(2));
    world.refresh(&known.token);
}

#[test]
fn a_disabled_or_deleted_client_leaves_no_active_token() {
    for ending in ["disable", "delete"] {
        let world = World::new(TestIssuer::shared());
        let (own, tokens) = (world.own_token(), world.refresh(&world.grant().token));
        world
            .issuer
            .manage(&["client", ending, &world.client.id, "--yes"]);
        assert!(!world.is_active(&own), "{ending}");
        assert!(!world.is_active(&tokens.access), "{ending}");
        world
            .try_refresh(&tokens.refresh)
            .assert_refused(401, "invalid_client");
        let told = world.inspect(&tokens.refresh);
        assert_eq!(
            (&told["active"], &told["reason"]),
            (&json!(false), &json!("client disabled"))
        );
        let revoke = HttpRequest::revoke(&world.client, &tokens.refresh);
        world
            .issuer
            .send(&revoke)
            .assert_refused(401, "invalid_client");
        let introspect = HttpRequest::introspect(&world.client, &tokens.refresh);
        world
            .issuer
            .send(&introspect)
            .assert_refused(401, "invalid_client");
    }
}

#[test]
fn enabling_a_client_again_makes_no_token_active() {
    let world = World::new(TestIssuer::shared());
    let (own, tokens) = (world.own_token(), world.refresh(&world.grant().token));
    world
        .issuer
        .manage(&["client", "disable", &world.client.id, "--yes"]);
    world.issuer.manage(&["client", "enable", &world.client.id]);
    assert!(!world.is_active(&own));
    world.assert_invalid(&tokens);
    assert!(world.is_active(&world.own_token()));
    assert!(world.is_active(&world.refresh(&world.grant().token).access));
}

#[test]
fn a_client_with_the_id_of_a_deleted_one_inherits_no_token() {
    let mut world = World::new(TestIssuer::shared());
    let (own, tokens) = (world.own_token(), world.refresh(&world.grant().token));
    let id = world.client.id.clone();
    world.issuer.manage(&["client", "delete", &id, "--yes"]);
    world.register_again();
    assert!(!world.is_active(&own));
    world.assert_invalid(&tokens);
    assert!(world.is_active(&world.own_token()));
    assert!(world.is_active(&world.refresh(&world.grant().token).access));
    world.assert_invalid(&tokens);
}
