//! Invariants 2 and 8: what becomes of an assertion when the write that claims it, or what follows, fails. Time is
//! tokio's paused clock: what waits for a time limit costs no time.

use std::time::Duration;

use tokensmith_issuer::store::records::SingleUse;
use tokensmith_tests::assertion::{OwnKey, assertion_claims_at};
use tokensmith_tests::faults::Fault;
use tokensmith_tests::{Answer, InProcess, TestClient};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::{Timestamp, paths};

const FAULTS: [Fault; 4] = [
    Fault::Before,
    Fault::After,
    Fault::Silence,
    Fault::Throttled,
];

/// The SDK makes three attempts.
const ATTEMPTS: usize = 3;

const OWN_TOKEN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

struct Signing {
    issuer: InProcess,
    client: TestClient,
    key: OwnKey,
}

impl Signing {
    async fn start() -> Self {
        let issuer = InProcess::start().await;
        let key = OwnKey::new(SignatureAlgorithm::ES256);
        let client = issuer.signing("signs", &key).await;
        let signing = Self {
            issuer,
            client,
            key,
        };
        signing
            .send(paths::TOKEN, &OWN_TOKEN, &signing.assertion())
            .await;
        signing
    }

    fn assertion(&self) -> String {
        self.key.assertion(&self.client, &self.issuer)
    }

    async fn send(&self, path: &str, form: &[(&str, &str)], assertion: &str) -> Answer {
        self.issuer.post_asserted(path, form, assertion).await
    }
}

/// The SDK repeats the write, and its own attempt id tells that it was applied. If no attempt is answered, the
/// request is: 503, and the client signs a new assertion, whatever became of the old one.
#[tokio::test(start_paused = true)]
async fn invariant_8_after_a_lost_claim_a_new_assertion_finishes_what_was_begun() {
    let signing = Signing::start().await;
    let token = signing
        .send(paths::TOKEN, &OWN_TOKEN, &signing.assertion())
        .await;
    let token = token.access_token();
    let of_token = [("token", token.as_str())];
    for (path, form) in [
        (paths::TOKEN, &OWN_TOKEN[..]),
        (paths::INTROSPECT, &of_token),
        (paths::REVOKE, &of_token),
    ] {
        for fault in FAULTS {
            for times in 1..=ATTEMPTS {
                let case = format!("{path}: {fault:?}, {times} times");
                let assertion = signing.assertion();
                let faults = vec![Some(fault); times];
                signing.issuer.dynamo.plan_for("PutItem", faults);
                let answer = signing.send(path, form, &assertion).await;
                signing.issuer.dynamo.plan_for("PutItem", []);
                let recorded = if times < ATTEMPTS {
                    assert_eq!(answer.status, 200, "{case}: {}", answer.body);
                    true
                } else {
                    answer.assert_unavailable();
                    fault == Fault::After
                };
                let again = signing.send(path, form, &assertion).await;
                let expected = if recorded { 401 } else { 200 };
                assert_eq!(again.status, expected, "{case}: {}", again.body);
                let anew = signing.send(path, form, &signing.assertion()).await;
                assert_eq!(anew.status, 200, "{case}: {}", anew.body);
            }
        }
    }
}

/// A refresh whose assertion is claimed, or not, and which then fails: the retry gets the one successor.
#[tokio::test(start_paused = true)]
async fn invariant_8_a_refresh_that_fails_around_its_claim_has_one_successor() {
    let signing = Signing::start().await;
    for operation in ["BatchGetItem", "PutItem", "UpdateItem"] {
        for fault in FAULTS {
            let case = format!("{fault:?} at {operation}");
            let grant = signing.issuer.grant(&signing.client, |_| {}).await;
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", grant.token.as_str()),
            ];
            let faults = vec![Some(fault); ATTEMPTS];
            signing.issuer.dynamo.plan_for(operation, faults);
            let lost = signing
                .send(paths::REFRESH, &form, &signing.assertion())
                .await;
            signing.issuer.dynamo.plan_for(operation, []);
            lost.assert_unavailable();
            let successor = signing.issuer.credential(&grant, 2, 1).await;
            for _ in 0..2 {
                let answer = signing
                    .send(paths::REFRESH, &form, &signing.assertion())
                    .await;
                assert_eq!(answer.refresh_token(), successor, "{case}");
            }
            assert_eq!(signing.issuer.stored(&grant).await.generation, 2, "{case}");
        }
    }
}

/// Whoever has recorded a request of the client has its assertion and its refresh token, which by then are old.
/// Only the client itself shows that a refresh token is used again.
#[tokio::test]
async fn invariant_2_a_repeated_request_neither_advances_nor_revokes_the_grant() {
    let signing = Signing::start().await;
    let grant = signing.issuer.grant(&signing.client, |_| {}).await;
    let refresh = async |token: &str, assertion: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        signing.send(paths::REFRESH, &form, assertion).await
    };
    let recorded = signing.assertion();
    let second = refresh(&grant.token, &recorded).await.refresh_token();
    let before = signing.issuer.stored(&grant).await;
    let repeated = refresh(&grant.token, &recorded).await;
    assert_eq!(repeated.error(), (401, "invalid_client".into()));
    assert_eq!(
        signing.issuer.stored(&grant).await.generation,
        before.generation
    );

    let third = refresh(&second, &signing.assertion()).await.refresh_token();
    let repeated = refresh(&grant.token, &recorded).await;
    assert_eq!(repeated.error(), (401, "invalid_client".into()));
    assert_eq!(signing.issuer.stored(&grant).await.revoked_at, None);

    // The client that does the same by itself has lost control of its tokens.
    let reused = refresh(&grant.token, &signing.assertion()).await;
    assert_eq!(reused.error(), (400, "invalid_grant".into()));
    assert!(signing.issuer.stored(&grant).await.revoked_at.is_some());
    let dead = refresh(&third, &signing.assertion()).await;
    assert_eq!(dead.error(), (400, "invalid_grant".into()));
}

/// DynamoDB deletes a claim at its end or later. By then the assertion has expired for every function, also for one
/// whose clock is a minute late.
#[tokio::test]
async fn invariant_2_a_claim_outlives_its_assertion_by_a_minute() {
    let signing = Signing::start().await;
    let (issuer, key) = (&signing.issuer, &signing.key);
    let now = issuer.now().seconds();
    let url = issuer.config.issuer.as_str();
    for (issued, expires) in [
        (Some(now), now + 300),
        (Some(now + 60), now + 3600),
        (None, now + 360),
    ] {
        issuer.set(Timestamp::from_seconds(now));
        let mut claims = assertion_claims_at(now, &signing.client, url);
        claims["exp"] = expires.into();
        match issued {
            Some(issued) => claims["iat"] = issued.into(),
            None => drop(claims.as_object_mut().expect("claims").remove("iat")),
        }
        let assertion = key.jwt(&claims);
        let send = async || signing.send(paths::TOKEN, &OWN_TOKEN, &assertion).await;
        assert_eq!(send().await.status, 200, "{claims}");
        let jti = claims["jti"].as_str().expect("an id");
        let name = format!("client_assertion {} {jti}", signing.client.id);
        let claim = SingleUse::key_of(&name);
        let kept_until = issuer.record(&claim).await.expires_at;
        for (before, status) in [(61, 200), (60, 401)] {
            issuer.set(kept_until.before(Duration::from_secs(before)));
            let deleted = issuer.table().delete(&claim).await;
            deleted.expect("the claim is deleted");
            assert_eq!(send().await.status, status, "{claims}");
        }
    }
}
