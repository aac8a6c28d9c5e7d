//! Taking a push in, and what to do about an action that is in its way (`amps-api.md` §5.3).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::clock::later;
use crate::simulator::actions::{Action, ActionState, Timing};
use crate::simulator::capability::strategies;
use crate::simulator::envelope::{ApiError, Reply};
use crate::simulator::faults::Fate;
use crate::simulator::flat::action_type;
use crate::simulator::push::{Push, Strategy};
use crate::simulator::switches::Generation;
use crate::simulator::when::{Window, end_after, hastened, shortened};
use crate::simulator::world::{ACTIONS_MAX, Device, World};

/// When an action runs: as the API shows it, and on our clock, which the speed shortens.
#[derive(Clone, Copy)]
struct Plan {
    shown: Option<Window>,
    fires_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
}

impl World {
    /// Makes an action of `push` to `device`, or says why not. Nothing has changed in the latter case.
    pub(crate) fn accept(
        &mut self,
        device: &str,
        push: Push,
        now: Timestamp,
    ) -> Result<Reply, ApiError> {
        let target = self
            .device(device)
            .ok_or_else(|| ApiError::not_found("device"))?;
        let generation = self.switches.generation;
        let device_type = target.settings.kind.device_type();
        let action = action_type(device_type, &push.order);
        // Generation B tells conflicts apart by the type of the action, too (§5.3).
        let collides = |it: &&Action| {
            generation == Generation::C || action_type(it.device_type, &it.order) == action
        };
        let pending: Vec<&Action> = self.pending_actions(device).filter(collides).collect();
        let conflict = |reason: &str, pending: &[&Action], device| {
            conflict(generation, reason, pending, device)
        };
        let plan = match (pending.is_empty(), push.on_conflict) {
            (false, None) => return Err(conflict("no_strategy_supplied", &pending, target)),
            // The code for this is not documented (§12.5); our assumption.
            (false, Some(strategy)) if !offers(target, strategy) => {
                return Err(conflict("strategy_not_supported", &pending, target));
            }
            (false, Some(Strategy::QueueAfter)) => {
                let queued = queued(&pending, target, &push, self.speed)?;
                // Refused according to §5.3; the code is cut, this one is our assumption.
                queued.ok_or_else(|| conflict("conflict_has_no_end", &pending, target))?
            }
            (false, Some(Strategy::CancelAndReplace)) if !all_scheduled(&pending) => {
                return Err(conflict("action_in_flight", &pending, target));
            }
            (false, Some(Strategy::CancelAndReplace)) | (true, _) => {
                Plan::of(push.window, now, self.speed)
            }
        };
        let replaced: Vec<String> = match push.on_conflict {
            Some(Strategy::CancelAndReplace) => pending.iter().map(|it| it.id.clone()).collect(),
            Some(Strategy::QueueAfter) | None => Vec::new(),
        };
        let mut action = draft(target, push, plan, now);
        if !self.make_room() {
            // Ours; a thousand actions that wait for each other are nobody's house.
            let message = format!("{ACTIONS_MAX} actions are not over");
            return Err(ApiError::new(503, "SERVICE_UNAVAILABLE", message));
        }
        for id in replaced {
            self.cancel(&id, now);
        }
        action.id = self.random.action_id();
        action.fate = self.faults.on_action(device);
        Ok(self.begin(action, now))
    }

    /// Starts an immediate action, keeps a planned one; answers 202 (§3.3).
    fn begin(&mut self, action: Action, now: Timestamp) -> Reply {
        let id = action.id.clone();
        let immediate = action.timing.due.is_none();
        let overtakes = immediate && action.fate == Fate::CompleteFirst;
        let index = self.keep(action);
        if immediate {
            self.fire(index, now);
        }
        let data = self.actions[index].pushed(self.switches.generation);
        Reply {
            status: 202,
            data,
            accepted: Some(id),
            awaits: overtakes.then(|| self.settle(index, now)),
        }
    }

    /// Cancels what has not begun.
    pub(crate) fn cancel(&mut self, id: &str, now: Timestamp) {
        if let Some(action) = self.actions.iter_mut().find(|it| it.id == id) {
            action.state = ActionState::Cancelled;
            action.updated_at = now;
            action.completed_at = Some(now);
            action.timing = Timing::default();
        }
    }
}

impl Plan {
    fn of(window: Option<Window>, now: Timestamp, speed: f64) -> Self {
        Self {
            shown: window,
            fires_at: window.map(|it| hastened(it.start, now, speed)),
            ends_at: window.and_then(|it| Some(hastened(it.end?, now, speed))),
        }
    }
}

/// The plan of a push that begins when the last of `pending` ends; none if one has no end. Its own start gives
/// way: our assumption.
fn queued(
    pending: &[&Action],
    device: &Device,
    push: &Push,
    speed: f64,
) -> Result<Option<Plan>, ApiError> {
    let ends = pending.iter().map(|it| it.end.zip(it.timing.ends_at));
    let ends: Option<Vec<(Timestamp, Timestamp)>> = ends.collect();
    let Some((start, fires_at)) = ends.and_then(|ends| ends.into_iter().max()) else {
        return Ok(None);
    };
    let end = push.end_text.as_deref();
    let end = end.map(|text| end_after(text, start, push.grammar(&device.zone)));
    let end = end.transpose()?;
    Ok(Some(Plan {
        shown: Some(Window { start, end }),
        fires_at: Some(fires_at),
        ends_at: end.map(|end| later(fires_at, shortened(window_length(start, end), speed))),
    }))
}

fn window_length(start: Timestamp, end: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(start)).unwrap_or_default()
}

fn all_scheduled(pending: &[&Action]) -> bool {
    pending.iter().all(|it| it.state == ActionState::Scheduled)
}

fn offers(device: &Device, strategy: Strategy) -> bool {
    strategies(&device.settings).contains(&strategy.name())
}

fn conflict(
    generation: Generation,
    reason: &str,
    pending: &[&Action],
    device: &Device,
) -> ApiError {
    let ids: Vec<&str> = pending.iter().map(|it| it.id.as_str()).collect();
    let message = "another action on this device is not over";
    let mut details = json!({
        "conflictingActionIds": ids,
        "strategies": strategies(&device.settings),
    });
    if generation == Generation::C {
        details["reason"] = json!(reason);
    }
    ApiError::new(409, "CONFLICT", message).with(details)
}

/// The action, without id and fate.
fn draft(device: &Device, push: Push, plan: Plan, now: Timestamp) -> Action {
    Action {
        id: String::new(),
        device: device.settings.id.clone(),
        user: device.settings.user_id.clone(),
        device_type: device.settings.kind.device_type(),
        order: push.order,
        parameters: push.parameters,
        state: ActionState::Scheduled,
        result: None,
        error: None,
        created_at: now,
        updated_at: now,
        acknowledged_at: None,
        completed_at: None,
        start: plan.shown.map(|it| it.start),
        end: plan.shown.and_then(|it| it.end),
        timing: Timing {
            due: plan.fires_at,
            ends_at: plan.ends_at,
            reverts_to: None,
        },
        fate: Fate::Complete,
    }
}
