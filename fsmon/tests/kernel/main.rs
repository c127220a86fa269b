//! The crate on the running kernel. Needs root. Everything is done by a shell in a mount namespace of
//! its own, so that nothing mounted here is left or seen outside.
#![deny(unsafe_code)]

mod access;
#[expect(unsafe_code, reason = "an allocator that counts can be made in no other way")]
mod allocations;
mod descriptors;
mod harness;
mod limits;
mod marks;
mod names;
mod paths;
mod scopes;
