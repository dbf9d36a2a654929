//! What an operator's functions answer beside the outcome: an event that names what was changed, and
//! for what is refused a typed error, without a change.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokensmith_issuer::GrantType;
use tokensmith_issuer::admin::{
    AdminEvent, Changed, ClientChanges, ClientError, GrantError, GrantsOf, NewGrant, Reason,
    RegistrationError, RevokeError, Revoked, SecretError, TableScan,
};
use tokensmith_issuer::keys::RetireError;
use tokensmith_issuer::names::{ClientId, Scopes, SubjectName};
use tokensmith_issuer::store::records::AuthenticationMethod;
use tokensmith_tests::InProcess;
use tokensmith_tests::records::scopes;
use tokensmith_verifier::KeyId;

fn app() -> ClientId {
    "app".parse().expect("a client id")
}

fn metadata() -> ClientChanges {
    ClientChanges {
        grant_types: vec![GrantType::ClientCredentials, GrantType::RefreshToken],
        scopes: scopes("a b").iter().cloned().collect(),
        ..ClientChanges::default()
    }
}

fn public() -> ClientChanges {
    ClientChanges {
        authentication: Some(AuthenticationMethod::None),
        ..ClientChanges::default()
    }
}

fn grant(subject: &str, scopes: Scopes) -> NewGrant {
    NewGrant {
        client_id: app(),
        subject: subject.parse().expect("a subject"),
        scopes,
        audiences: Vec::new(),
    }
}

#[tokio::test]
async fn every_change_of_a_client_says_which_client() {
    let issuer = InProcess::start().await;
    let (admin, client_id) = (issuer.administrator(), app());
    let Changed {
        outcome: created,
        event,
        ..
    } = admin.create_client(app(), &metadata()).await.expect("new");
    let secret = created.secret.expect("it is confidential");
    assert_eq!(event, AdminEvent::ClientCreated { client: app() });

    let Changed {
        outcome: rotated,
        event,
        ..
    } = admin
        .rotate_secret(&client_id, Duration::from_secs(60), false)
        .await
        .expect("a new secret");
    assert_ne!(secret.expose_secret(), rotated.secret.expose_secret());
    assert_eq!(event, AdminEvent::SecretRotated { client: app() });

    let Changed { event, .. } = admin
        .update_client(&client_id, &metadata())
        .await
        .expect("an update");
    assert_eq!(event, AdminEvent::ClientUpdated { client: app() });
    let event = admin
        .disable_client(&client_id)
        .await
        .expect("disabled")
        .event;
    assert_eq!(event, AdminEvent::ClientDisabled { client: app() });
    let event = admin
        .enable_client(&client_id)
        .await
        .expect("enabled")
        .event;
    assert_eq!(event, AdminEvent::ClientEnabled { client: app() });
    let event = admin
        .delete_client(&client_id)
        .await
        .expect("deleted")
        .event;
    assert_eq!(event, AdminEvent::ClientDeleted { client: client_id });
}

#[tokio::test]
async fn a_client_that_cannot_be_changes_nothing() {
    let issuer = InProcess::start().await;
    let admin = issuer.administrator();
    admin.create_client(app(), &public()).await.expect("new");
    let before = issuer.items().await;
    let refused = admin.create_client(app(), &metadata()).await;
    assert!(matches!(refused, Err(ClientError::Exists(id)) if id == app()));
    let refused = admin.rotate_secret(&app(), Duration::ZERO, false).await;
    assert!(matches!(
        refused,
        Err(ClientError::Secret(SecretError::NoSecrets))
    ));
    let confidential = ClientChanges {
        authentication: Some(AuthenticationMethod::ClientSecretBasic),
        ..ClientChanges::default()
    };
    let without_rotation = ClientChanges {
        refresh_rotation: Some(false),
        ..ClientChanges::default()
    };
    let default_scope = ClientChanges {
        default_scopes: vec!["c".parse().expect("a scope")],
        ..ClientChanges::default()
    };
    for (changes, expected) in [
        (confidential, RegistrationError::NoSecret),
        (without_rotation, RegistrationError::PublicWithoutRotation),
        (metadata(), RegistrationError::PublicClientCredentials),
        (default_scope, RegistrationError::DefaultScopeNotAllowed),
    ] {
        let refused = admin.update_client(&app(), &changes).await;
        assert!(
            matches!(refused, Err(ClientError::Registration(why)) if why == expected),
            "{expected}"
        );
    }
    assert_eq!(issuer.items().await, before);
}

#[tokio::test]
async fn a_new_grant_says_whose_it_is_and_a_refused_one_claims_no_name() {
    let issuer = InProcess::start().await;
    let admin = issuer.administrator();
    admin
        .create_client(app(), &metadata())
        .await
        .expect("a client");
    let before = issuer.items().await;
    let refused = admin.create_grant(grant("alice", scopes("a c"))).await;
    assert!(matches!(refused, Err(GrantError::ScopeNotAllowed)));
    assert_eq!(issuer.items().await, before);
    let refused = admin.create_grant(grant("app", scopes("a"))).await;
    assert!(matches!(refused, Err(GrantError::NameOfClient(_))));
    assert_eq!(issuer.items().await, before);

    let Changed {
        outcome: created,
        event,
        ..
    } = admin
        .create_grant(grant("alice", scopes("a")))
        .await
        .expect("a grant");
    let subject: SubjectName = "alice".parse().expect("a subject");
    let expected = AdminEvent::GrantCreated {
        grant: created.grant_id,
        client: app(),
        subject: subject.clone(),
    };
    assert_eq!(event, expected);
    for of in [GrantsOf::Subject(subject), GrantsOf::Client(app())] {
        let mut pages = admin.list_grants(of, None).await.expect("a list");
        let page = pages.next().await.expect("a page").expect("the first");
        let listed: Vec<_> = page.into_iter().flatten().map(|one| one.grant.id).collect();
        assert_eq!(listed, [created.grant_id]);
        assert!(pages.next().await.expect("an answer").is_none());
    }
}

