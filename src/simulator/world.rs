//! The whole state of the pretend Amps: devices, actions, what is on its way out, and what time does to them.
//!
//! Plain data under one lock. Nothing here waits; every entry point is told the time.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::{Value, json};

use crate::clock::later;
use crate::domain::secret::Secret;
use crate::simulator::Settings;
use crate::simulator::actions::{Action, ActionState, Failure};
use crate::simulator::devices::ev_charger::EvCharger;
use crate::simulator::devices::{DeviceSettings, Kind, Order, vehicle};
use crate::simulator::envelope::{add_extra_field, iso};
use crate::simulator::faults::{Fate, Faults};
use crate::simulator::ledger::Ledger;
use crate::simulator::oem::OemError;
use crate::simulator::profile;
use crate::simulator::random::Random;
use crate::simulator::switches::{States, Switches, WindowEnd};
use crate::simulator::webhooks::{Outbound, Parcel};
use crate::simulator::when::{seconds_between, shortened};

/// Actions that are remembered; older ones are forgotten once they are over.
pub(crate) const ACTIONS_MAX: usize = 1000;

/// Devices of one house.
const DEVICES_MAX: usize = 100;

/// Physics goes in steps of this many simulated seconds, unless too many would be needed.
const STEP_SECONDS: f64 = 300.0;
const STEPS_MAX: f64 = 2000.0;

/// What the house itself uses, always. Our assumption.
const HOUSEHOLD_KW: f64 = 0.5;

/// What [`Switches::requests_per_minute`] counts in, by the wall clock.
const RATE_WINDOW: SignedDuration = SignedDuration::from_mins(1);

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) api_key: Secret,
    pub(crate) speed: f64,
    pub(crate) switches: Switches,
    /// The requests of the last minute that were let in.
    let_in: VecDeque<Timestamp>,
    pub(crate) devices: Vec<Device>,
    /// Oldest first.
    pub(crate) actions: VecDeque<Action>,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    /// What the pretend phone heard, oldest first.
    pub(crate) phone: VecDeque<Value>,
    pub(crate) outbound: Outbound,
    pub(crate) random: Random,
    began: Timestamp,
    physics_at: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) settings: DeviceSettings,
    pub(crate) zone: TimeZone,
    /// What the OEM answers to whatever Amps wants of the device; none when it lets everything through.
    pub(crate) oem_error: Option<&'static OemError>,
    /// What is written to its settings is answered, and changes nothing.
    pub(crate) ignores_settings: bool,
    /// The OEM's own scheduler holds the device: windowed actions fail (`amps-api.md` §5.3).
    pub(crate) scheduler_active: bool,
    /// The last action of this device, ended or not.
    pub(crate) last_action: Option<String>,
    /// The action whose order the device follows.
    in_force: Option<String>,
    /// The state that the platform last got from the device, live environment only.
    pub(crate) captured: Option<(Timestamp, Value)>,
}

impl World {
    pub(crate) fn new(settings: Settings, now: Timestamp) -> io::Result<Self> {
        let refused = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
        if !(settings.speed.is_finite() && settings.speed > 0.0) {
            return Err(refused("the speed must be a positive number".to_owned()));
        }
        if settings.devices.len() > DEVICES_MAX {
            return Err(refused(format!("at most {DEVICES_MAX} devices")));
        }
        let devices = settings
            .devices
            .into_iter()
            .map(Device::new)
            .collect::<Result<Vec<_>, _>>()
            .map_err(refused)?;
        let mut world = Self {
            api_key: settings.api_key,
            speed: settings.speed,
            switches: settings.switches,
            let_in: VecDeque::new(),
            devices,
            actions: VecDeque::new(),
            faults: Faults::default(),
            ledger: Ledger::default(),
            phone: VecDeque::new(),
            outbound: Outbound::default(),
            random: Random::new(settings.seed),
            began: now,
            physics_at: now,
        };
        for device in &world.devices {
            if let Kind::Vehicle(vehicle) = &device.settings.kind
                && world.charger(&vehicle.charger).is_none()
            {
                return Err(refused(format!("no charger `{}`", vehicle.charger)));
            }
        }
        world.advance_physics(now);
        Ok(world)
    }

