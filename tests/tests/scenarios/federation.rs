//! Tokens of other issuers that speak for clients (RFC 7521, RFC 7523): what platforms give their workloads.

use serde_json::{Value, json};
use tokensmith_tests::assertion::{OwnKey, now};
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer, unique};
use tokensmith_verifier::jose::SignatureAlgorithm;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const AUDIENCE: &str = "https://auth.example";

/// An issuer, and another one whose tokens speak for a client of it.
struct Federated {
    issuer: TestIssuer,
    client: TestClient,
    source: String,
    /// The `iss` of its tokens.
    url: String,
    key: OwnKey,
}

impl Federated {
    /// A source called `url`, or like it, and a client by federation. There is no rule yet.
    fn without_rule(url: &str, algorithm: SignatureAlgorithm) -> Self {
        let issuer = TestIssuer::shared();
        let key = OwnKey::new(algorithm);
        let source = unique("source");
        add_source(&issuer, &source, url, &[&key]);
        let client = workload(&issuer);
        Self {
            issuer,
            client,
            source,
            url: url.to_owned(),
            key,
        }
    }

    /// The same with a rule about one subject.
    fn new() -> Self {
        let url = format!("https://{}.example/", unique("idp").replace('_', "-"));
        let federated = Self::without_rule(&url, SignatureAlgorithm::RS256);
        federated.rule(&["--subject=workload"]);
        federated
    }

    fn rule(&self, conditions: &[&str]) -> String {
        self.rule_for(&self.client, conditions)
    }

    fn rule_for(&self, client: &TestClient, conditions: &[&str]) -> String {
        let name = unique("rule");
        let rule = ["federation", "create", &name, "--client", &client.id];
        let of = ["--source", &self.source, "--audience", AUDIENCE];
        self.issuer.change(&[&rule, &of[..], conditions].concat());
        self.issuer.await_rule();
        name
    }

    fn claims(&self) -> Value {
        let now = now();
        json!({
            "iss": self.url, "sub": "workload", "aud": AUDIENCE,
            "iat": now, "nbf": now, "exp": now + 600,
        })
    }

    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }

    fn by_assertion(&self, token: &str) -> Answer {
        let form = [("grant_type", "client_credentials")];
        self.issuer
            .send(&HttpRequest::asserted("/oauth2/token", &form, token))
    }

    fn by_grant(&self, token: &str, more: &[(&str, &str)]) -> Answer {
        let form = [&[("grant_type", JWT_BEARER), ("assertion", token)], more].concat();
        self.issuer.send(&HttpRequest::form("/oauth2/token", &form))
    }

    /// Both carriers refuse it, each in its own words.
    fn refuses(&self, token: &str, what: &str) {
        let answer = self.by_assertion(token);
        assert_eq!(
            (answer.status, answer.string("error")),
            (401, "invalid_client".into()),
            "{what}"
        );
        let answer = self.by_grant(token, &[]);
        assert_eq!(
            (answer.status, answer.string("error")),
            (400, "invalid_grant".into()),
            "{what}"
        );
    }

    /// Both carriers accept it, and the client is the subject.
    fn accepts(&self, token: &str, what: &str) {
        for answer in [self.by_assertion(token), self.by_grant(token, &[])] {
            assert_eq!(answer.status, 200, "{what}: {}", answer.body);
            let claims = answer.claims();
            assert_eq!(claims.sub, self.client.id, "{what}");
            assert_eq!(claims.client_id, self.client.id, "{what}");
            assert!(answer.json().get("refresh_token").is_none(), "{what}");
        }
    }
}

fn add_source(issuer: &TestIssuer, name: &str, url: &str, keys: &[&OwnKey]) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a path");
    let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
    std::fs::write(path, json!({ "keys": keys }).to_string()).expect("written");
    let create = ["federation", "source", "create", name];
    issuer.change(&[&create, &["--issuer", url, "--jwks", path][..]].concat());
}

