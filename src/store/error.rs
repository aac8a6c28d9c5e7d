//! What a caller can do about a failure of the store.

use rusqlite::ErrorCode;

#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The disk is full, the database is locked, the medium failed: nothing was written; try again later.
    #[error("the database cannot be written now: {0}")]
    Unavailable(String),
    /// More is waiting to be written than may wait.
    #[error("too much is waiting to be written")]
    Overloaded,
    /// The program is stopping.
    #[error("the store is closed")]
    Closed,
    /// The database is not what this program wrote, or the program is wrong. Trying again does not help.
    #[error("{0}")]
    Broken(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Unavailable(error.to_string()),
            Some(_) | None => Self::Broken(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(format!("a stored value cannot be read: {error}"))
    }
}