    /// Whether the key may ask one thing more in this minute (§7); counts it if so.
    pub(crate) fn let_in(&mut self, now: Timestamp) -> bool {
        let is_old = |it: &mut Timestamp| RATE_WINDOW <= now.duration_since(*it);
        while self.let_in.pop_front_if(is_old).is_some() {}
        let Some(most) = self.switches.requests_per_minute else {
            self.let_in.clear();
            return true;
        };
        let has_room = self.let_in.len() < usize::try_from(most).unwrap_or(usize::MAX);
        if has_room {
            self.let_in.push_back(now);
        }
        has_room
    }

    pub(crate) fn device_mut(&mut self, id: &str) -> Option<&mut Device> {
        self.devices.iter_mut().find(|it| it.settings.id == id)
    }

    pub(crate) fn device(&self, id: &str) -> Option<&Device> {
        self.devices.iter().find(|it| it.settings.id == id)
    }

    pub(crate) fn action(&self, id: &str) -> Option<&Action> {
        self.actions.iter().find(|it| it.id == id)
    }

    /// The actions of `device` that are not over; more than one only by queueing (`amps-api.md` §5.3).
    pub(crate) fn pending_actions(&self, device: &str) -> impl Iterator<Item = &Action> {
        self.actions
            .iter()
            .filter(move |it| it.device == device && !it.state.is_terminal())
    }

    fn charger(&self, id: &str) -> Option<&EvCharger> {
        match &self.device(id)?.settings.kind {
            Kind::EvCharger(charger) => Some(charger),
            Kind::Battery(_) | Kind::Hvac(_) | Kind::SolarInverter(_) | Kind::Vehicle(_) => None,
        }
    }

    /// `state` of a device as it is now.
    pub(crate) fn device_state(&self, device: &Device) -> Value {
        match &device.settings.kind {
            Kind::Battery(it) => it.state(),
            Kind::EvCharger(it) => it.state(),
            Kind::Hvac(it) => it.state(),
            Kind::SolarInverter(it) => it.state(),
            Kind::Vehicle(it) => {
                let charger = self.charger(&it.charger);
                vehicle::state(charger.expect("checked at the start"))
            }
        }
    }

