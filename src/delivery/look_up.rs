//! Which action of a list is a push of ours whose answer was lost. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::earlier;
use crate::delivery::planned::{self, Likeness};
use crate::device_api::wire::{Action, Page};
use crate::domain::id::ActionId;
use crate::domain::value::Quantity;
use crate::store::open::Open;

/// How far Amps' clock and ours may be apart beyond what its answer shows: whole seconds, and the time
/// that the answer took.
const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// The same where the answer does not show its clock: as much as a webhook may be off.
const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);

/// What a list says about a push.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    /// May be it, oldest first: the same command and parameters, not older.
    pub(super) candidates: Vec<Action>,
    /// There is one of which we cannot tell: it does not say what it is to do in the way that we asked.
    pub(super) is_unclear: bool,
    /// When the last push left, by Amps' clock, or up to a second earlier; none where that is not known.
    left_at: Option<Timestamp>,
}

impl Listed {
    /// Keeps the clock of Amps in mind, which showed on `page`, that came at `answered_at`.
    pub(super) fn note_last_push(&mut self, open: &Open, page: &Page, answered_at: Timestamp) {
        let ahead = ahead(page, answered_at);
        self.left_at = (open.sent_at.zip(ahead)).and_then(|(sent, it)| sent.checked_sub(it).ok());
    }

    /// Leaves only those that the last push can have made which an answer says is held up by the actions `holders`;
    /// any, where it names none.
    pub(super) fn only_of_last_push(&mut self, holders: &[ActionId]) {
        let left_at = self.left_at;
        self.candidates.retain(|it| {
            let is_since = it.created_at.zip(left_at);
            is_since.is_some_and(|(created, left)| left <= created)
                && (holders.is_empty() || holders.contains(&it.id))
        });
    }

    /// Those of `page`, which came at `answered_at`.
    pub(super) fn add(
        &mut self,
        open: &Open,
        page: &Page,
        (answered_at, earliest): (Timestamp, Timestamp),
    ) {
        let ahead = ahead(page, answered_at).unwrap_or_default();
        for action in page.actions.iter().filter(|it| is_since(it, earliest)) {
            match likeness(open, action, (page, ahead)) {
                Likeness::Same => self.candidates.push(action.clone()),
                Likeness::CannotTell => self.is_unclear = true,
                Likeness::Other => {}
            }
        }
        self.candidates.sort_by_key(|action| action.created_at);
    }

    /// Puts those first that were made since the last push left, at `since`: an older one can be an earlier push of
    /// ours that came late after all, and is likelier the order of somebody else.
    pub(super) fn prefer_since(&mut self, since: Timestamp) {
        let is_older = |action: &Action| action.created_at.is_some_and(|it| it < since);
        self.candidates.sort_by_key(is_older);
    }
}

/// How far the clock may be behind after a start. A machine without a battery for its clock wakes with the
/// time at which it was switched off.
const LOST_MAX: Duration = Duration::from_hours(24);

/// The earliest that the first push of `open` can have been made, by Amps' clock.
pub(super) fn earliest(open: &Open, page: &Page, answered_at: Timestamp) -> Timestamp {
    let counted = counted(open, page, answered_at);
    if !open.is_from_before {
        return counted;
    }
    // How long the program was not there, only a clock that was right all the time can tell: it then
    // showed the same as that of Amps.
    let told = earlier(open.created_at, CLOCK_SLACK);
    counted.min(told.max(earlier(counted, LOST_MAX)))
}

/// The earliest that its last push can have been made.
pub(super) fn last_push(open: &Open, page: &Page, answered_at: Timestamp) -> Timestamp {
    by_amps(open.sent_at.unwrap_or(open.began_at), page, answered_at)
}

/// The same of the first, if the time since then was counted without a gap.
fn counted(open: &Open, page: &Page, answered_at: Timestamp) -> Timestamp {
    let left = match (open.sent_at, open.lifecycle.attempts()) {
        // Between the order and its push, somebody else may have ordered the same.
        (Some(sent), Some(..=1)) => sent,
        (Some(_) | None, _) => open.began_at,
    };
    by_amps(left, page, answered_at)
}

/// What Amps' clock showed at `left`, or earlier.
fn by_amps(left: Timestamp, page: &Page, answered_at: Timestamp) -> Timestamp {
    let Some(ahead) = ahead(page, answered_at) else {
        return earlier(left, CLOCK_SKEW_MAX);
    };
    let by_amps = left.checked_sub(ahead).unwrap_or(Timestamp::MIN);
    earlier(by_amps, CLOCK_SLACK)
}

/// How far our clock is ahead of that of Amps, at most: Amps looked at its clock before its answer came.
fn ahead(page: &Page, answered_at: Timestamp) -> Option<SignedDuration> {
    page.amps_time.map(|it| answered_at.duration_since(it))
}

/// Whether `page`, newest first, reaches back to before `earliest`: older pages need not be read.
pub(super) fn reaches_back(page: &Page, earliest: Timestamp) -> bool {
    page.actions
        .last()
        .is_some_and(|it| !is_since(it, earliest))
}

fn is_since(action: &Action, earliest: Timestamp) -> bool {
    action.created_at.is_none_or(|created| earliest <= created)
}

fn likeness(open: &Open, action: &Action, (page, ahead): (&Page, SignedDuration)) -> Likeness {
    let command = match &action.command {
        None => Likeness::CannotTell,
        Some(command) if *command != open.command.name => return Likeness::Other,
        Some(_) => Likeness::Same,
    };
    let time = planned::likeness(open, action, (&page.actions, ahead));
    command.max(parameters_alike(open, action)).max(time)
}

