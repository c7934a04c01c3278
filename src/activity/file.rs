//! A file's age: whoever works touches it.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use crate::units::Timestamp;

use super::{Watched, filled};

/// When the file of a session was last changed; `None` where there is none.
pub(super) fn changed(path: &Path, session: &Watched) -> Result<Option<Timestamp>, Error> {
    let path = filled(&path.to_string_lossy(), session);
    let changed = match std::fs::metadata(path) {
        Ok(found) => found.modified()?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let since = changed
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(Error::other)?;
    Ok(i64::try_from(since.as_millis())
        .ok()
        .map(Timestamp::from_millis))
}
