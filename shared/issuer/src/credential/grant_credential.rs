//! Authorization codes and refresh tokens: generations of one grant. Each carries an HMAC, so that
//! only the issuer can make one, and a forged one is refused without any I/O.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::base62::{checksum, without_checksum};
use super::{DeviceCode, Malformed, Prefix};
use crate::credential::random_bytes;
use crate::names::{InvalidName, IssuerUrl, SubjectName};

/// The kind of a generation, which its prefix says. The HMAC covers the prefix: a credential that
/// is relabelled is rejected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialKind {
    /// Generation 0 of a grant that a user has approved.
    AuthorizationCode,
    /// Generation 0 of a grant that a person has given to a device. It is not printed as a generation: the device has it from
    /// before there was a grant.
    DeviceCode,
    /// Every generation from 1.
    RefreshToken,
}

impl CredentialKind {
    /// The kind that `text` claims to be.
    pub fn of(text: &str) -> Option<Self> {
        match Prefix::of(text)? {
            Prefix::AuthorizationCode => Some(Self::AuthorizationCode),
            Prefix::RefreshToken => Some(Self::RefreshToken),
            Prefix::ClientSecret | Prefix::ApiKey | Prefix::DeviceCode => None,
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::AuthorizationCode => Prefix::AuthorizationCode.as_str(),
            Self::DeviceCode => Prefix::DeviceCode.as_str(),
            Self::RefreshToken => Prefix::RefreshToken.as_str(),
        }
    }
}

/// The parts of a credential. Nothing of it is verified until [`HmacKey::proves`] says so.
#[derive(Clone)]
pub struct GrantCredential {
    /// What its prefix says.
    pub kind: CredentialKind,
    /// The version of the HMAC key that it was made with.
    pub hmac_version: u32,
    /// The grant that it belongs to.
    pub grant_id: GrantId,
    /// Which generation.
    pub generation: u32,
    /// The grant's secret, the same in every generation.
    pub nonce: Nonce,
    tag: [u8; TAG_LENGTH],
}

impl GrantCredential {
    /// Parses a credential.
    ///
    /// # Errors
    /// [`Malformed`] when prefix, length, encoding, checksum or version are wrong.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let body = without_checksum(text).ok_or(Malformed)?;
        let kind = CredentialKind::of(body).ok_or(Malformed)?;
        let encoded = body.get(Prefix::LENGTH..).ok_or(Malformed)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Malformed)?;
        let bytes = Zeroizing::new(bytes);
        let (signed, tag) = bytes.split_at_checked(SIGNED_LENGTH).ok_or(Malformed)?;
        let mut reader = Reader(signed);
        if reader.take::<1>()? != [FORMAT_VERSION] {
            return Err(Malformed);
        }
        Ok(Self {
            kind,
            hmac_version: u32::from_be_bytes(reader.take()?),
            grant_id: GrantId(reader.take()?),
            generation: u32::from_be_bytes(reader.take()?),
            nonce: Nonce(reader.take()?),
            tag: tag.try_into().map_err(|_| Malformed)?,
        })
    }

    /// Generation 0 of a grant to a device. No HMAC proves it, but that the request of `code` names the grant.
    pub fn of_device(code: &DeviceCode, grant_id: GrantId) -> Self {
        Self {
            kind: CredentialKind::DeviceCode,
            hmac_version: 0,
            grant_id,
            generation: 0,
            nonce: code.nonce(),
            tag: [0; TAG_LENGTH],
        }
    }

    fn signed_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(SIGNED_LENGTH + TAG_LENGTH));
        bytes.push(FORMAT_VERSION);
        bytes.extend(self.hmac_version.to_be_bytes());
        bytes.extend(self.grant_id.0);
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.nonce.0);
        bytes
    }
}

impl fmt::Debug for GrantCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantCredential")
            .field("kind", &self.kind)
            .field("grant_id", &self.grant_id)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// One version of the key that proves credentials.
pub struct HmacKey {
    version: u32,
    key: hmac::Key,
}

impl HmacKey {
    /// The key of `version`, from 32 secret bytes.
    pub fn new(version: u32, secret: &[u8]) -> Self {
        Self {
            version,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// Its version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The text of one generation of a grant.
    pub fn print(
        &self,
        issuer: &IssuerUrl,
        kind: CredentialKind,
        grant_id: GrantId,
        generation: u32,
        nonce: &Nonce,
    ) -> SecretString {
        let credential = GrantCredential {
            kind,
            hmac_version: self.version,
            grant_id,
            generation,
            nonce: nonce.clone(),
            tag: [0; TAG_LENGTH],
        };
        let mut bytes = credential.signed_bytes();
        bytes.extend_from_slice(self.context(issuer, &credential).sign().as_ref());
        let mut text = String::with_capacity(160);
        text.push_str(kind.prefix());
        URL_SAFE_NO_PAD.encode_string(&*bytes, &mut text);
        let digits = checksum(&text);
        text.extend(digits.map(char::from));
        text.into()
    }

    /// What only this issuer can compute from these parts, and for this purpose. The purpose keeps it apart from the HMAC of a
    /// credential, whose input begins with a URL.
    pub fn derive(&self, purpose: &str, parts: &[&str]) -> [u8; TAG_LENGTH] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [purpose].iter().chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut derived = [0; TAG_LENGTH];
        derived.copy_from_slice(context.sign().as_ref());
        derived
    }

    /// Whether this issuer made `credential` with this key. Compares in constant time, so that the
    /// time does not help to forge an HMAC.
    pub fn proves(&self, issuer: &IssuerUrl, credential: &GrantCredential) -> bool {
        let expected = self.context(issuer, credential).sign();
        credential.hmac_version == self.version
            && aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref(), &credential.tag)
                .is_ok()
    }

