//! Everything that is tested from outside, in one binary: a file for each thing.

mod acquire;
mod activity;
mod advise;
mod by_hand;
mod certificates;
mod clients;
mod crowd;
mod e2e;
mod entra;
mod examples;
mod holds;
mod moves;
mod once;
mod output;
mod protocol;
mod readme;
mod regions;
mod reload;
mod requests;
mod serve;
mod simulate;
mod sockets;
mod spend;
mod support;
mod systemd;
mod tidy;
