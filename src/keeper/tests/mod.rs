//! Tests of the keeper as a whole: stories with their log as a snapshot, and what holds in every
//! world.

mod acquiring;
mod activity;
mod alerts;
mod answers;
mod asking;
mod budget_stories;
mod endings;
mod exposure;
mod filling;
pub(in crate::keeper) mod fixtures;
mod giving_back;
mod held_stops;
mod hook_stories;
mod moves;
mod observe;
mod outcomes;
mod planning;
mod properties;
mod queue_stories;
mod region_stories;
mod reports;
mod reservation_stories;
mod service_stories;
mod stories;
mod team_states;
mod team_stories;
mod warning_stories;
mod warnings;
mod window_stories;
mod words;
pub(in crate::keeper) mod world;
