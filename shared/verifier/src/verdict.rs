//! The verdict: whether an access token is active. It is pure, and all who judge a token call it:
//! the issuer's introspection, `tokensmith inspect`, the authorizer and embedded verifiers.

use crate::{AccessTokenClaims, Expectations, Rejection};

/// The revocations that concern one token: of the token itself, and of everything that it was exchanged for. They may come
/// from a read of the table or from the revocation feed.
///
/// The `iat` of a token is the start of the oldest read that it rests on, those of its parents included. So what ends a
/// parent, and was not seen when the token was issued, lies at or after the `iat` of the token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RevocationStatus {
    /// The token itself was revoked, or one of its parents.
    pub token_revoked: bool,
    /// Its grant or that of a parent was revoked, or no longer exists.
    pub grant_revoked: bool,
    /// Tokens of its client, or of a parent's, issued at or before this second are invalid; [`u64::MAX`] when such a client
    /// is disabled or does not exist.
    pub client_not_before: Option<u64>,
    /// Tokens of its subject, or of one of its actors, issued at or before this second are invalid.
    pub subject_not_before: Option<u64>,
    /// An API key that it was exchanged for has ended.
    pub api_key_ended: bool,
    /// The key that signed it was withdrawn, or one that signed a parent.
    pub key_withdrawn: bool,
}

impl RevocationStatus {
    /// Of a token of which nothing is left: as if its client did not exist.
    pub const GONE: Self = Self {
        token_revoked: false,
        grant_revoked: false,
        client_not_before: Some(u64::MAX),
        subject_not_before: None,
        api_key_ended: false,
        key_withdrawn: false,
    };

    /// What revokes either of two tokens, where one was exchanged for the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            token_revoked: self.token_revoked || other.token_revoked,
            grant_revoked: self.grant_revoked || other.grant_revoked,
            client_not_before: self.client_not_before.max(other.client_not_before),
            subject_not_before: self.subject_not_before.max(other.subject_not_before),
            api_key_ended: self.api_key_ended || other.api_key_ended,
            key_withdrawn: self.key_withdrawn || other.key_withdrawn,
        }
    }

    /// Why these revocations reject a token with these claims; `None` when they do not.
    pub fn rejection(&self, claims: &AccessTokenClaims) -> Option<Rejection> {
        let covers = |not_before: Option<u64>| not_before.is_some_and(|end| claims.iat <= end);
        if self.key_withdrawn {
            Some(Rejection::KeyWithdrawn)
        } else if self.token_revoked {
            Some(Rejection::TokenRevoked)
        } else if self.grant_revoked {
            Some(Rejection::GrantRevoked)
        } else if covers(self.client_not_before) {
            Some(Rejection::ClientRevoked)
        } else if covers(self.subject_not_before) {
            Some(Rejection::SubjectRevoked)
        } else if self.api_key_ended {
            Some(Rejection::ApiKeyEnded)
        } else {
            None
        }
    }
}

/// Judges verified claims: first by their content, then by the revocations that concern them.
///
/// # Errors
/// The first [`Rejection`] that applies.
pub fn verdict(
    claims: &AccessTokenClaims,
    expected: &Expectations<'_>,
    standing: &RevocationStatus,
) -> Result<(), Rejection> {
    expected.check(claims)?;
    standing.rejection(claims).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Audiences;

    const NOW: u64 = 1000;

    fn claims() -> AccessTokenClaims {
        AccessTokenClaims {
            iss: "https://issuer.example".into(),
            sub: "alice".into(),
            aud: Audiences::One("https://api.example".into()),
            exp: NOW + 1,
            nbf: None,
            iat: NOW,
            jti: "j".into(),
            client_id: "app".into(),
            scope: None,
            grant_id: Some("g".into()),
            act: None,
            cnf: None,
            parents: Vec::new(),
            other: Default::default(),
        }
    }

    fn judge(claims: &AccessTokenClaims, standing: RevocationStatus) -> Result<(), Rejection> {
        let expected = Expectations {
            issuer: "https://issuer.example",
            audience: Some("https://api.example"),
            now: NOW,
            leeway: 0,
        };
        verdict(claims, &expected, &standing)
    }

    #[test]
    fn a_token_of_good_standing_lives_to_its_last_second() {
        assert_eq!(judge(&claims(), RevocationStatus::default()), Ok(()));
        let mut late = claims();
        late.exp = NOW;
        assert_eq!(
            judge(&late, RevocationStatus::default()),
            Err(Rejection::Expired)
        );
    }

    #[test]
    fn not_before_revokes_tokens_issued_at_or_before_it_and_no_later_ones() {
        for (not_before, client, subject) in [
            (NOW - 1, Ok(()), Ok(())),
            (
                NOW,
                Err(Rejection::ClientRevoked),
                Err(Rejection::SubjectRevoked),
            ),
            (
                u64::MAX,
                Err(Rejection::ClientRevoked),
                Err(Rejection::SubjectRevoked),
            ),
        ] {
            let of_client = RevocationStatus {
                client_not_before: Some(not_before),
                ..RevocationStatus::default()
            };
            assert_eq!(judge(&claims(), of_client), client, "{not_before}");
            let of_subject = RevocationStatus {
                subject_not_before: Some(not_before),
                ..RevocationStatus::default()
            };
            assert_eq!(judge(&claims(), of_subject), subject, "{not_before}");
        }
    }

    #[test]
    fn a_revoked_token_grant_or_api_key_is_the_end_of_a_token() {
        let token = RevocationStatus {
            token_revoked: true,
            ..RevocationStatus::default()
        };
        assert_eq!(judge(&claims(), token), Err(Rejection::TokenRevoked));
        let grant = RevocationStatus {
            grant_revoked: true,
            ..RevocationStatus::default()
        };
        assert_eq!(judge(&claims(), grant), Err(Rejection::GrantRevoked));
        let api_key = RevocationStatus {
            api_key_ended: true,
            ..RevocationStatus::default()
        };
        assert_eq!(judge(&claims(), api_key), Err(Rejection::ApiKeyEnded));
    }
}