fn parameters_alike(open: &Open, action: &Action) -> Likeness {
    let ours = &open.command.parameters;
    let differs = ours.iter().any(|(name, quantity)| {
        action
            .parameters
            .get(name)
            .is_some_and(|it| !same_quantity(*quantity, *it))
    });
    if differs {
        Likeness::Other
    } else if ours.keys().eq(action.parameters.keys()) {
        Likeness::Same
    } else {
        Likeness::CannotTell
    }
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

    use super::*;
    use crate::delivery::tests::open_at;
    use crate::device_api::wire::ActionState;
    use crate::domain::lifecycle::Lifecycle;
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
            start: None,
            end: None,
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

    fn page(actions: Vec<Action>, amps_time: Option<i64>) -> Page {
        let amps_time = amps_time.map(|second| Timestamp::from_second(second).unwrap());
        Page {
            actions,
            has_more: true,
            amps_time,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(LEFT + seconds).unwrap()
    }

    #[test]
    fn what_was_made_since_the_last_push_is_likelier_ours_than_what_was_made_before() {
        let mut again = ours();
        again.lifecycle = Lifecycle::Sending { attempts: 2 };
        again.sent_at = Some(at(2000));
        let listed = page(
            vec![
                action("act_ours", "charge", 2001),
                action("act_app", "charge", 1300),
            ],
            Some(LEFT + 2002),
        );
        let mut found = Listed::default();
        let since = earliest(&again, &listed, at(2002));
        found.add(&again, &listed, (at(2002), since));
        found.prefer_since(last_push(&again, &listed, at(2002)));
        let ids: Vec<_> = found.candidates.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["act_ours", "act_app"]);
    }

    #[test]
    fn only_the_same_order_made_since_can_be_ours() {
        let mut other_level = action("act_level", "charge", 0);
        let target = Quantity {
            value: 80.0,
            unit: Unit::Percent,
        };
        other_level.parameters.insert("target".to_owned(), target);
        let listed = page(
            vec![
                action("act_later", "charge", 2),
                action("act_first", "charge", 1),
                action("act_idle", "idle", 1),
                other_level,
                action("act_just", "charge", -5),
                action("act_before", "charge", -6),
            ],
            None,
        );
        let mut found = Listed::default();
        found.add(&ours(), &listed, (at(3), at(-5)));
        let ids: Vec<_> = found.candidates.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(
            (ids, found.is_unclear),
            (vec!["act_just", "act_first", "act_later"], false)
        );
    }

    #[test]
    fn an_action_that_does_not_tell_what_it_does_leaves_the_question_open() {
        let mut without_level = action("act_1", "charge", 1);
        without_level.parameters.clear();
        let mut without_command = action("act_2", "charge", 1);
        without_command.command = None;
        for unclear in [without_level, without_command] {
            let mut found = Listed::default();
            found.add(&ours(), &page(vec![unclear], None), (at(2), at(0)));
            assert_eq!((found.candidates.len(), found.is_unclear), (0, true));
        }
    }

    #[test]
    fn the_clocks_of_amps_and_of_the_home_may_differ() {
        // Our clock is two minutes ahead: when it shows 60 s after the push, Amps' shows a minute before it.
        let ahead = page(Vec::new(), Some(LEFT - 60));
        assert_eq!(earliest(&ours(), &ahead, at(60)), at(-125));
        let behind = page(Vec::new(), Some(LEFT + 180));
        assert_eq!(earliest(&ours(), &behind, at(60)), at(115));
        assert_eq!(earliest(&ours(), &page(Vec::new(), None), at(60)), at(-300));
    }

    #[test]
    fn the_time_between_two_lives_of_the_program_may_not_have_been_counted() {
        let page = page(Vec::new(), Some(LEFT + 4000));
        let mut open = ours();
        (open.began_at, open.sent_at) = (at(3600), Some(at(3600)));
        assert_eq!(earliest(&open, &page, at(4000)), at(3595));
        open.is_from_before = true;
        assert_eq!(earliest(&open, &page, at(4000)), at(-5));
        open.created_at = Timestamp::UNIX_EPOCH;
        assert_eq!(earliest(&open, &page, at(4000)), at(3595 - 86_400));
    }

    #[test]
    fn what_was_ordered_before_the_only_push_left_is_not_ours() {
        let page = page(Vec::new(), Some(LEFT + 60));
        let mut open = ours();
        open.sent_at = Some(at(30));
        assert_eq!(earliest(&open, &page, at(60)), at(25));
        // An earlier push may have arrived against all likelihood.
        open.lifecycle = Lifecycle::Sending { attempts: 2 };
        assert_eq!(earliest(&open, &page, at(60)), at(-5));
    }

    #[test]
    fn older_pages_are_read_until_one_reaches_back_before_the_push() {
        let actions = vec![action("act_2", "charge", 5), action("act_1", "charge", -30)];
        assert!(!reaches_back(&page(actions.clone(), None), at(-30)));
        assert!(reaches_back(&page(actions, None), at(-29)));
        assert!(!reaches_back(&page(Vec::new(), None), at(0)));
    }

    #[test]
    fn an_action_that_begins_at_once_is_not_what_was_planned_for_tonight() {
        let mut planned = ours();
        planned.command.timing.start = Some(at(36_000));
        planned.command.timing.end = Some(at(43_200));
        let foreign = action("act_app", "charge", 3);
        let mut found = Listed::default();
        found.add(&planned, &page(vec![foreign], None), (at(4), at(-5)));
        assert_eq!((found.candidates, found.is_unclear), (vec![], false));
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
}
