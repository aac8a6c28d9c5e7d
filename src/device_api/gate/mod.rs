//! In front of every request to Amps, whoever makes it: pushes, look-ups and readings share one pace, one
//! bound on what is under way, and what is known of whether Amps answers.

#[cfg(test)]
mod tests;
mod wording;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};

use crate::clock::{Clock, later, moved};
use crate::device_api::DeviceApi;
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::door::{Door, Entrance, Heard, Outage};
use crate::device_api::generation::Generation;
use crate::device_api::pace::{Pace, Rate, Ticket, Turn};
use crate::device_api::state::Shown;
use crate::device_api::wire::{Action, Page};
use crate::domain::answers::{self, Meaning};
use crate::domain::device::Device;
use crate::domain::id::{ActionId, DeviceId};
use crate::domain::writing::Showing;

/// Requests under way at once. Amps speaks HTTP/1.1 with us, so it is the number of connections too.
pub(crate) const REQUESTS_MAX: usize = 16;

/// How long nobody asks anew whether it is the home's key or the manufacturer's that is not taken.
const KEY_LOOK_PAUSE: Duration = Duration::from_mins(1);

/// What is known of the connection to Amps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    /// Amps has answered to the home's key, now or in an earlier life of the program.
    pub(crate) key_has_worked: bool,
    /// None while Amps answers.
    pub(crate) outage: Option<Outage>,
    /// Since when Amps turns the key away; none while it does not.
    pub(crate) key_refused_since: Option<Timestamp>,
    /// Until when Amps wants to be left alone; may have passed.
    pub(crate) pause_until: Option<Timestamp>,
    /// The one that answered last; none until one did.
    pub(crate) generation: Option<Generation>,
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pushed {
    Answered(Box<Answer<Action>>),
    /// It did not leave, and none will before `until`, by the time that nobody sets ([`Clock::steady`]).
    Held {
        until: Timestamp,
        why: String,
    },
    /// It did not leave: the program stops.
    Stopped,
}

/// Amps at a measured pace. Cheap to clone; all clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    api: DeviceApi,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    state: Mutex<State>,
    /// Something has changed for those who stand in line: wakes them, the first first.
    changes: Notify,
    link: watch::Sender<Link>,
    places: Semaphore,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    door: Door,
    /// As [`Link`] has it, by the time that nobody sets.
    key_refused_since: Option<Timestamp>,
    /// When somebody asked last whose key is not taken.
    key_looked_at: Option<Timestamp>,
    is_stopped: bool,
}

/// What to do while Amps is not to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// Waits as long as a request is under way that may open the door.
    ForProbe,
    /// The same, and does not wait for the next one that is planned.
    InAHurry,
    None,
}

/// Why a request does not leave.
enum Held {
    Until(Timestamp, String),
    Stopped,
}

/// Leave for one request.
struct Pass<'g> {
    gate: &'g Gate,
    place: Option<SemaphorePermit<'g>>,
    is_probe: bool,
    is_over: bool,
}

/// A place in the line, until this is dropped.
struct InLine<'g> {
    shared: &'g Shared,
    ticket: Ticket,
}

impl Gate {
    pub(crate) fn new(api: DeviceApi, rate: Rate, clock: Clock) -> Self {
        let state = State {
            pace: Pace::new(rate),
            door: Door::default(),
            key_refused_since: None,
            key_looked_at: None,
            is_stopped: false,
        };
        Self {
            api,
            shared: Arc::new(Shared {
                clock,
                state: Mutex::new(state),
                changes: Notify::new(),
                link: watch::Sender::new(Link::default()),
                places: Semaphore::new(REQUESTS_MAX),
            }),
        }
    }

    /// Takes up what an earlier life of the program knew. Before the first request.
    pub(crate) fn restore(&self, link: Link) {
        let steady = |it: Timestamp| moved(it, -self.shared.clock.taken_over());
        let outage = link.outage.clone().map(|it| Outage {
            since: steady(it.since),
            ..it
        });
        let now = self.shared.clock.steady();
        let mut state = self.shared.state();
        state.door = Door::restored(outage, link.pause_until.map(steady), now);
        state.key_refused_since = link.key_refused_since.map(steady);
        drop(state);
        self.api.restore(link.generation);
        self.shared.link.send_replace(link);
    }

    /// What is known of the connection, now and as it changes.
    pub(crate) fn link(&self) -> watch::Receiver<Link> {
        self.shared.link.subscribe()
    }

    pub(crate) fn key_has_worked(&self) -> bool {
        self.shared.link.borrow().key_has_worked
    }

    /// Of the home.
    pub(crate) fn zone(&self) -> &TimeZone {
        self.api.zone()
    }

    /// A piece of a hash of the key, to know it again.
    pub(crate) fn key_print(&self) -> &str {
        self.api.key_print()
    }

