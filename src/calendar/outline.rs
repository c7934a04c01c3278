//! The outline of an iCalendar file: which components it has, and on which lines they begin.
//!
//! Promises: a file that is only half there is refused, whatever of it could be read.

use super::error::{BadCalendar, Flaw};

/// The line on which each component begins, from 1, in the order of the file.
///
/// # Errors
/// If it holds no calendar, or a component that does not end, or ends what did not begin.
pub(super) fn outline(text: &str) -> Result<Vec<usize>, BadCalendar> {
    let mut begins = Vec::new();
    let mut open: Vec<(usize, String)> = Vec::new();
    for (line, content) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let Some((name, component)) = content.split_once(':') else {
            continue;
        };
        let component = component.trim_end().to_ascii_uppercase();
        let refused = |flaw| Err(BadCalendar::at(line, flaw));
        if name.eq_ignore_ascii_case("BEGIN") {
            if open.is_empty() && component != "VCALENDAR" {
                return refused(Flaw::NoCalendar);
            }
            begins.push(line);
            open.push((line, component));
        } else if name.eq_ignore_ascii_case("END")
            && open.pop().is_none_or(|(_, begun)| begun != component)
        {
            return refused(Flaw::WrongEnd { component });
        } else if open.is_empty() && !name.eq_ignore_ascii_case("END") {
            return refused(Flaw::NoCalendar);
        }
    }
    if let Some((line, component)) = open.pop() {
        return Err(BadCalendar::at(line, Flaw::Unended { component }));
    }
    if begins.is_empty() {
        return Err(BadCalendar::at(1, Flaw::NoCalendar));
    }
    Ok(begins)
}
