//! Who is let in: accounts and their keys, the tokens that the service issues and checks, and those
//! of an identity provider.

pub(super) mod account;
pub(super) mod entra;
pub(super) mod key;
pub(super) mod signer;
