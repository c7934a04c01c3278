//! `[[pool.window]]`: times at which a pool keeps, allows and stocks other numbers of sessions.

use crate::policy::schedule::Window;
use crate::policy::{Counts, PoolWindow, Schedule};

use super::pool_values::counts;
use super::reader::{Table, Value};

/// The windows of a pool. What one does not count is as the pool has it.
pub(super) fn windows(pool: &Table<'_, '_>, base: Counts) -> Vec<PoolWindow> {
    let Some(value) = pool.get("window") else {
        return Vec::new();
    };
    if value.is_table() {
        value.error(
            "a pool has a list of windows",
            "write [[pool.window]], in double brackets, above each",
            None,
        );
        return Vec::new();
    }
    let entries = value.array().unwrap_or_default();
    let tables = entries.iter().filter_map(Value::table);
    tables.filter_map(|table| window(table, base)).collect()
}

fn window(table: Table<'_, '_>, base: Counts) -> Option<PoolWindow> {
    let when = table
        .must("when", "[\"Mon-Fri 08:00-18:00 Europe/Berlin\"]")
        .and_then(|v| v.array());
    let when = when.map(|list| list.iter().map(Value::parse).collect::<Vec<_>>());
    let counts = counts(&table, Some(base));
    table.end();
    let when: Vec<Window> = when?.into_iter().collect::<Option<_>>()?;
    Some(PoolWindow {
        when: Schedule::new(when),
        counts,
    })
}
