//! leasekeeper keeps the remote rendering sessions that a policy asks for, and nothing else
//! billing.
//!
//! Data flows one way: policy, observation and memory go into the pure [`keeper`], which returns a
//! plan; the daemon carries the plan out against the session service and writes what happened to
//! the ledger. Modules are listed from the bottom up; each may use those above it, never those
//! below.

pub mod report;

pub mod units;

pub mod policy;

pub mod keeper;

#[cfg(feature = "daemon")]
pub mod calendar;
#[cfg(feature = "daemon")]
pub mod clock;
#[cfg(feature = "daemon")]
mod files;
#[cfg(feature = "daemon")]
mod layout;
#[cfg(feature = "daemon")]
pub mod service;

#[cfg(feature = "daemon")]
pub mod arr;
#[cfg(feature = "daemon")]
pub mod connect;
#[cfg(feature = "daemon")]
pub mod host;
#[cfg(feature = "daemon")]
pub mod ledger;

#[cfg(feature = "daemon")]
pub mod activity;

#[cfg(feature = "daemon")]
pub mod daemon;

#[cfg(feature = "daemon")]
pub mod control;

#[cfg(feature = "daemon")]
pub mod sim;

#[cfg(feature = "daemon")]
pub mod cli;
