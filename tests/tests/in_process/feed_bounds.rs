//! Invariant 12: what strangers cause who ask for the revocation feed is bounded, whatever they ask for
//! and whatever is in the table.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tempfile::TempDir;
use tokensmith_issuer::endpoint;
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::keys::{CustodyError, PrivateKey, PublicJwk, Sign, Signer};
use tokensmith_issuer::revocation::sweep_feed;
use tokensmith_issuer::store::FeedSelection;
use tokensmith_issuer::store::records::{Client, Subject};
use tokensmith_local::FileCustody;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::{InProcess, START, TestCustody};
use tokensmith_verifier::{Algorithm, FEED_OVERLAP_SECONDS, Timestamp};

const INTERVAL: u64 = 5;

async fn get(issuer: &InProcess, query: &str) -> Response<Bytes> {
    get_known(issuer, query, None).await
}

/// Asks as one who has the document with this tag.
async fn get_known(issuer: &InProcess, query: &str, etag: Option<&str>) -> Response<Bytes> {
    let mut request = Request::get(format!("/oauth2/revocations{query}"));
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    let request = request.body(Bytes::new()).expect("a request");
    issuer.issuer.handle(&endpoint::REVOCATIONS, request).await
}

fn payload(answer: &Response<Bytes>) -> serde_json::Value {
    use base64::Engine;
    let jws = std::str::from_utf8(answer.body()).expect("text");
    let part = jws.split('.').nth(1).expect("a payload");
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
    serde_json::from_slice(&json.expect("base64url")).expect("JSON")
}

/// Keys that count what they sign.
#[derive(Debug)]
struct Counted<T>(T, Arc<AtomicUsize>);

#[async_trait]
impl Sign for Counted<Arc<dyn Sign>> {
    async fn signer(
        &self,
        algorithm: Algorithm,
        key: &PrivateKey,
    ) -> Result<Arc<dyn Signer>, CustodyError> {
        let signer = self.0.signer(algorithm, key).await?;
        Ok(Arc::new(Counted(signer, self.1.clone())))
    }
}

#[async_trait]
impl Signer for Counted<Arc<dyn Signer>> {
    fn public_key(&self) -> &PublicJwk {
        self.0.public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sign(message).await
    }
}

/// Whatever they ask for: everything, what is new, the future, and each second in between.
#[tokio::test]
async fn invariant_12_ten_thousand_readers_of_an_interval_cost_two_queries_and_one_signature() {
    let keys = TempDir::new().expect("a directory");
    let custody = FileCustody::open_or_create(&keys.path().join("key")).expect("a wrapping key");
    let mut custody = TestCustody::from(custody);
    let signatures = Arc::new(AtomicUsize::new(0));
    custody.sign = Arc::new(Counted(custody.sign.clone(), signatures.clone()));
    let issuer = InProcess::kept_by(custody, |_| {}).await;
    issuer
        .insert_revoked(
            10,
            issuer.now(),
            issuer.now().after(Duration::from_secs(600)),
        )
        .await;
    for interval in 0..3 {
        issuer.dynamo.take_calls();
        signatures.store(0, Ordering::SeqCst);
        for n in 0..10_000_u64 {
            let query = match n % 4 {
                0 => String::new(),
                1 => "?since=0".to_owned(),
                2 => format!("?since={}", START - n),
                _ => format!("?since={}", START + n),
            };
            let answer = get(&issuer, &query).await;
            assert_eq!(answer.status(), StatusCode::OK, "{query}");
        }
        let queries = issuer.dynamo.take_calls();
        assert!(queries.len() <= 2, "interval {interval}: {queries:?}");
        assert_eq!(signatures.load(Ordering::SeqCst), 1, "interval {interval}");
        issuer.pass(INTERVAL);
    }
}

#[tokio::test]
async fn what_no_longer_matters_is_not_read() {
    let issuer = InProcess::start().await;
    let (now, hour) = (issuer.now(), Duration::from_secs(3600));
    // Recorded just now and long ago, and dead.
    issuer
        .insert_revoked(
            1500,
            now.before(Duration::from_secs(10)),
            now.before(hour / 2),
        )
        .await;
    issuer
        .insert_revoked(1500, now.before(2 * hour), now.before(hour))
        .await;
    issuer
        .insert_revoked(3, now.before(2 * hour), now.after(hour))
        .await;
    issuer.dynamo.take_calls();
    let answer = get(&issuer, "?since=0").await;
    assert_eq!(
        payload(&answer)["entries"]
            .as_array()
            .expect("entries")
            .len(),
        3
    );
    let calls = issuer.dynamo.take_calls();
    assert_eq!(
        calls,
        ["Query"],
        "one page of what matters; the keys were loaded"
    );
}

#[tokio::test]
async fn the_feed_is_the_same_for_everybody_until_the_interval_is_over() {
    let issuer = InProcess::start().await;
    for passed in 0..5 {
        let answer = get(&issuer, "").await;
        let fresh_for = format!("public, max-age={}", 5 - passed);
        assert_eq!(answer.headers()["cache-control"], *fresh_for);
        let etag = answer.headers()["etag"].to_str().expect("a tag").to_owned();
        let known = get_known(&issuer, "?since=7", Some(&etag)).await;
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert!(known.body().is_empty());
        assert_eq!(known.headers()["etag"], *etag);
        assert_eq!(known.headers()["cache-control"], *fresh_for);
        issuer.pass(1);
        let newer = get_known(&issuer, "", Some(&etag)).await;
        let is_new = passed == 4;
        assert_eq!(newer.status() == StatusCode::OK, is_new, "{passed}");
    }
}

