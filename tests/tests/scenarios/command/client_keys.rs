//! Clients that sign: `--auth private_key_jwt` and `--jwks`.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokensmith_tests::assertion::{OwnKey, assertion_claims};
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer, eventually, unique};
use tokensmith_verifier::jose::SignatureAlgorithm;

use super::{assert_refused, text};

struct Scene {
    issuer: TestIssuer,
    folder: TempDir,
    key: OwnKey,
}

impl Scene {
    fn new() -> Self {
        Self {
            issuer: TestIssuer::shared(),
            folder: TempDir::new().expect("a folder"),
            key: OwnKey::new(SignatureAlgorithm::ES256),
        }
    }

    /// A file with this content.
    fn file(&self, name: &str, content: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        fs::write(&path, content).expect("written");
        path.to_str().expect("text").to_owned()
    }

    /// A file with the client's own key set.
    fn own(&self) -> String {
        self.file("own.json", &self.key.jwks().to_string())
    }

    fn token(&self, key: &OwnKey, client: &TestClient) -> Answer {
        let assertion = key.jwt(&assertion_claims(client, &self.issuer.url));
        let form = [("grant_type", "client_credentials")];
        let request = HttpRequest::asserted("/oauth2/token", &form, &assertion);
        self.issuer.send(&request)
    }

    /// What a command says that is refused: one sentence.
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.issuer.try_manage(arguments);
        assert_refused(arguments, &output, code);
        let told = text(&output.stderr);
        assert_eq!(told.lines().count(), 1, "{told}");
        told.to_owned()
    }
}

/// A public key whose members are these, and otherwise the key's own.
fn changed(key: &OwnKey, changes: Value) -> Value {
    let mut jwk = key.jwk();
    let members = changes.as_object().expect("members").clone();
    jwk.as_object_mut().expect("a key").extend(members);
    jwk
}

#[test]
fn a_key_set_that_cannot_be_used_is_refused_and_no_key_is_repeated() {
    let scene = Scene::new();
    let key = &scene.key;
    let (one, other) = (key.jwk(), OwnKey::new(SignatureAlgorithm::EdDSA));
    let set = |keys: Value| json!({ "keys": keys }).to_string();
    let secret = URL_SAFE_NO_PAD.encode("a private key that nobody may read");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n");
    let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
    let many: Vec<_> = (0..101)
        .map(|number| changed(key, json!({ "kid": number.to_string() })))
        .collect();
    let long = changed(key, json!({ "x5c": ["c".repeat(16 * 1024)] }));
    let symmetric = json!({ "kty": "oct", "k": secret, "kid": "k" });
    let encrypts = changed(&other, json!({ "use": "enc" }));
    let rsa_1024 = json!({ "kty": "RSA", "n": short, "e": "AQAB", "alg": "RS256" });
    for (what, content, part) in [
        ("no JSON", "keys: []".to_owned(), "JSON of a JWK Set"),
        ("a PEM", pem, "JSON of a JWK Set"),
        ("a list", json!([one]).to_string(), "not a JWK Set"),
        ("one key", one.to_string(), "not a JWK Set"),
        ("no key", set(json!([])), "no key for RS256"),
        (
            "a private key",
            set(json!([changed(key, json!({ "d": secret }))])),
            "publish public keys only",
        ),
        ("a symmetric key", set(json!([symmetric])), "symmetric key"),
        ("101 keys", set(json!(many)), "more than 100 keys"),
        (
            "two keys of one name",
            set(json!([one, changed(&other, json!({ "kid": key.id }))])),
            "same kid",
        ),
        ("a key for encryption", set(json!([one, encrypts])), "(use)"),
        ("RSA of 1024 bits", set(json!([one, rsa_1024])), "no key"),
        (
            "an unknown algorithm",
            set(json!([
                one,
                changed(key, json!({ "kid": "k", "alg": "ES512" }))
            ])),
            "not for RS256",
        ),
        ("a long set", set(json!([long])), "16384 bytes"),
    ] {
        let file = scene.file("keys.json", &content);
        let id = unique("refused");
        let create = ["client", "create", "--auth=private_key_jwt", "--id", &id];
        let told = scene.refused(&[&create[..], &["--jwks", &file]].concat(), 1);
        assert!(told.contains(part), "{what}: {told}");
        assert!(!told.contains(&secret), "{what}: {told}");
        let shown = scene.issuer.try_manage(&["client", "show", &id]);
        assert_eq!(shown.status.code(), Some(1), "{what}");
    }
    let missing = scene.folder.path().join("missing.json");
    let missing = missing.to_str().expect("text");
    let create = ["client", "create", "--auth=private_key_jwt", "--id=missing"];
    let told = scene.refused(&[&create[..], &["--jwks", missing]].concat(), 1);
    assert!(told.contains(missing) && told.contains("read"), "{told}");
}

