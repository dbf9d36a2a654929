//! Authorization codes that are bound to a key (RFC 9449 §10).

use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::{CodeFlow, HttpRequest};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

use crate::people::World;

fn redeemed(world: &World, flow: &CodeFlow, code: &str, key: Option<&OwnKey>) -> (u16, String) {
    let request = flow.redemption(code);
    let answer = world.issuer.send(&match key {
        Some(key) => request.proving(key, &world.issuer.url),
        None => request,
    });
    match answer.status {
        200 => (200, answer.string("token_type")),
        _ => answer.error(),
    }
}

#[test]
fn rfc9449_10_a_code_is_good_for_the_key_that_the_request_names() {
    let mut world = World::with(&["--public"]);
    let (key, thief) = (
        OwnKey::new(SignatureAlgorithm::ES256),
        OwnKey::new(SignatureAlgorithm::ES256),
    );
    let flow = world.flow("read").with("dpop_jkt", &key.thumbprint());
    let code = world.code(&flow);
    let refused = (400, "invalid_dpop_proof".to_owned());
    assert_eq!(redeemed(&world, &flow, &code, None), refused);
    assert_eq!(redeemed(&world, &flow, &code, Some(&thief)), refused);
    // Nobody without the key has used it up, or ended anything.
    assert_eq!(redeemed(&world, &flow, &code, Some(&key)).0, 200);
}

#[test]
fn rfc9449_10_a_malformed_thumbprint_is_a_bad_request() {
    let mut world = World::new();
    let flow = world.flow("read").with("dpop_jkt", "short");
    let back = flow.begin(&mut world.person, &world.issuer).elsewhere();
    assert_eq!(flow.error(&world.issuer, &back), "invalid_request");
}

#[test]
fn rfc9449_10_1_a_pushed_request_is_bound_to_the_key_of_its_proof() {
    let mut world = World::new();
    let (key, other) = (
        OwnKey::new(SignatureAlgorithm::ES256),
        OwnKey::new(SignatureAlgorithm::ES256),
    );
    let flow = world.flow("read");
    let push = |flow: &CodeFlow, key: &OwnKey| {
        let request = HttpRequest::post(paths::PUSHED_AUTHORIZATION, flow.query());
        let request = request.by(&world.client).proving(key, &world.issuer.url);
        world.issuer.send(&request)
    };
    let named = flow.clone().with("dpop_jkt", &other.thumbprint());
    push(&named, &key).assert_refused(400, "invalid_dpop_proof");
    assert_eq!(push(&named, &other).status, 201);
    let pushed = push(&flow, &key);
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    let opened = CodeFlow {
        parameters: vec![
            ("client_id".into(), world.client.id.clone()),
            ("request_uri".into(), pushed.string("request_uri")),
        ],
        ..flow.clone()
    };
    let back = world.approve(&opened);
    let code = flow.code(&world.issuer, &back);
    let refused = (400, "invalid_dpop_proof".to_owned());
    assert_eq!(redeemed(&world, &flow, &code, Some(&other)), refused);
    assert_eq!(redeemed(&world, &flow, &code, Some(&key)).0, 200);
}
