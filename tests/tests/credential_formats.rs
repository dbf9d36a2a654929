//! DESIGN §4: what is printed parses to the same; anything else is refused before any I/O.

use proptest::prelude::*;
use secrecy::ExposeSecret;
use tokensmith_issuer::credential::ClientSecret;

#[test]
fn a_client_secret_has_its_documented_form_and_is_never_repeated() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1000 {
        let secret = ClientSecret::generate();
        let text = secret.expose_secret();
        let random = text.strip_prefix("tsc_").expect("the prefix");
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
    let random = &secret.expose_secret()[4..];
    assert!(!format!("{secret:?}").contains(random));
}

proptest! {
    #[test]
    fn any_single_changed_character_of_a_client_secret_is_noticed(
        at in 0_usize..53,
        to in "[ -~]",
    ) {
        let secret = ClientSecret::generate();
        let mut changed = secret.expose_secret().to_owned();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != secret.expose_secret());
        prop_assert!(ClientSecret::parse(&changed).is_err());
    }

    #[test]
    fn a_truncated_or_extended_client_secret_is_noticed(keep in 0_usize..53, more in ".{1,8}") {
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
