//! What only the local host does: `tokensmith serve` is started, limited, killed and started again.

mod directory;
mod durability;
mod errors;
mod events;
mod grants_survive;
mod limits_and_logs;
mod login;
mod page;
mod peers;
mod published_keys;
mod scripted_day;
mod secret_scanning;
mod secrets_manager;
