//! Whether an action is planned for the time that an order asked for. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::{earlier, later};
use crate::device_api::wire::Action;
use crate::domain::capabilities::Strategy;
use crate::domain::command::Timing;
use crate::store::open::Open;

/// How far the same moment may be apart: a start is told as a duration, by a clock that may be as much off as that
/// of a webhook, and rounded.
const TIME_SLACK: Duration = Duration::from_mins(6);

/// The clock of the home is wrong when it is further off.
const CLOCKS_APART_MAX: SignedDuration = SignedDuration::from_mins(6);

/// The clocks of two zones are apart by whole quarters of an hour, and by a day and two hours at most.
const ZONE_STEP: Duration = Duration::from_mins(15);
const ZONES_APART_MAX: Duration = Duration::from_hours(26);

/// A moment that Amps understood is told in the story when it is further off than that.
const UNDERSTOOD_SLACK: SignedDuration = SignedDuration::from_mins(1);

/// A start that is nearer was told as a duration (`device_api::when`), which knows no zone.
const NEAR: SignedDuration = SignedDuration::from_hours(24);

/// Whether an action does what was asked; of several views the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    Same,
    CannotTell,
    Other,
}

/// Whether `action` is for the time of `open`; `others` are on the list too. Our clock is `ahead` of that of Amps.
pub(super) fn likeness(
    open: &Open,
    action: &Action,
    (others, ahead): (&[Action], SignedDuration),
) -> Likeness {
    start_alike(open, action, (others, ahead)).max(end_alike(open, action, ahead))
}

fn start_alike(
    open: &Open,
    action: &Action,
    (others, ahead): (&[Action], SignedDuration),
) -> Likeness {
    let Timing { start, end, .. } = open.command.timing;
    let sent = open.sent_at.unwrap_or(open.began_at);
    let Some(begins) = action.start else {
        // A start that has passed is left out, where there is no end.
        let is_at_once = end.is_none() && start.is_none_or(|it| it <= later(sent, TIME_SLACK));
        return if is_at_once {
            Likeness::Same
        } else {
            Likeness::Other
        };
    };
    // `queue_after` puts an order behind the end of another (`amps-api.md` §5.3).
    let is_queued = |it: &Action| it.id != action.id && it.end == Some(begins);
    if others.iter().any(is_queued) {
        return Likeness::Same;
    }
    if end.is_none() && start.is_none_or(|it| it <= open.began_at) {
        return Likeness::Other;
    }
    // What was to begin while it waited begins as soon as can be.
    let first = start.unwrap_or(open.began_at).max(open.began_at);
    let last = start.unwrap_or(sent).max(sent).max(first);
    let is_asked = |it: Timestamp| is_near(it.clamp(first, last), it);
    // A duration counts by the clock of Amps; an earlier life of the program may have had the same.
    let by_us = begins.checked_add(ahead).unwrap_or(begins);
    if sent.duration_since(by_us.clamp(first, last)).abs() < NEAR {
        return if is_asked(by_us) || open.is_from_before && is_asked(begins) {
            Likeness::Same
        } else {
            of_another_time(open, ahead)
        };
    }
    clock_alike((begins.clamp(first, last), begins), open, ahead)
}

fn end_alike(open: &Open, action: &Action, ahead: SignedDuration) -> Likeness {
    match (open.command.timing.end, action.end) {
        (None, None) => Likeness::Same,
        (None, Some(_)) => Likeness::Other,
        (Some(_), None) => Likeness::CannotTell,
        (Some(ours), Some(theirs)) => clock_alike((ours, theirs), open, ahead),
    }
}

/// What it means that the times differ. An order that was told by another clock than that of now may be the one.
fn of_another_time(open: &Open, ahead: SignedDuration) -> Likeness {
    let was_set = open.began_at != open.created_at;
    let is_apart = open.is_from_before && CLOCKS_APART_MAX < ahead.abs();
    if was_set || is_apart {
        Likeness::CannotTell
    } else {
        Likeness::Other
    }
}

