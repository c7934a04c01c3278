//! A file's age: whoever works touches it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::keeper::Evidence;
use crate::units::Timestamp;

use super::blocking::BlockingCalls;
use super::source::{LookError, Seen, Source, Watched, filled};

/// A file for each session, or one for all.
pub(super) struct FileSource {
    path: String,
    calls: BlockingCalls,
}

impl FileSource {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_string_lossy().into_owned(),
            calls: BlockingCalls::default(),
        }
    }
}

#[async_trait::async_trait]
impl Source for FileSource {
    /// A file that is not there yet says that nobody has worked. One that cannot be reached,
    /// because its folder is not there or does not answer, says nothing.
    async fn look(&self, session: &Watched) -> Result<Seen, LookError> {
        let path = PathBuf::from(filled(&self.path, session));
        self.calls.make(move || changed(&path)).await
    }
}

fn changed(path: &Path) -> Result<Seen, LookError> {
    let failed = |source| LookError::Io {
        doing: format!("cannot look at {}", path.display()),
        source,
    };
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
            folder.map_or(Ok(()), |folder| {
                std::fs::metadata(folder).map(drop).map_err(failed)
            })?;
            return Ok(Seen::Unused(Some(Evidence::NoFile)));
        }
        Err(error) => return Err(failed(error)),
    };
    let since = found
        .modified()
        .map_err(failed)?
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|error| failed(std::io::Error::other(error)))?;
    let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    let at = Timestamp::from_millis(millis);
    Ok(Seen::UsedAt(at, Some(Evidence::FileChanged { at })))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{look, watched};
    use super::*;
    use crate::policy::ActivitySource;

    #[tokio::test]
    async fn a_file_tells_when_it_was_changed_and_a_missing_one_that_nobody_works() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = ActivitySource::File(folder.path().join("{pool}-{session}"));
        let seen = look(&source, &watched(1)).await;
        assert!(
            matches!(seen, Ok(Seen::Unused(Some(Evidence::NoFile)))),
            "{seen:?}"
        );
        std::fs::write(folder.path().join("a-st-a-0-x"), "").expect("written");
        let seen = look(&source, &watched(1)).await;
        assert!(matches!(seen, Ok(Seen::UsedAt(..))), "{seen:?}");
    }

    #[tokio::test]
    async fn a_file_in_a_folder_that_is_not_there_says_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = ActivitySource::File(folder.path().join("unmounted/{session}"));
        let error = look(&source, &watched(1)).await.expect_err("nothing");
        assert!(error.to_string().contains("unmounted"), "{error}");
    }
}
