//! Delivers webhooks as Svix does: signed anew for each attempt, retried for more than a day (`webhooks.md` §2, §3).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, redirect};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::later;
use crate::domain::secret::Secret;
use crate::http_client::tls;
use crate::intake::signature::{Key, sign};
use crate::simulator::server::Shared;
use crate::simulator::webhooks::{Parcel, Target, WebhookState};
use crate::simulator::when::shortened;

/// Seconds before the second and each later attempt. Svix's jitter is left out, so that a run repeats.
const RETRY_SECONDS: [u64; 7] = [5, 300, 1800, 7200, 18_000, 36_000, 36_000];

/// Svix cloud waits this long for an answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// After 429 and after a timeout, Svix waits at least this long.
const THROTTLED: Duration = Duration::from_mins(1);

/// A key that no receiver has.
const FORGERS_SECRET: &str = "whsec_Zm9yZ2VkLWZvcmdlZC1mb3JnZWQtZm9yZ2Vk";

/// One attempt to come.
#[derive(Debug)]
struct Leg {
    parcel: Parcel,
    /// Attempts that have failed.
    n_failed: usize,
    due: Timestamp,
}

/// How an attempt failed.
#[derive(Debug)]
struct Miss {
    at: Timestamp,
    retry_after: Option<Duration>,
    throttled: bool,
}

/// A client for webhooks. It follows no redirects, which Svix counts as failures.
pub(crate) fn client() -> Result<Client, String> {
    let tls = tls::config().map_err(|error| error.to_string())?;
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .timeout(ATTEMPT_TIMEOUT)
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())
}

/// Keeps the world going: actions when they are due, webhooks as they come. Ends with `stop`.
pub(crate) async fn run(shared: Arc<Shared>, client: Client, stop: CancellationToken) {
    let mut rounds: JoinSet<Vec<Leg>> = JoinSet::new();
    loop {
        let (batches, due) = {
            let mut world = shared.world();
            world.tick(shared.clock.now());
            (world.outbound.take_ready(), world.next_due())
        };
        for batch in batches {
            let legs = batch.into_iter().map(|parcel| Leg {
                parcel,
                n_failed: 0,
                due: shared.clock.now(),
            });
            rounds.spawn(round(Arc::clone(&shared), client.clone(), legs.collect()));
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = shared.work.notified() => {}
            () = shared.clock.sleep_until(due.unwrap_or(Timestamp::MAX)), if due.is_some() => {}
            Some(Ok(legs)) = rounds.join_next(), if !rounds.is_empty() => {
                for leg in legs {
                    rounds.spawn(round(Arc::clone(&shared), client.clone(), vec![leg]));
                }
            }
        }
    }
    rounds.shutdown().await;
}

/// One attempt for each, in order; returns the attempts that have to follow.
async fn round(shared: Arc<Shared>, client: Client, legs: Vec<Leg>) -> Vec<Leg> {
    let mut next = Vec::new();
    for leg in legs {
        shared.clock.sleep_until(leg.due).await;
        let Some(miss) = attempt(&shared, &client, &leg.parcel).await else {
            continue;
        };
        match RETRY_SECONDS.get(leg.n_failed) {
            Some(seconds) => {
                let wait = miss.wait(Duration::from_secs(*seconds));
                next.push(Leg {
                    parcel: leg.parcel,
                    n_failed: leg.n_failed + 1,
                    due: later(miss.at, shortened(wait, shared.speed)),
                });
            }
            None => shared
                .world()
                .outbound
                .set_state(&leg.parcel.id, WebhookState::Exhausted),
        }
    }
    next
}

impl Miss {
    /// `Retry-After` is honoured up to twice the planned delay (`webhooks.md` §3, §8).
    fn wait(&self, planned: Duration) -> Duration {
        let asked = self.retry_after.unwrap_or(planned);
        let wait = asked.clamp(planned, planned * 2);
        if self.throttled {
            wait.max(THROTTLED)
        } else {
            wait
        }
    }
}

/// Tries once; none when nothing is left to do.
async fn attempt(shared: &Shared, client: &Client, parcel: &Parcel) -> Option<Miss> {
    let target = {
        let mut world = shared.world();
        // Forgotten: nobody would learn of the outcome.
        world.outbound.record(&parcel.id)?;
        if world.outbound.target.is_none() {
            world.outbound.set_state(&parcel.id, WebhookState::NoTarget);
        }
        world.outbound.target.clone()?
    };
    let now = shared.clock.now();
    let url = target.address(&parcel.event);
    let answer = client
        .post(&url)
        .headers(headers(&target, parcel, now))
        .body(parcel.body.clone())
        .send()
        .await;
    // Delays count from the failure (`webhooks.md` §3).
    let at = shared.clock.now();
    let (outcome, miss) = match answer {
        Ok(answer) if answer.status().is_success() => (Ok(answer.status().as_u16()), None),
        Ok(answer) => {
            let status = answer.status().as_u16();
            let miss = Miss {
                at,
                retry_after: retry_after(answer.headers()),
                throttled: status == 429,
            };
            (Ok(status), Some(miss))
        }
        Err(error) => {
            let miss = Miss {
                at,
                retry_after: None,
                throttled: error.is_timeout(),
            };
            (Err(error.without_url().to_string()), Some(miss))
        }
    };
    {
        let mut world = shared.world();
        let outbound = &mut world.outbound;
        outbound.note_attempt(&parcel.id, now, url, outcome);
        if miss.is_none() {
            outbound.set_state(&parcel.id, WebhookState::Delivered);
        }
    }
    shared.attempted.notify_waiters();
    miss
}

pub(super) fn headers(target: &Target, parcel: &Parcel, now: Timestamp) -> HeaderMap {
    let second = now.as_second();
    let forgers = Key::parse(&Secret::new(FORGERS_SECRET)).expect("the constant is base64");
    let key = if parcel.forged { &forgers } else { &target.key };
    let signature = sign(key, &parcel.id, second, parcel.body.as_bytes());
    let mut headers = HeaderMap::new();
    let pairs = [
        ("svix-id", parcel.id.clone()),
        ("svix-timestamp", second.to_string()),
        ("svix-signature", signature),
        ("user-agent", "Svix-Webhooks/simulated".to_owned()),
    ];
    for (name, value) in pairs {
        let value = value
            .parse()
            .expect("ids, digits and base64 are plain text");
        headers.insert(name, value);
    }
    let json = "application/json".parse().expect("plain text");
    headers.insert(CONTENT_TYPE, json);
    headers
}

/// Seconds; fractions are rounded up as Svix does. The date form is not read.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: f64 = text.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds.ceil()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_svixs() {
        assert_eq!(RETRY_SECONDS.iter().sum::<u64>(), 99_305);
    }

    #[test]
    fn retry_after_is_honoured_between_once_and_twice_the_delay() {
        let wait = |seconds: Option<u64>, throttled, planned| {
            let miss = Miss {
                at: Timestamp::UNIX_EPOCH,
                retry_after: seconds.map(Duration::from_secs),
                throttled,
            };
            miss.wait(Duration::from_secs(planned)).as_secs()
        };
        assert_eq!(wait(None, false, 300), 300);
        assert_eq!(wait(Some(10), false, 300), 300);
        assert_eq!(wait(Some(450), false, 300), 450);
        assert_eq!(wait(Some(9000), false, 300), 600);
        assert_eq!(wait(None, true, 5), 60);
    }
}