/// A client that has no secret.
fn workload(issuer: &TestIssuer) -> TestClient {
    let id = unique("workload");
    let create = ["client", "create", "--id", &id, "--auth=federation"];
    let created = issuer.change(&[&create, &["--scope=a", "--default-scope=a"][..]].concat());
    assert_eq!(created, json!({ "client_id": id }));
    TestClient::public(&id)
}

#[test]
fn rfc7523_a_token_of_another_issuer_authenticates_its_client_or_is_its_grant() {
    let federated = Federated::new();
    federated.accepts(&federated.key.jwt(&federated.claims()), "a good one");
    let token = federated.key.jwt(&federated.claims());
    let named = federated.by_grant(
        &token,
        &[("client_id", &federated.client.id), ("scope", "a")],
    );
    assert_eq!(named.status, 200, "{}", named.body);
    let other = federated.by_grant(&token, &[("client_id", "somebody")]);
    assert_eq!(other.string("error"), "invalid_grant");
}

/// Platforms hand one token out until it expires, so it may be used again (invariant 2 exempts it).
#[test]
fn invariant_2_a_foreign_token_may_be_used_again_and_yields_no_refresh_token() {
    let federated = Federated::new();
    let token = federated.key.jwt(&federated.claims());
    for _ in 0..3 {
        federated.accepts(&token, "again");
    }
}

#[test]
fn invariant_5_what_a_foreign_token_yields_expires_with_it() {
    let federated = Federated::new();
    let claims = federated.claims_with("exp", json!(now() + 100));
    let answer = federated.by_grant(&federated.key.jwt(&claims), &[]);
    assert_eq!(answer.claims().exp, claims["exp"].as_u64().expect("a time"));
    let claims = federated.claims_with("exp", json!(now() - 5));
    let answer = federated.by_grant(&federated.key.jwt(&claims), &[]);
    assert_eq!(answer.string("error"), "invalid_grant");
}

