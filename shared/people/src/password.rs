//! How passwords are hashed.

use std::fmt;
use std::sync::Arc;
use std::thread;

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret, SecretString};
use tokensmith_issuer::credential::random_bytes;
use tokensmith_issuer::store::records::PasswordHash;
use tokensmith_issuer::{HashPasswords, Hashing};
use tokio::sync::{Mutex, oneshot};
use zeroize::{Zeroize, Zeroizing};

/// Hashes passwords with argon2id (RFC 9106), one at a time and in the same memory, so that however many people sign in
/// together, this takes no more than one needs.
#[derive(Default)]
pub struct Passwords {
    /// It is made when the first password is hashed. Whoever waits for it is served in the order in which they came.
    arena: Arc<Mutex<Vec<Block>>>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl HashPasswords for Passwords {
    fn verify<'a>(
        &'a self,
        password: &'a SecretString,
        hash: Option<&'a PasswordHash>,
    ) -> Hashing<'a, bool> {
        Box::pin(async move {
            let stored = hash.and_then(Stored::read);
            // Whether somebody exists must not be told by how long the answer takes.
            let work = stored.as_ref().map_or_else(Work::for_nothing, Stored::work);
            let digest = self.digest(password, work).await;
            match (stored, digest) {
                (Some(stored), Some(digest)) => {
                    verify_slices_are_equal(stored.output.as_bytes(), &digest).is_ok()
                }
                _ => false,
            }
        })
    }

    fn hash<'a>(&'a self, password: &'a SecretString) -> Hashing<'a, Option<PasswordHash>> {
        Box::pin(async move {
            let work = Work {
                params: COST,
                salt: random_bytes::<SALT_BYTES>().to_vec(),
                output_bytes: OUTPUT_BYTES,
            };
            let salt = Salt::new(&work.salt).ok()?;
            let digest = self.digest(password, work).await?;
            let hash = phc::PasswordHash {
                algorithm: ARGON2ID_IDENT,
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(&COST).ok()?,
                salt: Some(salt),
                hash: Some(Output::new(&digest).ok()?),
            };
            Some(PasswordHash::new(hash.to_string()))
        })
    }

    fn needs_rehash(&self, hash: &PasswordHash) -> bool {
        let stored = Stored::read(hash);
        stored.is_none_or(|stored| {
            let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
            costs(&stored.params) != costs(&COST) || stored.output.len() != OUTPUT_BYTES
        })
    }
}

impl Passwords {
    /// The digest of a password; `None` when it could not be computed.
    async fn digest(&self, password: &SecretString, work: Work) -> Option<Zeroizing<Vec<u8>>> {
        // Whoever gives up while waiting has cost nothing.
        let mut arena = self.arena.clone().lock_owned().await;
        let (password, (done, digest)) = (password.clone(), oneshot::channel());
        let hashing = move || {
            // Nobody may want it any more.
            let _ = done.send(work.digest(&password, &mut arena));
        };
        // A thread of its own: in `serve`, the blocking pool has the one thread that the table is used on.
        thread::Builder::new().spawn(hashing).ok()?;
        digest.await.ok().flatten()
    }
}

/// What is to be computed of a password.
struct Work {
    params: Params,
    salt: Vec<u8>,
    output_bytes: usize,
}

impl Work {
    /// As much work as for a password, when there is none to compare with.
    fn for_nothing() -> Self {
        Self {
            params: COST,
            salt: vec![0; SALT_BYTES],
            output_bytes: OUTPUT_BYTES,
        }
    }

    fn digest(self, password: &SecretString, arena: &mut Vec<Block>) -> Option<Zeroizing<Vec<u8>>> {
        let blocks = self.params.block_count();
        if arena.len() < blocks {
            arena.resize(blocks, Block::new());
        }
        let mut digest = Zeroizing::new(vec![0; self.output_bytes]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params);
        let hashed = argon2.hash_password_into_with_memory(
            password.expose_secret().as_bytes(),
            &self.salt,
            &mut digest,
            arena.get_mut(..blocks)?,
        );
        // Whoever got hold of the first block could try passwords without filling the memory.
        for block in arena.iter_mut().take(blocks) {
            block.zeroize();
        }
        // A hash that was made elsewhere may need more than ours do: that is given back.
        if arena.len() > COST.block_count() {
            arena.truncate(COST.block_count());
            arena.shrink_to_fit();
        }
        hashed.ok().map(|()| digest)
    }
}

/// A hash that passwords can be compared with.
struct Stored {
    params: Params,
    salt: Salt,
    output: Output,
}

