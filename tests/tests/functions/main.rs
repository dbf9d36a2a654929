//! The functions: events as API Gateway sends them, and the real binaries next to emulated AWS: what
//! they call, what their checks find, whose table they use, that keys rotate under load, and that they may
//! be killed anywhere.

mod authorizer;
mod calls;
mod checks;
mod events;
mod heartbeat;
mod kills;
mod kms_signatures;
mod lambda_events;
mod limits;
mod ownership;
mod protected_lambda;
mod rotation;