#[test]
fn keys_and_the_method_that_uses_them_go_together() {
    let scene = Scene::new();
    let own = scene.own();
    let client = scene
        .issuer
        .register_keys("signs", &[&scene.key], &["--scope=a"]);
    let shares = scene.issuer.register("shares", &["--scope=a"]);
    let (signs, shares) = (client.id.as_str(), shares.id.as_str());
    let before = [signs, shares].map(|id| scene.issuer.manage(&["client", "show", id]));
    let (jwks, keys) = (["--jwks", own.as_str()], "--auth=private_key_jwt");
    for (arguments, part) in [
        (&["client", "create", "--id=n", keys][..], "--jwks"),
        (
            &["client", "create", "--id=n", jwks[0], jwks[1]],
            "--auth private_key_jwt",
        ),
        (
            &["client", "create", "--id=n", "--public", jwks[0], jwks[1]],
            "--auth private_key_jwt",
        ),
        (&["client", "create", "--id=n", "--public", keys], "--auth"),
        (&["client", "update", shares, keys], "--jwks"),
        (&["client", "update", signs, "--unset=jwks"], "--jwks"),
        // Nobody would know its secret.
        (
            &[
                "client",
                "update",
                signs,
                "--auth=client_secret_basic",
                "--unset=jwks",
            ],
            "create a new client",
        ),
        (
            &["client", "rotate-secret", signs],
            "authenticates with keys",
        ),
    ] {
        let told = scene.refused(arguments, 1);
        assert!(told.contains(part), "{arguments:?}: {told}");
    }
    let unknown = ["client", "create", "--id=n", "--assertion-audience=anybody"];
    assert_refused(&unknown, &scene.issuer.try_manage(&unknown), 2);
    let after = [signs, shares].map(|id| scene.issuer.manage(&["client", "show", id]));
    assert_eq!(before, after);
    assert_eq!(scene.token(&scene.key, &client).status, 200);
}

#[test]
fn show_and_list_have_the_keys_and_what_assertions_name() {
    let scene = Scene::new();
    let more = ["--assertion-audience=token-endpoint"];
    let client = scene.issuer.register_keys("shown", &[&scene.key], &more);
    let shown = scene.issuer.manage(&["client", "show", &client.id]);
    assert_eq!(shown["jwks"], scene.key.jwks());
    assert_eq!(shown["assertion_audience"], "token-endpoint");
    assert_eq!(shown["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(shown["secrets"], json!([]));
    let listed = ["client", "list", "--prefix", &client.id];
    assert_eq!(scene.issuer.manage(&listed), json!([shown]));
    let reset = ["client", "update", &client.id, "--unset=assertion-audience"];
    assert_eq!(scene.issuer.change(&reset)["assertion_audience"], "issuer");
    // Others have neither member.
    let shares = scene.issuer.register("shares", &[]);
    let shown = scene.issuer.manage(&["client", "show", &shares.id]);
    assert!(shown.get("jwks").is_none() && shown.get("assertion_audience").is_none());
}

#[test]
fn a_client_whose_secret_is_replaced_by_keys_has_no_secret_any_more() {
    let scene = Scene::new();
    let client = scene.issuer.register("moves", &["--scope=a"]);
    assert_eq!(scene.issuer.token(&client, "").status, 200);
    let update = ["client", "update", &client.id, "--auth=private_key_jwt"];
    let own = scene.own();
    let updated = scene
        .issuer
        .change(&[&update[..], &["--jwks", &own]].concat());
    assert_eq!(updated["secrets"], json!([]));
    eventually("the secret is refused", || {
        (scene.issuer.token(&client, "").status == 401).then_some(())
    });
    assert_eq!(scene.token(&scene.key, &client).status, 200);
}

#[test]
fn apply_registers_clients_with_keys_and_tells_which_keys_changed() {
    let scene = Scene {
        issuer: TestIssuer::serve(&["--alg=ES256"]),
        ..Scene::new()
    };
    let described = |jwks: &Value| {
        json!({ "clients": [{
            "client_id": "signs",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": jwks,
        }] })
    };
    let apply = |jwks: &Value| {
        let file = scene.file("clients.yaml", &described(jwks).to_string());
        scene.issuer.change(&["client", "apply", "--file", &file])
    };
    let client = TestClient::public("signs");
    // No secret is made, so that nobody has to say where it goes.
    assert_eq!(apply(&scene.key.jwks())["created"], json!(["signs"]));
    assert_eq!(scene.token(&scene.key, &client).status, 200);
    assert_eq!(apply(&scene.key.jwks())["updated"], json!([]));
    let next = OwnKey::new(SignatureAlgorithm::EdDSA);
    let changes = json!({ "jwks": { "from": scene.key.jwks(), "to": next.jwks() } });
    assert_eq!(
        apply(&next.jwks())["updated"],
        json!([{ "client_id": "signs", "changes": changes }])
    );
    assert_eq!(scene.token(&next, &client).status, 200);
    assert_eq!(scene.token(&scene.key, &client).status, 401);

    let private = changed(&next, json!({ "d": "cHJpdmF0ZQ" }));
    for (jwks, part) in [
        (json!({ "keys": [private] }), "public"),
        (Value::Null, "--jwks"),
    ] {
        let file = scene.file("clients.yaml", &described(&jwks).to_string());
        let told = scene.refused(&["client", "apply", "--file", &file], 1);
        assert!(told.contains("signs") && told.contains(part), "{told}");
        assert!(!told.contains("cHJpdmF0ZQ"), "{told}");
    }
    assert_eq!(scene.token(&next, &client).status, 200);
}
