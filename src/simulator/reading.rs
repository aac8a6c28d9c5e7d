//! Reading devices: live, from the cache or from memory (`amps-api.md` §3.1, §3.2).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::domain::device::DeviceType;
use crate::simulator::Environment;
use crate::simulator::actions::Action;
use crate::simulator::capability::{commands, strategies};
use crate::simulator::devices::Kind;
use crate::simulator::envelope::iso;
use crate::simulator::setting;
use crate::simulator::switches::Generation;
use crate::simulator::world::{Device, World};

/// How long a captured state is good, plainly and with `expedite`.
const CACHE: SignedDuration = SignedDuration::from_mins(15);
const CACHE_EXPEDITED: SignedDuration = SignedDuration::from_mins(1);

/// Where a state came from.
struct Capture {
    state: Value,
    at: Timestamp,
    source: &'static str,
    cache_type: Option<&'static str>,
}

impl World {
    /// `data` of a single read.
    pub(crate) fn read(&mut self, id: &str, expedite: bool, now: Timestamp) -> Option<Value> {
        let capture = self.capture(id, Some(expedite), now)?;
        let device = self.device(id)?;
        let mut data = self.shown(device, &capture);
        if has_settings(&device.settings.kind, self.switches.generation) {
            data["settings"] = setting::shown(&device.settings.kind);
        }
        Some(data)
    }

    /// An item of a list: last captured state, without settings.
    pub(crate) fn listed(&mut self, id: &str, now: Timestamp) -> Option<Value> {
        let capture = self.capture(id, None, now)?;
        let device = self.device(id)?;
        Some(self.shown(device, &capture))
    }

    /// The state to show. A list does not pull, so it passes no `expedite`.
    fn capture(&mut self, id: &str, expedite: Option<bool>, now: Timestamp) -> Option<Capture> {
        let device = self.device(id)?;
        let speed = self.speed;
        let captured = |source, cache_type| {
            let (at, state) = device.captured.clone()?;
            Some(Capture {
                state,
                at,
                source,
                cache_type,
            })
        };
        if device.oem_error.is_some() {
            return captured("fallback", None);
        }
        if self.switches.environment == Environment::Live {
            let (good_for, cache_type) = match expedite {
                Some(false) => (CACHE, "normal"),
                Some(true) => (CACHE_EXPEDITED, "expedite"),
                None => (SignedDuration::MAX, "normal"),
            };
            let age = device.captured_age(now, speed);
            if age.is_some_and(|it| it < good_for)
                && let Some(capture) = captured("cache", Some(cache_type))
            {
                return Some(capture);
            }
        }
        let state = self.device_state(device);
        let source = match self.switches.environment {
            Environment::Sandbox => "projection",
            Environment::Live => "live",
        };
        self.device_mut(id)?.captured = Some((now, state.clone()));
        Some(Capture {
            state,
            at: now,
            source,
            cache_type: None,
        })
    }

    fn shown(&self, device: &Device, capture: &Capture) -> Value {
        let (vendor, model) = badge(&device.settings.kind);
        let mut metadata = json!({"model": model, "source": capture.source});
        if let Some(cache_type) = capture.cache_type {
            metadata["cacheType"] = json!(cache_type);
        }
        let mut data = json!({
            "id": device.settings.id,
            "vendor": vendor,
            "sync": {
                "available": capture.source != "fallback",
                "lastPulledAt": iso(capture.at),
            },
            "metadata": metadata,
            "state": capture.state,
        });
        let kind = &device.settings.kind;
        let generation = self.switches.generation;
        if generation == Generation::B {
            match kind {
                Kind::Battery(_) => {
                    data["commands"] = commands(&device.settings, generation);
                }
                Kind::EvCharger(_) => {
                    let state = data["state"].as_object_mut();
                    state.map(|it| it.remove("powerRateLimit"));
                }
                Kind::Hvac(_) | Kind::SolarInverter(_) | Kind::Vehicle(_) => {}
            }
        } else if is_writable(kind) {
            data["commands"] = commands(&device.settings, generation);
            data["conflictStrategies"] = json!(strategies(&device.settings));
            let last = device.last_action.as_ref();
            let last = last.and_then(|id| self.action(id));
            data["lastAction"] = last.map_or(Value::Null, Action::brief);
            data["currentSchedule"] = Value::Null;
        }
        data
    }
}

fn is_writable(kind: &Kind) -> bool {
    match kind.device_type() {
        DeviceType::Battery | DeviceType::EvCharger | DeviceType::Hvac => true,
        DeviceType::SolarInverter | DeviceType::Vehicle => false,
    }
}

/// Settings of chargers came with the newest generation.
fn has_settings(kind: &Kind, generation: Generation) -> bool {
    match generation {
        Generation::B => matches!(kind, Kind::Battery(_)),
        Generation::C => is_writable(kind),
    }
}

/// Maker and model; invented, so that nobody takes a pretend device for a real one.
fn badge(kind: &Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Battery(_) => ("Simulated Storage", "SB-10"),
        Kind::EvCharger(_) => ("Simulated Charging", "SC-11"),
        Kind::Hvac(_) => ("Simulated Climate", "SH-4"),
        Kind::SolarInverter(_) => ("Simulated Solar", "SI-6"),
        Kind::Vehicle(_) => ("Simulated Motors", "SM-60"),
    }
}
