//! A grant ends when it has been idle for too long, and at its absolute expiry. No access token outlives
//! it (invariant 5), and every boundary is a second of the issuer's clock.

use tokensmith_tests::records::DAY;
use tokensmith_tests::{InProcess, START, TestClient, TestGrant};
use tokensmith_verifier::Timestamp;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A client whose grants live 1000 seconds unused and 2500 seconds at most, and one of them.
async fn short_lived(issuer: &InProcess) -> (TestClient, TestGrant) {
    let client = issuer
        .confidential("app", |client| {
            client.refresh_ttl = 1000;
            client.grant_ttl = 2500;
        })
        .await;
    let grant = issuer.grant(&client, |_| {}).await;
    (client, grant)
}

#[tokio::test]
async fn a_grant_that_is_not_used_ends_at_its_idle_expiry() {
    for (second, status) in [(999, 200), (1000, 400), (1001, 400)] {
        let issuer = InProcess::start().await;
        let (client, grant) = short_lived(&issuer).await;
        issuer.pass(second);
        let before = issuer.items().await;
        assert_eq!(
            issuer.is_active(&client, &grant.token).await,
            status == 200,
            "introspection agrees at {second}"
        );
        let answer = issuer.refresh(&client, &grant.token).await;
        assert_eq!(answer.status, status, "{second}");
        if status == 400 {
            assert_eq!(answer.string("error"), "invalid_grant");
            assert_eq!(issuer.items().await, before, "a refusal writes nothing");
        }
    }
}

#[tokio::test]
async fn every_use_moves_the_idle_end_but_never_beyond_the_end_of_the_grant() {
    let issuer = InProcess::start().await;
    let (client, grant) = short_lived(&issuer).await;
    let mut token = grant.token.clone();
    for (second, idle_end) in [(900, 1900), (1499, 2499), (1501, 2500), (2400, 2500)] {
        issuer.set(at(START + second));
        token = issuer.refresh(&client, &token).await.refresh_token();
        let stored = issuer.stored(&grant).await;
        assert_eq!(stored.idle_expires_at, at(START + idle_end));
        assert_eq!(stored.expires_at, at(START + 2500), "never moves");
        assert_eq!(stored.created_at, at(START), "never moves");
    }
}

