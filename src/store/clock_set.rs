//! How far the clock of the machine was set in all, and the rows that move when it is set.
//!
//! Which moments move, and which do not, `engine::clock_set` tells of what the engine remembers. Its runs,
//! calls and triggers are written by changes of their own. Beside them:
//!
//! | table | moves | stays |
//! |---|---|---|
//! | `readings`, `inputs` | `taken_at` | what is foretold |
//! | `device_capabilities` | `since` | |
//! | `commands` | of open ones, what their life cycle waits for, `due_at`, and a start or end so long after the order | `sent_at`, `began_at`, `over_at`: steady; `created_at`, `updated_at`: told |
//! | `runs` | | `began_at`: steady; `started_at`, `ended_at`: told |
//! | `last_starts` | | `began_at`: steady |
//! | `notifications`, `http_requests` | `due_at` | what is told |
//! | `setting_writes` | of open ones, `due_at`, `created_at`, and until when the device is read | what Amps' clock showed |
//! | `value_history` | by changes of the engine | |
//! | `leases`, `foreign_orders` | `ended_at`; `until`, unless it is a time of the day | |
//! | `paused_rules` | | `counted_from`: steady; `paused_at`: told |
//! | `events`, `traces`, `command_steps`, `rules`, `rule_state`, `unread_devices` | | told as it was |
//!
//! Steady moments are by a clock that nobody sets, and so never have to be moved: rows of what is over may be many.

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::domain::event::{Event, Payload};
use crate::engine::decision::Change;
use crate::store::error::Error;
use crate::store::signal::Area;
use crate::store::writer::Tx;
use crate::store::{capabilities, inputs, leases, outbox, runs, setting_writes};

/// The clock of the program, which goes over to a new time with the event that tells of it: everything goes by
/// the new time from that event on; before it, and if its transaction does not stand, by the old one.
#[derive(Debug)]
pub(crate) struct FollowingClock {
    clock: Clock,
    /// How far the rows say that the clock was set when the program started.
    set_before: Option<SignedDuration>,
}

impl FollowingClock {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            set_before: None,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time at which `event` takes its effect. To be asked once for each.
    pub(crate) fn at(&mut self, event: &Event, tx: &Tx<'_>) -> Result<Timestamp, Error> {
        let before = match self.set_before {
            Some(before) => before,
            None => in_all(tx)? - self.clock.taken_over(),
        };
        self.set_before = Some(before);
        let Payload::ClockSet { by_ms, was_down } = event.payload else {
            return Ok(self.now());
        };
        if was_down {
            // The program's clock shows that time already.
            self.set_before = None;
        } else {
            let by = SignedDuration::from_millis(by_ms);
            self.clock.take_over(self.clock.taken_over() + by);
        }
        Ok(event.received_at)
    }

    /// Sets the clock as far as the rows say, after a transaction that did not stand. True when it was not.
    pub(crate) fn put_right(&mut self, tx: &Tx<'_>) -> Result<bool, Error> {
        let Some(before) = self.set_before else {
            return Ok(false);
        };
        let taken_over = in_all(tx)? - before;
        let was_wrong = taken_over != self.clock.taken_over();
        self.clock.take_over(taken_over);
        Ok(was_wrong)
    }
}

/// The program starts.
pub(crate) fn begin_life(tx: &Tx<'_>) -> Result<(), Error> {
    tx.prepare("UPDATE clock SET lives = lives + 1")?
        .execute([])?;
    Ok(())
}

/// How far it was set in all.
fn in_all(tx: &Tx<'_>) -> Result<SignedDuration, Error> {
    let set_by = tx
        .prepare("SELECT set_by FROM clock")?
        .query_row([], |row| row.get(0))?;
    Ok(SignedDuration::from_micros(set_by))
}

/// It was set by `by`.
pub(super) fn save(tx: &Tx<'_>, by: SignedDuration) -> Result<(), Error> {
    let microseconds = microseconds(by);
    tx.prepare("UPDATE clock SET set_by = set_by + ?1")?
        .execute([microseconds])?;
    runs::move_readings(tx, by)?;
    inputs::move_readings(tx, by)?;
    capabilities::move_since(tx, by)?;
    outbox::move_open(tx, by)?;
    for table in ["notifications", "http_requests"] {
        let sql = format!("UPDATE {table} SET due_at = due_at + ?1 WHERE due_at IS NOT NULL");
        tx.prepare(&sql)?.execute([microseconds])?;
    }
    setting_writes::move_open(tx, by)?;
    for change in leases::load(tx)? {
        if let Change::Kept { device, kept } = change {
            leases::keep(tx, &device, &kept.moved(by))?;
        }
    }
    tx.prepare("UPDATE foreign_orders SET ended_at = ended_at + ?1")?
        .execute([microseconds])?;
    let open = Area::REQUESTS.and(Area::REPORTS);
    let others = Area::HTTP.and(Area::SETTINGS);
    tx.touch(open.and(Area::NOTIFICATIONS).and(others));
    Ok(())
}

pub(super) fn microseconds(by: SignedDuration) -> i64 {
    i64::try_from(by.as_micros()).unwrap_or_default()
}
