//! Passwords: which are taken, and how they are hashed.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::{self, ParamsString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret, SecretString};
use tokensmith_issuer::credential::random_bytes;
use tokensmith_issuer::names::UserName;
use tokensmith_issuer::store::records::PasswordHash;
use tokensmith_issuer::{HashPasswords, Hashing};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

/// Hashes passwords by argon2id (RFC 9106), one at a time and in one piece of memory: however many people sign in at the same moment,
/// it takes no more than that.
pub struct Passwords {
    /// Reused, because the allocator would keep one for each hash.
    arena: Arc<Mutex<Vec<Block>>>,
    /// What is verified for who has no hash.
    of_nobody: PasswordHash,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            arena: Arc::default(),
            of_nobody: printed(
                &own_params(),
                &random_bytes::<SALT>(),
                &random_bytes::<OUTPUT>(),
            )
            .unwrap_or_else(|| PasswordHash::new("")),
        }
    }
}

impl Passwords {
    /// The argon2id hash of `password` by these parameters.
    async fn computed(
        &self,
        password: &SecretString,
        salt: Vec<u8>,
        params: Params,
    ) -> Option<Zeroizing<[u8; OUTPUT]>> {
        let mut arena = self.arena.clone().lock_owned().await;
        let password = Zeroizing::new(password.expose_secret().as_bytes().to_vec());
        let work = move || {
            if arena.len() < params.block_count() {
                arena.resize(params.block_count(), Block::default());
            }
            let mut output = Zeroizing::new([0; OUTPUT]);
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2
                .hash_password_into_with_memory(
                    &password,
                    &salt,
                    output.as_mut_slice(),
                    arena.as_mut_slice(),
                )
                .ok()?;
            Some(output)
        };
        // A hash that panics is none.
        spawn_blocking(work).await.ok().flatten()
    }
}

impl HashPasswords for Passwords {
    fn verify<'a>(
        &'a self,
        password: &'a SecretString,
        hash: Option<&'a PasswordHash>,
    ) -> Hashing<'a, bool> {
        Box::pin(async move {
            let Some(stored) = Stored::parse(hash.unwrap_or(&self.of_nobody)) else {
                return false;
            };
            let computed = self.computed(password, stored.salt, stored.params).await;
            let is_right = computed.is_some_and(|computed| {
                verify_slices_are_equal(computed.as_slice(), &stored.output).is_ok()
            });
            is_right && hash.is_some()
        })
    }

    fn hash<'a>(&'a self, password: &'a SecretString) -> Hashing<'a, Option<PasswordHash>> {
        Box::pin(async move {
            let salt = random_bytes::<SALT>();
            let params = own_params();
            let output = self
                .computed(password, salt.to_vec(), params.clone())
                .await?;
            printed(&params, &salt, output.as_slice())
        })
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

/// A stored hash, read.
struct Stored {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Stored {
    /// `None` for another algorithm, and for parameters that would take more memory or time than a sign-in may.
    fn parse(hash: &PasswordHash) -> Option<Self> {
        let parsed = phc::PasswordHash::new(hash.as_phc()).ok()?;
        let params = Params::try_from(&parsed).ok()?;
        let fits = params.m_cost() <= MOST_MEMORY && params.t_cost() <= MOST_PASSES;
        let is_ours = parsed.algorithm == Algorithm::Argon2id.ident() && fits;
        let output = parsed.hash?.as_bytes().to_vec();
        (is_ours && output.len() == OUTPUT).then_some(())?;
        Some(Self {
            params,
            salt: parsed.salt?.to_vec(),
            output,
        })
    }
}

fn printed(params: &Params, salt: &[u8], output: &[u8]) -> Option<PasswordHash> {
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).ok()?,
        salt: Some(phc::Salt::new(salt).ok()?),
        hash: Some(phc::Output::new(output).ok()?),
    };
    Some(PasswordHash::new(hash.to_string()))
}

/// The first of those that OWASP recommends: 19 MiB, two passes.
fn own_params() -> Params {
    Params::new(19 * 1024, 2, 1, Some(OUTPUT)).unwrap_or_default()
}

