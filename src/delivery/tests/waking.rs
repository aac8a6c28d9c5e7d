//! When delivery looks into the outbox again by itself.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{WAITS, at};
use crate::clock::Clock;
use crate::delivery::wanting_work;
use crate::domain::command::Command;
use crate::domain::lifecycle::{Doubt, DoubtCause, Step};
use crate::store::writer::Tx;
use crate::store::{Store, outbox, requests};

/// The end of what is in hand need not be news for delivery: Amps may have the push.
#[tokio::test]
async fn what_is_in_hand_hides_nothing_that_is_due_later() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::start(dir.path(), Vec::new()).unwrap().store;
    let next = store.write(|tx: &Tx<'_>| {
        for (id, device, second) in [("cmd_1", "dev_1", 60), ("cmd_2", "dev_2", 90)] {
            let command = Command::example(id, device);
            outbox::enqueue(tx, &command, at(0))?;
            let doubt = Doubt {
                look_up_at: at(second),
                ..WAITS.doubt(
                    DoubtCause::AnswerLost,
                    &Command::example("cmd_1", "dev_1"),
                    at(0),
                )
            };
            outbox::advance(tx, &command.id, Step::AnswerLost { doubt }, None, at(0))?;
        }
        let (clock, _winder) = Clock::simulated(at(60));
        let set = SignedDuration::ZERO;
        let due = requests::wanted(tx, &BTreeSet::new(), 9, (at(60), set))?;
        let in_hand: BTreeSet<_> = due.iter().map(|it| it.turn(set)).collect();
        assert_eq!(in_hand.len(), 1);
        let (rows, _, next) = wanting_work(tx, &in_hand, 9, &clock)?;
        assert!(rows.is_empty());
        Ok(next)
    });
    assert_eq!(next.await.unwrap(), Some(at(90)));
}
