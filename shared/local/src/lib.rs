//! The local host: the same issuer as in production, on embedded DynamoDB and file-wrapped keys,
//! with all routes on one port. For development and tests.

mod change_counter;
mod data;
mod embedded;
mod file_custody;
mod kept_events;
mod page;
mod private;
mod server;
mod table_definition;
mod write_deadline;

pub use change_counter::ChangeCounter;
pub use data::{DataError, LocalData, make_table};
pub use embedded::{EmbeddedDynamo, dynamodb_client};
pub use file_custody::FileCustody;
pub use kept_events::{KeptEvents, kept_events};
pub use page::Page;
pub use private::NotPrivate;
pub use server::serve;
