//! What an operator may do.

mod settings;

pub use settings::{SettleError, settle};