#[tokio::test]
async fn a_grant_ends_at_its_absolute_expiry_however_often_it_is_used() {
    let issuer = InProcess::start().await;
    let (client, grant) = short_lived(&issuer).await;
    let mut token = grant.token;
    for second in [900, 1800, 2499] {
        issuer.set(at(START + second));
        token = issuer.refresh(&client, &token).await.refresh_token();
    }
    issuer.set(at(START + 2500));
    assert!(!issuer.is_active(&client, &token).await);
    let answer = issuer.refresh(&client, &token).await;
    assert_eq!(answer.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn a_shorter_refresh_ttl_of_the_client_counts_from_the_next_use() {
    let issuer = InProcess::start().await;
    let (client, grant) = short_lived(&issuer).await;
    issuer.change_client(&client, |c| c.refresh_ttl = 10).await;
    issuer.pass(999);
    let answer = issuer.refresh(&client, &grant.token).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        issuer.stored(&grant).await.idle_expires_at,
        at(START + 999 + 10)
    );
}

#[tokio::test]
async fn reuse_in_an_expired_grant_writes_nothing() {
    let issuer = InProcess::start().await;
    let (client, grant) = short_lived(&issuer).await;
    let second = issuer.refresh(&client, &grant.token).await.refresh_token();
    assert_eq!(issuer.refresh(&client, &second).await.status, 200);
    issuer.pass(1000);
    let before = issuer.items().await;
    let answer = issuer.refresh(&client, &grant.token).await;
    assert_eq!(answer.error(), (400, "invalid_grant".into()));
    assert_eq!(issuer.items().await, before);
}

#[tokio::test]
async fn invariant_5_no_access_token_outlives_its_grant() {
    for (second, lifetime) in [(1600, 900), (1601, 899), (2400, 100), (2499, 1)] {
        let issuer = InProcess::start().await;
        let (client, grant) = short_lived(&issuer).await;
        issuer
            .change_grant(&grant, |grant| grant.idle_expires_at = grant.expires_at)
            .await;
        issuer.set(at(START + second));
        let answer = issuer.refresh(&client, &grant.token).await;
        let claims = answer.claims();
        assert_eq!(claims.exp, START + second + lifetime);
        assert!(claims.exp <= START + 2500);
        assert_eq!(answer.json()["expires_in"], lifetime);
        let token = answer.access_token();
        issuer.set(at(claims.exp - 1));
        assert!(issuer.is_active(&client, &token).await);
        issuer.set(at(claims.exp));
        assert!(!issuer.is_active(&client, &token).await);
    }
}

#[tokio::test]
async fn an_access_token_has_the_lifetime_of_its_client_or_else_of_the_issuer() {
    let issuer = InProcess::configured(|config| {
        config.access_ttl = std::time::Duration::from_secs(77);
    })
    .await;
    for (id, own, lifetime) in [("issuers", None, 77), ("own", Some(5), 5)] {
        let client = issuer.confidential(id, |c| c.access_ttl = own).await;
        let grant = issuer.grant(&client, |_| {}).await;
        let claims = issuer.refresh(&client, &grant.token).await.claims();
        assert_eq!(claims.exp - claims.iat, lifetime);
    }
}

/// So that a revocation which that read could not see still covers the token.
#[tokio::test]
async fn an_access_token_is_as_old_as_the_oldest_read_it_rests_on() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let first = issuer.refresh(&client, &grant.token).await;
    assert_eq!(first.claims().iat, START);
    // The client's record is cached for ten seconds.
    issuer.pass(9);
    let cached = issuer.refresh(&client, &first.refresh_token()).await;
    assert_eq!(cached.claims().iat, START);
    assert_eq!(cached.claims().exp, START + 900);
    assert_eq!(cached.json()["expires_in"], 900 - 9);
    issuer.pass(1);
    let fresh = issuer.refresh(&client, &cached.refresh_token()).await;
    assert_eq!(fresh.claims().iat, START + 10);
}

#[tokio::test]
async fn dynamodb_may_delete_a_grant_only_when_no_token_of_it_can_live() {
    let issuer = InProcess::start().await;
    let (client, grant) = short_lived(&issuer).await;
    let ttl = async || -> u64 {
        let key = format!("GRANT#{}/-", grant.id);
        let item = issuer.items().await.remove(&key).expect("the grant");
        item["ttl"].as_n().expect("a number").parse().expect("it")
    };
    // The longest access token lives a day.
    let mut token = grant.token.clone();
    for second in [0, 900, 1800, 2400] {
        issuer.set(at(START + second));
        token = issuer.refresh(&client, &token).await.refresh_token();
        let idle_end = issuer.stored(&grant).await.idle_expires_at.seconds();
        assert_eq!(ttl().await, idle_end + DAY);
    }
    assert_eq!(issuer.revoke(&client, &token).await.status, 200);
    assert_eq!(ttl().await, START + 2400 + DAY);
}

/// DynamoDB deletes late, and may delete while the issuer still knows the grant's tokens.
#[tokio::test]
async fn a_grant_that_is_gone_is_a_refusal_and_its_tokens_are_inactive() {
    let issuer = InProcess::start().await;
    let (client, grant) = short_lived(&issuer).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let (access_token, successor) = (answer.access_token(), answer.refresh_token());
    assert!(issuer.is_active(&client, &access_token).await);
    let key = tokensmith_issuer::store::records::Grant::key_of(grant.id);
    issuer.table().delete(&key).await.expect("a deletion");
    let before = issuer.items().await;
    for token in [&grant.token, &successor] {
        let refused = issuer.refresh(&client, token).await;
        assert_eq!(refused.error(), (400, "invalid_grant".into()));
        assert_eq!(issuer.revoke(&client, token).await.status, 200);
        assert!(!issuer.is_active(&client, token).await);
    }
    assert!(!issuer.is_active(&client, &access_token).await);
    assert_eq!(issuer.items().await, before, "nothing brings it back");
}
