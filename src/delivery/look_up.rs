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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::delivery::tests::open_at;
    use crate::device_api::wire::ActionState;
    use crate::domain::id::ActionId;
    use crate::domain::unit::Unit;

    const LEFT: i64 = 1_800_000_000;

    /// An action of `command` to 90 %, made so many seconds after our push left.
    fn action(id: &str, command: &str, seconds: i64) -> Action {
        let target = Quantity {
            value: 90.0,
            unit: Unit::Percent,
        };
        Action {
            id: ActionId::new(id),
            device: None,
            command: Some(command.to_owned()),
            parameters: BTreeMap::from([("target".to_owned(), target)]),
            state: ActionState::Acknowledged,
            created_at: Some(Timestamp::from_second(LEFT + seconds).unwrap()),
            ended_at: None,
            failure: None,
        }
    }

    fn ours() -> Open {
        let mut open = open_at(Timestamp::from_second(LEFT).unwrap());
        let target = Quantity {
            value: 90.0,
            unit: Unit::Percent,
        };
        open.command.parameters.insert("target".to_owned(), target);
        open
    }

    #[test]
    fn only_the_same_order_made_since_the_push_can_be_ours() {
        let mut other_level = action("act_level", "charge", 0);
        let target = Quantity {
            value: 80.0,
            unit: Unit::Percent,
        };
        other_level.parameters.insert("target".to_owned(), target);
        let mut no_level = action("act_plain", "charge", 0);
        no_level.parameters.clear();
        let listed = [
            action("act_later", "charge", 2),
            action("act_first", "charge", 1),
            action("act_idle", "idle", 1),
            other_level,
            no_level,
            action("act_skewed", "charge", -30),
            action("act_before", "charge", -31),
        ];
        let found: Vec<_> = candidates(&ours(), &listed)
            .into_iter()
            .map(|it| it.id.to_string())
            .collect();
        assert_eq!(found, ["act_skewed", "act_first", "act_later"]);
    }

    #[test]
    fn older_pages_are_read_until_one_reaches_back_before_the_push() {
        let page = [action("act_2", "charge", 5), action("act_1", "charge", -30)];
        assert!(!reaches_back(&ours(), &page));
        let page = [action("act_2", "charge", 5), action("act_1", "charge", -31)];
        assert!(reaches_back(&ours(), &page));
        assert!(!reaches_back(&ours(), &[]));
    }

    #[test]
    fn a_quantity_is_the_same_in_another_unit() {
        let kilowatts = Quantity {
            value: 7.4,
            unit: Unit::Kilowatt,
        };
        let watts = Quantity {
            value: 7400.0,
            unit: Unit::Watt,
        };
        assert!(same_quantity(kilowatts, watts));
        assert!(!same_quantity(
            kilowatts,
            Quantity {
                value: 7410.0,
                unit: Unit::Watt
            }
        ));
        assert!(!same_quantity(
            kilowatts,
            Quantity {
                value: 7.4,
                unit: Unit::Percent
            }
        ));
    }

    #[test]
    fn a_push_may_still_turn_up_for_twice_the_time_of_a_request() {
        use crate::delivery::verdict::has_surely_not_arrived;
        let left = Timestamp::from_second(LEFT).unwrap();
        let timeout = Duration::from_secs(10);
        let after = |millis| left + SignedDuration::from_millis(millis);
        assert!(!has_surely_not_arrived(&ours(), timeout, after(19_999)));
        assert!(has_surely_not_arrived(&ours(), timeout, after(20_000)));
    }
}
