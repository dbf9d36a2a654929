//! What is known about a person, and to whom it is told.

mod claims;

pub use claims::{ClaimForm, InvalidClaim, STANDARD_CLAIMS, StandardClaim, check, told};