    /// No push leaves any more that has not left.
    pub(crate) fn stop(&self) {
        self.shared.state().is_stopped = true;
        self.shared.changes.notify_waiters();
    }

    /// [`DeviceApi::action`] of an action on `device`.
    pub(crate) async fn action(&self, device: &DeviceId, action: &ActionId) -> Answer<Action> {
        self.ask((device, Keys::Home), self.api.action(action))
            .await
    }

    /// [`DeviceApi::cancel`] of an action on `device`, which is not to begin first.
    pub(crate) async fn cancel(&self, device: &DeviceId, action: &ActionId) -> Answer<Action> {
        let request = self.api.cancel(action);
        self.ask_with((device, Keys::Both), Patience::InAHurry, request)
            .await
    }

    /// When somebody who waits is to ask whether an outage is over, by the time that nobody sets; none while that
    /// hangs on something else.
    pub(crate) fn probe_at(&self) -> Option<Timestamp> {
        self.shared.state().door.probe_at()
    }

    /// [`DeviceApi::actions`].
    pub(crate) async fn actions(&self, device: &Device, offset: u32, limit: u32) -> Answer<Page> {
        let request = self.api.actions(device, offset, limit);
        self.ask((&device.id, Keys::Home), request).await
    }

    /// [`DeviceApi::state`].
    pub(crate) async fn state(&self, device: &Device, expedite: bool) -> Answer<Shown> {
        let request = self.api.state(device, expedite, &self.shared.clock);
        let answer = self.ask((&device.id, Keys::Both), request).await;
        if let Answer::Refused(refusal) = &answer
            && refusal.code.as_deref() == Some(answers::INVALID_API_KEY)
            && self.shared.is_key_to_be_looked_at()
        {
            // Its answer is heard of.
            self.actions(device, 0, 1).await;
        }
        answer
    }

    /// [`DeviceApi::setting`].
    pub(crate) async fn setting(&self, device: &Device, setting: &str) -> Answer<Showing> {
        let request = self.api.setting(device, setting);
        self.ask((&device.id, Keys::Both), request).await
    }

    /// A question whose answer can wait: while Amps is not to be asked it counts as not sent.
    async fn ask<T>(
        &self,
        asked: (&DeviceId, Keys),
        request: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        self.ask_with(asked, Patience::None, request).await
    }

    async fn ask_with<T>(
        &self,
        (device, keys): (&DeviceId, Keys),
        patience: Patience,
        request: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        match self.enter(device, patience).await {
            Ok(pass) => {
                let answer = request.await;
                pass.heard(&answer, keys);
                answer
            }
            Err(Held::Until(_, reason)) => Answer::NotSent { reason },
            Err(Held::Stopped) => Answer::NotSent {
                reason: "the program stops".to_owned(),
            },
        }
    }

    async fn enter(&self, device: &DeviceId, patience: Patience) -> Result<Pass<'_>, Held> {
        let shared = &*self.shared;
        let line = InLine {
            shared,
            ticket: shared.state().pace.stand_in_line(device),
        };
        loop {
            // What changes between the look and the wait counts too.
            let changed = shared.changes.notified();
            let wait_until = match shared.step(line.ticket, patience)? {
                Step::Enter { is_probe } => {
                    // Those behind may be next.
                    drop(line);
                    return self.pass(is_probe).await;
                }
                Step::Wait { until } => until,
            };
            tokio::select! {
                biased;
                () = changed => {}
                () = wait(&shared.clock, wait_until) => {}
            }
        }
    }

    async fn pass(&self, is_probe: bool) -> Result<Pass<'_>, Held> {
        let mut pass = Pass {
            gate: self,
            place: None,
            is_probe,
            is_over: false,
        };
        let place = self.shared.places.acquire().await;
        pass.place = Some(place.expect("the places are never closed"));
        Ok(pass)
    }
}

async fn wait(clock: &Clock, until: Option<Timestamp>) {
    match until {
        Some(until) => {
            let left = until.duration_since(clock.steady());
            clock
                .sleep(Duration::try_from(left).unwrap_or_default())
                .await;
        }
        None => std::future::pending().await,
    }
}

/// What somebody in the line does next.
enum Step {
    Enter {
        is_probe: bool,
    },
    /// For a moment, or for a change.
    Wait {
        until: Option<Timestamp>,
    },
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody is to ask whose key is not taken. Who is told so does.
    fn is_key_to_be_looked_at(&self) -> bool {
        let now = self.clock.steady();
        let mut state = self.state();
        let is_told = state.key_refused_since.is_some()
            || (state.key_looked_at).is_some_and(|it| now < later(it, KEY_LOOK_PAUSE));
        if !is_told {
            state.key_looked_at = Some(now);
        }
        !is_told
    }

