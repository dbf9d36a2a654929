//! The real function binaries, next to emulated AWS: what they call, that keys rotate under load, and
//! that they may be killed anywhere.

mod calls;
mod kills;
mod rotation;