/// Whether a person may have this password (NIST SP 800-63B §3.1.1.2): it is long enough, and not one that everybody tries first. There
/// are no rules about its characters.
///
/// # Errors
/// [`PasswordDenied`] says what is wrong with it.
pub fn check_password(password: &SecretString, user: &UserName) -> Result<(), PasswordDenied> {
    let text = password.expose_secret();
    if text.chars().count() < SHORTEST {
        return Err(PasswordDenied::TooShort);
    }
    if text.len() > LONGEST {
        return Err(PasswordDenied::TooLong);
    }
    let folded = Zeroizing::new(text.to_lowercase());
    if *folded == user.as_str().to_lowercase() {
        return Err(PasswordDenied::IsUserName);
    }
    match COMMON.contains(&folded.as_str()) {
        true => Err(PasswordDenied::TooCommon),
        false => Ok(()),
    }
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PasswordDenied {
    /// It has fewer than 8 characters.
    #[error("a password has at least 8 characters")]
    TooShort,
    /// It has more than 256 bytes.
    #[error("a password has at most 256 bytes")]
    TooLong,
    /// It is one of those that everybody tries first.
    #[error("this password is one of the most common ones")]
    TooCommon,
    /// It is the name of its user.
    #[error("a password must not be the user name")]
    IsUserName,
}

const SALT: usize = 16;
const OUTPUT: usize = 32;

/// In KiB: the most that a stored hash may take.
const MOST_MEMORY: u32 = 64 * 1024;
const MOST_PASSES: u32 = 10;

const SHORTEST: usize = 8;
const LONGEST: usize = 256;

/// The most common passwords that are long enough, in lower case.
const COMMON: [&str; 40] = [
    "00000000",
    "1111111111",
    "11111111",
    "12121212",
    "123123123",
    "12344321",
    "12345678",
    "123456789",
    "1234567890",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "66666666",
    "87654321",
    "88888888",
    "987654321",
    "aa123456",
    "aaaaaaaa",
    "abc12345",
    "abcd1234",
    "admin123",
    "administrator",
    "asdfasdf",
    "asdfghjkl",
    "baseball",
    "changeme",
    "football",
    "iloveyou",
    "letmein123",
    "p@ssw0rd",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "princess",
    "q1w2e3r4",
    "qwerty123",
    "qwertyuiop",
    "sunshine",
    "welcome1",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn rfc9106_a_password_is_proven_by_its_hash_alone() {
        let passwords = Passwords::default();
        let hash = passwords
            .hash(&secret("a good password"))
            .await
            .expect("a hash");
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(
            passwords
                .verify(&secret("a good password"), Some(&hash))
                .await
        );
        assert!(
            !passwords
                .verify(&secret("a good passwore"), Some(&hash))
                .await
        );
        let other = passwords
            .hash(&secret("a good password"))
            .await
            .expect("a hash");
        assert_ne!(hash.as_phc(), other.as_phc(), "each has its own salt");
    }

    #[tokio::test]
    async fn invariant_10_who_has_no_hash_costs_the_same_work() {
        let passwords = Passwords::default();
        assert!(Stored::parse(&passwords.of_nobody).is_some());
        assert!(!passwords.verify(&secret("a good password"), None).await);
        assert_eq!(
            passwords.arena.lock().await.len(),
            own_params().block_count()
        );
    }

    #[tokio::test]
    async fn invariant_12_a_stored_hash_cannot_take_more_than_a_sign_in_may() {
        let passwords = Passwords::default();
        let of = |params: &Params| printed(params, &[1; SALT], &[2; OUTPUT]).expect("a hash");
        for (memory, passes) in [(65 * 1024, 1), (8 * 1024, 11)] {
            let params = Params::new(memory, passes, 1, Some(OUTPUT)).expect("parameters");
            assert!(Stored::parse(&of(&params)).is_none());
            assert!(!passwords.verify(&secret("x"), Some(&of(&params))).await);
        }
        assert!(Stored::parse(&PasswordHash::new("$2b$12$abc")).is_none());
    }

    #[test]
    fn which_passwords_are_taken() {
        let user: UserName = "ada.lovelace".parse().expect("a name");
        let check = |text: &str| check_password(&secret(text), &user);
        assert_eq!(check("ünïcödé!"), Ok(()));
        assert_eq!(check("seven77"), Err(PasswordDenied::TooShort));
        assert_eq!(check(&"x".repeat(257)), Err(PasswordDenied::TooLong));
        assert_eq!(check("Password123"), Err(PasswordDenied::TooCommon));
        assert_eq!(check("Ada.Lovelace"), Err(PasswordDenied::IsUserName));
    }
}
