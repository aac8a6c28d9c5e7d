//! How long Amps and a device took over our orders, read off the rows that are there anyway: nothing is written for it.

use std::time::Duration;

use rusqlite::Row;

use crate::domain::id::DeviceId;
use crate::store::view::{Unreadable, View, limit};

/// The last orders to a device that count.
const ORDERS_OF_DEVICE_MAX: usize = 100;

/// They are looked for among so many of the last orders of the home, so that no index of orders by device
/// has to be written with each of them.
const ORDERS_OF_HOME_MAX: usize = 2000;

/// What the last orders to a device took. Only those that are over count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// From a push that left to Amps' word that it has the order, or to the look-up that found it.
    pub acknowledge: Spread,
    /// From the order to the report of its end, completed or failed, with whatever had to be tried again.
    /// Orders that begin or end at a time of their own do not count, nor do those of which no end was told.
    pub completion: Spread,
}

/// How durations are spread. To the millisecond, rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many there are.
    pub orders: usize,
    /// Half of them took no longer; none where there are none.
    pub p50: Option<Duration>,
    /// 95 of 100 took no longer; none where there are none.
    pub p95: Option<Duration>,
}

impl Spread {
    fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let orders = durations.len();
        let percentile = |percent: usize| {
            let rank = (orders * percent).div_ceil(100);
            durations.get(rank.checked_sub(1)?).copied()
        };
        Self {
            orders,
            p50: percentile(50),
            p95: percentile(95),
        }
    }
}

/// A step of an order, and what the row of the order says. Moments and durations in microseconds.
struct StepRow {
    order: i64,
    took: Option<i64>,
    is_at_once: bool,
    at: i64,
    state: String,
}

impl StepRow {
    fn read(row: &Row<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            order: row.get(0)?,
            took: row.get(1)?,
            is_at_once: row.get(2)?,
            at: row.get(3)?,
            state: row.get(4)?,
        })
    }
}

impl View {
    /// What the last [`ORDERS_OF_DEVICE_MAX`] orders to `device` took, as far as they are among the last
    /// [`ORDERS_OF_HOME_MAX`] of the home.
    pub fn observed(&self, device: &DeviceId) -> Result<Observed, Unreadable> {
        // A database that was not brought up to date yet does not tell when an order was over.
        let named = "SELECT 1 FROM pragma_table_info('commands') WHERE name = 'over_at'";
        if self.list(named, [], |_| Ok(()))?.is_empty() {
            return Ok(Observed::default());
        }
        let sql = "SELECT lately.seq, over_at - coalesce(began_at, created_at),
                 json_extract(command, '$.timing') IS NULL, step.at, step.state
             FROM (SELECT * FROM (SELECT * FROM commands ORDER BY seq DESC LIMIT ?2)
                 WHERE device_id = ?1 AND is_open = 0 ORDER BY seq DESC LIMIT ?3) AS lately
             JOIN command_steps AS step ON step.command_id = lately.id
             ORDER BY lately.seq, step.seq";
        let maxima = (limit(ORDERS_OF_HOME_MAX), limit(ORDERS_OF_DEVICE_MAX));
        let parameters = rusqlite::params![device.as_str(), maxima.0, maxima.1];
        let steps = self.list(sql, parameters, StepRow::read)?;
        let orders = || steps.chunk_by(|a, b| a.order == b.order);
        Ok(Observed {
            acknowledge: Spread::of(orders().filter_map(acknowledge).collect()),
            completion: Spread::of(orders().filter_map(completion).collect()),
        })
    }
}

/// Of one order, from its steps.
fn acknowledge(steps: &[StepRow]) -> Option<Duration> {
    let taken = steps.iter().position(|it| it.state == "acknowledged")?;
    let (before, taken) = (steps.get(..taken)?, steps.get(taken)?);
    let sent = before.iter().rfind(|it| it.state == "sending")?;
    duration(taken.at - sent.at)
}

/// Of one order, from its steps.
fn completion(steps: &[StepRow]) -> Option<Duration> {
    let [.., before, end] = steps else {
        return None;
    };
    let is_reported =
        before.state == "acknowledged" && matches!(end.state.as_str(), "completed" | "failed");
    let took = end.took.filter(|_| is_reported && end.is_at_once)?;
    duration(took)
}