    /// The HMAC over everything that a credential says: issuer, prefix, versions, grant, generation
    /// and nonce. No issuer URL contains a NUL, so no two credentials have the same input.
    fn context(&self, issuer: &IssuerUrl, credential: &GrantCredential) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(issuer.as_str().as_bytes());
        context.update(&[0]);
        context.update(credential.kind.prefix().as_bytes());
        context.update(&credential.signed_bytes());
        context
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacKey(version {}, [REDACTED])", self.version)
    }
}

/// The id of a grant: 128 random bits and the hash of its subject; 43 base64url characters.
///
/// It contains the hash so that one read finds the grant and its subject's record together.
#[derive(Clone, Copy, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct GrantId([u8; GRANT_ID_LENGTH]);

impl GrantId {
    /// A new id for a grant that `subject` gives.
    pub fn random(subject: &SubjectName) -> Self {
        let mut bytes = [0; GRANT_ID_LENGTH];
        let (random, hash) = bytes.split_at_mut(GRANT_ID_LENGTH - SUBJECT_HASH_LENGTH);
        random.copy_from_slice(&random_bytes::<{ GRANT_ID_LENGTH - SUBJECT_HASH_LENGTH }>());
        hash.copy_from_slice(&SubjectHash::of(subject.as_str()).0);
        Self(bytes)
    }

    /// The id of a grant that `subject` gives, from what only this issuer can compute.
    pub fn derived(seed: [u8; 32], subject: &SubjectName) -> Self {
        let mut bytes = [0; GRANT_ID_LENGTH];
        let (first, hash) = bytes.split_at_mut(GRANT_ID_LENGTH - SUBJECT_HASH_LENGTH);
        first.copy_from_slice(&seed[..GRANT_ID_LENGTH - SUBJECT_HASH_LENGTH]);
        hash.copy_from_slice(&SubjectHash::of(subject.as_str()).0);
        Self(bytes)
    }

    /// The hash of the subject that gave the grant.
    pub fn subject_hash(&self) -> SubjectHash {
        let mut hash = [0; SUBJECT_HASH_LENGTH];
        hash.copy_from_slice(&self.0[GRANT_ID_LENGTH - SUBJECT_HASH_LENGTH..]);
        SubjectHash(hash)
    }
}

/// The hash of a subject's name, by which the subject's record is found: 128 bits of SHA-256.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub struct SubjectHash([u8; SUBJECT_HASH_LENGTH]);

impl SubjectHash {
    /// The hash of `name`.
    pub fn of(name: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, name.as_bytes());
        let mut hash = [0; SUBJECT_HASH_LENGTH];
        hash.copy_from_slice(&digest.as_ref()[..SUBJECT_HASH_LENGTH]);
        Self(hash)
    }
}

impl fmt::Display for SubjectHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantId({self})")
    }
}

impl FromStr for GrantId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let id = bytes.and_then(|bytes| bytes.try_into().ok());
        id.map(Self)
            .ok_or(InvalidName("a grant id is 43 base64url characters"))
    }
}

impl TryFrom<String> for GrantId {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<GrantId> for String {
    fn from(id: GrantId) -> Self {
        id.to_string()
    }
}

/// The secret that every credential of a grant carries: 128 random bits.
#[derive(Clone)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// A new nonce.
    pub fn random() -> Self {
        Self(random_bytes())
    }

    /// A nonce from what only this issuer can compute.
    pub fn derived(seed: [u8; 32]) -> Self {
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&seed[..16]);
        Self(nonce)
    }

    /// The hash that is stored: its SHA-256, base64url.
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &self.0))
    }
}

impl Drop for Nonce {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce([REDACTED])")
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }
}

const FORMAT_VERSION: u8 = 1;
const TAG_LENGTH: usize = 32;

/// Format version, HMAC key version, grant id, generation, nonce.
const SIGNED_LENGTH: usize = 1 + 4 + GRANT_ID_LENGTH + 4 + 16;
const GRANT_ID_LENGTH: usize = 16 + SUBJECT_HASH_LENGTH;
const SUBJECT_HASH_LENGTH: usize = 16;