#[tokio::test]
async fn a_revocation_says_what_was_revoked() {
    let issuer = InProcess::start().await;
    let admin = issuer.administrator();
    admin
        .create_client(app(), &metadata())
        .await
        .expect("a client");
    let made = admin.create_grant(grant("alice", scopes("a"))).await;
    let created = made.expect("a grant").outcome;
    let grant_id = created.grant_id;
    let client_id = app();
    for (revoked, expected) in [
        (
            admin
                .revoke_token(created.refresh_token.expose_secret())
                .await,
            Revoked::Grant { grant_id },
        ),
        (
            admin.revoke_grant(grant_id).await,
            Revoked::Grant { grant_id },
        ),
        (
            admin.revoke_client(app()).await,
            Revoked::Client { client_id },
        ),
        (
            admin.revoke_subject("alice".to_owned()).await,
            Revoked::Subject {
                subject: "alice".to_owned(),
            },
        ),
    ] {
        let Changed { outcome, event, .. } = revoked.expect("a revocation");
        assert_eq!(outcome, expected);
        let recorded = match expected {
            Revoked::AccessToken { jti } => AdminEvent::TokenRevoked { jti },
            Revoked::Grant { grant_id } => AdminEvent::GrantRevoked { grant: grant_id },
            Revoked::ApiKey { key_id, client_id } => AdminEvent::ApiKeyRevoked {
                key: key_id,
                client: Some(client_id),
            },
            Revoked::Client { client_id } => AdminEvent::ClientRevoked { client: client_id },
            Revoked::Subject { subject } => AdminEvent::SubjectRevoked { subject },
        };
        assert_eq!(event, recorded);
    }
    let nobody = admin.revoke_subject("nobody".to_owned()).await;
    assert!(matches!(nobody, Err(RevokeError::NothingFound)));
    let garbage = admin.revoke_token("garbage").await;
    assert!(matches!(garbage, Err(RevokeError::Unrecognized(_))));
}

#[tokio::test]
async fn a_change_of_keys_names_them() {
    let issuer = InProcess::start().await;
    let admin = issuer.administrator();
    let kids = async || -> Vec<KeyId> {
        let keys = admin.signing_keys().await.expect("a list");
        keys.into_iter().map(|listed| listed.key.jwk.kid).collect()
    };
    let first = kids().await;
    let event = admin
        .rotate_keys(Vec::new())
        .await
        .expect("a rotation")
        .event;
    let both = kids().await;
    let created = both[1..].to_vec();
    assert_eq!(event, AdminEvent::KeysRotated { created });
    let refused = admin.retire_key(first[0].as_str().to_owned()).await;
    assert!(matches!(refused, Err(RetireError::Active)));
    let key_id = both[1].as_str().to_owned();
    let event = admin
        .retire_key(key_id.clone())
        .await
        .expect("an end")
        .event;
    assert_eq!(event, AdminEvent::KeyRetired { kid: key_id });
    let event = admin.replace_keys(Vec::new()).await.expect("a key").event;
    let created = kids().await[2..].to_vec();
    let withdrawn = first.clone();
    assert_eq!(event, AdminEvent::KeysReplaced { created, withdrawn });
    let Changed {
        outcome: version,
        event,
        ..
    } = admin.rotate_hmac_key().await.expect("a version");
    assert_eq!(version, 2);
    assert_eq!(
        event,
        AdminEvent::HmacKeyRotated {
            hmac_key_version: Some(version)
        }
    );
}

#[tokio::test]
async fn a_restore_names_the_keys_and_finds_revived_clients() {
    let (old, restored) = (InProcess::start().await, InProcess::start().await);
    old.administrator()
        .create_client(app(), &metadata())
        .await
        .expect("a client");
    let admin = restored.administrator();
    for id in [app(), "gone".parse().expect("an id")] {
        let made = admin.create_client(id, &metadata()).await;
        made.expect("a client");
    }
    let scan = TableScan::of(old.table().reader());
    let Changed { outcome, event, .. } = admin.restore(Some(&scan)).await.expect("a restore");
    let names = outcome.signing_keys.created.iter();
    let expected = AdminEvent::Restored {
        created: names.map(|key| key.kid.clone()).collect(),
        withdrawn: outcome.signing_keys.withdrawn.clone(),
        hmac_key_version: Some(2),
        belonged_to: None,
    };
    assert_eq!(event, expected);
    assert_eq!(outcome.signing_keys.withdrawn.len(), 1);
    let revived = outcome.back_to_life.expect("the old data is there");
    let mut because: Vec<_> = revived
        .iter()
        .map(|one| (one.client_id.as_str(), one.because.as_slice()))
        .collect();
    because.sort_by_key(|(client_id, _)| *client_id);
    assert_eq!(
        because,
        // The secrets of the two tables are not the same.
        [
            ("app", &[Reason::Secret][..]),
            ("gone", &[Reason::Deleted][..])
        ]
    );
}