/// None for what ended before it began: somebody set the clock meanwhile.
fn duration(microseconds: i64) -> Option<Duration> {
    let microseconds = u64::try_from(microseconds).ok()?;
    Some(Duration::from_millis(microseconds.div_ceil(1000)))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::command::Command;
    use crate::domain::event::Report;
    use crate::domain::id::{ActionId, CommandId, EventId};
    use crate::domain::lifecycle::{Doubt, DoubtCause, Failure, Outcome, Step};
    use crate::store::error::Error;
    use crate::store::writer::Tx;
    use crate::store::{Store, outbox};

    const DEVICE: &str = "dev_1";

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    fn taken(tx: &Tx<'_>, id: &CommandId, now: i64) -> Result<(), Error> {
        let action = ActionId::new(format!("act_of_{id}"));
        let step = Step::Acknowledged {
            action: action.clone(),
            look_up_at: at(now + 9000),
            deadline: at(now + 9000),
        };
        outbox::acknowledge(tx, id, step, &action, at(now))
    }

    fn reported(tx: &Tx<'_>, id: &CommandId, outcome: Outcome, now: i64) -> Result<(), Error> {
        let report = Report {
            action: ActionId::new(format!("act_of_{id}")),
            device: DeviceId::new(DEVICE),
            device_type: None,
            command: None,
            outcome,
            ended_at: None,
        };
        outbox::settle_by_report(tx, &EventId::new(format!("msg_{id}")), &report, at(now))
    }

    /// An order that Amps takes after so many milliseconds, and that is over after so many.
    fn order(tx: &Tx<'_>, command: &Command, (took, over): (i64, i64)) -> Result<(), Error> {
        outbox::enqueue(tx, command, at(0))?;
        taken(tx, &command.id, took)?;
        reported(tx, &command.id, Outcome::Completed, over)
    }

    async fn observed(
        work: impl Fn(&Tx<'_>) -> Result<(), Error> + Send + 'static,
    ) -> (Observed, Observed) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        store.write(work).await.unwrap();
        let view = View::open(dir.path()).unwrap().unwrap();
        let of = |device| view.observed(&DeviceId::new(device)).unwrap();
        (of(DEVICE), of("dev_2"))
    }

    fn spread(orders: usize, p50: u64, p95: u64) -> Spread {
        Spread {
            orders,
            p50: Some(Duration::from_millis(p50)),
            p95: Some(Duration::from_millis(p95)),
        }
    }

    #[tokio::test]
    async fn the_last_hundred_orders_of_a_device_count_and_those_of_others_do_not() {
        let (of, other) = observed(|tx| {
            let other = Command::example("cmd_other", "dev_2");
            order(tx, &other, (7, 77))?;
            // The first is too old to count.
            (0..=100).try_for_each(|n| {
                let command = Command::example(&format!("cmd_{n}"), DEVICE);
                let took = [5_000_000, n][usize::from(0 < n)];
                order(tx, &command, (took, took * 10))
            })
        })
        .await;
        assert_eq!(of.acknowledge, spread(100, 50, 95));
        assert_eq!(of.completion, spread(100, 500, 950));
        assert_eq!(other.acknowledge, spread(1, 7, 7));
        assert_eq!(other.completion, spread(1, 77, 77));
    }

    #[tokio::test]
    async fn among_two_thousand_orders_of_the_home() {
        let (of, other) = observed(|tx| {
            (0..=ORDERS_OF_HOME_MAX).try_for_each(|n| {
                let device = [DEVICE, "dev_2"][usize::from(2 <= n)];
                let command = Command::example(&format!("cmd_{n}"), device);
                order(tx, &command, (i64::try_from(n).unwrap() + 1, 3000))
            })
        })
        .await;
        assert_eq!(of.acknowledge, spread(1, 2, 2), "the first is too old");
        assert_eq!(other.acknowledge.orders, ORDERS_OF_DEVICE_MAX);
    }

    #[tokio::test]
    async fn what_no_report_ended_does_not_count_and_a_push_that_was_found_does() {
        let (of, never) = observed(|tx| {
            let open = Command::example("cmd_open", "dev_3");
            outbox::enqueue(tx, &open, at(0))?;
            taken(tx, &open.id, 10)?;
            let refused = Command::example("cmd_refused", DEVICE);
            outbox::enqueue(tx, &refused, at(0))?;
            let step = Step::Refused {
                failure: Failure::new(None, "no"),
                retry_at: None,
            };
            outbox::advance(tx, &refused.id, step, None, at(20))?;
            let expired = Command::example("cmd_expired", DEVICE);
            outbox::enqueue(tx, &expired, at(0))?;
            taken(tx, &expired.id, 30)?;
            outbox::advance(tx, &expired.id, Step::TimePassed, None, at(90_000))?;
            let mut planned = Command::example("cmd_planned", DEVICE);
            planned.timing.start = Some(at(3_600_000));
            order(tx, &planned, (40, 3_700_000))?;
            found(tx)
        })
        .await;
        assert_eq!(of.acknowledge, spread(3, 40, 1200));
        assert_eq!(of.completion, spread(1, 4000, 4000));
        assert_eq!(never, Observed::default());
    }

    /// Sent at 500 ms, taken for lost, found 1.2 s after it left, and failed at 4 s.
    fn found(tx: &Tx<'_>) -> Result<(), Error> {
        let command = Command::example("cmd_found", DEVICE);
        outbox::enqueue(tx, &command, at(0))?;
        let step = Step::PutBack {
            why: "not yet".to_owned(),
            retry_at: at(500),
        };
        outbox::advance(tx, &command.id, step, None, at(100))?;
        outbox::promote_due(tx, at(500))?;
        let doubt = Doubt {
            cause: DoubtCause::AnswerLost,
            answered: None,
            look_up_at: at(1500),
            settles_at: at(9000),
            deadline: at(9000),
        };
        let step = Step::AnswerLost { doubt };
        outbox::advance(tx, &command.id, step, None, at(600))?;
        taken(tx, &command.id, 1700)?;
        let failure = Failure::new(Some("INVALID_CREDENTIALS"), "no");
        reported(tx, &command.id, Outcome::Failed(failure), 4000)
    }
}
