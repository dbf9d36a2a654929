//! Claims that the operator of the issuer has given a client.

use serde_json::{Value, json};
use tokensmith_verifier::Algorithm;

use crate::support::{Forger, World};

#[tokio::test]
async fn a_claim_that_has_no_method_of_its_own_is_found_by_its_name() {
    let key = Forger::generate(Algorithm::ES256);
    let world = World::new(&[&key]);
    let mut claims = world.claims();
    claims["tenant"] = json!("t1");
    claims["limits"] = json!({ "seats": 5, "regions": ["eu", null] });
    let verified = world.verifier.verify(&key.token(&claims)).await;
    let verified = verified.expect("a valid token");
    assert_eq!(verified.get("tenant"), Some(&json!("t1")));
    assert_eq!(verified.get("limits"), Some(&claims["limits"]));
    assert_eq!(verified.get("plan"), None);
    let others: Vec<(&str, &Value)> = verified.others().collect();
    assert_eq!(
        others,
        [("limits", &claims["limits"]), ("tenant", &json!("t1"))]
    );
    // What has a method is the verifier's own business.
    assert_eq!((verified.get("sub"), verified.subject()), (None, "alice"));
}