    fn step(&self, ticket: Ticket, patience: Patience) -> Result<Step, Held> {
        let now = self.clock.steady();
        let mut state = self.state();
        if state.is_stopped {
            return Err(Held::Stopped);
        }
        // First of all, so that nobody stands behind one who waits for an answer.
        let entrance = match patience {
            Patience::InAHurry => state.door.look_in_a_hurry(now),
            Patience::ForProbe | Patience::None => state.door.look(now),
        };
        let is_probe = match entrance {
            Entrance::Open => false,
            Entrance::Probe => true,
            Entrance::Probing { .. } if patience != Patience::None => {
                return Ok(Step::Wait { until: None });
            }
            Entrance::Probing { why } => return Err(Held::Until(now, why)),
            Entrance::Shut { until, why } => return Err(Held::Until(until, why)),
        };
        match state.pace.peek(ticket, now) {
            Turn::Now => {}
            Turn::At(until) => return Ok(Step::Wait { until: Some(until) }),
            Turn::Behind => return Ok(Step::Wait { until: None }),
        }
        if is_probe {
            state.door.begin_probe();
        }
        state.pace.take(ticket, now);
        Ok(Step::Enter { is_probe })
    }

    fn hear(
        &self,
        heard: Heard,
        is_probe: bool,
        (key, generation): (Option<KeyHeard>, Option<Generation>),
    ) {
        let now = self.clock.steady();
        let mut state = self.state();
        if state.door.hear(heard, is_probe, now) {
            state.pace.spend_all(now);
        }
        let shown = |it: Timestamp| moved(it, self.clock.taken_over());
        let outage = state.door.outage().map(|it| Outage {
            since: shown(it.since),
            error: it.error.clone(),
        });
        let pause_until = state.door.pause_until().map(shown);
        match key {
            Some(KeyHeard::Refused) => {
                state.key_refused_since.get_or_insert(now);
            }
            Some(KeyHeard::Works) => state.key_refused_since = None,
            None => {}
        }
        let key_refused_since = state.key_refused_since.map(shown);
        drop(state);
        self.link.send_if_modified(|link| {
            let before = link.clone();
            link.key_has_worked |= key == Some(KeyHeard::Works);
            link.key_refused_since = key_refused_since;
            link.outage = outage;
            link.pause_until = pause_until;
            link.generation = generation;
            *link != before
        });
        self.changes.notify_waiters();
    }
}

impl Pass<'_> {
    fn heard<T>(mut self, answer: &Answer<T>, keys: Keys) {
        self.is_over = true;
        self.place = None;
        let key_has_worked = self.gate.shared.link.borrow().key_has_worked;
        let heard = match answer {
            Answer::Refused(refusal) if is_too_fast(refusal, key_has_worked) => {
                Heard::TooFast(refusal.retry_after)
            }
            Answer::Refused(refusal) if is_somebody_else(refusal) => {
                Heard::Silence(refusal.message.clone())
            }
            Answer::Ok(_)
            | Answer::Refused(_)
            | Answer::Lost {
                is_answered: true, ..
            } => Heard::Answer,
            Answer::NotSent { reason } | Answer::Lost { reason, .. } => {
                Heard::Silence(reason.clone())
            }
        };
        let key = match answer {
            Answer::Ok(_) => Some(KeyHeard::Works),
            Answer::Refused(refusal) if is_of_home_key(refusal, keys) => Some(KeyHeard::Refused),
            Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => None,
        };
        self.gate
            .shared
            .hear(heard, self.is_probe, (key, self.gate.api.generation()));
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe && !self.is_over {
            self.gate.shared.state().door.forget_probe();
            self.gate.shared.changes.notify_waiters();
        }
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.shared.state().pace.leave(self.ticket);
        self.shared.changes.notify_waiters();
    }
}

/// What an answer shows of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyHeard {
    Works,
    Refused,
}

/// Whose keys an answer hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    /// The home's own.
    Home,
    /// That, and the manufacturer's for the device.
    Both,
}

/// Amps turns the home's own key away.
fn is_of_home_key(refusal: &Refusal, keys: Keys) -> bool {
    match refusal.code.as_deref() {
        Some(answers::INVALID_API_KEY) => keys == Keys::Home,
        Some(answers::EXPIRED_TOKEN) => true,
        Some(_) | None => is_not_let_in(refusal),
    }
}

fn is_not_let_in(refusal: &Refusal) -> bool {
    answers::meaning(refusal.status, refusal.code.as_deref()) == Meaning::Unauthorized
}

/// A burst shows as 401 too.
fn is_too_fast(refusal: &Refusal, key_has_worked: bool) -> bool {
    let code = refusal.code.as_deref();
    refusal.status == 429
        || code == Some("RATE_LIMIT_EXCEEDED")
        || key_has_worked && is_not_let_in(refusal)
}

/// Something between Amps and us says that Amps is not there.
fn is_somebody_else(refusal: &Refusal) -> bool {
    refusal.code.is_none() && (500..600).contains(&refusal.status)
}
