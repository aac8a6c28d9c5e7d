//! Settings to Amps: written, then read until the device shows them. Each request is a row before it leaves.
//!
//! A write that may have arrived is made again: the second changes nothing.

use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::delivery::record::record;
use crate::delivery::verdict::{Key, Verdict};
use crate::device_api::answer::Answer;
use crate::device_api::gate::Gate;
use crate::domain::lifecycle::Failure;
use crate::domain::writing::{Reply, Stage as Standing};
use crate::store::Store;
use crate::store::error::Error;
use crate::store::setting_writes::{self, Claimed};
use crate::store::signal::News;
use crate::worker::{self, Next, Stage};

/// Requests under way at once.
const UNDER_WAY_MAX: usize = 4;

/// How long a stop waits for requests under way.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Takes writes out of the outbox.
#[derive(Debug)]
pub(crate) struct SettingWrites {
    store: Store,
    api: Gate,
    clock: Clock,
    under_way: JoinSet<()>,
}

impl SettingWrites {
    pub(crate) fn new(store: Store, api: Gate, clock: Clock) -> Self {
        Self {
            store,
            api,
            clock,
            under_way: JoinSet::new(),
        }
    }
}

/// Writes until `stop`.
pub(crate) async fn run(mut writes: SettingWrites, stop: CancellationToken, news: News) {
    let clock = writes.clock.clone();
    worker::run(&mut writes, clock.clone(), stop, news).await;
    let finish_all = async {
        while let Some(ended) = writes.under_way.join_next().await {
            finish(ended);
        }
    };
    tokio::select! {
        () = finish_all => {}
        () = clock.sleep(STOP_WAIT) => tracing::warn!("settings are left under way"),
    }
}

impl Stage for SettingWrites {
    const NAME: &'static str = "setting_writes";

    /// Starts what is due, as far as there is room.
    async fn work(&mut self) -> Result<Next, Error> {
        while let Some(ended) = self.under_way.try_join_next() {
            finish(ended);
        }
        let room = UNDER_WAY_MAX - self.under_way.len();
        if room == 0 {
            return Ok(Next::Idle);
        }
        let now = self.clock.now();
        let claimed = self
            .store
            .write(move |tx| setting_writes::claim(tx, room, now))
            .await?;
        if claimed.is_empty() {
            return Ok(Next::at(self.store.write(setting_writes::next_due).await?));
        }
        for claimed in claimed {
            let (store, api, clock) = (self.store.clone(), self.api.clone(), self.clock.clone());
            self.under_way.spawn(async move {
                let reply = request(&api, &claimed).await;
                let write = &claimed.write;
                tracing::info!(write = %write.id, setting = write.setting, ?reply, "asked");
                let now_of = clock.clone();
                record(&store, &clock, "the next start asks again", move |tx| {
                    let (standing, now) = ((&claimed.stage, claimed.attempts), now_of.now());
                    let write = &claimed.write;
                    let progress = write.after(standing, reply.clone(), claimed.created_at, now);
                    setting_writes::advance(tx, &claimed, progress, now)
                })
                .await;
            });
        }
        Ok(Next::Again)
    }

    /// There is room again, after there was none.
    async fn called(&mut self) {
        if self.under_way.len() < UNDER_WAY_MAX {
            return std::future::pending().await;
        }
        if let Some(ended) = self.under_way.join_next().await {
            finish(ended);
        }
    }
}

fn finish(ended: Result<(), JoinError>) {
    ended.expect("a request does not panic");
}

async fn request(api: &Gate, claimed: &Claimed) -> Reply {
    let write = &claimed.write;
    if let Standing::Read { .. } = claimed.stage {
        return match api.setting(&write.device, &write.setting).await {
            Answer::Ok(showing) => Reply::Shown(showing),
            Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => Reply::NotShown,
        };
    }
    let refusal = match api.write_setting(write).await {
        Answer::Ok(amps_time) => return Reply::Taken { amps_time },
        Answer::NotSent { reason } => {
            let why = format!("Amps cannot be reached: {reason}");
            return Reply::Unsent { why };
        }
        Answer::Lost { reason, .. } => return lost(&reason),
        Answer::Refused(refusal) => refusal,
    };
    let key = Key {
        has_worked: api.key_has_worked(),
        works_now: None,
    };
    match Verdict::of_refusal(&refusal, key) {
        Verdict::Retry {
            failure,
            after,
            remedy,
        } => {
            let is_last = write.retry.attempts <= claimed.attempts;
            turned_away(failure.with_remedy(remedy.filter(|_| is_last)), true, after)
        }
        Verdict::Blocked(failure) => turned_away(failure, true, refusal.retry_after),
        Verdict::GiveUp(failure) => turned_away(failure, false, None),
        // Made again, it does no harm.
        Verdict::InDoubt {
            answered: Some(failure),
            after,
        } => turned_away(failure, true, after),
        Verdict::InDoubt { answered: None, .. }
        | Verdict::Unsent { .. }
        | Verdict::Acknowledged(_) => lost(&refusal.message),
    }
}

fn turned_away(failure: Failure, may_pass: bool, after: Option<Duration>) -> Reply {
    Reply::Refused {
        failure,
        may_pass,
        after,
    }
}

fn lost(reason: &str) -> Reply {
    let message = format!("the answer was lost: {reason}");
    turned_away(Failure::new(None, message), true, None)
}