/// Tokens of the shape that each platform gives, by a rule as `docs/federation.md` has it.
#[test]
fn recipes_tokens_of_each_platform_are_accepted_and_those_of_the_neighbours_refused() {
    let sts = "https://a1b2c3d4-5678-90ab-cdef-000000000001.tokens.sts.global.api.aws";
    let role = "arn:aws:iam::123456789012:role/orders";
    let aws = |sub: &str, account: &str| {
        json!({ "sub": sub, "jti": unique("j"), "https://sts.amazonaws.com/": {
            "aws_account": account, "source_region": "eu-central-1", "org_id": "o-1234567890",
            "principal_id": sub, "lambda_source_function_arn":
                "arn:aws:lambda:eu-central-1:123456789012:function:orders",
        }})
    };
    let subject = format!("--subject={role}");
    let account = "--claim=/https:~1~1sts.amazonaws.com~1/aws_account=123456789012";
    let github = |repository: &str, id: &str, reference: &str| {
        json!({
            "sub": format!("repo:acme@4711/{repository}@{id}:ref:{reference}"), "jti": unique("j"),
            "repository": format!("acme/{repository}"), "repository_id": id, "repository_owner": "acme",
            "repository_owner_id": "4711", "ref": reference, "ref_type": "branch",
            "job_workflow_ref": format!("acme/{repository}/.github/workflows/deploy.yml@{reference}"),
            "workflow": "deploy", "actor": "alice", "run_id": "1", "event_name": "push",
        })
    };
    let kubernetes = |namespace: &str, account: &str| {
        json!({
            "sub": format!("system:serviceaccount:{namespace}:{account}"), "aud": [AUDIENCE],
            "kubernetes.io": { "namespace": namespace, "serviceaccount": { "name": account } },
        })
    };
    let gitlab = |project: &str, reference: &str| {
        json!({
            "sub": format!("project_path:acme/{project}:ref_type:branch:ref:{reference}"),
            "project_path": format!("acme/{project}"), "project_id": "22", "namespace_id": "72",
            "ref": reference, "ref_type": "branch", "ref_protected": "true", "jti": unique("j"),
        })
    };
    let main = "refs/heads/main";
    type Recipe<'a> = (
        &'a str,
        &'a str,
        SignatureAlgorithm,
        Vec<&'a str>,
        Value,
        Vec<Value>,
    );
    let recipes: Vec<Recipe<'_>> = vec![
        (
            "AWS, RS256",
            sts,
            SignatureAlgorithm::RS256,
            vec![&subject, account],
            aws(role, "123456789012"),
            vec![
                aws(
                    "arn:aws:iam::123456789012:role/orders-admin",
                    "123456789012",
                ),
                aws("arn:aws:iam::123456789012:role/orders", "999999999999"),
                aws("arn:aws:iam::123456789012:role", "123456789012"),
            ],
        ),
        (
            "AWS, ES384",
            sts,
            SignatureAlgorithm::ES384,
            vec![&subject],
            aws(role, "123456789012"),
            vec![aws("arn:aws:iam::123456789012:role/other", "123456789012")],
        ),
        (
            "GitHub Actions, a repository and a branch",
            "https://token.actions.githubusercontent.com",
            SignatureAlgorithm::RS256,
            vec!["--claim=repository_id=74", "--claim=ref=refs/heads/main"],
            github("app", "74", main),
            vec![
                github("app", "75", main),
                github("app", "74", "refs/heads/feature"),
                github("app-fork", "741", main),
            ],
        ),
        (
            "GitHub Actions, an owner and a workflow",
            "https://token.actions.githubusercontent.com",
            SignatureAlgorithm::RS256,
            vec![
                "--claim=repository_owner_id=4711",
                "--claim=job_workflow_ref=acme/app/.github/workflows/deploy.yml@refs/heads/main",
            ],
            github("app", "74", main),
            vec![
                github("app", "74", "refs/heads/feature"),
                github("other", "74", main),
            ],
        ),
        (
            "EKS and Kubernetes, a service account",
            "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
            SignatureAlgorithm::RS256,
            vec!["--subject=system:serviceaccount:shop:orders"],
            kubernetes("shop", "orders"),
            vec![kubernetes("shop", "orders2"), kubernetes("shop2", "orders")],
        ),
        (
            "Kubernetes, a namespace",
            "https://kubernetes.default.svc.cluster.local",
            SignatureAlgorithm::ES256,
            vec!["--subject=system:serviceaccount:shop:*"],
            kubernetes("shop", "anything"),
            vec![
                kubernetes("shop-test", "orders"),
                kubernetes("sho", "p:orders"),
            ],
        ),
        (
            "GitLab, a project and a protected branch",
            "https://gitlab.example",
            SignatureAlgorithm::RS256,
            vec![
                "--claim=project_id=22",
                "--claim=ref=main",
                "--claim=ref_protected=true",
            ],
            gitlab("app", "main"),
            vec![gitlab("app", "feature")],
        ),
    ];
    for (name, url, algorithm, conditions, good, neighbours) in recipes {
        let federated = Federated::without_rule(url, algorithm);
        federated.rule(&conditions);
        let token = |claims: &Value| {
            let mut all = federated.claims();
            let members = claims.as_object().expect("claims").clone();
            all.as_object_mut().expect("claims").extend(members);
            federated.key.jwt(&all)
        };
        federated.accepts(&token(&good), name);
        for neighbour in neighbours {
            federated.refuses(&token(&neighbour), &format!("{name}: {neighbour}"));
        }
    }
}

