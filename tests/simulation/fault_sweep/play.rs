//! A play: what is done to an order, or befalls it, one thing after the other.

use std::time::Duration;

use serde_json::{Value, json};

use crate::simulation::network::{At, Fate};

/// How long the program is gone after each kill, if a play does not say otherwise.
pub(super) const DOWN: Duration = Duration::from_secs(3);

/// Every time, as long as the order lives.
pub(super) const EACH: u32 = u32::MAX;

pub(super) const BATTERY: &str = "/devices/dev_abc123";
pub(super) const BATTERY_ACTIONS: &str = "/devices/dev_abc123/actions";

/// What is played, from the beginning of an order on.
#[derive(Clone, Debug)]
pub(super) struct Play {
    /// Of its life.
    pub(super) step: &'static str,
    pub(super) fault: String,
    /// Before the order is given.
    pub(super) before: Vec<Thing>,
    /// Afterwards.
    pub(super) after: Vec<Thing>,
    /// How long the program is gone after a kill by a fate.
    pub(super) down: Duration,
}

#[derive(Clone, Debug)]
pub(super) enum Thing {
    Wait(Duration),
    /// A request of the control API of the pretend Amps.
    Control(&'static str, Value),
    /// From now on, for so many requests.
    Befalls(At, Fate, u32),
    /// A person starts a rule.
    Rule(&'static str),
    /// The plug is pulled, for so long.
    Kill(Duration),
    /// Time passes until a webhook was taken in.
    UntilWebhook,
    /// Somebody else cancels at Amps what it has planned for the battery; no webhook tells of that.
    CancelledElsewhere,
    /// Somebody else's order takes the place of what is planned for the battery.
    ReplacedElsewhere,
}

pub(super) fn play(step: &'static str, fault: impl Into<String>) -> Play {
    Play {
        step,
        fault: fault.into(),
        before: Vec::new(),
        after: Vec::new(),
        down: DOWN,
    }
}

impl Play {
    /// From before the order on, for so many requests.
    pub(super) fn befalls(mut self, at: At, fate: Fate, times: u32) -> Self {
        self.before.push(Thing::Befalls(at, fate, times));
        self
    }

    /// A control request before the order is given.
    pub(super) fn with(mut self, path: &'static str, body: Value) -> Self {
        self.before.push(Thing::Control(path, body));
        self
    }

    pub(super) fn before(mut self, thing: Thing) -> Self {
        self.before.push(thing);
        self
    }

    pub(super) fn then(mut self, thing: Thing) -> Self {
        self.after.push(thing);
        self
    }

    pub(super) fn wait(self, time: Duration) -> Self {
        self.then(Thing::Wait(time))
    }

    /// What the next action comes to.
    pub(super) fn action(self, fault: Value) -> Self {
        self.with("/faults/actions", json!({ "fault": fault }))
    }

    /// What becomes of the next webhook.
    pub(super) fn webhook(self, kind: &str) -> Self {
        self.with("/faults/webhooks", json!({"fault": {"kind": kind}}))
    }

    pub(super) fn switch(self, name: &str, to: &str) -> Self {
        self.with("/switches", json!({ name: to }))
    }

    pub(super) fn gone_for(mut self, down: Duration) -> Self {
        self.down = down;
        self
    }
}

/// An action that ends so.
pub(super) fn fails(code: &str) -> Value {
    json!({"kind": "fail", "code": code, "message": "no"})
}

/// What lies between this home and Amps, and what it is called.
pub(super) fn losses() -> Vec<(String, Fate)> {
    [
        ("it cannot be sent", Fate::NotSent),
        ("lost on its way there", Fate::LostBefore),
        ("its answer is lost", Fate::LostAfter),
        ("arrives after the timeout", Fate::LateBefore),
        ("answered after the timeout", Fate::LateAfter),
        ("killed before it arrives", Fate::KilledBefore),
        ("killed before its answer", Fate::KilledAfter),
    ]
    .map(|(name, fate)| (name.to_owned(), fate))
    .into()
}

/// The statuses that Amps documents, each with a code that it may come with.
const STATUSES: &[(u16, &str)] = &[
    (400, "INVALID_REQUEST"),
    (401, "UNAUTHORIZED"),
    (401, "INVALID_API_KEY"),
    (403, "INSUFFICIENT_PERMISSIONS"),
    (404, "DEVICE_NOT_FOUND"),
    (409, "CONFLICT"),
    (422, "UNSUPPORTED_MODE"),
    (429, "RATE_LIMIT_EXCEEDED"),
    (500, "INTERNAL_ERROR"),
    (501, "NOT_IMPLEMENTED"),
    (503, "SERVICE_UNAVAILABLE"),
];

/// What may befall any request, once with a code of each status.
pub(super) fn fates() -> Vec<(String, Fate)> {
    let mut fates = losses();
    for (status, code) in STATUSES {
        fates.push((format!("{status} {code}"), Fate::Refused(*status, code)));
    }
    fates
}

/// The same, and each status without a code.
pub(super) fn all_fates() -> Vec<(String, Fate)> {
    let mut fates = losses();
    let mut last = 0;
    for (status, code) in STATUSES {
        fates.push((format!("{status} {code}"), Fate::Refused(*status, code)));
        if last != *status {
            fates.push((
                format!("{status} without a code"),
                Fate::Refused(*status, ""),
            ));
        }
        last = *status;
    }
    fates
}

pub(super) const fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

pub(super) const fn hours(n: u64) -> Duration {
    Duration::from_hours(n)
}

pub(super) const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
