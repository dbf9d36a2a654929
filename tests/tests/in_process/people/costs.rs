//! Invariant 12, of people: how many calls to AWS each request on the way from a client's wish to its tokens has, as the contract
//! has it.

use super::upstream::{self, Beside, Deed, Traveller};
use super::walk::{DEEDS, Walk};
use super::*;

/// Calls to AWS.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Calls {
    reads: usize,
    writes: usize,
}

impl Calls {
    /// Those since they were last counted.
    fn taken_from(issuer: &InProcess) -> Self {
        let mut counted = Self::default();
        for call in issuer.dynamo.take_calls() {
            match call.as_str() {
                "GetItem" | "BatchGetItem" | "Query" => counted.reads += 1,
                "PutItem" | "UpdateItem" | "DeleteItem" => counted.writes += 1,
                other => panic!("{other}"),
            }
        }
        counted
    }
}

/// The table under the heading "What a person's request costs".
fn documented() -> BTreeMap<String, Calls> {
    let contract = include_str!("../../../../docs/contract.md");
    let heading = "### What a person's request costs";
    let (_, section) = contract.split_once(heading).expect("it");
    let section = section.split("\n##").next().expect("a section");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let calls = rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let number = |cell: usize| cells[cell].parse().expect("a number");
        let calls = Calls {
            reads: number(1),
            writes: number(2),
        };
        (cells[0].to_owned(), calls)
    });
    calls.collect()
}

/// A function that is warm, and whose copies have not expired.
#[tokio::test]
async fn invariant_12_a_persons_request_costs_what_the_contract_says() {
    let scene = Scene::new().await;
    let client = client(&scene.issuer, "asking", |_| {}).await;
    let mut counted = BTreeMap::new();
    for (number, deed) in DEEDS.iter().enumerate() {
        for kind in ["first", "second"] {
            let name = format!("{kind}-{number}");
            let mut walk = Walk::new(&scene, &client, &name, deed).await;
            let request = walk.until(deed).await;
            scene.issuer.dynamo.take_calls();
            walk.send(request).await;
            counted.insert(deed.name.to_owned(), Calls::taken_from(&scene.issuer));
        }
    }
    // Whoever guesses finds out by nothing that is counted whether there is such a user.
    for name in ["alice", "nobody"] {
        let mut browser = Browser::default();
        scene.issuer.dynamo.take_calls();
        let sent = browser.get(&scene.issuer, paths::ACCOUNT).await;
        let page = sent.header("location").expect("a redirect").to_owned();
        let page = browser.get(&scene.issuer, &page).await;
        assert_eq!(Calls::taken_from(&scene.issuer), Calls::default());
        let form = field(&page, "form");
        let entered = [
            ("form", form.as_str()),
            ("user_name", name),
            ("password", "not the password"),
        ];
        let answer = browser.post(&scene.issuer, paths::LOGIN, &entered).await;
        assert_eq!(answer.status, 403);
        let calls = Calls::taken_from(&scene.issuer);
        let row = "`POST /login` with a wrong password".to_owned();
        let known = *counted.entry(row).or_insert(calls);
        assert_eq!(known, calls, "{name}");
    }
    counted.extend(of_sign_ins_elsewhere().await);
    assert_eq!(counted, documented());
}

async fn of_sign_ins_elsewhere() -> BTreeMap<String, Calls> {
    let beside = Beside::new().await;
    let mut counted = BTreeMap::new();
    for (deed, is_back) in upstream::DEEDS {
        for account in ["first", "second"] {
            let account = format!("{account}-{deed:?}-{is_back}").to_lowercase();
            let mut traveller = Traveller::new(&beside, deed, &account).await;
            let request = traveller.until(is_back).await;
            beside.issuer().dynamo.take_calls();
            traveller.send(request).await;
            let calls = Calls::taken_from(beside.issuer());
            counted.insert(deed.request(is_back).to_owned(), calls);
        }
    }
    // Anybody can come back with a code of their own making: the provider is asked about it.
    let mut stranger = Traveller::new(&beside, Deed::Become, "nobody").await;
    let asked = stranger.until(true).await;
    let path = asked.in_process().uri().to_string();
    beside.issuer().dynamo.take_calls();
    let answer = stranger
        .send(HttpRequest::get(&path.replace("code=", "code=x")))
        .await;
    assert_eq!(answer.status, 403);
    let row = "`GET /login/upstream` with a made-up code".to_owned();
    counted.insert(row, Calls::taken_from(beside.issuer()));
    counted
}

/// Before somebody has signed in, or a client has authenticated, the pages write nothing.
#[tokio::test]
async fn invariant_12_what_a_stranger_opens_writes_nothing() {
    let scene = Scene::new().await;
    let before = scene.issuer.items().await;
    let flow = CodeFlow::new(&scene.client, CALLBACK, "openid a");
    let unknown = CodeFlow::new(&TestClient::public("nobodys"), CALLBACK, "openid");
    let mut browser = Browser::default();
    browser.cookies.extend([(
        SESSION.to_owned(),
        format!("alice.{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>())),
    )]);
    let pushed = flow
        .clone()
        .with("request_uri", "urn:ietf:params:oauth:request_uri:x");
    for target in [
        flow.target(),
        flow.clone().with("prompt", "none").target(),
        flow.clone().with("scope", "not-there").target(),
        pushed.target(),
        unknown.target(),
        format!("{}?request=x", paths::LOGIN),
        format!("{}?request=x", paths::CONSENT),
        paths::ACCOUNT.to_owned(),
    ] {
        scene.issuer.dynamo.take_calls();
        for browser in [&mut browser, &mut Browser::default()] {
            browser.get(&scene.issuer, &target).await;
            let calls = Calls::taken_from(&scene.issuer);
            assert_eq!(calls.writes, 0, "{target}");
            assert!(calls.reads <= 3, "{target}: {calls:?}");
        }
    }
    assert_eq!(scene.issuer.items().await, before);
}
