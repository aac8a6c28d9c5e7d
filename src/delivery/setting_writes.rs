//! Settings to Amps: written, then read until the device shows them. Each request is a row before it leaves.
//!
//! A write that may have arrived is made again: the second changes nothing.

use std::time::Duration;

use crate::clock::Clock;
use crate::delivery::asking::Ask;
use crate::delivery::key::key;
use crate::delivery::verdict::Verdict;
use crate::device_api::answer::Answer;
use crate::device_api::gate::Gate;
use crate::domain::capabilities::{Declared, Reader};
use crate::domain::lifecycle::Failure;
use crate::domain::writing::{Reply, Stage};
use crate::store::setting_writes::Claimed;
use crate::store::{Store, capabilities};

/// Writes settings for rules.
#[derive(Debug)]
pub(crate) struct SettingWrites {
    pub(crate) api: Gate,
    pub(crate) store: Store,
}

impl Ask for SettingWrites {
    type Row = Claimed;
    const UNDER_WAY_MAX: usize = 4;
    const ROWS: &'static str = "settings";
    const OTHERWISE: &'static str = "the next start asks again";

    fn ask(&mut self, row: &Claimed, clock: &Clock) -> impl Future<Output = Reply> + Send + use<> {
        let (api, row) = (self.api.clone(), row.clone());
        let (store, clock) = (self.store.clone(), clock.clone());
        async move {
            let declared = declared(&store, &row).await;
            let reply = match unfit(declared.as_ref(), (&api, &clock), &row) {
                Some(failure) => turned_away(failure, false, None),
                None => request(&api, &row).await,
            };
            let is_left_out =
                matches!(&reply, Reply::Shown(it) if it.value.is_none()) && has(declared, &row);
            let reply = if is_left_out { Reply::LeftOut } else { reply };
            let write = row.write;
            tracing::info!(write = %write.id, setting = write.setting, ?reply, "asked");
            reply
        }
    }
}

/// What the device said last of what it takes. What cannot be read is not held against it: Amps looks too.
async fn declared(store: &Store, claimed: &Claimed) -> Option<Declared> {
    let device = claimed.write.device.id.clone();
    let declared = store.write(move |tx| capabilities::of(tx, &device)).await;
    declared.ok().flatten()
}

/// Whether the device has the setting, by what it said.
fn has(declared: Option<Declared>, claimed: &Claimed) -> bool {
    let settings = declared.and_then(|it| it.capabilities.settings);
    settings.is_some_and(|it| it.contains_key(&claimed.write.setting))
}

/// Why the write is not to leave, which may have waited for long: the device has another word on it.
fn unfit(
    declared: Option<&Declared>,
    (api, clock): (&Gate, &Clock),
    claimed: &Claimed,
) -> Option<Failure> {
    if let Stage::Read { .. } = claimed.stage {
        return None;
    }
    let (now, zone) = (clock.now(), api.zone());
    declared?.refuse_setting(&claimed.write, Reader { now, zone })
}

async fn request(api: &Gate, claimed: &Claimed) -> Reply {
    let write = &claimed.write;
    if let Stage::Read { .. } = claimed.stage {
        return match api.setting(&write.device, &write.setting).await {
            Answer::Ok(showing) => Reply::Shown(showing),
            Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => Reply::NotShown,
        };
    }
    let refusal = match api.write_setting(write).await {
        Answer::Ok(amps_time) => return Reply::Taken { amps_time },
        Answer::NotSent { reason } => {
            let why = format!("Amps cannot be reached: {reason}");
            let failure = Failure::new(None, why);
            return shut_out(failure, None);
        }
        Answer::Lost { reason, .. } => return lost(&reason),
        Answer::Refused(refusal) => refusal,
    };
    let key = key(api, &write.device, Some(&refusal)).await;
    match Verdict::of_refusal(&refusal, key) {
        Verdict::Retry {
            failure,
            after,
            remedy,
        } => {
            let is_last = write.retry.attempts <= claimed.attempts;
            turned_away(failure.with_remedy(remedy.filter(|_| is_last)), true, after)
        }
        Verdict::NotLetIn { failure, after } => shut_out(failure, after),
        Verdict::Blocked(failure) => turned_away(failure, true, refusal.retry_after),
        Verdict::GiveUp(failure) => turned_away(failure, false, None),
        Verdict::InDoubt {
            answered: Some(failure),
            after,
        } => Reply::InDoubt { failure, after },
        Verdict::InDoubt { answered: None, .. }
        | Verdict::Unsent { .. }
        | Verdict::Acknowledged(_) => lost(&refusal.message),
    }
}

fn shut_out(failure: Failure, after: Option<Duration>) -> Reply {
    Reply::ShutOut { failure, after }
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
    Reply::InDoubt {
        failure: Failure::new(None, message),
        after: None,
    }
}
