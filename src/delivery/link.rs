//! What is known of the connection to Amps, from the requests to a row: for the next start, and for people.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::device_api::door::Outage;
use crate::device_api::gate::{Gate, Link};
use crate::device_api::generation::Generation;
use crate::store::Store;
use crate::store::amps_link::{self, AmpsLink};
use crate::store::error::Error;

/// How soon something that could not be written down is tried to be written again.
const RECORD_WAIT: Duration = Duration::from_secs(5);

/// Lets `api` know what the row says. Before the first request.
pub(crate) async fn restore(store: &Store, api: &Gate) -> Result<(), Error> {
    let row = store.write(amps_link::load).await?;
    api.restore(Link {
        key_has_worked: row.key_print.as_deref() == Some(api.key_print()),
        outage: row.outage.map(|(since, error)| Outage { since, error }),
        pause_until: row.pause_until,
        key_refused_since: row.key_refused_since,
        generation: row.generation.as_deref().and_then(Generation::parse),
    });
    Ok(())
}

/// Writes down what changes, until `stop`; then what has not been written yet.
pub(crate) fn run(
    store: Store,
    api: Gate,
    clock: Clock,
    stop: CancellationToken,
) -> impl Future<Output = ()> {
    // As it is now: what is heard before the stage gets going is news.
    let news = api.link();
    let written = news.borrow().clone();
    write_changes((store, clock), api, stop, (news, written))
}

async fn write_changes(
    (store, clock): (Store, Clock),
    api: Gate,
    stop: CancellationToken,
    (mut news, mut written): (watch::Receiver<Link>, Link),
) {
    loop {
        let is_last = stop.is_cancelled();
        let link = news.borrow_and_update().clone();
        let mut is_late = false;
        if link != written {
            tell(&written, &link);
            let row = AmpsLink {
                key_print: link.key_has_worked.then(|| api.key_print().to_owned()),
                outage: link.outage.clone().map(|it| (it.since, it.error)),
                pause_until: link.pause_until,
                key_refused_since: link.key_refused_since,
                generation: link.generation.map(|it| it.name().to_owned()),
            };
            match store.write(move |tx| amps_link::save(tx, &row)).await {
                Ok(()) => written = link,
                Err(Error::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "the state of the connection is not written down");
                    is_late = true;
                }
            }
        }
        if is_last {
            return;
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            changed = news.changed() => if changed.is_err() { return },
            () = clock.sleep(RECORD_WAIT), if is_late => {}
        }
    }
}

fn tell(before: &Link, link: &Link) {
    match (&before.outage, &link.outage) {
        (None, Some(outage)) => {
            tracing::warn!(since = %outage.since, error = outage.error, "Amps does not answer");
        }
        (Some(outage), None) => tracing::info!(since = %outage.since, "Amps answers again"),
        (Some(_), Some(_)) | (None, None) => {}
    }
    match (before.key_refused_since, link.key_refused_since) {
        (None, Some(_)) => tracing::warn!("Amps refuses the key, which has worked"),
        (Some(since), None) => tracing::info!(%since, "Amps takes the key again"),
        (Some(_), Some(_)) | (None, None) => {}
    }
}
