//! Text of RFC 4180, for spreadsheets and importers: rows end with CR LF, cells are quoted where
//! they must be.

use csv::{Terminator, Writer, WriterBuilder};

use crate::units::Money;

use super::spend::{By, SpendReport};

/// Rows of cells while they are written.
pub(super) struct CsvText(Writer<Vec<u8>>);

impl Default for CsvText {
    fn default() -> Self {
        let to = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .from_writer(Vec::new());
        Self(to)
    }
}

impl CsvText {
    /// Writes a row; every row of a text has as many cells as the first.
    pub(super) fn row<C: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = C>) {
        // Memory can be written to, and the callers' rows are all of one length.
        let written = self.0.write_record(cells);
        debug_assert!(written.is_ok(), "{written:?}");
    }
}

impl From<CsvText> for String {
    fn from(CsvText(written): CsvText) -> Self {
        // Writing to memory does not fail, and cells were texts.
        Self::from_utf8(written.into_inner().unwrap_or_default()).unwrap_or_default()
    }
}

impl SpendReport {
    /// The rows as CSV, without their total: a spreadsheet adds them up. Costs are decimals in the
    /// currency that stands beside them; both are empty where the policy names no price.
    pub fn to_csv(&self) -> String {
        let key = match self.by {
            By::Day => "day",
            By::Pool => "pool",
            By::Session => "session",
            By::Region => "region",
            By::Team => "team",
            By::Client => "client",
        };
        let currency = self.currency.as_ref().map_or("", |currency| &currency.0);
        let mut text = CsvText::default();
        text.row([
            key,
            "sessions",
            "minutes",
            "cost",
            "certain",
            "live_sessions",
            "live_minutes",
            "live_cost",
            "currency",
        ]);
        for row in &self.rows {
            let cost = |cost: Option<Money>| cost.map(|c| c.to_string()).unwrap_or_default();
            text.row([
                row.key.clone(),
                row.ended.sessions.to_string(),
                row.ended.minutes.get().to_string(),
                cost(row.ended.cost),
                row.certain.to_string(),
                row.live.sessions.to_string(),
                row.live.minutes.get().to_string(),
                cost(row.live.cost),
                currency.to_owned(),
            ]);
        }
        text.into()
    }
}
