//! What is to be done about actions that hold the device of a command (`amps-api.md` §5.3). Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::device_api::wire::{Action, ActionState};
use crate::domain::capabilities::Strategy;
use crate::domain::command::{Claim, Command};
use crate::domain::device::DeviceType;
use crate::domain::id::ActionId;
use crate::domain::lifecycle::{Hold, Lifecycle, OUTAGE_MAX, REPORT_DEADLINE, Step};
use crate::domain::retry::next_look_up;
use crate::store::open::Open;

/// Before what holds a device is looked up for the second time; and before a push is tried again that
/// was turned away by something that nobody can name.
pub(super) const BLOCKED_WAIT: Duration = Duration::from_secs(5);

/// How long a command waits for its device at most, whatever end the other action has: an order of
/// yesterday is of no use.
const HELD_MAX: Duration = Duration::from_hours(24);

/// After the end that an action is planned to have, before it is looked up: enough for Amps to note it.
const END_SLACK: Duration = Duration::from_secs(1);

/// An action that stands in the way, or stood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Holder {
    pub(super) id: ActionId,
    pub(super) owner: Owner,
    pub(super) seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Ours(Claim),
    Somebody,
}

/// What a look at an action showed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    Pending(Box<Action>),
    Over,
    /// Amps did not tell.
    Nothing,
}

/// How a command gets its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By the same push, a little later: the device is free again, or nobody could look at what it gives way to.
    Again,
    /// By a push that says what is to become of the others.
    Push(Strategy),
    Wait,
}

/// The way for `command`, whose device says that it takes the strategies `offered`, past `holders`, as far as is
/// known at `now`. Between the look and the push they may go on: then Amps turns the push away, and the command waits.
pub(super) fn way(
    (command, offered): (&Command, Option<&[Strategy]>),
    holders: &[Holder],
    now: Timestamp,
) -> Way {
    let in_the_way = |it: &&Holder| it.seen != Seen::Over;
    let in_the_way: Vec<&Holder> = holders.iter().filter(in_the_way).collect();
    if in_the_way.is_empty() {
        return Way::Again;
    }
    let mut pending = Vec::new();
    for holder in in_the_way {
        match &holder.seen {
            Seen::Pending(action) => pending.push((holder.owner, action)),
            // What is not known is neither cancelled nor built upon. Who wants to take its place looks again soon.
            Seen::Nothing | Seen::Over if command.claim.replaces => return Way::Again,
            Seen::Nothing | Seen::Over => return Way::Wait,
        }
    }
    let gives_way = |owner: Owner| match owner {
        Owner::Ours(claim) => command.claim.beats(claim),
        Owner::Somebody => command.claim.replaces,
    };
    let is_offered = |strategy, otherwise| offered.map_or(otherwise, |it| it.contains(&strategy));
    let gives_way = pending
        .iter()
        .all(|(owner, action)| action.state == ActionState::Scheduled && gives_way(*owner));
    if gives_way && is_offered(Strategy::CancelAndReplace, true) {
        return Way::Push(Strategy::CancelAndReplace);
    }
    let have_ends = pending
        .iter()
        .all(|(_, action)| action.end.is_some_and(|end| now < end));
    let queues = queues(command.device.device_type);
    if have_ends && is_offered(Strategy::QueueAfter, queues) {
        return Way::Push(Strategy::QueueAfter);
    }
    Way::Wait
}

/// Whether devices of this type offer `queue_after`, as the documents show them.
fn queues(device_type: DeviceType) -> bool {
    match device_type {
        DeviceType::Battery => true,
        DeviceType::EvCharger
        | DeviceType::Hvac
        | DeviceType::SolarInverter
        | DeviceType::Vehicle => false,
    }
}

/// The wait of `open` for `holders`, which begins at `now`.
pub(super) fn hold(open: &Open, holders: &[Holder], now: Timestamp) -> Hold {
    let in_the_way = holders.iter().filter(|it| it.seen != Seen::Over);
    let end = ends(holders).max().unwrap_or(now).max(now);
    let mut hold = Hold {
        actions: in_the_way.map(|it| it.id.clone()).collect(),
        since: now,
        look_up_at: now,
        deadline: later(end, REPORT_DEADLINE).min(later(open.began_at, HELD_MAX)),
    };
    hold.look_up_at = next_look(&hold, holders, now);
    hold
}

