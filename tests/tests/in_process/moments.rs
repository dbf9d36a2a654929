//! Invariant 4: times come from DynamoDB's answers and not from the operator's machine, and only move
//! forward. The machine that runs these tests is months behind the table's clock.

use std::time::Duration;

use tokensmith_issuer::admin::{Changed, Revoked};
use tokensmith_issuer::config::Config;
use tokensmith_issuer::revocation::{RevokeOutcome, TableRevocations, revoke_client, revoke_grant};
use tokensmith_issuer::store::records::{Client, RevokedToken, Subject};
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::API;
use tokensmith_tests::{InProcess, OverHttp, START, TestClient};
use tokensmith_verifier::{Clock, StalePolicy, Timestamp, Verifier};

/// How often the verifier of these tests reads the table.
const INTERVAL: Duration = Duration::from_secs(5);

/// An issuer without caches, a client, and a verifier that reads the table.
async fn started() -> (InProcess, TestClient, Verifier) {
    let issuer = InProcess::configured(|config| config.cache_ttl = Duration::ZERO).await;
    let client = issuer.confidential("app", |_| {}).await;
    let (table, clock) = (issuer.table().reader(), issuer.clock());
    let view = TableRevocations::new(table, clock, INTERVAL, StalePolicy::default());
    let verifier = Verifier::builder(issuer.config.issuer.as_str())
        .audience(API)
        .fetch(std::sync::Arc::new(OverHttp(issuer.issuer.clone())))
        .revocations(std::sync::Arc::new(view))
        .clock(issuer.clock())
        .build();
    (issuer, client, verifier.expect("a verifier"))
}

async fn accepted(verifier: &Verifier, token: &str) -> bool {
    verifier.verify(token).await.is_ok()
}

/// The clock of whoever wrote it was 45 s behind.
fn behind() -> Timestamp {
    Timestamp::from_seconds(START - 45)
}

#[tokio::test]
async fn invariant_4_whatever_the_machines_clock_says_a_revocation_is_seen_by_effective_by() {
    assert!(Clock::System.now() < Timestamp::from_seconds(START));
    for kind in ["token", "grant", "client", "subject", "disabled", "deleted"] {
        let (issuer, client, verifier) = started().await;
        let admin = issuer.administrator();
        let grant = issuer.grant(&client, |_| {}).await;
        let token = issuer.refresh(&client, &grant.token).await.access_token();
        assert!(accepted(&verifier, &token).await, "{kind}");
        let id = client.client_id();
        let effective_by = match kind {
            "token" => admin
                .revoke_token(&token)
                .await
                .map(|done| done.effective_by),
            "grant" => admin
                .revoke_grant(grant.id)
                .await
                .map(|done| done.effective_by),
            "client" => admin.revoke_client(id).await.map(|done| done.effective_by),
            "subject" => admin
                .revoke_subject("alice".into())
                .await
                .map(|done| done.effective_by),
            "disabled" => Ok(admin
                .disable_client(&id)
                .await
                .expect("disabled")
                .effective_by),
            _ => Ok(admin
                .delete_client(&id)
                .await
                .expect("deleted")
                .effective_by),
        };
        let effective_by = effective_by.expect("it is revoked");
        let takes = effective_by.since(issuer.now());
        assert!(
            (INTERVAL..INTERVAL * 3).contains(&takes),
            "{kind}: {takes:?}"
        );
        issuer.pass(INTERVAL.as_secs());
        assert!(!accepted(&verifier, &token).await, "{kind}");
    }
}

