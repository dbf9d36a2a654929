//! The records of the table. The prefix of the partition key is the record type, so that a role
//! can be restricted to it (`dynamodb:LeadingKeys`).

mod api_key;
mod backoff;
mod client;
mod consent;
mod device;
mod federation;
mod feed;
mod fetched;
mod grant;
mod grant_type;
mod heartbeat;
mod hmac_key;
mod jwks;
mod login;
mod operator_change;
mod profile;
mod pushed_request;
mod resource;
mod revoked_token;
mod session;
mod settings;
mod signing_key;
mod single_use;
mod subject;
mod upstream;
mod user;

pub use api_key::{ApiKey, LastUse};
pub use backoff::Backoff;
pub use client::{
    AssertionAudience, AuthenticationMethod, Client, LiveSecret, MAX_LIVE_SECRETS, Pkce,
    RefreshGrace,
};
pub use consent::{Consent, ConsentedAccess};
pub use device::{DeviceAnswer, DeviceRequest, UserCodeEntry};
pub use federation::{FEDERATION, FederationRule, FederationSource, SourceKeys};
pub use feed::{FEED_SHARD, FeedAttributes, FeedEntry};
pub use fetched::{Fetched, FetchedCopy};
pub use grant::{CodeTerms, Grant, Origin, SignIn};
pub use grant_type::GrantType;
pub use heartbeat::{HEARTBEAT, Heartbeat};
pub use hmac_key::{HMAC_KEYS, HmacKeyRecord};
pub use jwks::StoredJwks;
pub use login::{Login, PasswordHash};
pub use operator_change::{CHANGES_ARE_KEPT, ChangeOutcome, OperatorChange};
pub use profile::Profile;
pub use pushed_request::PushedRequest;
pub use resource::{Allowance, DefinedScope, Dpop, ExchangeRule, Resource, UnknownDpop};
pub use revoked_token::RevokedToken;
pub use session::Session;
pub use settings::{ForeignTable, HOW_TO_MEND_IT, Settings};
pub use signing_key::{SIGNING_KEYS, SigningKey};
pub use single_use::SingleUse;
pub use subject::{Subject, SubjectKind};
pub use upstream::{LinkedAccount, SealedSecret, UPSTREAM, Upstream};
pub use user::User;
