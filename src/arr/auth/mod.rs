//! What gets a client in: a key, a token, or an identity of Entra ID, each exchanged at the STS for
//! the access token that every request carries.
//!
//! Promises: no secret is in any `Debug` or error. Knows how requests leave, and nothing of
//! sessions.

pub(super) mod account;
mod certificate;
mod entra;
pub(super) mod token;

pub use token::Credential;

#[cfg(test)]
mod account_tests;
#[cfg(test)]
mod entra_tests;
