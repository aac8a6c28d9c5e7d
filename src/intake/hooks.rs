//! `POST /hooks/NAME`: signed webhooks of the home's own, for rules or as values of inputs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use crate::config::home::{Home, InputKind, SeriesKeys};
use crate::domain::event::{Hook, Payload};
use crate::domain::id::{EventId, InputName};
use crate::domain::secret::Secret;
use crate::engine::trigger::plain::{PARTS_MAX, n_parts_left_out};
use crate::input_json::{self, NO_ROOM, Wanted};
use crate::intake::signature::{InvalidSecret, Key};

/// The hooks of a home.
pub(crate) struct Hooks {
    pub(super) timezone: TimeZone,
    pub(super) by_name: BTreeMap<String, OneHook>,
}

pub(super) struct OneHook {
    name: String,
    /// Any of them may have signed.
    pub(super) keys: Vec<Key>,
    /// When it is the value of an input of this kind.
    input: Option<InputKind>,
    /// There was no room for all of the last one, which was told then.
    was_cut: AtomicBool,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl Hooks {
    /// # Errors
    ///
    /// When a secret is not fit to verify with; `home.yaml` has been checked for that.
    pub(crate) fn of(home: &Home) -> Result<Self, InvalidSecret> {
        let hook = |(name, secrets): (&String, &Vec<Secret>)| {
            let keys: Result<_, _> = secrets.iter().map(Key::parse).collect();
            let input = home.inputs.get(&InputName::new(name.as_str()));
            let hook = OneHook {
                name: name.clone(),
                keys: keys?,
                input: input.map(|it| it.kind.clone()),
                was_cut: AtomicBool::new(false),
            };
            Ok((name.clone(), hook))
        };
        Ok(Self {
            timezone: home.timezone.clone(),
            by_name: home.hooks.iter().map(hook).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn find(&self, name: &str) -> Option<&OneHook> {
        self.by_name.get(name)
    }

    /// What a verified `body` says, or why it says nothing.
    pub(super) fn read(
        &self,
        hook: &OneHook,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Payload, String> {
        let json = serde_json::from_slice::<Json>(body);
        let json = json.map_err(|error| format!("the body is not JSON: {error}"))?;
        let name = hook.name.clone();
        let Some(kind) = &hook.input else {
            hook.tell_left_out(n_parts_left_out(&json), |n_left_out| {
                tracing::warn!(
                    hook = hook.name,
                    left_out = n_left_out,
                    "the JSON has more than {PARTS_MAX} parts, and rules can name the first ones only: send less"
                );
            });
            return Ok(Payload::Hook(Hook { name, json }));
        };
        let wanted = Wanted {
            input: &InputName::new(name),
            kind,
            keys: &SeriesKeys::default(),
            timezone: &self.timezone,
        };
        let value = json.get("value").unwrap_or(&json);
        let said = input_json::read(value, wanted, now)?;
        hook.tell_left_out(said.n_left_out, |n_left_out| {
            tracing::warn!(input = %wanted.input, left_out = n_left_out, "{NO_ROOM}");
        });
        Ok(Payload::Input(said.reading))
    }
}

impl OneHook {
    /// Tells once that there is no room for all that comes, and again when there was in between.
    fn tell_left_out(&self, n_left_out: usize, tell: impl FnOnce(usize)) {
        let is_cut = 0 < n_left_out;
        if !self.was_cut.swap(is_cut, Ordering::Relaxed) && is_cut {
            tell(n_left_out);
        }
    }

    /// Ids of other senders are other ids.
    pub(super) fn event(&self, delivery: &EventId) -> EventId {
        EventId::derive("hook", &format!("{} {delivery}", self.name))
    }
}
