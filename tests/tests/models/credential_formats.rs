//! A credential that is printed parses to the same; anything else is rejected before any call.

use proptest::prelude::*;
use secrecy::ExposeSecret;
use tokensmith_issuer::credential::{
    ClientSecret, CredentialKind, GrantCredential, GrantId, HmacKey, Nonce, SubjectHash,
};
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_tests::forge::{bytes_of, credential_of};

#[test]
fn a_client_secret_has_its_documented_form_and_is_never_repeated() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1000 {
        let secret = ClientSecret::generate();
        let text = secret.expose_secret();
        let random = text.strip_prefix("tksmc_").expect("the prefix");
        assert_eq!(random.len(), 43 + 6);
        assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let parsed = ClientSecret::parse(text).expect("what was printed parses");
        assert_eq!(parsed.expose_secret(), text);
        assert!(parsed.hash().matches(&secret.hash()));
        assert!(seen.insert(text.to_owned()));
    }
}

/// Invariant 1.
#[test]
fn invariant_1_a_secret_shows_nothing_in_debug() {
    let secret = ClientSecret::generate();
    let random = &secret.expose_secret()[6..];
    assert!(!format!("{secret:?}").contains(random));
}

proptest! {
    #[test]
    fn any_single_changed_character_of_a_client_secret_is_rejected(
        at in 0_usize..55,
        to in "[ -~]",
    ) {
        let secret = ClientSecret::generate();
        let mut changed = secret.expose_secret().to_owned();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != secret.expose_secret());
        prop_assert!(ClientSecret::parse(&changed).is_err());
    }

    #[test]
    fn a_truncated_or_extended_client_secret_is_rejected(keep in 0_usize..55, more in ".{1,8}") {
        let secret = ClientSecret::generate();
        let text = secret.expose_secret();
        prop_assert!(ClientSecret::parse(&text[..keep]).is_err());
        let extended = format!("{text}{more}");
        prop_assert!(ClientSecret::parse(&extended).is_err());
    }

    #[test]
    fn arbitrary_text_is_no_client_secret(text in ".{0,80}") {
        prop_assert!(ClientSecret::parse(&text).is_err());
    }
}

const KINDS: [(CredentialKind, &str); 2] = [
    (CredentialKind::AuthorizationCode, "tksma_"),
    (CredentialKind::RefreshToken, "tksmr_"),
];

fn issuer_url(host: &str) -> IssuerUrl {
    format!("https://{host}.example").parse().expect("a URL")
}

fn grant_id() -> GrantId {
    GrantId::random(&"alice".parse().expect("a subject"))
}

/// Prints a credential of a new grant with a key of `version`.
fn print(kind: CredentialKind, version: u32, generation: u32) -> (HmacKey, GrantId, String) {
    let (key, id) = (HmacKey::new(version, &[7; 32]), grant_id());
    let text = key.print(&issuer_url("a"), kind, id, generation, &Nonce::random());
    (key, id, text.expose_secret().to_owned())
}

#[test]
fn a_grant_credential_has_its_documented_form() {
    for (kind, prefix) in KINDS {
        let (.., text) = print(kind, 1, 1);
        // Version, HMAC key version, grant id, generation, nonce, HMAC: 89 bytes.
        assert_eq!(text.len(), prefix.len() + 119 + 6);
        let rest = text.strip_prefix(prefix).expect("the prefix");
        let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(rest.bytes().all(url_safe));
        assert_eq!(bytes_of(&text)[0], 1, "the format version");
    }
}

#[test]
fn a_grant_id_tells_the_hash_of_its_subject_and_nothing_else() {
    let (one, other) = (grant_id(), grant_id());
    assert_ne!(one, other);
    assert_eq!(one.to_string().len(), 43);
    assert!(one.subject_hash() == SubjectHash::of("alice"));
    assert!(one.subject_hash() == other.subject_hash());
    assert!(one.subject_hash() != SubjectHash::of("Alice"));
}

