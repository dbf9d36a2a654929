//! An exchanged token ends with everything that it rests on: at the exchange, at introspection, and in every verifier.

use tokensmith_issuer::revocation::{revoke_api_key, revoke_client, revoke_subject};
use tokensmith_tests::InProcess;
use tokensmith_tests::records::{API, OTHER_API};
use tokensmith_verifier::{Algorithm, Refusal, Rejection, StalePolicy, Timestamp, Verifier};

use super::{Scene, THIRD_API, exchange};
use crate::revocation_views::{INTERVAL, verdict, verifiers_for};

/// What can end something of a chain from alice over `app` and `orders` to `stock`.
#[derive(Clone, Copy, Debug)]
enum End {
    FirstToken,
    SecondToken,
    Grant,
    FirstClient,
    SecondClient,
    DeletedClient,
    Subject,
    SigningKeys,
}

const ENDS: [(End, Rejection); 8] = [
    (End::FirstToken, Rejection::TokenRevoked),
    (End::SecondToken, Rejection::TokenRevoked),
    (End::Grant, Rejection::GrantRevoked),
    (End::FirstClient, Rejection::ClientRevoked),
    (End::SecondClient, Rejection::ClientRevoked),
    (End::DeletedClient, Rejection::ClientRevoked),
    (End::Subject, Rejection::SubjectRevoked),
    (End::SigningKeys, Rejection::KeyWithdrawn),
];

impl Scene {
    async fn end(&self, what: End, [first, second, _]: &[String; 3]) {
        let issuer = &self.issuer;
        let time = issuer.checked_time().await;
        match what {
            End::FirstToken => drop(issuer.revoke(&self.app, first).await),
            End::SecondToken => drop(issuer.revoke(&self.orders, second).await),
            End::Grant => drop(issuer.revoke(&self.app, &self.grant.token).await),
            End::FirstClient | End::SecondClient => {
                let client = match what {
                    End::FirstClient => &self.app,
                    _ => &self.orders,
                };
                let revoked = revoke_client(issuer.table(), &client.client_id(), &time).await;
                revoked.expect("it is revoked");
            }
            End::DeletedClient => {
                let admin = issuer.administrator();
                let deleted = admin.delete_client(&self.app.client_id()).await;
                deleted.expect("it is deleted");
            }
            End::Subject => {
                let revoked = revoke_subject(issuer.table(), "alice", &time).await;
                revoked.expect("it is revoked");
            }
            End::SigningKeys => {
                let replaced = issuer.administrator().replace_keys(Vec::new()).await;
                replaced.expect("they are replaced");
            }
        }
    }

    async fn verifiers(&self) -> [Verifier; 2] {
        verifiers_for(&self.issuer, THIRD_API, StalePolicy::default()).await
    }
}

#[tokio::test]
async fn invariant_4_an_exchanged_token_ends_with_everything_that_it_rests_on() {
    for (what, expected) in ENDS {
        let issuer = InProcess::configured(|config| config.cache_ttl = std::time::Duration::ZERO);
        let scene = Scene::on(issuer.await).await;
        let chain = scene.chain().await;
        let verifiers = scene.verifiers().await;
        for verifier in &verifiers {
            assert_eq!(verdict(verifier, &chain[2]).await, Ok(()), "{what:?}");
        }
        assert!(scene.issuer.is_active(&scene.stock, &chain[2]).await);
        scene.end(what, &chain).await;
        assert!(
            !scene.issuer.is_active(&scene.stock, &chain[2]).await,
            "{what:?}"
        );
        scene.issuer.pass(INTERVAL);
        for verifier in &verifiers {
            let refused = verdict(verifier, &chain[2]).await;
            let gone = Err(Refusal::Rejected(Rejection::UnknownKey));
            let is_gone = expected == Rejection::KeyWithdrawn && refused == gone;
            assert!(
                is_gone || refused == Err(Refusal::Rejected(expected)),
                "{what:?}: {refused:?}"
            );
        }
    }
}

/// The token that is presented is live by itself in most of these cases: what it rests on is not.
#[tokio::test]
async fn invariant_4_nothing_is_issued_when_any_part_of_the_chain_has_ended() {
    for (what, _) in ENDS {
        let issuer = InProcess::configured(|config| config.cache_ttl = std::time::Duration::ZERO);
        let scene = Scene::on(issuer.await).await;
        let chain = scene.chain().await;
        scene.end(what, &chain).await;
        // What is revoked until now is that, and what is issued later is not.
        scene.issuer.pass(3);
        let to = [("resource", THIRD_API)];
        let refused = exchange(&scene.issuer, &scene.stock, &chain[1], &to).await;
        assert_eq!(
            refused.error(),
            (400, "invalid_request".to_owned()),
            "{what:?}"
        );
    }
}

#[tokio::test]
async fn invariant_4_a_token_of_an_api_key_ends_with_the_key_over_every_exchange() {
    let scene = Scene::new().await;
    let (key, token) = scene.api_key_and_token().await;
    let second = scene.exchange(&token, &[("resource", OTHER_API)]).await;
    let second = second.access_token();
    let to = [("resource", THIRD_API)];
    let third = exchange(&scene.issuer, &scene.stock, &second, &to).await;
    let third = third.access_token();
    let verifiers = scene.verifiers().await;
    for verifier in &verifiers {
        assert_eq!(verdict(verifier, &third).await, Ok(()));
    }
    let now = scene.issuer.now();
    let revoked = revoke_api_key(scene.issuer.table(), &key, None, now).await;
    revoked.expect("it is revoked");
    assert!(!scene.issuer.is_active(&scene.stock, &third).await);
    let refused = exchange(&scene.issuer, &scene.stock, &second, &to).await;
    refused.assert_refused(400, "invalid_request");
    scene.issuer.pass(INTERVAL);
    for verifier in &verifiers {
        let refused = verdict(verifier, &third).await;
        assert_eq!(refused, Err(Refusal::Rejected(Rejection::ApiKeyEnded)));
    }
}