#[test]
fn rfc7523_3_foreign_tokens_that_are_wrong_in_one_way_are_refused() {
    let federated = Federated::new();
    let (key, claims) = (&federated.key, federated.claims());
    let foreign = OwnKey::new(SignatureAlgorithm::RS256);
    let header_with = |name: &str, value: Value| {
        let mut header = key.header();
        header[name] = value;
        header
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().expect("claims").remove(name);
        claims
    };
    for (what, token) in [
        (
            "another subject",
            key.jwt(&federated.claims_with("sub", json!("workload2"))),
        ),
        (
            "another audience",
            key.jwt(&federated.claims_with("aud", json!("https://other.example"))),
        ),
        (
            "two audiences",
            key.jwt(&federated.claims_with("aud", json!([AUDIENCE, "https://b.example"]))),
        ),
        (
            "an unknown issuer",
            key.jwt(&federated.claims_with("iss", json!("https://nobody.example"))),
        ),
        ("an issuer like it", {
            let url = federated.url.trim_end_matches('/');
            key.jwt(&federated.claims_with("iss", json!(url)))
        }),
        (
            "our own issuer",
            key.jwt(&federated.claims_with("iss", json!(federated.issuer.url))),
        ),
        (
            "expired",
            key.jwt(&federated.claims_with("exp", json!(now() - 61))),
        ),
        (
            "not valid yet",
            key.jwt(&federated.claims_with("nbf", json!(now() + 120))),
        ),
        (
            "from the future",
            key.jwt(&federated.claims_with("iat", json!(now() + 120))),
        ),
        ("no sub", key.jwt(&without("sub"))),
        ("no aud", key.jwt(&without("aud"))),
        ("no exp", key.jwt(&without("exp"))),
        ("a foreign key", foreign.sign(&key.header(), &claims)),
        ("a foreign key by its own name", foreign.jwt(&claims)),
        (
            "a key in the header",
            foreign.sign(&header_with("jwk", foreign.jwk()), &claims),
        ),
        (
            "alg none",
            key.sign(&header_with("alg", json!("none")), &claims),
        ),
        (
            "alg HS256",
            key.sign(&header_with("alg", json!("HS256")), &claims),
        ),
        (
            "crit",
            key.sign(&header_with("crit", json!(["b64"])), &claims),
        ),
        (
            "an access token",
            key.sign(&header_with("typ", json!("at+jwt")), &claims),
        ),
    ] {
        federated.refuses(&token, what);
    }
}

/// A token of our own is for whom it was issued to.
#[test]
fn a_token_of_this_issuer_is_never_a_foreign_one() {
    let federated = Federated::new();
    let token = federated.key.jwt(&federated.claims());
    let own = federated.by_assertion(&token).access_token();
    federated.refuses(&own, "our own access token");
}

/// Two clusters may call themselves alike. Keys belong to a source, and never to a name.
#[test]
fn of_two_sources_with_one_issuer_each_speaks_by_its_own_keys_and_rules() {
    let url = "https://kubernetes.default.svc";
    let blue = Federated::without_rule(url, SignatureAlgorithm::RS256);
    blue.rule(&["--subject=workload"]);
    let (issuer, key) = (&blue.issuer, OwnKey::new(SignatureAlgorithm::RS256));
    let green = unique("green");
    add_source(issuer, &green, url, &[&key]);
    let token = key.jwt(&blue.claims());
    blue.refuses(&token, "the rule is about the other source");
    let client = workload(issuer);
    let rule = [
        "federation",
        "create",
        &unique("rule"),
        "--client",
        &client.id,
    ];
    let of = ["--source", &green, "--audience", AUDIENCE];
    issuer.change(&[&rule, &of[..], &["--subject=workload"]].concat());
    issuer.await_rule();
    assert_eq!(blue.by_assertion(&token).claims().sub, client.id);
    blue.accepts(&blue.key.jwt(&blue.claims()), "the first source");
}

#[test]
fn two_rules_for_two_clients_need_the_name_of_one() {
    let federated = Federated::new();
    let other = workload(&federated.issuer);
    federated.rule_for(&other, &["--subject=workload"]);
    let token = federated.key.jwt(&federated.claims());
    federated.refuses(&token, "two clients");
    for client in [&federated.client, &other] {
        let answer = federated.by_grant(&token, &[("client_id", &client.id)]);
        assert_eq!(answer.claims().sub, client.id);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &client.id),
        ];
        let request = HttpRequest::asserted("/oauth2/token", &form, &token);
        assert_eq!(federated.issuer.send(&request).claims().sub, client.id);
    }
}