#[tokio::test]
async fn a_change_is_refused_when_dynamodb_does_not_tell_the_time() {
    let (issuer, client, _) = started().await;
    let grant = issuer.grant(&client, |_| {}).await;
    let undated = tokensmith_local::make_table(issuer.dynamo.clone())
        .await
        .expect("the table");
    let custody = issuer.direct.custody.clone();
    let admin = tokensmith_issuer::admin::Administrator::new(
        issuer.config.clone(),
        undated,
        custody.make,
        custody.open,
        std::sync::Arc::new(tokensmith_tests::TestOperator),
    );
    let before = issuer.items().await;
    issuer.dynamo.outage(Some(Fault::Undated));
    let id = client.client_id();
    let refusals = [
        admin
            .revoke_grant(grant.id)
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .revoke_client(id.clone())
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .revoke_subject("alice".into())
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .disable_client(&id)
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .enable_client(&id)
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .delete_client(&id)
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .rotate_secret(&id, Duration::ZERO, false)
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .rotate_keys(Vec::new())
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .replace_keys(Vec::new())
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .rotate_hmac_key()
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .restore(None)
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
        admin
            .repair()
            .await
            .map(drop)
            .map_err(|err| err.to_string()),
    ];
    for refusal in refusals {
        let reason = refusal.expect_err("nobody knows what time it is");
        assert!(reason.contains("does not tell the time"), "{reason}");
    }
    assert_eq!(issuer.items().await, before);
}

/// Repeating repairs: the entry that was written with a time in the past moves forward.
#[tokio::test]
async fn invariant_4_repeating_a_revocation_renews_its_entry_in_the_feed() {
    for kind in ["token", "grant"] {
        let (issuer, client, verifier) = started().await;
        let grant = issuer.grant(&client, |_| {}).await;
        let answer = issuer.refresh(&client, &grant.token).await;
        let token = answer.access_token();
        assert!(accepted(&verifier, &token).await, "{kind}");
        let table = issuer.table();
        match kind {
            "token" => {
                let end = Timestamp::from_seconds(answer.claims().exp);
                let late = RevokedToken {
                    jti: answer.claims().jti,
                    expires_at: end,
                    feed: tokensmith_issuer::store::records::FeedAttributes::new(behind(), end),
                };
                table.insert(&late).await.expect("an insert");
            }
            _ => {
                let revoked = revoke_grant(table, grant.id, None, behind()).await;
                assert_eq!(revoked.expect("a write"), RevokeOutcome::Revoked);
            }
        }
        issuer.pass(60);
        assert!(
            accepted(&verifier, &token).await,
            "its entry was never read"
        );
        let again = issuer.administrator().revoke_token(&token).await;
        let again = match kind {
            "token" => again,
            _ => issuer.administrator().revoke_grant(grant.id).await,
        };
        again.expect("it is revoked");
        issuer.pass(INTERVAL.as_secs());
        assert!(!accepted(&verifier, &token).await, "{kind}");
    }
}

/// A `not_before` that goes back brings revoked tokens back to life.
#[tokio::test]
async fn invariant_4_a_not_before_never_goes_back() {
    for end in ["disabled", "deleted", "revoked"] {
        let (issuer, client, _) = started().await;
        issuer.pass(600);
        let revoked_at = {
            let time = issuer.checked_time().await;
            let done = revoke_client(issuer.table(), &client.client_id(), &time).await;
            done.expect("it is revoked");
            issuer.client(&client).await.not_before
        };
        issuer.set(Timestamp::from_seconds(START));
        let (admin, id) = (issuer.administrator(), client.client_id());
        match end {
            "disabled" => drop(admin.disable_client(&id).await.expect("disabled")),
            "deleted" => drop(admin.delete_client(&id).await.expect("deleted")),
            _ => drop(admin.revoke_client(id).await.expect("revoked")),
        }
        let client = issuer
            .table()
            .get(&Client::key_of(&client.client_id()))
            .await;
        let client = client.expect("a read").expect("a client");
        assert_eq!(client.not_before, revoked_at, "{end}");
        assert!(
            client.feed_at >= Some(Timestamp::from_seconds(START + 600)),
            "{end}"
        );
    }
}

