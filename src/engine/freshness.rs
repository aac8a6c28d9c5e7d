//! Values that are too old to decide by are read again first: which devices are asked, and how often.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::{later, moved};
use crate::domain::device::Device;
use crate::domain::event::Readings;
use crate::domain::id::DeviceId;
use crate::domain::value::Origin;
use crate::engine::Scene;
use crate::engine::condition;
use crate::engine::decision::{Change, Decision, FollowUp, ReadRequest};
use crate::engine::facts::View;
use crate::engine::wait::Wait;
use crate::rules::condition::Block;
use crate::rules::expr::eval::age;
use crate::rules::expr::program::{Checked, Read, Source};
use crate::rules::rule::{Condition, Subject, Test, Topic};

/// How long a decision waits for fresh values; then it is made with what is known.
pub const READING_WAIT_MAX: Duration = Duration::from_secs(20);

/// How long a device that did not answer is left alone.
pub const UNANSWERED_PAUSE: Duration = Duration::from_mins(1);

/// How long a device that answered is left alone, however old the values are that it told.
pub const ANSWERED_PAUSE: Duration = Duration::from_secs(15);

/// Amps keeps values for this long unless it is asked for younger ones (`amps-api.md` §3.2).
const KEPT_BY_AMPS: Duration = Duration::from_mins(15);

/// Devices, each with the age that its values may have.
pub(super) type Needs = BTreeMap<DeviceId, Duration>;

/// What became of the last time that a device was asked. Lives in memory alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub at: Timestamp,
    pub expedite: bool,
    pub answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is being read.
    Open,
    Came,
    /// It could not be read.
    Failed,
}

/// When devices were heard and asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contacts {
    /// When the values were true that each device told last.
    heard: BTreeMap<DeviceId, Timestamp>,
    asked: BTreeMap<DeviceId, Asked>,
}

impl Contacts {
    pub(super) fn read(&mut self, readings: &Readings) {
        if let Some(asked) = self.asked.get_mut(&readings.device) {
            asked.answer = Answer::Came;
        }
        if readings.origin != Origin::Fallback {
            let heard = self.heard.entry(readings.device.clone());
            let heard = heard.or_insert(readings.taken_at);
            *heard = readings.taken_at.max(*heard);
        }
    }

    pub(super) fn not_read(&mut self, device: &DeviceId) {
        if let Some(asked) = self.asked.get_mut(device) {
            asked.answer = Answer::Failed;
        }
    }

    pub(super) fn ask(&mut self, request: &ReadRequest, at: Timestamp) {
        let asked = Asked {
            at,
            expedite: request.expedite,
            answer: Answer::Open,
        };
        self.asked.insert(request.device.clone(), asked);
    }

    /// The clock was set: all of it was as long ago as before.
    pub(super) fn moved(&mut self, by: SignedDuration) {
        let asked = self.asked.values_mut().map(|it| &mut it.at);
        for at in self.heard.values_mut().chain(asked) {
            *at = moved(*at, by);
        }
    }

    /// Takes over what `other` knows later.
    pub(super) fn keep_later(&mut self, other: &Self) {
        for (device, at) in &other.heard {
            let heard = self.heard.entry(device.clone()).or_insert(*at);
            *heard = (*at).max(*heard);
        }
        for (device, asked) in &other.asked {
            self.asked.entry(device.clone()).or_insert(*asked);
        }
    }

    /// Whether the device is being read, so that its answer may come yet.
    fn is_open(&self, device: &DeviceId, now: Timestamp) -> bool {
        let asked = self.asked.get(device);
        asked.is_some_and(|it| it.answer == Answer::Open && now < later(it.at, READING_WAIT_MAX))
    }
}

/// What has to be read before `conditions` are decided, which are *and*. Nothing when one of them, which
/// looks at nothing old, does not hold: the rest does not matter then.
pub(super) fn needs(view: View<'_>, conditions: &[Condition]) -> Needs {
    let mut needs = Needs::new();
    for condition in conditions.iter().filter(|it| it.enabled) {
        let mut of_this = Needs::new();
        of_condition(view.scene, condition, &mut of_this);
        if of_this.is_empty() && !condition::check(view, condition).holds {
            return Needs::new();
        }
        for (device, max_age) in of_this {
            need(&mut needs, &device, max_age);
        }
    }
    needs
}

fn need(needs: &mut Needs, device: &DeviceId, max_age: Duration) {
    let known = needs.entry(device.clone()).or_insert(max_age);
    *known = max_age.min(*known);
}

fn of_condition(scene: Scene<'_>, condition: &Condition, needs: &mut Needs) {
    match &condition.test {
        Test::State(test) => of_subject(scene, &test.subject, needs),
        Test::NumericState(test) => of_subject(scene, &test.subject, needs),
        Test::Block(Block { conditions, .. }) => {
            let enabled = conditions.iter().filter(|it| it.enabled);
            enabled.for_each(|it| of_condition(scene, it, needs));
        }
        Test::Expression(checked) => of_expression(scene, checked, needs),
        Test::Time(_)
        | Test::Sun(_)
        | Test::Trigger(_)
        | Test::Command(_)
        | Test::Rule(_)
        | Test::Input(_) => {}
    }
}

fn of_expression(scene: Scene<'_>, checked: &Checked, needs: &mut Needs) {
    for read in checked.reads() {
        // Who asks for the age alone wants to know it as it is.
        if let Read::Value { source, .. } = read
            && let Source::Attribute {
                device,
                attribute,
                max_age,
            } = source
        {
            let is_old = is_old(scene, (device, attribute), *max_age);
            if is_old {
                need(needs, &device.id, *max_age);
            }
        }
    }
}

