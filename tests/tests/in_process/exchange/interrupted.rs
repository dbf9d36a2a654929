//! Invariants 8 and 9: an exchange whose process is killed in the middle of any call, or whose table fails from there on, leaves nothing
//! but the single use of its proof. Time is tokio's paused clock.

use tokensmith_issuer::store::records::Dpop;
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::OTHER_API;
use tokensmith_tests::{HttpRequest, Items};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

use super::{ACCESS_TOKEN, Scene, TOKEN_EXCHANGE};
use crate::people::Browser;
use crate::people::interrupted::{End, Interrupted, interrupted};

const ENDS: [End; 4] = [
    End::KilledBefore,
    End::KilledAfter,
    End::From(Fault::Throttled),
    End::From(Fault::Silence),
];

impl Scene {
    /// What the table has besides what was used once.
    async fn lasting(&self) -> Items {
        let mut items = self.issuer.items().await;
        items.retain(|key, _| !key.starts_with("REPLAY#"));
        items
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_8_an_exchange_that_is_interrupted_anywhere_is_made_anew() {
    let scene = Scene::new().await;
    let checking = |resource: &mut tokensmith_issuer::store::records::Resource| {
        resource.dpop = Some(Dpop::Required);
    };
    scene.issuer.change_resource(OTHER_API, checking).await;
    scene.issuer.issuer.forget_cached();
    let key = OwnKey::new(SignatureAlgorithm::ES256);
    let form = [
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token", scene.token.as_str()),
        ("subject_token_type", ACCESS_TOKEN),
        ("resource", OTHER_API),
    ];
    let request = || {
        let request = HttpRequest::form(paths::TOKEN, &form).by(&scene.orders);
        scene.proved(request, &key)
    };
    let (before, mut step) = (scene.lasting().await, 0);
    'calls: loop {
        for end in ENDS {
            let case = format!("call {step}, {end:?}");
            let sent = request();
            match interrupted(&scene.issuer, &Browser::default(), &sent, step, end).await {
                Interrupted::Through => break 'calls,
                Interrupted::Killed => {}
                Interrupted::Answered(answer) => answer.assert_unavailable(),
            }
            assert_eq!(scene.lasting().await, before, "{case}");
            let again = scene.issuer.send(&request()).await;
            assert_eq!(again.status, 200, "{case}: {}", again.body);
            let claims = scene.claims(&again.access_token()).await;
            assert_eq!(claims["act"]["sub"], "orders", "{case}");
        }
        step += 1;
    }
    assert!(step >= 4, "{step} calls were interrupted");
}
