//! The report: what a run comes to, in numbers; and the same for people, as a picture, and beside
//! another one.
//!
//! Minutes are whole: of each session the service bills the minutes that it was Ready, rounded
//! down, and those are split into held and idle. A report adds up: pools and days each come to the
//! total.

mod budgets;
pub mod compare;
mod compute;
pub mod condition;
mod figures;
pub mod markdown;
pub mod svg;
#[cfg(test)]
mod tests;
pub mod text;
pub mod timeline;

pub use self::compute::Heading;
pub use self::figures::{
    BudgetFigures, ClientFigures, DayFigures, ExposureFigures, Figures, PoolCost, PoolFigures,
    Report, SessionFigures, VisitFigures, Waits,
};
