//! Orders and settings in the words of the generation that Amps speaks: where it turns one away that has other words
//! in each, one reading shows which it is, and it is said once more.

use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::flat;
use crate::device_api::gate::{Gate, Held, Keys, Patience, Pushed};
use crate::device_api::generation::Generation;
use crate::device_api::wire::Action;
use crate::domain::answers;
use crate::domain::capabilities::Strategy;
use crate::domain::command::{Command, Timing};
use crate::domain::device::{Device, DeviceType};
use crate::domain::writing::SettingWrite;
use jiff::Timestamp;

/// How often an order is said: once more after Amps was found to speak another generation.
const SAID_MAX: usize = 2;

impl Gate {
    /// [`crate::device_api::DeviceApi::push_with`], when it may leave.
    pub(crate) async fn push(&self, command: &Command, strategy: Option<Strategy>) -> Pushed {
        if self.api.generation().is_none() && command.timing != Timing::default() {
            // How a moment is written, only an answer tells; without one, the newest way is tried.
            self.state(&command.device, false).await;
        }
        let unsayable = |generation| match generation {
            Generation::Flat => flat::unsayable(command),
            Generation::Envelope => None,
        };
        if let Some(refusal) = self.refuse(&command.device, unsayable).await {
            return Pushed::Answered(Box::new(Answer::Refused(refusal)));
        }
        let mut said = 0;
        loop {
            said += 1;
            let pass = match self.enter(&command.device.id, Patience::ForProbe).await {
                Ok(pass) => pass,
                Err(Held::Until(until, why)) => return Pushed::Held { until, why },
                Err(Held::Stopped) => return Pushed::Stopped,
            };
            let now = self.shared.clock.now();
            let spoken = self.api.presumed();
            let timing = self.api.timing(&command.timing, now);
            let answer = self.api.push_with(command, strategy, timing).await;
            pass.heard(&answer, Keys::Both);
            let is_worth_it =
                said < SAID_MAX && has_other_words(command) && is_not_understood(&answer);
            if !is_worth_it || self.learned(&command.device).await == spoken {
                return Pushed::Answered(Box::new(answer));
            }
            if let Some(refusal) = unsayable(self.api.presumed()) {
                return Pushed::Answered(Box::new(Answer::Refused(refusal)));
            }
        }
    }

    /// [`crate::device_api::DeviceApi::write_setting`].
    pub(crate) async fn write_setting(&self, write: &SettingWrite) -> Answer<Option<Timestamp>> {
        let device = &write.device;
        let unsayable = |generation| match generation {
            Generation::Flat => flat::unsayable_setting(device.device_type),
            Generation::Envelope => None,
        };
        if let Some(refusal) = self.refuse(device, unsayable).await {
            return Answer::Refused(refusal);
        }
        let request = self.api.write_setting(write);
        let answer = self.ask((&device.id, Keys::Both), request).await;
        let is_unknown = matches!(answer, Answer::Refused(Refusal { status: 404, .. }));
        if is_unknown && unsayable(Generation::Flat).is_some() {
            let refusal = unsayable(self.learned(device).await);
            return refusal.map_or(answer, Answer::Refused);
        }
        answer
    }

    /// Why Amps would not understand it; that it still speaks so, a reading has shown.
    async fn refuse(
        &self,
        device: &Device,
        unsayable: impl Fn(Generation) -> Option<Refusal>,
    ) -> Option<Refusal> {
        unsayable(self.api.presumed())?;
        unsayable(self.learned(device).await)
    }

    /// The generation that Amps speaks, by a reading of `device`; where that fails, the one that was seen last.
    async fn learned(&self, device: &Device) -> Generation {
        self.state(device, false).await;
        self.api.presumed()
    }
}

/// Whether `command` is said in other words in another generation.
fn has_other_words(command: &Command) -> bool {
    match command.device.device_type {
        DeviceType::EvCharger | DeviceType::Hvac => true,
        DeviceType::Battery | DeviceType::SolarInverter | DeviceType::Vehicle => {
            command.timing != Timing::default()
        }
    }
}

/// Amps makes no sense of the words: for what is wrong with an order that it understands, it has codes.
fn is_not_understood(answer: &Answer<Action>) -> bool {
    match answer {
        Answer::Refused(Refusal { status, code, .. }) => {
            *status == 400
                && code
                    .as_deref()
                    .is_none_or(|it| answers::known(it).is_none())
        }
        Answer::Ok(_) | Answer::NotSent { .. } | Answer::Lost { .. } => false,
    }
}