/// The token of the actor, its client and its subject.
#[tokio::test]
async fn invariant_4_an_exchanged_token_ends_with_its_actor() {
    for what in ["token", "client", "subject"] {
        let scene = Scene::new().await;
        let issuer = &scene.issuer;
        // A person acts for another one.
        let of_bob = |grant: &mut tokensmith_issuer::store::records::Grant| {
            grant.subject = "bob".parse().expect("a subject");
            grant.id = tokensmith_issuer::credential::GrantId::random(&grant.subject);
        };
        let grant = issuer.grant(&scene.app, of_bob).await;
        let acting = issuer
            .refresh(&scene.app, &grant.token)
            .await
            .access_token();
        let more = [
            ("actor_token", acting.as_str()),
            ("actor_token_type", super::ACCESS_TOKEN),
        ];
        let answer = scene.exchange(&scene.token, &more).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.claims().act.expect("an actor").sub, "bob");
        let token = answer.access_token();
        let verifiers = verifiers_for(issuer, API, StalePolicy::default()).await;
        for verifier in &verifiers {
            assert_eq!(verdict(verifier, &token).await, Ok(()), "{what}");
        }
        let time = issuer.checked_time().await;
        match what {
            "token" => drop(issuer.revoke(&scene.app, &acting).await),
            "client" => {
                let id = scene.app.client_id();
                let revoked = revoke_client(issuer.table(), &id, &time).await;
                revoked.expect("it is revoked");
            }
            _ => {
                let revoked = revoke_subject(issuer.table(), "bob", &time).await;
                revoked.expect("it is revoked");
            }
        }
        assert!(!issuer.is_active(&scene.orders, &token).await, "{what}");
        issuer.pass(INTERVAL);
        for verifier in &verifiers {
            assert!(verdict(verifier, &token).await.is_err(), "{what}");
        }
    }
}

/// A token that was exchanged for one by another key ends with that key.
#[tokio::test]
async fn invariant_4_a_withdrawn_key_ends_what_its_tokens_were_exchanged_for() {
    let issuer = InProcess::configured(|config| {
        config.algorithms = vec![Algorithm::ES256, Algorithm::EdDSA];
    });
    let scene = Scene::on(issuer.await).await;
    let by_another = |resource: &mut tokensmith_issuer::store::records::Resource| {
        resource.algorithm = Some(Algorithm::EdDSA);
    };
    scene.issuer.change_resource(OTHER_API, by_another).await;
    let answer = scene
        .exchange(&scene.token, &[("resource", OTHER_API)])
        .await;
    let token = answer.access_token();
    let parents = answer.claims().parents;
    assert!(parents[0].key_id().is_some(), "{parents:?}");
    let verifiers = verifiers_for(&scene.issuer, OTHER_API, StalePolicy::default()).await;
    for verifier in &verifiers {
        assert_eq!(verdict(verifier, &token).await, Ok(()));
    }
    let replaced = scene
        .issuer
        .administrator()
        .replace_keys(vec![Algorithm::ES256])
        .await;
    replaced.expect("it is replaced");
    scene.issuer.pass(10);
    assert!(!scene.issuer.is_active(&scene.stock, &token).await);
    for verifier in &verifiers {
        let refused = verdict(verifier, &token).await;
        assert_eq!(refused, Err(Refusal::Rejected(Rejection::KeyWithdrawn)));
    }
    let to = [("resource", THIRD_API)];
    let refused = exchange(&scene.issuer, &scene.stock, &token, &to).await;
    refused.assert_refused(400, "invalid_request");
}

/// The new token must not count as revoked because of what was revoked before it, and is dead when that was not seen.
#[tokio::test]
async fn rfc8693_2_2_the_new_token_rests_on_the_oldest_read_and_is_not_issued_revoked() {
    let scene = Scene::new().await;
    let issuer = &scene.issuer;
    assert_eq!(scene.exchange(&scene.token, &[]).await.status, 200);
    let begun = issuer.now();
    // The app is revoked, and then gets another token.
    let time = issuer.checked_time().await;
    let revoked = revoke_client(issuer.table(), &scene.app.client_id(), &time).await;
    revoked.expect("it is revoked");
    issuer.pass(4);
    let grant = issuer.grant(&scene.app, |_| {}).await;
    let another = issuer.cold().await;
    let fresh = another.refresh(&scene.app, &grant.token).await;
    assert_eq!(fresh.status, 200, "{}", fresh.body);
    // The record of the client that exchanges is cached since before that: on it, the new token would be revoked.
    let exchanged = scene.exchange(&fresh.access_token(), &[]).await;
    assert_eq!(exchanged.status, 200, "{}", exchanged.body);
    assert!(Timestamp::from_seconds(exchanged.claims().iat) > begun);
    assert!(
        issuer
            .is_active(&scene.orders, &exchanged.access_token())
            .await
    );
}
