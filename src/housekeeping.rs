//! Removes what is too old or takes too much room, a bounded piece at a time (`retention` of `home.yaml`).

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, earlier};
use crate::config::home::Retention;
use crate::document::duration::DURATION_MAX;
use crate::store::Store;
use crate::store::retention::{self, Limits};

/// How often old rows are removed, and how many at a time.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
const PRUNED_MAX: usize = 1000;

/// Where room is short, what came in within this time is kept all the same: a delivery may come again.
const KEPT_AT_LEAST: Duration = Duration::from_hours(24);

pub(crate) async fn run(store: Store, keep: Retention, clock: Clock, stop: CancellationToken) {
    loop {
        let now = clock.now();
        let limits = Limits {
            traces: earlier(now, keep.traces),
            events: earlier(now, keep.events),
            starts: earlier(now, DURATION_MAX),
        };
        let young = earlier(now, KEPT_AT_LEAST);
        let pruned = store
            .write(move |tx| {
                let old = retention::prune(tx, limits, PRUNED_MAX)?;
                let room = retention::make_room(tx, keep.database_max, young, PRUNED_MAX)?;
                Ok((old, room))
            })
            .await;
        if let Ok((_, 1..)) = pruned {
            let bytes_max = keep.database_max;
            tracing::warn!(
                bytes_max,
                "the database is full (`database_max`): the oldest go"
            );
        }
        let wait = match pruned {
            // There may be more of it.
            Ok((PRUNED_MAX.., _) | (_, 1..)) => Duration::from_secs(1),
            Ok(_) => PRUNE_EVERY,
            Err(error) => {
                tracing::warn!(%error, "old events are not removed now");
                PRUNE_EVERY
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = clock.sleep(wait) => {}
        }
    }
}