/// No more than the table's clock says, whatever the machine's.
#[tokio::test]
async fn nothing_that_a_command_stores_lies_more_than_a_few_seconds_ahead() {
    let (issuer, client, _) = started().await;
    issuer.grant(&client, |_| {}).await;
    let admin = issuer.administrator();
    admin.revoke_subject("alice".into()).await.expect("revoked");
    admin
        .disable_client(&client.client_id())
        .await
        .expect("disabled");
    admin.replace_keys(Vec::new()).await.expect("replaced");
    let subject = issuer.table().get(&Subject::key_of("alice")).await;
    let subject = subject.expect("a read").expect("a subject").record;
    let keys = admin.signing_keys().await.expect("the keys");
    let mut moments: Vec<_> = keys.iter().map(|listed| listed.key.active_from).collect();
    moments.extend(subject.not_before);
    moments.extend(issuer.client(&client).await.not_before);
    for moment in moments {
        assert!(
            moment <= issuer.now().after(Duration::from_secs(5)),
            "{moment:?}"
        );
    }
    issuer.pass(4);
    assert_eq!(issuer.client_credentials(&client).await.status, 401);
    admin
        .enable_client(&client.client_id())
        .await
        .expect("enabled");
    assert_eq!(issuer.client_credentials(&client).await.status, 200);
}

/// A client that a clock an hour ahead has locked out.
#[tokio::test]
async fn a_not_before_that_lies_ahead_is_lowered_after_all_keys_were_replaced() {
    let (issuer, client, verifier) = started().await;
    let grant = issuer.grant(&client, |_| {}).await;
    let old = issuer.refresh(&client, &grant.token).await;
    issuer.pass(3600);
    let time = issuer.checked_time().await;
    revoke_client(issuer.table(), &client.client_id(), &time)
        .await
        .expect("revoked");
    issuer.set(Timestamp::from_seconds(START));
    assert!(
        !accepted(&verifier, &old.access_token()).await,
        "the view has the wrong moment"
    );
    assert_eq!(issuer.client_credentials(&client).await.status, 503);

    let admin = issuer.administrator();
    let Changed { outcome, .. } = admin.repair().await.expect("a repair");
    let repaired = outcome.expect("something to repair");
    let lowered: Vec<_> = repaired
        .lowered
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(lowered, ["app"]);
    issuer.pass(10);
    let new = issuer.client_credentials(&client).await;
    assert_eq!(new.status, 200, "{}", new.body);
    assert!(
        accepted(&verifier, &new.access_token()).await,
        "a warm view takes it over"
    );
    assert!(!accepted(&verifier, &old.access_token()).await);
    assert!(!issuer.is_active(&client, &old.access_token()).await);
    let refused = issuer.refresh(&client, &old.refresh_token()).await;
    assert_eq!(refused.error(), (400, "invalid_grant".into()));

    let before = issuer.items().await;
    let nothing = admin.repair().await.expect("a repair");
    assert!(nothing.outcome.is_none());
    assert_eq!(issuer.items().await, before);
}

/// `key rotate --now` by a command, and then at once: some key signs, whoever's clock is behind.
#[tokio::test]
async fn after_all_keys_were_replaced_some_key_signs_at_once() {
    let (issuer, client, _) = started().await;
    issuer
        .administrator()
        .replace_keys(Vec::new())
        .await
        .expect("replaced");
    let function = issuer
        .cold_as(|config: &mut Config| config.cache_ttl = Duration::ZERO)
        .await;
    issuer.set(Timestamp::from_seconds(START - 1));
    let answer = function.client_credentials(&client).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// What was revoked is said by name, and so is when everybody knows it.
#[tokio::test]
async fn every_outcome_says_when_it_is_effective() {
    let (issuer, client, _) = started().await;
    let admin = issuer.administrator();
    let (now, id) = (issuer.now(), client.client_id());
    let revoked = admin.revoke_client(id.clone()).await.expect("revoked");
    assert_eq!(
        revoked.outcome,
        Revoked::Client {
            client_id: id.clone()
        }
    );
    let secret = admin
        .rotate_secret(&id, Duration::ZERO, false)
        .await
        .expect("a secret");
    let rotated = admin.rotate_keys(Vec::new()).await.expect("a successor");
    let signs_from = rotated.outcome[0].active_from;
    for (effective_by, at_least) in [
        (revoked.effective_by, now.after(INTERVAL)),
        (secret.effective_by, now),
        (rotated.effective_by, signs_from),
    ] {
        assert!(effective_by >= at_least, "{effective_by:?} {at_least:?}");
    }
}
