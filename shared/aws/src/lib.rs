//! The AWS host: configuration from the environment, keys in KMS, and the entry points of the
//! Lambda functions.

mod check;
mod clients;
pub mod environment;
pub mod event;
mod function;
mod host;
pub mod kms;
mod rotate_keys;

pub use check::{Checked, Reply, Replying};
pub use clients::{AwsClients, dynamodb_of_function};
pub use function::Function;
pub use host::{FunctionCustody, run, serve, warm_up};
pub use rotate_keys::rotate_keys;
