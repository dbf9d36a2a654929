//! What a person answers a device (RFC 8628 §3.3).

use super::*;

#[tokio::test]
async fn of_two_people_who_approve_the_first_gives_and_the_other_gives_nothing() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let request = scene.request(&codes).await;
    let first = scene.approve_as(&request, "alice", &request.scopes).await;
    let second = scene.approve_as(&request, "mallory", &request.scopes).await;
    assert_eq!(second, DeviceAnswered::Already);
    assert_eq!(scene.poll(&codes).await.claims().sub, "alice");
    assert_eq!(scene.grant(first).await.revoked_at, None);
    let live = live_grants(&scene.issuer).await;
    assert_eq!(live, 1, "what the other had inserted is revoked");
}

#[tokio::test]
async fn whoever_approves_twice_makes_one_grant() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let request = scene.request(&codes).await;
    let first = scene.approve_as(&request, "alice", &request.scopes).await;
    // The page was sent before the first answer, and says so again.
    let again = scene.approve_as(&request, "alice", &request.scopes).await;
    assert_eq!(again, first);
    assert_eq!(partitions(&scene.issuer, "GRANT#").await, 1);
    assert_eq!(scene.grant(first).await.revoked_at, None);
    let denied = scene.issuer.issuer.deny_device(&request).await;
    assert_eq!(denied.expect("it is answered"), DeviceAnswered::Already);
    assert_eq!(scene.poll(&codes).await.status, 200);
}

#[tokio::test]
async fn nothing_is_given_to_a_client_that_was_disabled_meanwhile() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    scene
        .issuer
        .change_client(&scene.client, |client| client.disabled = true)
        .await;
    assert_eq!(scene.approve(&codes).await, DeviceAnswered::WithoutClient);
    assert_eq!(partitions(&scene.issuer, "GRANT#").await, 0);
}

#[tokio::test]
async fn invariant_4_a_grant_that_is_revoked_before_the_device_has_polled_is_never_redeemed() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let approved = scene.approve(&codes).await;
    let id = scene.grant(approved).await.id;
    let revoked = scene.issuer.administrator().revoke_grant(id).await;
    revoked.expect("it is revoked");
    scene
        .poll(&codes)
        .await
        .assert_refused(400, "invalid_grant");
}

/// An approval that was never noted is nobody's: it opens nothing, and is over with the request.
#[tokio::test]
async fn a_grant_that_no_request_names_expires_with_the_request() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let expires_at = scene.request(&codes).await.expires_at;
    let grant = scene.grant(scene.approve(&codes).await).await;
    assert_eq!((grant.generation, grant.idle_expires_at), (0, expires_at));
    scene.poll(&codes).await;
    let redeemed: Grant = scene.issuer.record(&Grant::key_of(grant.id)).await;
    assert_eq!(redeemed.generation, 1);
    assert!(redeemed.idle_expires_at > expires_at);
}

pub(super) async fn live_grants(issuer: &InProcess) -> usize {
    let items = issuer.items().await;
    let grants = items.iter().filter(|(key, _)| key.starts_with("GRANT#"));
    grants
        .filter(|(_, item)| !item.contains_key("revoked_at"))
        .count()
}
