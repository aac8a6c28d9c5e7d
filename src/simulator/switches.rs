//! What the documents leave open or have in two ways: each is a switch, and each can be turned while it runs.
//!
//! `README.md` beside this file has the table of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::device::DeviceType;
use crate::simulator::Environment;
use crate::simulator::envelope::ApiError;

/// How the pretend Amps is to behave where its documents do not decide it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    pub environment: Environment,
    pub generation: Generation,
    /// Where the states of devices come from.
    pub states: States,
    /// From acknowledged to completed.
    pub completion: Completion,
    pub window_completes: WindowEnd,
    /// The code for a command that the device does not know (`amps-api.md` §12.7); none: as the generation has it.
    pub lacking_command_code: Option<LackingCode>,
    /// The code for an action that is not there (§12.8).
    pub missing_action_code: MissingCode,
    /// The code for writing a setting that can only be read (§4.1 has both).
    pub read_only_setting_code: ReadOnlyCode,
    /// Settings are answered with 202 in place of 200 (§12.10).
    pub settings_are_202: bool,
    /// Requests in a minute of the wall clock, for the key; none: any number.
    pub requests_per_minute: Option<u32>,
    /// What those beyond are answered (§7); none: as the generation has it.
    pub rate_limit_reply: Option<RateLimitReply>,
    /// `Retry-After` of those answers; no document names the header.
    pub retry_after_seconds: Option<u64>,
    pub key: KeyState,
    /// Whether the customer may use a live key (§1).
    pub live_access: bool,
    /// Answers and webhooks carry fields that no document names.
    pub extra_fields: bool,
}

/// Which of the documents' versions is spoken (§0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// Flat bodies; a `start` must name its time zone.
    B,
    /// Bodies in an envelope; a `start` is the plant's wall clock.
    C,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum States {
    /// Devices obey, charge and drain.
    Physics,
    /// The sandbox's profile (§6): the time of day alone decides, in UTC.
    TimeOfDay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// 10 s.
    Live,
    /// 3 min.
    Sandbox,
    /// Acknowledged after 1 s; a battery is done after 4 s, anything else after 2 s.
    Cookbook,
}

/// When an action with an end turns `completed`; not documented (§12.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowEnd {
    /// As soon as the manufacturer took it.
    Start,
    /// When the window is over; it blocks the device as long.
    #[serde(rename = "end")]
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LackingCode {
    CommandNotSupported,
    UnsupportedMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MissingCode {
    NotFound,
    ActionNotFound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReadOnlyCode {
    ReadOnlySetting,
    UnsupportedSetting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RateLimitReply {
    /// As the newest table has it.
    #[serde(rename = "429 RATE_LIMIT_EXCEEDED")]
    TooMany,
    /// As generation B has it, and the newest as it comes in practice.
    #[serde(rename = "401 RATE_LIMIT_EXCEEDED")]
    Limited401,
    /// As a burst may show up: "Authentication failed".
    #[serde(rename = "401 UNAUTHORIZED")]
    Unauthorized,
}

/// What the platform thinks of the one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    Valid,
    Revoked,
    Expired,
    /// It may read, and not change anything.
    Unprivileged,
}

impl Default for Switches {
    /// The newest generation, the sandbox, devices with physics, and no limits.
    fn default() -> Self {
        Self {
            environment: Environment::Sandbox,
            generation: Generation::C,
            states: States::Physics,
            completion: Completion::Live,
            window_completes: WindowEnd::Start,
            lacking_command_code: None,
            missing_action_code: MissingCode::NotFound,
            read_only_setting_code: ReadOnlyCode::ReadOnlySetting,
            settings_are_202: false,
            requests_per_minute: None,
            rate_limit_reply: None,
            retry_after_seconds: None,
            key: KeyState::Valid,
            live_access: true,
            extra_fields: false,
        }
    }
}

impl Switches {
    /// With `changes` by name, all of them or none. Fails with what is wrong, in words for people.
    pub fn with(&self, changes: &Map<String, Value>) -> Result<Self, String> {
        let mut all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        for (name, value) in changes {
            match all.get_mut(name) {
                Some(old) => *old = value.clone(),
                None => return Err(format!("there is no switch `{name}`")),
            }
            // One at a time, so that the message can say which.
            serde_json::from_value::<Self>(all.clone())
                .map_err(|error| format!("`{name}`: {error}"))?;
        }
        serde_json::from_value(all).map_err(|error| error.to_string())
    }

    pub(crate) fn lacking_code(&self) -> &'static str {
        match (self.lacking_command_code, self.generation) {
            (Some(LackingCode::UnsupportedMode), _) | (None, Generation::B) => "UNSUPPORTED_MODE",
            (Some(LackingCode::CommandNotSupported), _) | (None, Generation::C) => {
                "COMMAND_NOT_SUPPORTED"
            }
        }
    }

    pub(crate) fn missing_code(&self) -> &'static str {
        match self.missing_action_code {
            MissingCode::NotFound => "NOT_FOUND",
            MissingCode::ActionNotFound => "ACTION_NOT_FOUND",
        }
    }

    pub(crate) fn read_only_code(&self) -> &'static str {
        match self.read_only_setting_code {
            ReadOnlyCode::ReadOnlySetting => "READ_ONLY_SETTING",
            ReadOnlyCode::UnsupportedSetting => "UNSUPPORTED_SETTING",
        }
    }

    /// What a request beyond the rate is answered.
    pub(crate) fn too_many(&self) -> ApiError {
        let reply = self.rate_limit_reply.unwrap_or(match self.generation {
            Generation::B => RateLimitReply::Limited401,
            Generation::C => RateLimitReply::TooMany,
        });
        let (status, code, message) = match reply {
            RateLimitReply::TooMany => (429, "RATE_LIMIT_EXCEEDED", "too many requests"),
            RateLimitReply::Limited401 => (401, "RATE_LIMIT_EXCEEDED", "too many requests"),
            RateLimitReply::Unauthorized => (401, "UNAUTHORIZED", "Authentication failed"),
        };
        let mut error = ApiError::new(status, code, message);
        error.retry_after_seconds = self.retry_after_seconds;
        error
    }
}

impl Completion {
    /// From the push, or the start, to the acknowledgement and to the end, for devices of this type.
    pub(crate) fn delays(self, device_type: DeviceType) -> (Duration, Duration) {
        let (acknowledged, done) = match (self, device_type) {
            (Self::Live, _) => (0, 10),
            (Self::Sandbox, _) => (0, 180),
            (Self::Cookbook, DeviceType::Battery) => (1, 4),
            (
                Self::Cookbook,
                DeviceType::EvCharger
                | DeviceType::Hvac
                | DeviceType::SolarInverter
                | DeviceType::Vehicle,
            ) => (1, 2),
        };
        (Duration::from_secs(acknowledged), Duration::from_secs(done))
    }
}
