//! One change of each kind.

use std::pin::Pin;
use std::time::Duration;

use tokensmith_issuer::admin::{
    Administrator, ClientChanges, NewGrant, ResourceChanges, UserChanges,
};
use tokensmith_issuer::grant::AskedAccess;
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::records::PasswordHash;
use tokensmith_tests::records::scopes;

use super::scene::{
    FOREIGN, RESOURCE, SESSION, Scene, USER, api_key, app, no_keys, other_keys, rule, upstream,
    user,
};

pub type Work<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// A change, by the name of its event.
pub type Made = (
    &'static str,
    for<'a> fn(&'a Scene, &'a Administrator) -> Work<'a>,
);

/// One of each kind. `change!` makes it of an expression about the administrator.
macro_rules! change {
    ($event:literal, |$scene:ident, $admin:ident| $made:expr) => {
        (
            $event,
            (|$scene, $admin| {
                Box::pin(async move { $made.await.map(drop).map_err(|err| err.to_string()) })
            }) as for<'a> fn(&'a Scene, &'a Administrator) -> Work<'a>,
        )
    };
}

pub fn every_change() -> Vec<Made> {
    vec![
        change!("client_created", |_s, admin| admin.create_client(
            "new".parse().expect("an id"),
            &ClientChanges {
                scopes: vec!["a".parse().expect("a scope")],
                ..ClientChanges::default()
            }
        )),
        change!("client_updated", |_s, admin| admin.update_client(
            &app(),
            &ClientChanges {
                default_scopes: vec!["b".parse().expect("a scope")],
                ..ClientChanges::default()
            }
        )),
        change!("client_enabled", |_s, admin| admin.enable_client(&app())),
        change!("client_disabled", |_s, admin| admin.disable_client(&app())),
        change!("client_deleted", |_s, admin| admin.delete_client(&app())),
        change!("secret_rotated", |_s, admin| admin.rotate_secret(
            &app(),
            Duration::ZERO,
            true
        )),
        change!("secret_taken_back", |_s, admin| async {
            let rotated = admin.rotate_secret(&app(), Duration::ZERO, true).await?;
            admin.take_back_secret(&app(), &rotated.outcome).await
        }),
        change!("resource_created", |_s, admin| admin.create_resource(
            "https://new.example/".parse().expect("a URI"),
            &ResourceChanges::default()
        )),
        change!("resource_updated", |_s, admin| admin.update_resource(
            &RESOURCE.parse().expect("a URI"),
            &ResourceChanges {
                name: Some("a name".to_owned()),
                ..ResourceChanges::default()
            }
        )),
        change!("resource_deleted", |_s, admin| admin
            .delete_resource(&RESOURCE.parse().expect("a URI"))),
        change!("federation_source_created", |_s, admin| admin
            .create_source(
                "new".parse().expect("a name"),
                FOREIGN.parse().expect("an issuer"),
                no_keys()
            )),
        change!("federation_source_updated", |_s, admin| admin
            .change_source_keys(
                &"old".parse().expect("a name"),
                &other_keys()
            )),
        change!("federation_source_deleted", |_s, admin| admin
            .delete_source(&"unused".parse().expect("a name"))),
        change!("federation_rule_created", |_s, admin| admin
            .create_rule(rule("new-rule", "old"))),
        change!("federation_rule_deleted", |_s, admin| admin
            .delete_rule(&"old-rule".parse().expect("a name"))),
        change!("upstream_created", |_s, admin| admin
            .create_upstream(upstream("new"))),
        change!("upstream_deleted", |_s, admin| admin
            .delete_upstream(&"old".parse().expect("a name"))),
        change!("user_created", |_s, admin| admin.create_user(user("new"))),
        change!("user_updated", |_s, admin| admin.update_user(
            USER,
            &UserChanges {
                removed_claims: vec!["nickname".to_owned()],
                ..UserChanges::default()
            }
        )),
        change!("user_enabled", |_s, admin| admin.enable_user(USER)),
        change!("user_disabled", |_s, admin| admin.disable_user(USER)),
        change!("user_deleted", |_s, admin| admin.delete_user(USER)),
        change!("password_set", |_s, admin| admin
            .set_password(USER, PasswordHash::new("another"))),
        change!("session_ended", |_s, admin| admin
            .end_session(USER, SESSION)),
        change!("sessions_ended", |_s, admin| admin.end_sessions(USER)),
        change!("api_key_created", |_s, admin| admin
            .create_api_key(api_key())),
        change!("api_key_rotated", |scene, admin| admin.rotate_api_key(
            &scene.api_key,
            Duration::ZERO,
            None
        )),
        change!("api_key_revoked", |scene, admin| admin
            .revoke_api_key(&scene.api_key)),
        change!("grant_created", |_s, admin| admin.create_grant(NewGrant {
            client_id: app(),
            subject: "bob".parse().expect("a subject"),
            scopes: scopes("a"),
            audiences: Vec::new(),
        })),
        change!("token_revoked", |scene, admin| admin
            .revoke_token(&scene.access_token)),
        change!("grant_revoked", |scene, admin| admin
            .revoke_grant(scene.grant.id)),
        change!("client_revoked", |_s, admin| admin.revoke_client(app())),
        change!("subject_revoked", |scene, admin| async {
            let grant = scene.issuer.stored(&scene.grant).await;
            let name = grant.subject.to_string();
            // Nobody had claimed the name: a grant that a scenario has put there has not.
            let granted = admin.create_grant(NewGrant {
                client_id: app(),
                subject: grant.subject,
                scopes: scopes("a"),
                audiences: Vec::new(),
            });
            granted.await.map_err(|err| err.to_string())?;
            admin
                .revoke_subject(name)
                .await
                .map_err(|err| err.to_string())
        }),
        change!("token_issued", |scene, admin| admin.issue_token(
            scene.issuer.direct.custody.sign.clone(),
            &app(),
            AskedAccess {
                scopes: None,
                resources: Vec::new(),
            }
        )),
        change!("keys_rotated", |_s, admin| admin.rotate_keys(Vec::new())),
        change!("keys_replaced", |_s, admin| admin.replace_keys(Vec::new())),
        change!("hmac_key_rotated", |_s, admin| admin.rotate_hmac_key()),
        change!("key_retired", |_s, admin| async {
            let keys = admin.signing_keys().await.map_err(|err| err.to_string())?;
            let pending = keys.last().expect("a successor").key.jwk.kid.to_string();
            admin
                .retire_key(pending)
                .await
                .map_err(|err| err.to_string())
        }),
        change!("repaired", |_s, admin| admin.repair()),
        change!("restored", |_s, admin| admin.restore(None)),
        change!("issuer_replaced", |scene, admin| async {
            let from: &IssuerUrl = &scene.issuer.config.issuer;
            admin.replace_issuer(from).await
        }),
    ]
}