    /// Does everything that was due by `now`, in its order, and brings the physics up to `now`.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        while let Some((due, index)) = self.next_step()
            && due <= now
        {
            self.advance_physics(due);
            self.take_step(index, due);
        }
        self.advance_physics(now);
    }

    /// When [`World::tick`] has something to do again.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.next_step().map(|(due, _)| due)
    }

    fn next_step(&self) -> Option<(Timestamp, usize)> {
        let steps = self.actions.iter().enumerate();
        steps
            .filter_map(|(index, action)| Some((action.next_step()?, index)))
            .min()
    }

    fn take_step(&mut self, index: usize, due: Timestamp) {
        let action = &mut self.actions[index];
        if action.timing.due != Some(due) {
            self.revert(index);
            return;
        }
        match action.state {
            ActionState::Scheduled => self.fire(index, due),
            ActionState::Acknowledged => {
                self.settle(index, due);
            }
            ActionState::Completed | ActionState::Failed | ActionState::Cancelled => {
                action.timing.due = None;
            }
        }
    }

    /// Hands the action to the connector.
    pub(crate) fn fire(&mut self, index: usize, now: Timestamp) {
        let window_completes = self.switches.window_completes;
        let action = &mut self.actions[index];
        let (taken, done) = self.switches.completion.delays(action.device_type);
        let delay = shortened(done, self.speed);
        action.state = ActionState::Acknowledged;
        // A moment ahead with the cookbook's times, and shown already: our simplification.
        action.acknowledged_at = Some(later(now, shortened(taken, self.speed)));
        action.updated_at = now;
        action.timing.due = match (&action.fate, window_completes) {
            (Fate::NeverEnd, _) => None,
            (Fate::CompleteFirst, _) => Some(now),
            // Undocumented (§12.12), hence a switch.
            (_, WindowEnd::Whole) if action.timing.ends_at.is_some() => action.timing.ends_at,
            (_, _) => Some(later(now, delay)),
        };
        if window_completes == WindowEnd::Whole && action.timing.ends_at.is_some() {
            self.obey(index);
        }
    }

    /// Ends the action one way or the other; returns the id of the webhook about it.
    pub(crate) fn settle(&mut self, index: usize, now: Timestamp) -> String {
        let failure = self.failure(index);
        let action = &mut self.actions[index];
        action.timing.due = None;
        action.completed_at = Some(now);
        action.updated_at = now;
        if let Some(failure) = failure {
            action.state = ActionState::Failed;
            action.result = Some(json!({"success": false, "message": failure.message}));
            action.error = Some(failure);
        } else {
            action.state = ActionState::Completed;
            action.result = Some(json!({"success": true, "message": "command accepted"}));
            // A window that was over before the OEM answered leaves nothing to do.
            let over = action.end.is_some() && action.timing.ends_at.is_none();
            let obeyed = action.timing.reverts_to.is_some();
            if !over && !obeyed {
                self.obey(index);
            }
        }
        let (event, body) = self.actions[index].report(self.switches.generation);
        self.post(event, &body)
    }

    fn failure(&self, index: usize) -> Option<Failure> {
        let action = &self.actions[index];
        let failed = |code: &str, message: &str| {
            Some(Failure {
                code: code.to_owned(),
                message: message.to_owned(),
            })
        };
        if let Fate::Fail { code, message } = &action.fate {
            return failed(code, message.as_deref().unwrap_or("the device refused"));
        }
        let device = self.device(&action.device)?;
        if let Some(error) = device.oem_error {
            failed(error.code, error.message())
        } else if action.end.is_some() && device.scheduler_active {
            failed("SCHEDULER_ACTIVE", "the device's own scheduler is active")
        } else {
            None
        }
    }

    /// The device begins to do what the action says.
    fn obey(&mut self, index: usize) {
        let World {
            actions, devices, ..
        } = self;
        let action = &mut actions[index];
        let device = devices
            .iter_mut()
            .find(|it| it.settings.id == action.device);
        let Some(device) = device else {
            return;
        };
        if action.timing.ends_at.is_some() {
            action.timing.reverts_to = device.settings.kind.order().cloned();
        }
        device.settings.kind.obey(action.order.clone());
        device.in_force = Some(action.id.clone());
    }

    /// The window is over: back to what was before, unless somebody ordered something else since.
    /// What "revert" restores is not documented (§12.12); this is our assumption.
    fn revert(&mut self, index: usize) {
        let action = &mut self.actions[index];
        action.timing.ends_at = None;
        let before = action.timing.reverts_to.take();
        let (id, device) = (action.id.clone(), action.device.clone());
        if let (Some(order), Some(device)) = (before, self.device_mut(&device))
            && device.in_force.as_ref() == Some(&id)
        {
            device.settings.kind.obey(order);
            device.in_force = None;
        }
    }

    /// Orders something past Amps, as with the vendor's app.
    pub(crate) fn obey_owner(&mut self, device: &str, order: Order, now: Timestamp) {
        if let Some(device) = self.device_mut(device) {
            device.settings.kind.obey(order);
            device.in_force = None;
        }
        self.advance_physics(now);
    }

    /// Puts a webhook on its way; returns its id.
    pub(crate) fn post(&mut self, event: &str, body: &Value) -> String {
        let id = self.random.message_id();
        let mut body = body.clone();
        if self.switches.extra_fields {
            add_extra_field(&mut body);
        }
        let parcel = Parcel {
            id: id.clone(),
            event: event.to_owned(),
            body: body.to_string(),
            forged: false,
        };
        let fault = self.faults.on_webhook(event);
        self.outbound.post(parcel, fault);
        id
    }

    /// Says that a device was connected, reconnected or disconnected (`webhooks.md` §1.3).
    pub(crate) fn announce(&mut self, device: &str, event: &str, now: Timestamp) -> Option<String> {
        let device = self.device(device)?;
        let mut body = json!({
            "deviceId": device.settings.id,
            "deviceType": device.settings.kind.device_type().name(),
            "timestamp": iso(now),
        });
        if event == "device.disconnected" {
            body["reconnectionUrl"] = json!("https://auth.amps.ai/simulated?token=not-a-token");
        }
        Some(self.post(event, &body))
    }

    /// Forgets the oldest action that is over when there are too many; false if none is over.
    pub(crate) fn make_room(&mut self) -> bool {
        if self.actions.len() < ACTIONS_MAX {
            return true;
        }
        let over = |it: &Action| it.state.is_terminal() && it.next_step().is_none();
        let forgotten = self.actions.iter().position(over);
        forgotten.is_some_and(|index| self.actions.remove(index).is_some())
    }

    /// Keeps the new action.
    pub(crate) fn keep(&mut self, action: Action) -> usize {
        if let Some(device) = self.device_mut(&action.device) {
            device.last_action = Some(action.id.clone());
        }
        self.actions.push_back(action);
        self.actions.len() - 1
    }

    /// Lets the devices live until `now`.
    pub(crate) fn advance_physics(&mut self, now: Timestamp) {
        let seconds = seconds_between(self.physics_at, now) * self.speed;
        let lived = seconds_between(self.began, now) * self.speed;
        self.physics_at = self.physics_at.max(now);
        let step = (seconds / STEPS_MAX).max(STEP_SECONDS);
        let mut left = seconds;
        loop {
            let part = left.min(step);
            left -= part;
            self.step_physics(part / 3600.0, lived - left);
            if left <= 0.0 {
                break;
            }
        }
    }

    /// One step of `hours` that ends when `lived` simulated seconds have passed.
    fn step_physics(&mut self, hours: f64, lived: f64) {
        let lived = Duration::try_from_secs_f64(lived).unwrap_or_default();
        let moment = later(self.began, lived).to_zoned(TimeZone::UTC);
        let hour_of_day = hour_of(&moment);
        let mut surplus = -HOUSEHOLD_KW;
        for device in &mut self.devices {
            match &mut device.settings.kind {
                Kind::SolarInverter(it) => {
                    it.advance(hours, hour_of_day);
                    surplus += it.power_kw;
                }
                Kind::EvCharger(it) => {
                    it.advance(hours);
                    surplus -= it.power_kw;
                }
                Kind::Hvac(it) => it.advance(hours),
                Kind::Battery(_) | Kind::Vehicle(_) => {}
            }
        }
        for device in &mut self.devices {
            if let Kind::Battery(it) = &mut device.settings.kind {
                it.advance(hours, surplus);
            }
            if self.switches.states == States::TimeOfDay {
                profile::show(&mut device.settings.kind, hour_of_day, moment.month());
            }
        }
    }
}

