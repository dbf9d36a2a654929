//! Signing people in: sessions, passwords, consent, and the endpoints with pages.
//!
//! A function that signs nobody in does not link this crate, and has neither pages nor a password hash in its tree.
