//! Clients that tokens of another issuer speak for.

use serde_json::json;
use tokensmith_issuer::GrantType;
use tokensmith_issuer::admin::NewRule;
use tokensmith_issuer::federation::ForeignIssuer;
use tokensmith_issuer::store::records::{AuthenticationMethod, Client, SourceKeys, StoredJwks};
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::{HttpRequest, InProcess};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

const ISSUER: &str = "https://token.platform.example";

/// A source with a key, of which rules can be made.
pub struct Source {
    issuer: ForeignIssuer,
    key: OwnKey,
}

impl Source {
    /// Registers it in `world`.
    pub async fn register(world: &InProcess) -> Self {
        let key = OwnKey::new(SignatureAlgorithm::RS256);
        let issuer: ForeignIssuer = ISSUER.parse().expect("an issuer");
        let keys = SourceKeys::Jwks(StoredJwks::new(&key.jwks()).expect("a key set"));
        let name = "platform".parse().expect("a name");
        let admin = world.administrator();
        let created = admin.create_source(name, issuer.clone(), keys).await;
        created.expect("a source");
        Self { issuer, key }
    }

    /// Makes a client and a rule about its tokens, and returns its request for a token of its own.
    pub async fn request_of(&self, world: &InProcess, client: &str) -> HttpRequest {
        let by_federation = |client: &mut Client| {
            client.authentication = Some(AuthenticationMethod::Federation);
            client.grant_types = GrantType::ALL.to_vec();
        };
        let registered = world.public(client, by_federation).await;
        let audience = world.config.issuer.as_str();
        let rule = NewRule {
            name: client.parse().expect("a name"),
            source: "platform".parse().expect("a name"),
            client_id: registered.client_id(),
            audience: audience.to_owned(),
            subject: Some(client.parse().expect("a pattern")),
            conditions: Vec::new(),
        };
        let made = world.administrator().create_rule(rule).await;
        made.expect("a rule");
        let now = world.now().seconds();
        let token = self.key.jwt(&json!({
            "iss": self.issuer, "sub": client, "aud": audience, "iat": now, "exp": now + 600,
        }));
        let own = [("grant_type", "client_credentials")];
        HttpRequest::asserted(paths::TOKEN, &own, &token)
    }
}
