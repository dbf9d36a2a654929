//! What operators do with people: whatever is killed in between leaves nobody with more than before, and is finished by
//! repeating it.

use std::pin::pin;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokensmith_issuer::admin::{Administrator, NewUser, UserChanges, UserError};
use tokensmith_issuer::credential::GrantId;
use tokensmith_issuer::names::{SubjectName, UserName};
use tokensmith_issuer::person::InvalidClaim;
use tokensmith_issuer::store::records::{
    Consent, Login, Origin, PasswordHash, Session, SignIn, Subject, SubjectKind, User,
};
use tokensmith_tests::records::new_session;
use tokensmith_tests::{InProcess, TestClient, TestGrant, TestOperator};

const NAME: &str = "Alice";

fn alice(password: &str) -> NewUser {
    NewUser {
        name: NAME.parse().expect("a name"),
        password: Some(PasswordHash::new(password)),
        claims: Map::from_iter([("email".to_owned(), "alice@example.com".into())]),
    }
}

/// An issuer, and an operator whose calls can be held.
struct Scene {
    issuer: InProcess,
    operator: Administrator,
}

/// What a user has.
struct Belongings {
    subject: SubjectName,
    client: TestClient,
    grant: TestGrant,
    /// What was given in the session, and not for offline access.
    of_session: TestGrant,
}

impl Scene {
    async fn new() -> Self {
        let issuer = InProcess::start().await;
        let table = tokensmith_local::make_table(issuer.dynamo.clone()).await;
        let custody = issuer.direct.custody.clone();
        let operator = Administrator::new(
            issuer.config.clone(),
            table.expect("the table"),
            custody.make,
            custody.open,
            Arc::new(TestOperator),
        );
        Self { issuer, operator }
    }

    /// A user who has signed in, granted something, and agreed to it.
    async fn with_alice() -> (Self, Belongings) {
        let scene = Self::new().await;
        let admin = scene.issuer.administrator();
        let made = admin.create_user(alice("old")).await.expect("made");
        let subject = made.outcome.subject;
        let client = scene.issuer.public("app", |_| {}).await;
        let table = &scene.issuer.direct.table;
        let session = new_session("session", &subject, scene.issuer.now());
        table.insert(&session).await.expect("a session");
        let consent = Consent {
            subject: subject.clone(),
            client_id: client.client_id(),
            given: Vec::new(),
            given_at: scene.issuer.now(),
        };
        table.insert(&consent).await.expect("a consent");
        let grant = GrantId::random(&subject);
        let (owner, issuer) = (subject.clone(), &scene.issuer);
        let grant = issuer
            .grant(&client, move |one| (one.id, one.subject) = (grant, owner))
            .await;
        let (id, owner) = (GrantId::random(&subject), subject.clone());
        let of_session = issuer
            .grant(&client, move |one| {
                (one.id, one.subject) = (id, owner);
                one.origin = Origin::Code;
                one.sign_in = Some(SignIn {
                    at: one.created_at,
                    methods: vec!["pwd".to_owned()],
                    session: Some("session".to_owned()),
                });
            })
            .await;
        let belongings = Belongings {
            subject,
            client,
            grant,
            of_session,
        };
        (scene, belongings)
    }

    async fn user(&self) -> Option<User> {
        self.issuer.administrator().user(NAME).await.ok()
    }

    async fn login(&self) -> Option<Login> {
        let name: UserName = NAME.parse().expect("a name");
        let found = self.issuer.direct.table.get(&Login::key_of(&name)).await;
        found.expect("readable").map(|found| found.record)
    }

    async fn session(&self) -> Option<Session> {
        let key = Session::key_of("session");
        let found = self.issuer.direct.table.get(&key);
        found.await.expect("readable").map(|found| found.record)
    }

    async fn has_live_session(&self) -> bool {
        let (user, session) = (self.user().await, self.session().await);
        let live = user.zip(session);
        live.is_some_and(|(user, session)| session.is_live(&user, self.issuer.now()))
    }

    async fn all_users(&self) -> Vec<User> {
        let admin = self.issuer.administrator();
        let (mut pages, mut all) = (admin.list_users(None), Vec::new());
        while let Some(page) = pages.next().await.expect("a page") {
            all.extend(page.into_iter().map(|user| user.expect("readable")));
        }
        all
    }

