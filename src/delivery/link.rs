//! What is known of the connection to Amps, from the requests to a row: for the next start, and for people.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::device_api::door::Outage;
use crate::device_api::gate::{Gate, Link};
use crate::device_api::generation::Generation;
use crate::store::Store;
use crate::store::amps_link::{self, AmpsLink};
use crate::store::error::Error;
use crate::store::put_off;
use crate::store::writer::Tx;

/// How soon something that could not be written down is tried to be written again.
const RECORD_WAIT: Duration = Duration::from_secs(5);

/// How soon it is looked again whether something waits for an Amps that does not answer.
const NOBODY_WAITS: Duration = Duration::from_secs(30);

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
        let (is_out, mut is_late) = (link.outage.is_some(), false);
        if link != written {
            tell(&written, &link);
            let row = AmpsLink {
                key_print: link.key_has_worked.then(|| api.key_print().to_owned()),
                outage: link.outage.clone().map(|it| (it.since, it.error)),
                pause_until: link.pause_until,
                key_refused_since: link.key_refused_since,
                generation: link.generation.map(|it| it.name().to_owned()),
            };
            let (over, at) = (outage_over(&written, &link), clock.clone());
            let write = move |tx: &Tx<'_>| {
                amps_link::save(tx, &row)?;
                match over {
                    Some(since) => put_off::hurry(tx, since, at.now()),
                    None => Ok(()),
                }
            };
            match store.write(write).await {
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
        let probe_at = api.probe_at();
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            changed = news.changed() => if changed.is_err() { return },
            () = clock.sleep(RECORD_WAIT), if is_late => {}
            () = probe((&store, &clock), &api, probe_at), if is_out => {}
        }
    }
}

/// When the outage began that is over with what is known now.
fn outage_over(before: &Link, link: &Link) -> Option<Timestamp> {
    let outage = before.outage.as_ref()?;
    link.outage.is_none().then_some(outage.since)
}

/// Where something waits for Amps, asks at that moment whether it answers again; who comes then and asks something
/// of its own does as well.
async fn probe((store, clock): (&Store, &Clock), api: &Gate, at: Option<Timestamp>) {
    let Some(at) = at else {
        // Somebody asks already.
        return clock.sleep(RECORD_WAIT).await;
    };
    let left = Duration::try_from(at.duration_since(clock.steady())).unwrap_or_default();
    clock.sleep(left).await;
    match store.write(put_off::waiting_device).await {
        Ok(Some(device)) => drop(api.actions(&device, 0, 1).await),
        Ok(None) => clock.sleep(NOBODY_WAITS).await,
        Err(error) => {
            tracing::warn!(%error, "what waits for Amps is not known");
            clock.sleep(RECORD_WAIT).await;
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
        (None, Some(_)) => tracing::warn!("Amps refuses the key"),
        (Some(since), None) => tracing::info!(%since, "Amps takes the key again"),
        (Some(_), Some(_)) | (None, None) => {}
    }
}