/// The ends that are planned: that of a window, and the beginning of what then is over soon.
fn ends(holders: &[Holder]) -> impl Iterator<Item = Timestamp> {
    holders.iter().filter_map(|it| match &it.seen {
        Seen::Pending(action) => action.end.or(action.start),
        Seen::Over | Seen::Nothing => None,
    })
}

fn next_look(hold: &Hold, holders: &[Holder], now: Timestamp) -> Timestamp {
    let next = next_look_up(hold.since, BLOCKED_WAIT, now);
    let ends = ends(holders).map(|end| later(end, END_SLACK));
    let soon = ends.chain([hold.deadline]).filter(|it| now < *it).min();
    soon.map_or(next, |it| next.min(it))
}

/// The step of a command that is blocked, after a look at `now` at what holds its device.
pub(super) fn after_look(lifecycle: &Lifecycle, holders: &[Holder], now: Timestamp) -> Step {
    let Lifecycle::Blocked { hold, .. } = lifecycle else {
        return Step::StillWaiting { look_up_at: now };
    };
    if holders.iter().all(|it| it.seen == Seen::Over) {
        return Step::Freed { retry_at: now };
    }
    let is_known = holders.iter().all(|it| it.seen != Seen::Nothing);
    let end = if is_known {
        hold.deadline
    } else {
        later(hold.deadline, OUTAGE_MAX)
    };
    if end <= now {
        return Step::HeldTooLong;
    }
    Step::StillWaiting {
        look_up_at: next_look(hold, holders, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::{action, open_at};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn pending(state: ActionState, end: Option<i64>) -> Seen {
        Seen::Pending(Box::new(Action {
            state,
            end: end.map(at),
            ..action("act_9")
        }))
    }

    fn holder(owner: Owner, seen: Seen) -> Holder {
        Holder {
            id: ActionId::new("act_9"),
            owner,
            seen,
        }
    }

    fn claim(priority: u32, replaces: bool) -> Claim {
        Claim { priority, replaces }
    }

    fn command(device_type: DeviceType, claim: Claim) -> Command {
        let mut command = open_at(at(0)).command;
        command.device.device_type = device_type;
        command.claim = claim;
        command
    }

    #[test]
    fn only_what_is_scheduled_and_gives_way_is_cancelled() {
        let replace = Way::Push(Strategy::CancelAndReplace);
        let ours = |priority| Owner::Ours(claim(priority, false));
        for (own, owner, expected) in [
            (claim(60, false), ours(50), replace),
            (claim(50, false), ours(50), Way::Wait),
            (claim(50, true), ours(50), replace),
            (claim(40, true), ours(50), Way::Wait),
            (claim(90, false), Owner::Somebody, Way::Wait),
            (claim(40, true), Owner::Somebody, replace),
        ] {
            let command = command(DeviceType::EvCharger, own);
            let scheduled = holder(owner, pending(ActionState::Scheduled, None));
            assert_eq!(
                way((&command, None), &[scheduled], at(0)),
                expected,
                "{own:?}"
            );
            let begun = holder(owner, pending(ActionState::Acknowledged, None));
            assert_eq!(way((&command, None), &[begun], at(0)), Way::Wait, "{own:?}");
        }
    }

    #[test]
    fn one_that_does_not_give_way_protects_the_others() {
        let command = command(DeviceType::EvCharger, claim(60, false));
        let ours = Owner::Ours(claim(50, false));
        let both = [
            holder(ours, pending(ActionState::Scheduled, None)),
            holder(Owner::Somebody, pending(ActionState::Scheduled, None)),
        ];
        assert_eq!(way((&command, None), &both, at(0)), Way::Wait);
    }

    #[test]
    fn a_battery_is_queued_for_behind_an_action_with_an_end_and_no_other_device() {
        let queue = Way::Push(Strategy::QueueAfter);
        for (device_type, end, expected) in [
            (DeviceType::Battery, Some(100), queue),
            (DeviceType::Battery, None, Way::Wait),
            (DeviceType::Battery, Some(10), Way::Wait),
            (DeviceType::EvCharger, Some(100), Way::Wait),
            (DeviceType::Hvac, Some(100), Way::Wait),
        ] {
            let command = command(device_type, Claim::default());
            for state in [ActionState::Acknowledged, ActionState::Scheduled] {
                let holders = [holder(Owner::Somebody, pending(state, end))];
                let found = way((&command, None), &holders, at(10));
                assert_eq!(found, expected, "{device_type:?} {end:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_seen_is_waited_for_and_what_is_over_is_not() {
        let waits = command(DeviceType::Battery, claim(90, false));
        let command = command(DeviceType::Battery, claim(90, true));
        let unseen = holder(Owner::Somebody, Seen::Nothing);
        let over = holder(Owner::Somebody, Seen::Over);
        let scheduled = holder(Owner::Somebody, pending(ActionState::Scheduled, Some(100)));
        let both = [unseen, scheduled];
        assert_eq!(way((&waits, None), &both, at(0)), Way::Wait);
        // It may give way: one look in vain does not decide that.
        assert_eq!(way((&command, None), &both, at(0)), Way::Again);
        assert_eq!(way((&command, None), &[over], at(0)), Way::Again);
        assert_eq!(way((&command, None), &[], at(0)), Way::Again);
    }

    #[test]
    fn the_wait_ends_a_quarter_of_an_hour_after_the_planned_end_and_within_a_day() {
        let deadline = |end, now| {
            let holders = [holder(
                Owner::Somebody,
                pending(ActionState::Acknowledged, end),
            )];
            hold(&open_at(at(0)), &holders, at(now)).deadline
        };
        assert_eq!(deadline(None, 100), at(1000));
        assert_eq!(deadline(Some(7200), 100), at(8100));
        assert_eq!(deadline(Some(200_000), 100), at(86_400));
        assert_eq!(deadline(None, 86_000), at(86_400));
    }

    fn blocked(hold: Hold) -> Lifecycle {
        Lifecycle::Blocked { attempts: 0, hold }
    }

    #[test]
    fn what_holds_the_device_is_looked_up_ever_more_rarely_and_at_its_end() {
        let holders = [holder(
            Owner::Somebody,
            pending(ActionState::Acknowledged, Some(500)),
        )];
        let hold = hold(&open_at(at(0)), &holders, at(0));
        assert_eq!(hold.look_up_at, at(5));
        let blocked = blocked(hold);
        let next = |now| {
            let Step::StillWaiting { look_up_at } = after_look(&blocked, &holders, at(now)) else {
                panic!("it is over at {now}");
            };
            look_up_at.as_second()
        };
        assert_eq!([next(5), next(10), next(100)], [10, 20, 200]);
        assert_eq!(next(499), 501, "its end is not slept through");
        assert_eq!(next(1300), 1400, "nor is the deadline");
        assert_eq!(
            after_look(&blocked, &holders, at(1400)),
            Step::HeldTooLong,
            "a quarter of an hour after the end"
        );
    }

    #[test]
    fn a_look_that_showed_nothing_does_not_end_the_wait_for_another_hour() {
        let holders = [holder(Owner::Somebody, Seen::Nothing)];
        let hold = hold(&open_at(at(0)), &holders, at(0));
        assert_eq!(hold.deadline, at(900));
        let blocked = blocked(hold);
        assert_eq!(
            after_look(&blocked, &holders, at(4499)),
            Step::StillWaiting {
                look_up_at: at(4799)
            }
        );
        assert_eq!(after_look(&blocked, &holders, at(4500)), Step::HeldTooLong);
    }

    #[test]
    fn the_device_is_free_when_all_is_over() {
        let over = holder(Owner::Somebody, Seen::Over);
        let blocked = blocked(hold(&open_at(at(0)), &[], at(0)));
        assert_eq!(
            after_look(&blocked, &[over.clone(), over], at(7)),
            Step::Freed { retry_at: at(7) }
        );
    }
}