    async fn can_refresh(&self, of: &Belongings) -> bool {
        let answer = self.issuer.refresh(&of.client, &of.grant.token).await;
        answer.status == 200
    }
}

/// Lets `work` make so many calls before `meanwhile`, and the others afterwards. Without `meanwhile`, it is killed then. The outcome, if it
/// has one, and whether it was over before that.
async fn interrupted<T>(
    scene: &Scene,
    calls: usize,
    work: impl Future<Output = T>,
    meanwhile: Option<impl Future<Output = ()>>,
) -> (Option<T>, bool) {
    let mut work = pin!(work);
    let mut held = scene.issuer.dynamo.hold();
    let mut released = 0;
    let attempt = loop {
        tokio::select! {
            done = &mut work => {
                scene.issuer.dynamo.unhold();
                return (Some(done), true);
            }
            attempt = held.recv() => {
                let attempt = attempt.expect("an attempt");
                if released == calls {
                    break attempt;
                }
                attempt.release(None);
                released += 1;
            }
        }
    };
    scene.issuer.dynamo.unhold();
    let Some(meanwhile) = meanwhile else {
        return (None, false);
    };
    meanwhile.await;
    attempt.release(None);
    (Some(work.await), false)
}

const NOBODY: Option<std::future::Ready<()>> = None;

#[tokio::test]
async fn a_user_has_an_opaque_subject_that_stays_claimed_for_ever() {
    let scene = Scene::new().await;
    let admin = scene.issuer.administrator();
    let made = admin.create_user(alice("old")).await.expect("made").outcome;
    assert!(made.subject.as_str().starts_with("usr_"));
    assert_eq!(made.subject.as_str().len(), 26, "128 random bits");
    for who in ["Alice", "alice", "ALICE", made.subject.as_str()] {
        assert_eq!(admin.user(who).await.expect(who).subject, made.subject);
    }
    for taken in ["Alice", "aLICE"] {
        let again = NewUser {
            name: taken.parse().expect("a name"),
            ..alice("another")
        };
        let refused = admin.create_user(again).await;
        assert!(matches!(refused, Err(UserError::Exists(_))), "{taken}");
    }
    let of_subject = NewUser {
        name: made.subject.as_str().parse().expect("a name"),
        ..alice("another")
    };
    let refused = admin.create_user(of_subject).await;
    assert!(matches!(refused, Err(UserError::NameOfSubject)));
    admin.delete_user(NAME).await.expect("deleted");
    let again = admin.create_user(alice("new")).await.expect("made again");
    assert_ne!(again.outcome.subject, made.subject);
    let claim: Subject = scene
        .issuer
        .record(&Subject::key_of(made.subject.as_str()))
        .await;
    assert_eq!(claim.kind, SubjectKind::User);
}

#[tokio::test]
async fn oidc_core_5_1_only_standard_claims_are_known_about_a_user() {
    let scene = Scene::new().await;
    let admin = scene.issuer.administrator();
    admin.create_user(alice("old")).await.expect("made");
    scene.issuer.pass(10);
    let of = |name: &str, value: Value| UserChanges {
        claims: Map::from_iter([(name.to_owned(), value)]),
        ..UserChanges::default()
    };
    for (name, value) in [("role", "admin".into()), ("email_verified", "yes".into())] {
        let refused = admin.update_user(NAME, &of(name, value)).await;
        let refused = refused.map(drop).expect_err(name);
        assert!(matches!(
            refused,
            UserError::Claims(InvalidClaim::Unknown(_) | InvalidClaim::Value(..))
        ));
    }
    let same = of("email", "alice@example.com".into());
    let unchanged = admin.update_user(NAME, &same);
    let unchanged = unchanged.await.expect("nothing to change").outcome;
    assert_eq!(unchanged.updated_at, unchanged.created_at);
    let verified = of("email_verified", true.into());
    let changed = admin.update_user(NAME, &verified);
    let changed = changed.await.expect("changed").outcome;
    assert_eq!(changed.claims["email"], "alice@example.com");
    assert!(changed.updated_at > changed.created_at);
    let moved = of("email", "alice@example.org".into());
    let moved = admin.update_user(NAME, &moved).await.expect("changed");
    let verified = moved.outcome.claims.get("email_verified");
    assert_eq!(verified, None, "nobody has verified the new address");
    let removed = UserChanges {
        removed_claims: vec!["nickname".to_owned()],
        ..UserChanges::default()
    };
    let refused = admin.update_user(NAME, &removed).await;
    assert!(matches!(refused, Err(UserError::ClaimNotThere(_))));
}

