//! What is asked of the reservations, and how much of it fits.

use crate::keeper::reason::Reason;
use crate::keeper::scope::BudgetName;
use crate::units::{Minutes, Price};

use super::share::TeamShare;
use super::window::CostWindow;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Request {
    /// The pool's place in the file; `None` where only a team is asked, because the session is
    /// reserved already.
    pub(in crate::keeper) pool: Option<usize>,
    /// The team that pays for it, and from when.
    pub(in crate::keeper) team: Option<TeamShare>,
    /// What an hour costs.
    pub(in crate::keeper) price: Price,
    /// When it would be billed.
    pub(in crate::keeper) asked: CostWindow,
    /// What is committed for the same session already.
    pub(in crate::keeper) before: Option<CostWindow>,
    /// The shortest lease that is of use.
    pub(in crate::keeper) least: Minutes,
    /// The shortest lease that is of use where an exposure cap is in the way.
    pub(in crate::keeper) least_exposed: Minutes,
}

/// How a request was cut to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum Fit {
    /// It fits as it is.
    Whole,
    /// So much of it fits, because of this bound.
    Shortened(Minutes, BudgetName),
    /// Nothing of use fits.
    Refused(Reason),
}