/// Each function answers from its own copy, and a reader is answered by another one each time.
#[tokio::test]
async fn all_functions_give_out_the_same_interval() {
    let issuer = InProcess::start().await;
    issuer.pass(1);
    let other = issuer.cold().await;
    let first = payload(&get(&issuer, "").await);
    issuer.pass(3);
    let second = payload(&get(&other, "").await);
    assert_eq!(first["until"], second["until"]);
    assert_eq!(first["until"], START);
}

/// A reader who is up to date gets what is new, and not all that still matters.
#[tokio::test]
async fn a_reader_gets_the_page_that_it_needs() {
    let issuer = InProcess::start().await;
    let (now, day) = (issuer.now(), Duration::from_secs(24 * 3600));
    let before = |seconds| now.before(Duration::from_secs(seconds));
    issuer
        .insert_revoked(300, before(3600), now.after(day))
        .await;
    issuer.insert_revoked(2, before(10), now.after(day)).await;
    let up_to_date = before(FEED_OVERLAP_SECONDS).seconds();
    for (since, entries) in [(0, 302), (before(1800).seconds(), 302), (up_to_date, 2)] {
        let page = payload(&get(&issuer, &format!("?since={since}")).await);
        assert_eq!(
            page["entries"].as_array().expect("entries").len(),
            entries,
            "{since}"
        );
        assert!(page["from"].as_u64() <= Some(since));
        assert_eq!(
            (&page["until"], &page["more"]),
            (&START.into(), &false.into())
        );
    }
}

/// More than a document holds: pages end with a second, and together have everything once.
#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let issuer = InProcess::start().await;
    let (now, day) = (issuer.now(), Duration::from_secs(24 * 3600));
    for second in 1..=3 {
        let at = now.before(Duration::from_secs(100 * second));
        issuer.insert_revoked(5001, at, now.after(day)).await;
    }
    let (mut since, mut entries, mut pages) = (0, 0, 0);
    loop {
        let query = format!("?since={since}");
        // A function that has much to read answers 503 until it has read it.
        let mut answer = get(&issuer, &query).await;
        while answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            issuer.pass(1);
            answer = get(&issuer, &query).await;
        }
        let page = payload(&answer);
        assert!(answer.body().len() < 1_400_000);
        assert!(page["from"].as_u64() <= Some(since));
        entries += page["entries"].as_array().expect("entries").len();
        pages += 1;
        let until = page["until"].as_u64().expect("a moment");
        if page["more"] == false {
            break;
        }
        assert!(until > since);
        since = until;
    }
    assert_eq!((pages, entries), (2, 3 * 5001));
}

/// Requests that find the table out do not each try it again.
#[tokio::test]
async fn while_the_table_is_out_the_feed_is_503_and_asks_once_a_second() {
    let issuer = InProcess::start().await;
    issuer.dynamo.outage(Some(Fault::Throttled));
    for second in 0..3 {
        for _ in 0..20 {
            let answer = get(&issuer, "").await;
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.headers().contains_key("retry-after"));
        }
        // Three attempts of one query.
        assert_eq!(issuer.dynamo.take_calls().len(), 3, "second {second}");
        issuer.pass(1);
    }
    issuer.dynamo.outage(None);
    assert_eq!(get(&issuer, "").await.status(), StatusCode::OK);
}

/// The records of clients and subjects stay. Their entries leave when the last token has expired, and
/// not before; others are deleted with their records.
#[tokio::test]
async fn clients_and_subjects_leave_the_feed_when_their_last_token_has_expired() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    issuer.grant(&client, |_| {}).await;
    let admin = issuer.administrator();
    admin
        .revoke_client(client.client_id())
        .await
        .expect("revoked");
    admin.revoke_subject("alice".into()).await.expect("revoked");
    let listed = async || {
        let all = FeedSelection::Since(Timestamp::default());
        let page = issuer.table().query_feed(all, None, None).await;
        page.expect("a page").entries.len()
    };
    let last = START + 3 + 24 * 3600 + 60;
    for (now, left) in [(START, 2), (last, 2), (last + 1, 0)] {
        let swept = sweep_feed(issuer.table(), Timestamp::from_seconds(now)).await;
        assert_eq!(
            (swept.expect("a sweep"), listed().await),
            (2 - left, left),
            "{now}"
        );
    }
    // It can be revoked again.
    let stored = issuer.client(&client).await.not_before;
    assert_eq!(
        stored,
        Some(Timestamp::from_seconds(START + 3)),
        "the record keeps its moment"
    );
    issuer.set(Timestamp::from_seconds(last + 1));
    admin
        .revoke_client(client.client_id())
        .await
        .expect("revoked");
    assert_eq!(listed().await, 1);
    let key = Subject::key_of("alice");
    assert!(issuer.table().get(&key).await.expect("a read").is_some());
    let key = Client::key_of(&client.client_id());
    assert!(issuer.table().get(&key).await.expect("a read").is_some());
}

/// An entry that was renewed between the sweep's read and its write stays.
#[tokio::test]
async fn a_sweep_takes_nothing_that_was_renewed_meanwhile() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let admin = issuer.administrator();
    admin
        .revoke_client(client.client_id())
        .await
        .expect("revoked");
    let late = Timestamp::from_seconds(START + 2 * 24 * 3600);
    let (places, _) = issuer
        .table()
        .query_dead_in_feed(late, None, 10)
        .await
        .expect("a page");
    issuer.set(late);
    admin
        .revoke_client(client.client_id())
        .await
        .expect("revoked again");
    issuer
        .table()
        .leave_feed(&places[0])
        .await
        .expect("a refusal is no error");
    let live = FeedSelection::LiveAt(late);
    let page = issuer.table().query_feed(live, None, None).await;
    assert_eq!(page.expect("a page").entries.len(), 1);
}
