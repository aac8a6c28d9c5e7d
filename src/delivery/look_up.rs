//! Which action of a list is a push of ours whose answer was lost. Pure.

use std::time::Duration;

use crate::clock::earlier;
use crate::device_api::wire::Action;
use crate::domain::value::Quantity;
use crate::store::outbox::Open;

/// How far Amps' clock may be behind ours for an action to pass as made after our push.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);

/// The actions that may be the push of `open`, oldest first: same command, same parameters, not older.
pub(super) fn candidates(open: &Open, actions: &[Action]) -> Vec<Action> {
    let left = earlier(open.sent_at.unwrap_or(open.created_at), CLOCK_SKEW_MAX);
    let mut found: Vec<_> = actions
        .iter()
        .filter(|action| action.created_at.is_none_or(|created| left <= created))
        .filter(|action| action.command.as_ref() == Some(&open.command.name))
        .filter(|action| same_parameters(open, action))
        .cloned()
        .collect();
    found.sort_by_key(|action| action.created_at);
    found
}

/// Whether `actions`, newest first, reach back to before the push of `open`: older pages need not be read.
pub(super) fn reaches_back(open: &Open, actions: &[Action]) -> bool {
    let left = earlier(open.sent_at.unwrap_or(open.created_at), CLOCK_SKEW_MAX);
    actions
        .last()
        .and_then(|it| it.created_at)
        .is_some_and(|created| created < left)
}

fn same_parameters(open: &Open, action: &Action) -> bool {
    let ours = &open.command.parameters;
    ours.len() == action.parameters.len()
        && ours.iter().all(|(name, quantity)| {
            action
                .parameters
                .get(name)
                .is_some_and(|it| same_quantity(*quantity, *it))
        })
}

/// The same amount, whatever unit it is given in; a thousandth apart is rounding.
fn same_quantity(ours: Quantity, theirs: Quantity) -> bool {
    theirs
        .unit
        .convert(theirs.value, ours.unit)
        .is_some_and(|value| (value - ours.value).abs() < 1e-3)
}
