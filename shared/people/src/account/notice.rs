//! What the last action did, as the address of the page says it.

use tokensmith_pages::AccountNotice;
use tokensmith_verifier::paths;

/// The page with a notice.
pub(crate) fn location(notice: Option<&str>) -> String {
    match notice {
        Some(notice) => format!("{}?notice={notice}", paths::ACCOUNT),
        None => paths::ACCOUNT.to_owned(),
    }
}

/// The notice of this name. Anybody can write an address, so these only say what a person then sees on the page.
pub(super) fn named(name: &str) -> Option<AccountNotice> {
    match name {
        PASSWORD_CHANGED => Some(AccountNotice::PasswordChanged),
        SESSION_ENDED => Some(AccountNotice::SessionEnded),
        GRANT_REVOKED => Some(AccountNotice::GrantRevoked),
        CONSENT_REVOKED => Some(AccountNotice::ConsentRevoked),
        LINKED => Some(AccountNotice::Linked),
        LINKED_ELSEWHERE => Some(AccountNotice::LinkedElsewhere),
        UNLINKED => Some(AccountNotice::Unlinked),
        EXPIRED => Some(AccountNotice::Expired),
        _ => None,
    }
}

pub(super) const PASSWORD_CHANGED: &str = "password-changed";
pub(super) const SESSION_ENDED: &str = "session-ended";
pub(super) const GRANT_REVOKED: &str = "grant-revoked";
pub(super) const CONSENT_REVOKED: &str = "consent-revoked";
pub(crate) const LINKED: &str = "linked";
pub(crate) const LINKED_ELSEWHERE: &str = "linked-elsewhere";
pub(super) const UNLINKED: &str = "unlinked";
pub(super) const EXPIRED: &str = "expired";
