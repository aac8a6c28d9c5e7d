//! What was answered is written down, however long that takes: it must not be lost.

use std::time::Duration;

use crate::clock::Clock;
use crate::store::Store;
use crate::store::error::Error;
use crate::store::writer::Tx;

/// How soon an answer that could not be written down is tried to be written again.
const RECORD_WAIT: Duration = Duration::from_millis(500);

/// Writes `work` down. True when it is; where it never can be, `otherwise` says what becomes of it.
pub(super) async fn record<W>(store: &Store, clock: &Clock, otherwise: &str, work: W) -> bool
where
    W: Fn(&Tx<'_>) -> Result<(), Error> + Clone + Send + 'static,
{
    loop {
        match store.write(work.clone()).await {
            Ok(()) => return true,
            Err(error @ (Error::Unavailable(_) | Error::Overloaded)) => {
                tracing::warn!(%error, "waiting to write an answer down");
                clock.sleep(RECORD_WAIT).await;
            }
            Err(error @ (Error::Broken(_) | Error::Closed)) => {
                tracing::error!(%error, "an answer cannot be written down; {otherwise}");
                return false;
            }
        }
    }
}