/// What Amps understood of when `open` begins and ends, where that is not what was asked, for its story. A near start
/// cannot be misunderstood.
pub(super) fn otherwise(
    open: &Open,
    action: &Action,
    strategy: Option<Strategy>,
) -> Option<String> {
    let Timing { start, end, .. } = open.command.timing;
    let sent = open.sent_at.unwrap_or(open.began_at);
    let is_queued = strategy == Some(Strategy::QueueAfter);
    let start = start.filter(|it| NEAR <= it.duration_since(sent) && !is_queued);
    let said = [("start", start, action.start), ("end", end, action.end)];
    let said = said.into_iter().filter_map(|(what, ours, theirs)| {
        let (ours, theirs) = ours.zip(theirs)?;
        let is_other = UNDERSTOOD_SLACK < theirs.duration_since(ours).abs();
        let shown = |it: Timestamp| it.strftime("%Y-%m-%d %H:%M:%S UTC");
        is_other.then(|| format!("the {what} is {}, and not {}", shown(theirs), shown(ours)))
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| said.join("; "))
}

fn is_near(ours: Timestamp, theirs: Timestamp) -> bool {
    earlier(ours, TIME_SLACK) <= theirs && theirs <= later(ours, TIME_SLACK)
}

/// What was told by the clock may have been read in another zone.
fn clock_alike(
    (ours, theirs): (Timestamp, Timestamp),
    open: &Open,
    ahead: SignedDuration,
) -> Likeness {
    if is_near(ours, theirs) {
        return Likeness::Same;
    }
    let apart = theirs.duration_since(ours).abs();
    let apart = Duration::try_from(apart).unwrap_or(Duration::MAX);
    // A clock tells whole seconds.
    let past = apart.as_secs() % ZONE_STEP.as_secs();
    let is_step = past <= 1 || past + 1 == ZONE_STEP.as_secs();
    if apart <= ZONES_APART_MAX && is_step {
        Likeness::CannotTell
    } else {
        of_another_time(open, ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::{action, open_at};

    const HOUR: i64 = 3600;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn order(start: Option<i64>, end: Option<i64>) -> Open {
        let mut open = open_at(at(0));
        open.command.timing = Timing {
            start: start.map(at),
            end: end.map(at),
            ..Timing::default()
        };
        open
    }

    fn planned(start: Option<i64>, end: Option<i64>) -> Action {
        Action {
            start: start.map(at),
            end: end.map(at),
            ..action("act_1")
        }
    }

    fn alike(
        order_of: (Option<i64>, Option<i64>),
        start: Option<i64>,
        end: Option<i64>,
    ) -> Likeness {
        let action = planned(start, end);
        likeness(
            &order(order_of.0, order_of.1),
            &action,
            (&[], SignedDuration::ZERO),
        )
    }

    #[test]
    fn what_begins_at_once_is_no_plan_and_no_plan_begins_at_once() {
        let now = (None, None);
        assert_eq!(alike(now, None, None), Likeness::Same);
        assert_eq!(alike(now, Some(10 * HOUR), None), Likeness::Other);
        assert_eq!(alike(now, None, Some(HOUR)), Likeness::Other);
        let tonight = (Some(10 * HOUR), None);
        assert_eq!(alike(tonight, None, None), Likeness::Other);
        assert_eq!(alike(tonight, Some(10 * HOUR), None), Likeness::Same);
        // It began while it waited.
        assert_eq!(alike((Some(-5), None), None, None), Likeness::Same);
    }

    #[test]
    fn a_near_start_has_no_zone_and_the_clocks_may_differ_a_little() {
        let tonight = (Some(10 * HOUR), None);
        assert_eq!(alike(tonight, Some(10 * HOUR + 360), None), Likeness::Same);
        assert_eq!(alike(tonight, Some(10 * HOUR - 360), None), Likeness::Same);
        assert_eq!(alike(tonight, Some(10 * HOUR + 361), None), Likeness::Other);
        assert_eq!(alike(tonight, Some(11 * HOUR), None), Likeness::Other);
    }

    #[test]
    fn a_duration_counts_by_the_clock_of_amps() {
        // Ours is ten hours ahead: when it shows 0, that of Amps shows ten hours less.
        let ahead = SignedDuration::from_hours(10);
        let tonight = order(Some(HOUR), None);
        let found = |open: &Open, start| likeness(open, &planned(Some(start), None), (&[], ahead));
        assert_eq!(found(&tonight, -9 * HOUR), Likeness::Same);
        assert_eq!(found(&tonight, HOUR), Likeness::Other);
        // Told in an earlier life, which may have had the right time.
        let earlier = Open {
            is_from_before: true,
            ..tonight
        };
        assert_eq!(found(&earlier, -9 * HOUR), Likeness::Same);
        assert_eq!(found(&earlier, HOUR), Likeness::Same);
        assert_eq!(found(&earlier, 2 * HOUR), Likeness::CannotTell);
    }

    #[test]
    fn another_time_proves_nothing_where_the_clock_was_set() {
        let mut open = order(Some(2 * HOUR), Some(4 * HOUR));
        open.created_at = at(-10 * HOUR - 77);
        let found = |open: &Open, start, end| {
            let action = planned(Some(start), Some(end));
            likeness(open, &action, (&[], SignedDuration::ZERO))
        };
        assert_eq!(found(&open, 2 * HOUR, 4 * HOUR), Likeness::Same);
        assert_eq!(found(&open, HOUR, 4 * HOUR), Likeness::CannotTell);
        assert_eq!(found(&open, 2 * HOUR, 4 * HOUR + 400), Likeness::CannotTell);
        open.created_at = open.began_at;
        assert_eq!(found(&open, HOUR, 4 * HOUR), Likeness::Other);
        assert_eq!(found(&open, 2 * HOUR, 4 * HOUR + 400), Likeness::Other);
    }

    #[test]
    fn what_was_told_by_the_clock_may_have_been_read_in_another_zone() {
        let far = (Some(30 * HOUR), None);
        assert_eq!(alike(far, Some(21 * HOUR), None), Likeness::CannotTell);
        assert_eq!(alike(far, Some(21 * HOUR + 450), None), Likeness::Other);
        let window = (Some(HOUR), Some(30 * HOUR));
        assert_eq!(
            alike(window, Some(HOUR), Some(21 * HOUR)),
            Likeness::CannotTell
        );
        assert_eq!(alike(window, Some(HOUR), Some(2 * HOUR)), Likeness::Other);
        assert_eq!(alike(window, Some(HOUR), None), Likeness::CannotTell);
        // A window without a start begins as soon as can be.
        assert_eq!(
            alike((None, Some(HOUR)), Some(15), Some(HOUR)),
            Likeness::Same
        );
    }

    #[test]
    fn behind_the_end_of_another_action_it_begins_when_that_ends() {
        let other = Action {
            id: crate::domain::id::ActionId::new("act_0"),
            ..planned(Some(0), Some(10 * HOUR))
        };
        let queued = planned(Some(10 * HOUR), None);
        let found = |others: &[Action]| {
            likeness(&order(None, None), &queued, (others, SignedDuration::ZERO))
        };
        assert_eq!(found(&[queued.clone(), other]), Likeness::Same);
        assert_eq!(found(std::slice::from_ref(&queued)), Likeness::Other);
    }
}
