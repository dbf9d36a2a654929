//! Every interleaving of requests around one grant, in a model and through the real code, and every
//! form of a credential.

mod credential_formats;
mod interleavings;
mod request_interleavings;
