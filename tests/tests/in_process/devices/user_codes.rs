//! What a person types (RFC 8628 §3.3, §6.1).

use super::*;

#[tokio::test]
async fn rfc8628_6_1_a_user_code_finds_its_request_however_it_is_typed() {
    let scene = Scene::new().await;
    let (codes, other) = (scene.ask().await, scene.ask().await);
    let id = scene.request(&codes).await.id;
    assert_ne!(scene.request(&other).await.id, id);
    let letters = codes.user.replace('-', "");
    for typed in [
        letters.to_lowercase(),
        format!(" {} ", letters),
        codes.user.clone(),
    ] {
        assert_eq!(
            scene.find(&typed).await.expect("a request").id,
            id,
            "{typed}"
        );
    }
    let answer = scene
        .issuer
        .issuer
        .device_request(&id, scene.issuer.now())
        .await;
    assert_eq!(answer.expect("a read").expect("a request").id, id);
}

#[tokio::test]
async fn what_is_no_user_code_finds_nothing_and_costs_nothing() {
    let scene = Scene::new().await;
    scene.ask().await;
    scene.issuer.dynamo.take_calls();
    for typed in ["", "ABCD-EFGH", "BCDF", "BCDF-GHJK-L", "' OR 1=1"] {
        assert!(scene.find(typed).await.is_none(), "{typed}");
        assert!(scene.issuer.dynamo.take_calls().is_empty(), "{typed}");
    }
    let strange = "BCDF-GHJK";
    assert!(scene.find(strange).await.is_none());
}

/// The 10 minutes of a code go on while the HMAC key rotates, for functions that know it and for those that do not yet.
#[tokio::test]
async fn a_user_code_is_found_while_the_hmac_key_rotates() {
    let scene = Scene::new().await;
    let before = scene.ask().await;
    let keys = scene.issuer.hmac_rotation();
    let rotated = keys
        .rotate(&scene.issuer.config.issuer, scene.issuer.now())
        .await;
    assert_eq!(rotated.expect("a new version"), 2);
    scene.issuer.pass(2);
    let newer = scene.issuer.cold().await;
    let answer = ask(&newer, &scene.client, &[]).await;
    let after = answer.string("user_code");
    for function in [&scene.issuer, &newer] {
        for user_code in [&before.user, &after] {
            let found = function
                .issuer
                .find_by_user_code(user_code, function.now())
                .await;
            assert!(found.expect("a read").is_some(), "{user_code}");
        }
    }
}

#[tokio::test]
async fn a_user_code_by_a_withdrawn_key_is_unknown() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let keys = scene.issuer.hmac_rotation();
    let replaced = keys
        .replace(&scene.issuer.config.issuer, scene.issuer.now())
        .await;
    assert_eq!(replaced.expect("new keys").withdrawn, [1]);
    let cold = scene.issuer.cold().await;
    let found = cold.issuer.find_by_user_code(&codes.user, cold.now()).await;
    assert!(found.expect("a read").is_none());
}