#[tokio::test]
async fn a_creation_that_is_killed_is_finished_by_repeating_it() {
    for calls in 0.. {
        let scene = Scene::new().await;
        let work = scene.operator.create_user(alice("old"));
        let (_, is_over) = interrupted(&scene, calls, work, NOBODY).await;
        let admin = scene.issuer.administrator();
        let repeated = admin.create_user(alice("new")).await;
        let password = match repeated {
            Ok(_) => "new",
            // It was killed when everything was there.
            Err(UserError::Exists(_)) => "old",
            Err(err) => panic!("killed after {calls} calls: {err}"),
        };
        let (user, login) = (scene.user().await, scene.login().await);
        let (user, login) = (user.expect("a user"), login.expect("a login"));
        assert_eq!(login.subject, user.subject, "{calls}");
        let hash = login.password.expect("a password");
        assert_eq!(hash.as_phc(), password, "{calls}");
        assert_eq!(scene.all_users().await.len(), 1, "{calls}");
        if is_over {
            assert!(calls > 4);
            return;
        }
    }
}

#[tokio::test]
async fn of_two_who_want_a_name_exactly_one_gets_it_with_the_own_password() {
    for calls in 0.. {
        let scene = Scene::new().await;
        let mut other = None;
        let work = scene.operator.create_user(alice("old"));
        let admin = scene.issuer.administrator();
        let meanwhile = async { other = Some(admin.create_user(alice("new")).await) };
        let (first, is_over) = interrupted(&scene, calls, work, Some(meanwhile)).await;
        let first = first.expect("an outcome");
        if is_over {
            assert!(first.is_ok() && calls > 4);
            return;
        }
        let other = other.expect("an outcome");
        let (made, password) = match (first, other) {
            (Ok(made), Err(UserError::Exists(_))) => (made, "old"),
            (Err(UserError::Exists(_)), Ok(made)) => (made, "new"),
            both => panic!("after {calls} calls: {both:?}"),
        };
        let login = scene.login().await.expect("a login");
        assert_eq!(login.subject, made.outcome.subject, "{calls}");
        let hash = login.password.expect("a password");
        assert_eq!(hash.as_phc(), password, "{calls}");
        let all = scene.all_users().await;
        let all: Vec<_> = all.iter().map(|user| &user.subject).collect();
        assert_eq!(all, [&made.outcome.subject], "{calls}");
    }
}

#[tokio::test]
async fn disabling_ends_sessions_first_then_grants_and_can_be_repeated() {
    for calls in 0.. {
        let (scene, of) = Scene::with_alice().await;
        assert!(scene.has_live_session().await && scene.can_refresh(&of).await);
        let (scene, of) = Scene::with_alice().await;
        let work = scene.operator.disable_user(NAME);
        let (_, is_over) = interrupted(&scene, calls, work, NOBODY).await;
        let (session, user) = (scene.has_live_session().await, scene.user().await);
        assert_eq!(session, !user.expect("a user").disabled, "{calls}");
        let subject: Subject = scene
            .issuer
            .record(&Subject::key_of(of.subject.as_str()))
            .await;
        assert!(
            !session || subject.not_before.is_none(),
            "{calls}: a session could still give a grant"
        );
        let admin = scene.issuer.administrator();
        admin.disable_user(NAME).await.expect("repeated");
        assert!(!scene.has_live_session().await, "{calls}");
        assert!(!scene.can_refresh(&of).await, "{calls}");
        if is_over {
            admin.enable_user(NAME).await.expect("enabled");
            assert!(!scene.has_live_session().await, "it stays ended");
            assert!(!scene.can_refresh(&of).await, "it stays ended");
            return;
        }
    }
}

