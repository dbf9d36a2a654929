//! How proofs and tokens are sent.

use super::*;

impl Cases<'_> {
    pub(super) fn sent_otherwise(&mut self) {
        let good = self.good_proof();
        let dpop = Schemes::DpopAndBearer;
        let plain_claims = claims();
        let plain = signed(&self.keys.eddsa, &self.keys.eddsa.header(), &plain_claims);
        let (bound, bearer) = (
            format!("DPoP {}", self.token),
            format!("Bearer {}", self.token),
        );
        let mut sent = |name: &str,
                        authorization: Vec<String>,
                        proofs: Vec<String>,
                        schemes: Schemes,
                        expected: Outcome| {
            let mut request = self.request(String::new(), expected);
            (request.authorization, request.dpop) = (authorization, proofs);
            self.case(name, vec![request]).schemes = schemes;
        };
        let of = |reason| refused(reason, dpop);
        sent(
            "no proof",
            vec![bound.clone()],
            vec![],
            dpop,
            of("missing_proof"),
        );
        sent(
            "two proofs",
            vec![bound.clone()],
            vec![good.clone(), good.clone()],
            dpop,
            of("repeated_proof"),
        );
        let joined = format!("{good}, {good}");
        sent(
            "two proofs that a gateway has joined",
            vec![bound.clone()],
            vec![joined],
            dpop,
            of("repeated_proof"),
        );
        sent(
            "a bound token as a bearer token",
            vec![bearer.clone()],
            vec![],
            dpop,
            of("bound_to_key"),
        );
        sent(
            "the same with a good proof",
            vec![bearer.clone()],
            vec![good.clone()],
            dpop,
            of("bound_to_key"),
        );
        sent(
            "no Authorization, but a proof",
            vec![],
            vec![good.clone()],
            dpop,
            of("no_token"),
        );
        sent(
            "a repeated Authorization",
            vec![bound.clone(), bearer.clone()],
            vec![good.clone()],
            dpop,
            of("repeated_header"),
        );
        sent(
            "no b64token",
            vec!["DPoP a b".to_owned()],
            vec![good.clone()],
            dpop,
            of("malformed_header"),
        );
        let plain_bearer = vec![format!("Bearer {plain}")];
        let accepted = || Outcome::Accept {
            claims: plain_claims.clone(),
        };
        sent(
            "a token that is not bound, as a bearer token",
            plain_bearer.clone(),
            vec![],
            dpop,
            accepted(),
        );
        sent(
            "the same, and a proof that is not looked at",
            plain_bearer.clone(),
            vec!["x".to_owned()],
            dpop,
            accepted(),
        );
        let refused_there = refused("no_token", Schemes::Dpop);
        sent(
            "a bearer token where only bound ones are taken",
            plain_bearer,
            vec![],
            Schemes::Dpop,
            refused_there,
        );
        let refused_there = refused("no_token", Schemes::Bearer);
        sent(
            "a bound token where proofs are not checked",
            vec![bound],
            vec![good],
            Schemes::Bearer,
            refused_there,
        );
        let refused_there = refused("bound_to_key", Schemes::Bearer);
        sent(
            "the same as a bearer token",
            vec![bearer],
            vec![],
            Schemes::Bearer,
            refused_there,
        );
    }

    pub(super) fn tokens(&mut self) {
        let keys = self.keys;
        let jkt = json!({ "jkt": self.client.kid });
        for (name, key, changes, reason) in [
            (
                "expired",
                &keys.eddsa,
                json!({ "cnf": jkt, "exp": START - 60 }),
                "expired",
            ),
            (
                "for another audience",
                &keys.eddsa,
                json!({ "cnf": jkt, "aud": "https://other.example" }),
                "wrong_audience",
            ),
            (
                "by a stranger",
                &keys.stranger,
                json!({ "cnf": jkt }),
                "unknown_key",
            ),
            ("not bound", &keys.eddsa, json!({}), "not_bound"),
        ] {
            let token = signed(key, &key.header(), &claims_with(changes));
            let proof = self.proof_with("ath", json!(token_hash(&token)));
            let mut request = self.request(proof, refused(reason, Schemes::DpopAndBearer));
            request.authorization = vec![format!("DPoP {token}")];
            self.case(
                &format!("a good proof with a token that is {name}"),
                vec![request],
            );
        }
        // The proof is judged first.
        let token = signed(
            &keys.eddsa,
            &keys.eddsa.header(),
            &claims_with(json!({ "exp": START - 60 })),
        );
        let mut claims = self.proof_claims();
        (claims["ath"], claims["htm"]) = (json!(token_hash(&token)), json!("POST"));
        let proof = signed(&self.client, &header(&self.client), &claims);
        let mut request = self.request(
            proof,
            refused("proof_for_another_method", Schemes::DpopAndBearer),
        );
        request.authorization = vec![format!("DPoP {token}")];
        self.case("both the proof and the token are wrong", vec![request]);
    }

    pub(super) fn replays(&mut self) {
        let replayed = || refused("proof_replayed", Schemes::DpopAndBearer);
        let proof = self.good_proof();
        let again = self.request(proof.clone(), replayed());
        let later = Request {
            now: START + 60,
            ..self.request(proof.clone(), replayed())
        };
        let first = self.request(proof.clone(), self.accepted());
        self.case(
            "a proof that is sent twice, and once more a minute later",
            vec![first, again, later],
        );
        let first = self.request(proof.clone(), self.accepted());
        let second = self.request(self.proof_with("jti", json!("proof-2")), self.accepted());
        self.case("another jti is another proof", vec![first, second]);
        let ahead = self.proof_with("iat", json!(START + 60));
        let first = self.request(ahead.clone(), self.accepted());
        let last = Request {
            now: START + 120,
            ..self.request(ahead.clone(), replayed())
        };
        let old = refused("proof_too_old", Schemes::DpopAndBearer);
        let over = Request {
            now: START + 121,
            ..self.request(ahead, old)
        };
        self.case(
            "a proof from 60 s ahead is remembered for as long as it could be sent",
            vec![first, last, over],
        );
        let mut wrong = self.request(
            proof.clone(),
            refused("proof_for_another_method", Schemes::DpopAndBearer),
        );
        wrong.method = "POST".to_owned();
        let right = self.request(proof, self.accepted());
        self.case("what is refused uses up nothing", vec![wrong, right]);
        let lacks = || lacks_scope("admin", Schemes::DpopAndBearer);
        let first = self.request(self.good_proof(), lacks());
        let again = self.request(self.good_proof(), replayed());
        self.case(
            "a proof is used up by a request that lacks a scope",
            vec![first, again],
        )
        .required = "admin".to_owned();
    }
}