impl Stored {
    /// Reads a hash; `None` if it is no argon2id hash, too weak to prove anything, or would take too much.
    fn read(hash: &PasswordHash) -> Option<Self> {
        let hash = phc::PasswordHash::new(hash.as_phc()).ok()?;
        let is_known = hash.algorithm == ARGON2ID_IDENT
            && hash
                .version
                .is_some_and(|version| version == u32::from(Version::V0x13));
        let params = Params::try_from(&hash).ok()?;
        let (salt, output) = (hash.salt?, hash.hash?);
        let is_affordable = params.m_cost() <= MAX_MEMORY_KIB
            && params.p_cost() <= MAX_LANES
            && u64::from(params.m_cost()) * u64::from(params.t_cost()) <= MAX_WORK_KIB;
        let is_strong = output.len() >= MIN_OUTPUT_BYTES;
        (is_known && is_affordable && is_strong).then_some(Self {
            params,
            salt,
            output,
        })
    }

    fn work(&self) -> Work {
        Work {
            params: self.params.clone(),
            salt: self.salt.to_vec(),
            output_bytes: self.output.len(),
        }
    }
}

/// What a new hash costs: of the choices that OWASP calls equal, the one that takes the least processor time and memory
/// (docs/decisions/0070).
const COST: Params = match Params::new(7 * 1024, 5, 1, None) {
    Ok(params) => params,
    Err(_) => panic!("these are valid"),
};
const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

/// Hashes that were made elsewhere may cost more, but not so much that they could be used to stop the service.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
const MAX_LANES: u32 = 4;
const MAX_WORK_KIB: u64 = 256 * 1024;
const MIN_OUTPUT_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &[&str] = &[
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$K13EBUiG7JV+9ZxztmHFTdb7J0WQsnj2V8bZaqyPptE",
        "$argon2id$v=19$m=65536,t=1,p=4$c29tZXNhbHQ$cWczuhdHfhDA6sh4imHnld+cUIbXhbfejilbkQ/p/Uo",
        "$argon2id$v=19$m=12288,t=3,p=1$YW5vdGhlciBzYWx0IG9mIHNvbWUgbGVuZ3Ro$G1Wq40pkXAY6qcfQgEJc9w",
    ];

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn rfc9106_a_password_is_right_only_with_its_own_hash() {
        let passwords = Passwords::default();
        let (right, wrong) = (secret("correct horse"), secret("correct hors"));
        let hash = passwords.hash(&right).await.expect("hashed");
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=7168,t=5,p=1$"));
        assert!(passwords.verify(&right, Some(&hash)).await);
        assert!(!passwords.verify(&wrong, Some(&hash)).await);
        assert!(!passwords.verify(&right, None).await);
        assert!(!passwords.needs_rehash(&hash));
        let again = passwords.hash(&right).await.expect("hashed");
        assert_ne!(hash.as_phc(), again.as_phc(), "each has its own salt");
    }

    #[tokio::test]
    async fn an_unknown_user_costs_as_much_as_a_known_one() {
        let passwords = Passwords::default();
        assert!(!passwords.verify(&secret("password"), None).await);
        assert_eq!(passwords.arena.lock().await.len(), COST.block_count());
    }

    /// These hashes were made by argon2's reference implementation, with other costs than ours.
    #[tokio::test]
    async fn rfc9106_a_hash_that_was_made_elsewhere_is_understood_and_then_replaced() {
        let passwords = Passwords::default();
        for hash in FOREIGN {
            let hash = PasswordHash::new(*hash);
            assert!(passwords.verify(&secret("password"), Some(&hash)).await);
            assert!(!passwords.verify(&secret("passwore"), Some(&hash)).await);
            assert!(passwords.needs_rehash(&hash));
        }
        let kept = passwords.arena.lock().await.len();
        assert_eq!(kept, COST.block_count(), "the rest is given back");
    }

    #[tokio::test]
    async fn a_hash_that_is_none_or_would_take_too_much_proves_nothing() {
        let passwords = Passwords::default();
        let ours = passwords.hash(&secret("password")).await.expect("hashed");
        for (from, to) in [
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("m=7168", "m=65537"),
            ("t=5", "t=500"),
            ("p=1", "p=5"),
            ("$argon2id", ""),
        ] {
            let hash = PasswordHash::new(ours.as_phc().replace(from, to));
            assert!(Stored::read(&hash).is_none(), "{to}");
            assert!(!passwords.verify(&secret("password"), Some(&hash)).await);
            assert!(passwords.needs_rehash(&hash), "{to}");
        }
    }

    #[tokio::test]
    async fn the_memory_of_a_hash_keeps_nothing_and_is_used_again() {
        let passwords = Arc::new(Passwords::default());
        let all = (0..8).map(|number| {
            let passwords = passwords.clone();
            tokio::spawn(async move { passwords.hash(&secret(&number.to_string())).await })
        });
        for one in all.collect::<Vec<_>>() {
            assert!(one.await.expect("no panic").is_some());
        }
        let arena = passwords.arena.lock().await;
        assert_eq!(arena.len(), COST.block_count());
        let is_empty = |block: &Block| block.as_ref().iter().all(|word| *word == 0);
        assert!(arena.iter().all(is_empty));
    }
}