#[test]
fn what_a_rule_or_its_client_loses_ends_at_once() {
    let federated = Federated::new();
    let Federated { issuer, client, .. } = &federated;
    let token = federated.key.jwt(&federated.claims());
    issuer.change(&["client", "disable", &client.id, "--yes"]);
    federated.refuses(&token, "disabled");
    issuer.change(&["client", "enable", &client.id]);
    let rules = issuer.manage(&["federation", "list"]);
    let rules = rules.as_array().expect("rules").iter();
    let mine: Vec<_> = rules
        .filter(|rule| rule["client_id"] == *client.id)
        .collect();
    let name = mine[0]["rule"].as_str().expect("a name");
    let refused =
        issuer.try_manage(&["federation", "source", "delete", &federated.source, "--yes"]);
    assert_eq!(refused.status.code(), Some(1), "a rule is about it");
    issuer.change(&["federation", "delete", name, "--yes"]);
    issuer.change(&["federation", "source", "delete", &federated.source, "--yes"]);
}

/// The other carriers of client authentication take it too.
#[test]
fn a_workload_introspects_and_revokes_its_tokens() {
    let federated = Federated::new();
    let token = federated.key.jwt(&federated.claims());
    let access = federated.by_assertion(&token).access_token();
    let form = [("token", access.as_str())];
    let send = |path: &str| {
        federated
            .issuer
            .send(&HttpRequest::asserted(path, &form, &token))
    };
    assert_eq!(send("/oauth2/introspect").json()["active"], true);
    assert_eq!(send("/oauth2/revoke").status, 200);
    assert_eq!(
        send("/oauth2/introspect").json(),
        json!({ "active": false })
    );
}

/// RFC 7523 §2.1: without other authentication.
#[test]
fn the_grant_is_the_only_authentication_and_the_client_must_be_allowed_it() {
    let federated = Federated::new();
    let token = federated.key.jwt(&federated.claims());
    let both = federated.by_grant(&token, &[("client_secret", "s")]);
    assert_eq!(both.string("error"), "invalid_request");
    let missing = HttpRequest::form("/oauth2/token", &[("grant_type", JWT_BEARER)]);
    assert_eq!(
        federated.issuer.send(&missing).string("error"),
        "invalid_request"
    );
    let id = &federated.client.id;
    federated
        .issuer
        .change(&["client", "update", id, "--grant=client_credentials"]);
    let answer = federated.by_grant(&token, &[]);
    assert_eq!(answer.string("error"), "unauthorized_client");
    let refresh = HttpRequest::form(
        "/oauth2/refresh",
        &[("grant_type", JWT_BEARER), ("assertion", &token)],
    );
    assert_eq!(
        federated.issuer.send(&refresh).string("error"),
        "unsupported_grant_type"
    );
}

#[test]
fn the_command_refuses_rules_that_let_in_everybody() {
    let federated = Federated::without_rule(
        "https://token.actions.githubusercontent.com",
        SignatureAlgorithm::RS256,
    );
    let error = |conditions: &[&str]| {
        let (name, client) = (unique("rule"), &federated.client.id);
        let rule = ["federation", "create", &name, "--client", client];
        let of = ["--source", &federated.source, "--audience", AUDIENCE];
        let output = federated
            .issuer
            .try_manage(&[&rule, &of[..], conditions].concat());
        assert!(!output.status.success(), "{conditions:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let everybody = "tells one from another";
    for conditions in [
        &[][..],
        &["--subject=repo:*"],
        &["--claim=iss=https://token.actions.githubusercontent.com"],
        &["--claim=aud=https://auth.example"],
    ] {
        assert!(error(conditions).contains(everybody), "{conditions:?}");
    }
    let wildcard = "may only be the last character";
    for conditions in [
        &["--subject=repo:acme*"][..],
        &["--subject=*"],
        &["--claim=ref=*main"],
    ] {
        assert!(error(conditions).contains(wildcard), "{conditions:?}");
    }
    let by_name = error(&["--subject=repo:acme/app:ref:refs/heads/main"]);
    assert!(by_name.contains("repository_id"), "{by_name}");
    let own = [
        "federation",
        "source",
        "create",
        "own",
        "--issuer",
        &federated.issuer.url,
    ];
    let output = federated
        .issuer
        .try_manage(&[&own, &["--jwks", "/dev/null"][..]].concat());
    assert!(!output.status.success());
}