proptest! {
    #[test]
    fn a_grant_credential_that_was_printed_parses_to_the_same_and_is_proven(
        kind in 0_usize..2,
        version in any::<u32>(),
        generation in any::<u32>(),
        secret in any::<[u8; 32]>(),
        subject in "[!-~]{1,255}",
        host in "[a-z]{1,20}",
    ) {
        let (kind, _) = KINDS[kind];
        let (key, nonce) = (HmacKey::new(version, &secret), Nonce::random());
        let id = GrantId::random(&subject.parse().expect("a subject"));
        let url = issuer_url(&host);
        let text = key.print(&url, kind, id, generation, &nonce);
        let parsed = GrantCredential::parse(text.expose_secret()).expect("it parses");
        prop_assert_eq!(parsed.kind, kind);
        prop_assert_eq!(parsed.hmac_version, version);
        prop_assert_eq!(parsed.grant_id, id);
        prop_assert_eq!(parsed.generation, generation);
        prop_assert_eq!(parsed.nonce.hash(), nonce.hash());
        prop_assert!(key.proves(&url, &parsed));
        let again = key.print(&url, kind, id, generation, &parsed.nonce);
        prop_assert_eq!(again.expose_secret(), text.expose_secret());
    }

    #[test]
    fn a_grant_credential_is_proven_by_its_own_key_version_and_issuer_only(
        kind in 0_usize..2,
        version in any::<u32>(),
        other_version in any::<u32>(),
        other_secret in any::<[u8; 32]>(),
    ) {
        prop_assume!(version != other_version && other_secret != [7; 32]);
        let (key, _, text) = print(KINDS[kind].0, version, 1);
        let parsed = GrantCredential::parse(&text).expect("it parses");
        prop_assert!(key.proves(&issuer_url("a"), &parsed));
        prop_assert!(!key.proves(&issuer_url("b"), &parsed));
        prop_assert!(!HmacKey::new(version, &other_secret).proves(&issuer_url("a"), &parsed));
        prop_assert!(!HmacKey::new(other_version, &[7; 32]).proves(&issuer_url("a"), &parsed));
    }

    #[test]
    fn any_single_changed_character_of_a_grant_credential_is_rejected(
        kind in 0_usize..2,
        at in 0_usize..131,
        to in "[ -~]",
    ) {
        let (.., text) = print(KINDS[kind].0, 1, 1);
        let mut changed = text.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != text);
        prop_assert!(GrantCredential::parse(&changed).is_err());
    }

    /// Whoever knows the checksum can write anything; the HMAC covers all of it.
    #[test]
    fn any_change_of_a_grant_credentials_bytes_breaks_its_hmac(
        kind in 0_usize..2,
        prefix in 0_usize..2,
        changes in proptest::collection::vec((0_usize..89, any::<u8>()), 0..4),
    ) {
        let (key, _, text) = print(KINDS[kind].0, 1, 1);
        let mut bytes = bytes_of(&text);
        for (at, to) in changes {
            bytes[at] = to;
        }
        let changed = credential_of(KINDS[prefix].1, &bytes);
        let proven = GrantCredential::parse(&changed)
            .is_ok_and(|parsed| key.proves(&issuer_url("a"), &parsed));
        prop_assert_eq!(proven, changed == text);
    }

    #[test]
    fn arbitrary_bytes_behind_a_prefix_parse_only_in_their_one_length(
        prefix in 0_usize..2,
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let text = credential_of(KINDS[prefix].1, &bytes);
        let well_formed = bytes.len() == 89 && bytes.first() == Some(&1);
        prop_assert_eq!(GrantCredential::parse(&text).is_ok(), well_formed);
    }

    #[test]
    fn arbitrary_text_is_no_grant_credential(text in "(tksmr_|tksma_|tksmd_)?.{0,200}") {
        prop_assert!(GrantCredential::parse(&text).is_err());
    }

    #[test]
    fn a_grant_id_prints_and_parses(bytes in any::<[u8; 32]>()) {
        let text = tokensmith_tests::forge::base64url(bytes);
        let id: GrantId = text.parse().expect("a grant id");
        prop_assert_eq!(id.to_string(), &*text);
        prop_assert!(text[1..].parse::<GrantId>().is_err());
        let longer = format!("{text}A");
        prop_assert!(longer.parse::<GrantId>().is_err());
    }
}
