//! What the caller is answered, for each reason: written down a second time, so that the verifier is not its own measure.

use super::format::{Answer, Outcome, Schemes};

pub const REALM: &str = "https://api.example";

/// The reason, its `error`, and its `error_description`.
const REASONS: [(&str, &str, &str); 35] = [
    (
        "repeated_header",
        "invalid_request",
        "the Authorization header is repeated",
    ),
    (
        "malformed_header",
        "invalid_request",
        "the bearer token is malformed",
    ),
    ("too_long", TOKEN, "the token is too long"),
    ("malformed", TOKEN, "the token is malformed"),
    (
        "unsupported_header",
        TOKEN,
        "the token's header is not supported",
    ),
    ("wrong_type", TOKEN, "the token is not an access token"),
    ("unknown_key", TOKEN, "the token's key is unknown"),
    (
        "wrong_algorithm",
        TOKEN,
        "the token's algorithm is not its key's",
    ),
    ("bad_signature", TOKEN, "the token's signature is wrong"),
    ("wrong_issuer", TOKEN, "the token is from another issuer"),
    ("wrong_audience", TOKEN, "the token is for another audience"),
    ("expired", TOKEN, "the token has expired"),
    ("not_yet_valid", TOKEN, "the token is not valid yet"),
    (
        "bound_to_key",
        TOKEN,
        "the token is bound to a key, and was sent as a bearer token",
    ),
    ("not_bound", TOKEN, "the token is not bound to a key"),
    ("token_revoked", TOKEN, "the token was revoked"),
    ("grant_revoked", TOKEN, "the token's grant was revoked"),
    ("client_revoked", TOKEN, "the token's client was revoked"),
    ("subject_revoked", TOKEN, "the token's subject was revoked"),
    ("api_key_ended", TOKEN, "the token's API key has ended"),
    ("withdrawn_key", TOKEN, "the token's key was withdrawn"),
    ("missing_proof", PROOF, "a DPoP proof is needed"),
    ("repeated_proof", PROOF, "the DPoP header is repeated"),
    ("malformed_proof", PROOF, "the DPoP proof is malformed"),
    (
        "proof_with_unusable_key",
        PROOF,
        "the DPoP proof has no public key that can be used",
    ),
    ("wrong_proof_type", PROOF, "the JWT is not a DPoP proof"),
    (
        "wrong_proof_algorithm",
        PROOF,
        "the algorithm of the DPoP proof is not its key's",
    ),
    (
        "bad_proof_signature",
        PROOF,
        "the signature of the DPoP proof is wrong",
    ),
    (
        "proof_for_another_method",
        PROOF,
        "the DPoP proof is for another method",
    ),
    (
        "proof_for_another_url",
        PROOF,
        "the DPoP proof is for another URL",
    ),
    (
        "proof_for_another_token",
        PROOF,
        "the DPoP proof is for another token",
    ),
    ("proof_too_old", PROOF, "the DPoP proof is too old"),
    (
        "proof_from_the_future",
        PROOF,
        "the DPoP proof is from the future",
    ),
    (
        "proof_by_another_key",
        PROOF,
        "the DPoP proof is by another key",
    ),
    ("proof_replayed", PROOF, "the DPoP proof was used before"),
];

const TOKEN: &str = "invalid_token";
const PROOF: &str = "invalid_dpop_proof";

/// Every reason that a vector must have.
pub fn all_reasons() -> impl Iterator<Item = &'static str> {
    let others = ["no_token", "insufficient_scope", "unavailable"];
    REASONS.iter().map(|(reason, _, _)| *reason).chain(others)
}

pub fn refused(reason: &str, schemes: Schemes) -> Outcome {
    let (status, error) = match reason {
        "no_token" => (401, None),
        "unavailable" => return unavailable(),
        _ => {
            let found = REASONS.iter().find(|(name, _, _)| *name == reason);
            let (_, error, description) = *found.expect("a reason of the table");
            let status = if error == "invalid_request" { 400 } else { 401 };
            (status, Some((error, description)))
        }
    };
    outcome(reason, status, error, None, schemes)
}

pub fn lacks_scope(sufficient: &str, schemes: Schemes) -> Outcome {
    let error = ("insufficient_scope", "the token lacks a scope");
    outcome(
        "insufficient_scope",
        403,
        Some(error),
        Some(sufficient),
        schemes,
    )
}

fn unavailable() -> Outcome {
    Outcome::Reject {
        reason: "unavailable".to_owned(),
        challenge: Answer {
            status: 503,
            www_authenticate: None,
            retry_after: Some(1),
        },
    }
}

fn outcome(
    reason: &str,
    status: u16,
    error: Option<(&str, &str)>,
    scope: Option<&str>,
    schemes: Schemes,
) -> Outcome {
    let challenge = |scheme: &str| {
        let mut value = format!("{scheme} realm=\"{REALM}\"");
        // A wrong proof is no error of those who need none.
        let own = error.filter(|(error, _)| scheme == "DPoP" || *error != PROOF);
        if let Some((error, description)) = own {
            value.push_str(&format!(
                ", error=\"{error}\", error_description=\"{description}\""
            ));
        }
        if let Some(scope) = scope {
            value.push_str(&format!(", scope=\"{scope}\""));
        }
        if scheme == "DPoP" {
            value.push_str(", algs=\"ES256 EdDSA Ed25519 PS256 RS256 ES384\"");
        }
        value
    };
    let schemes: &[&str] = match schemes {
        Schemes::Bearer => &["Bearer"],
        Schemes::DpopAndBearer => &["DPoP", "Bearer"],
        Schemes::Dpop => &["DPoP"],
    };
    let challenges: Vec<_> = schemes.iter().map(|scheme| challenge(scheme)).collect();
    Outcome::Reject {
        reason: reason.to_owned(),
        challenge: Answer {
            status,
            www_authenticate: Some(challenges.join(", ")),
            retry_after: None,
        },
    }
}
