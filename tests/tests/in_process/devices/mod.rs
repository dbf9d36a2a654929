//! Devices (RFC 8628) at the issuer. The pages, in which a person signs in and answers, are not here: these scenarios answer by
//! the functions that the pages call.

mod answering;
mod asking;
mod kills;
mod polling;
mod user_codes;

use http::Request;
use tokensmith_issuer::device::{DeviceAnswered, DeviceApproval};
use tokensmith_issuer::names::{Scopes, SubjectName};
use tokensmith_issuer::store::records::{
    Client, DeviceRequest, Grant, SignIn, Subject, SubjectKind,
};
use tokensmith_issuer::{GrantType, RequestContext, endpoint};
use tokensmith_tests::records::scopes;
use tokensmith_tests::{Answer, Form, HttpRequest, InProcess, TestClient};
use tokensmith_verifier::paths;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// An issuer, and a public client that runs on a device.
struct Scene {
    issuer: InProcess,
    client: TestClient,
}

/// What a device was told.
#[derive(Clone)]
struct Codes {
    device: String,
    user: String,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Client)) -> Self {
        let issuer = InProcess::start().await;
        let client = issuer
            .public("tv", |client| {
                client.grant_types = vec![GrantType::DeviceCode, GrantType::RefreshToken];
                change(client);
            })
            .await;
        issuer
            .table()
            .insert(&Subject::new("alice", SubjectKind::User))
            .await
            .expect("a subject");
        Self { issuer, client }
    }

    /// Asks for access, as a device does.
    async fn ask_with(&self, form: Form<'_>) -> Answer {
        ask(&self.issuer, &self.client, form).await
    }

    async fn ask(&self) -> Codes {
        let answer = self.ask_with(&[("scope", "a b")]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Codes {
            device: answer.string("device_code"),
            user: answer.string("user_code"),
        }
    }

    /// Polls, as the device does that has the code.
    async fn poll(&self, codes: &Codes) -> Answer {
        poll(&self.issuer, &self.client, &codes.device, &[]).await
    }

    /// The request that a user code means.
    async fn find(&self, typed: &str) -> Option<DeviceRequest> {
        let found = self
            .issuer
            .issuer
            .find_by_user_code(typed, self.issuer.now());
        found.await.expect("a read")
    }

    async fn request(&self, codes: &Codes) -> DeviceRequest {
        self.find(&codes.user).await.expect("a request")
    }

    async fn approve(&self, codes: &Codes) -> DeviceAnswered {
        let request = self.request(codes).await;
        self.approve_as(&request, "alice", &request.scopes).await
    }

    async fn approve_as(
        &self,
        request: &DeviceRequest,
        who: &str,
        given: &Scopes,
    ) -> DeviceAnswered {
        approve(&self.issuer, request, who, given)
            .await
            .expect("it is answered")
    }

    /// The grant that a person has given to the device.
    async fn grant(&self, answered: DeviceAnswered) -> Grant {
        let DeviceAnswered::Approved(id) = answered else {
            panic!("{answered:?}");
        };
        self.issuer.record(&Grant::key_of(id)).await
    }
}

async fn ask(issuer: &InProcess, client: &TestClient, form: Form<'_>) -> Answer {
    issuer.post(paths::DEVICE_AUTHORIZATION, client, form).await
}

async fn poll(issuer: &InProcess, client: &TestClient, code: &str, more: Form<'_>) -> Answer {
    let own = [("grant_type", DEVICE_CODE), ("device_code", code)];
    issuer
        .post(paths::TOKEN, client, &[&own, more].concat())
        .await
}

async fn approve(
    issuer: &InProcess,
    request: &DeviceRequest,
    who: &str,
    given: &Scopes,
) -> Result<DeviceAnswered, tokensmith_issuer::error::Unavailable> {
    let subject_name: SubjectName = who.parse().expect("a subject");
    let stored = issuer
        .table()
        .get(&Subject::key_of(who))
        .await
        .expect("a read");
    let subject = stored.map_or_else(
        || Subject::new(who, SubjectKind::User),
        |stored| stored.record,
    );
    let approval = DeviceApproval {
        request,
        scopes: given,
        subject: &subject,
        subject_name: &subject_name,
        sign_in: SignIn {
            at: issuer.now(),
            methods: vec!["pwd".to_owned()],
            session: None,
        },
    };
    issuer.issuer.approve_device(approval).await
}

/// What the table has of all requests, entries and grants.
async fn partitions(issuer: &InProcess, prefix: &str) -> usize {
    let items = issuer.items().await;
    items.keys().filter(|key| key.starts_with(prefix)).count()
}