fn of_subject(scene: Scene<'_>, subject: &Subject, needs: &mut Needs) {
    if is_old(
        scene,
        (&subject.device, &subject.attribute),
        subject.max_age,
    ) {
        need(needs, &subject.device.id, subject.max_age);
    }
}

/// A device that was heard lately and did not tell the attribute has nothing more to tell.
fn is_old(scene: Scene<'_>, (device, attribute): (&Device, &str), max_age: Duration) -> bool {
    let reading = scene.state.reading(&device.id, attribute);
    let is_repeated = reading.is_some_and(|it| it.origin == Origin::Fallback);
    is_repeated || is_unheard(scene, &device.id, max_age)
}

fn is_unheard(scene: Scene<'_>, device: &DeviceId, max_age: Duration) -> bool {
    let heard = scene.state.contacts().heard.get(device);
    heard.is_none_or(|it| max_age < age(*it, scene.now))
}

/// Those of `devices` whose values are older than `max_age`.
pub(super) fn unheard(scene: Scene<'_>, devices: &[Device], max_age: Duration) -> Needs {
    let old = devices
        .iter()
        .filter(|it| is_unheard(scene, &it.id, max_age));
    old.map(|it| (it.id.clone(), max_age)).collect()
}

/// Lets be read what is needed, and says which devices an answer may come from. Nobody is asked who is
/// being asked, or was asked a short while ago.
pub(super) fn request(
    scene: Scene<'_>,
    needs: &Needs,
    decision: &mut Decision,
) -> BTreeSet<DeviceId> {
    request_within(scene, needs, Duration::ZERO, decision)
}

/// The same for those who cannot do without: who was asked a short while ago is asked as soon as may be, if the
/// answer can come in time.
pub(super) fn request_in_time(
    scene: Scene<'_>,
    needs: &Needs,
    decision: &mut Decision,
) -> BTreeSet<DeviceId> {
    request_within(scene, needs, READING_WAIT_MAX, decision)
}

/// Asks those who may be asked before `longest` is over.
fn request_within(
    scene: Scene<'_>,
    needs: &Needs,
    longest: Duration,
    decision: &mut Decision,
) -> BTreeSet<DeviceId> {
    let mut open = BTreeSet::new();
    for (device, max_age) in needs {
        let expedite = *max_age < KEPT_BY_AMPS;
        let contacts = scene.state.contacts();
        let last = contacts.asked.get(device);
        let pause = match last.map(|it| it.answer) {
            Some(Answer::Came) => ANSWERED_PAUSE,
            Some(Answer::Open | Answer::Failed) | None => UNANSWERED_PAUSE,
        };
        // Younger values are wanted than were asked for.
        let is_less = last.is_some_and(|it| expedite && !it.expedite);
        let free_at = last.filter(|_| !is_less).map(|it| later(it.at, pause));
        let wait = free_at.map_or(SignedDuration::ZERO, |it| it.duration_since(scene.now));
        let wait = Duration::try_from(wait).unwrap_or_default();
        if contacts.is_open(device, scene.now) && !is_less {
            open.insert(device.clone());
        } else if wait.is_zero() || wait < longest {
            open.insert(device.clone());
            ask(scene, device, (expedite, wait), decision);
        }
    }
    open
}

fn ask(
    scene: Scene<'_>,
    device: &DeviceId,
    (expedite, wait): (bool, Duration),
    decision: &mut Decision,
) {
    let request = ReadRequest {
        device: device.clone(),
        expedite,
        wait,
    };
    decision.changes.push(Change::Asked {
        request: request.clone(),
        at: scene.now,
    });
    decision.reads.push(request);
}

/// Whether an answer of one of `devices` may come yet.
pub(super) fn is_open(scene: Scene<'_>, devices: &BTreeSet<DeviceId>) -> bool {
    let contacts = scene.state.contacts();
    devices.iter().any(|it| contacts.is_open(it, scene.now))
}

/// The devices that a topic is the value of, for those who wait for an answer.
pub(super) fn topics(devices: &BTreeSet<DeviceId>) -> BTreeSet<Topic> {
    devices.iter().cloned().map(Topic::Value).collect()
}

/// A device that was to be read did not answer: who waits for it may go on.
pub(super) fn not_read(scene: Scene<'_>, device: &DeviceId, decision: &mut Decision) {
    let device = device.clone();
    let topic = Topic::Value(device.clone());
    decision.changes.push(Change::NotRead { device });
    let waits = scene.state.listening(&topic);
    let waits = waits.filter(|it| matches!(it.wait, Some(Wait::Readings { .. })));
    let runs = waits.map(|it| FollowUp::Ask(it.id.clone()));
    decision.follow_ups.extend(runs);
    let calls = scene.state.calls_hearing(&topic);
    let calls = calls.map(|it| FollowUp::Call(it.id.clone()));
    decision.follow_ups.extend(calls);
}

/// After a start, nobody reads what was asked for before.
pub(super) fn ask_anew(scene: Scene<'_>, decision: &mut Decision) {
    let mut devices = BTreeSet::new();
    for run in scene.state.every_run() {
        if let Some(Wait::Readings { devices: of_run }) = &run.wait {
            devices.extend(of_run.iter().cloned());
        }
    }
    for call in scene.state.calls() {
        devices.extend(call.devices.iter().cloned());
    }
    for device in &devices {
        ask(scene, device, (true, Duration::ZERO), decision);
    }
}