#[tokio::test]
async fn no_session_ends_for_a_password_before_the_old_one_is_void() {
    for calls in 0.. {
        let (scene, of) = Scene::with_alice().await;
        let work = scene.operator.set_password(NAME, PasswordHash::new("new"));
        let (_, is_over) = interrupted(&scene, calls, work, NOBODY).await;
        let hash = scene.login().await.and_then(|login| login.password);
        let is_new = hash.is_some_and(|hash| hash.as_phc() == "new");
        assert!(scene.has_live_session().await || is_new, "{calls}");
        if is_over {
            assert!(is_new && !scene.has_live_session().await);
            let given = scene.issuer.stored(&of.of_session).await;
            assert!(given.revoked_at.is_some(), "it was given in a session");
            assert!(scene.can_refresh(&of).await, "what was granted stays");
            let (user, login) = (scene.user().await, scene.login().await);
            let (user, login) = (user.expect("a user"), login.expect("a login"));
            assert!(user.has_settled(login.changed_at));
            return;
        }
    }
}

#[tokio::test]
async fn a_deletion_that_is_killed_is_finished_by_its_name_and_leaves_nothing() {
    for calls in 0.. {
        let (scene, of) = Scene::with_alice().await;
        let work = scene.operator.delete_user(NAME);
        let (_, is_over) = interrupted(&scene, calls, work, NOBODY).await;
        let admin = scene.issuer.administrator();
        match admin.delete_user(NAME).await {
            Ok(_) => {}
            Err(UserError::Unknown(_)) => assert!(scene.login().await.is_none(), "{calls}"),
            Err(err) => panic!("killed after {calls} calls: {err}"),
        }
        assert!(scene.user().await.is_none() && scene.login().await.is_none());
        assert!(!scene.can_refresh(&of).await, "{calls}");
        let items = scene.issuer.items().await;
        for prefix in ["USER#", "LOGIN#", "SESSION#", "CONSENT#"] {
            let left = items.keys().find(|key| key.starts_with(prefix));
            assert_eq!(left, None, "{calls}");
        }
        if is_over {
            return;
        }
    }
}

#[tokio::test]
async fn a_deletion_takes_nothing_from_who_gets_the_name_meanwhile() {
    for calls in 0.. {
        let (scene, of) = Scene::with_alice().await;
        let mut other = None;
        let work = scene.operator.delete_user(NAME);
        let admin = scene.issuer.administrator();
        let meanwhile = async { other = Some(admin.create_user(alice("new")).await) };
        let (deleted, is_over) = interrupted(&scene, calls, work, Some(meanwhile)).await;
        deleted.expect("an outcome").expect("deleted");
        if let Some(Ok(made)) = other {
            let user = scene.user().await.expect("the new user");
            assert_eq!(user.subject, made.outcome.subject, "{calls}");
            assert_ne!(user.subject, of.subject);
        }
        if is_over {
            return;
        }
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let (scene, of) = Scene::with_alice().await;
    let admin = scene.issuer.administrator();
    let table = &scene.issuer.direct.table;
    let later = scene.issuer.now().after(std::time::Duration::from_secs(5));
    for (id, subject, at) in [
        ("later", of.subject.as_str(), later),
        ("foreign", "usr_somebody", later),
    ] {
        let session = new_session(id, &subject.parse().expect("a subject"), at);
        table.insert(&session).await.expect("a session");
    }
    let listed = |sessions: Vec<Session>| -> Vec<String> {
        sessions.into_iter().map(|session| session.id).collect()
    };
    let all = admin.sessions(NAME).await.expect("listed");
    assert_eq!(listed(all), ["later", "session"], "the last first");
    for other in ["foreign", "none"] {
        let refused = admin.end_session(NAME, other).await;
        assert!(matches!(refused, Err(UserError::NoSession(_))), "{other}");
    }
    admin.end_session(NAME, "later").await.expect("ended");
    let given = scene.issuer.stored(&of.of_session).await;
    assert_eq!(given.revoked_at, None, "it was given in the other");
    let left = admin.sessions(NAME).await.expect("listed");
    assert_eq!(listed(left), ["session"]);
    let ending = admin.ending_of_user(NAME).await.expect("counted");
    assert_eq!((ending.sessions, ending.grants), (1, 2));
    let ending = admin.ending_of_sessions(NAME).await.expect("counted");
    assert_eq!((ending.sessions, ending.grants), (1, 1));
    admin.end_sessions(NAME).await.expect("ended");
    assert!(admin.sessions(NAME).await.expect("listed").is_empty());
    assert!(!scene.has_live_session().await);
    let given = scene.issuer.stored(&of.of_session).await;
    assert!(given.revoked_at.is_some());
}