/// The hour of the day, with its parts.
fn hour_of(moment: &Zoned) -> f64 {
    let seconds = f64::from(moment.minute()) * 60.0
        + f64::from(moment.second())
        + f64::from(moment.subsec_nanosecond()) / 1e9;
    f64::from(moment.hour()) + seconds / 3600.0
}

impl Action {
    /// When something has to be done about it.
    fn next_step(&self) -> Option<Timestamp> {
        let end = match self.state {
            // A window ends only once it has begun.
            ActionState::Completed | ActionState::Acknowledged => self.timing.ends_at,
            ActionState::Scheduled | ActionState::Failed | ActionState::Cancelled => None,
        };
        match (self.timing.due, end) {
            (Some(due), Some(end)) => Some(due.min(end)),
            (due, end) => due.or(end),
        }
    }
}

impl Device {
    fn new(settings: DeviceSettings) -> Result<Self, String> {
        let zone = TimeZone::get(&settings.timezone)
            .map_err(|_| format!("no time zone `{}`", settings.timezone))?;
        Ok(Self {
            settings,
            zone,
            oem_error: None,
            ignores_settings: false,
            scheduler_active: false,
            last_action: None,
            in_force: None,
            captured: None,
        })
    }

    /// How old the captured state is for the platform.
    pub(crate) fn captured_age(&self, now: Timestamp, speed: f64) -> Option<SignedDuration> {
        let (at, _) = self.captured.as_ref()?;
        SignedDuration::try_from_secs_f64(seconds_between(*at, now) * speed).ok()
    }
}
