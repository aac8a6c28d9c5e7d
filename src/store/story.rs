//! The story of each command: a row for each step that is worth telling.

use jiff::Timestamp;

use crate::domain::id::{ActionId, CommandId};
use crate::domain::lifecycle::{DoubtCause, Hold, Lifecycle, Step};
use crate::store::error::Error;
use crate::store::stamp;
use crate::store::writer::Tx;

/// Adds a line to the command's story.
pub(super) fn note(
    tx: &Tx<'_>,
    id: &CommandId,
    lifecycle: &Lifecycle,
    detail: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let action = match lifecycle {
        Lifecycle::Acknowledged { action, .. } => Some(action.as_str()),
        Lifecycle::Queued { .. }
        | Lifecycle::Blocked { .. }
        | Lifecycle::Sending { .. }
        | Lifecycle::InDoubt { .. }
        | Lifecycle::Settled { .. } => None,
    };
    let mut insert = tx.prepare(
        "INSERT INTO command_steps (command_id, at, state, detail, action_id)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?;
    let (id, at, state) = (id.as_str(), stamp(now), lifecycle.name());
    if insert.execute(rusqlite::params![id, at, state, detail, action])? == 0 {
        // An action belongs to the first step that names it.
        insert.execute(rusqlite::params![id, at, state, detail, None::<&str>])?;
    }
    Ok(())
}

/// What a line of the story begins with that tells of a time that Amps understood otherwise than it was asked.
pub(super) const OTHERWISE: &str = "Amps understood otherwise: ";

/// Adds to the story that Amps understood another time than was asked.
pub(crate) fn understood_otherwise(
    tx: &Tx<'_>,
    id: &CommandId,
    what: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let detail = format!("{OTHERWISE}{what}");
    tx.prepare(
        "INSERT INTO command_steps (command_id, at, state, detail, action_id)
         VALUES (?1, ?2, 'acknowledged', ?3, NULL)",
    )?
    .execute(rusqlite::params![id.as_str(), stamp(now), detail])?;
    Ok(())
}

/// What `step` was, for people; none when nothing happened that is worth a row.
pub(super) fn describe(step: &Step) -> Option<String> {
    Some(match step {
        Step::Claimed => "sent".to_owned(),
        Step::Acknowledged { action, .. } => format!("taken by Amps as {action}"),
        Step::Refused { failure, retry_at } => {
            format!("turned away: {failure}{}", again(*retry_at))
        }
        Step::Blocked { hold } => held(hold),
        Step::Freed { .. } => "nothing holds the device any more".to_owned(),
        Step::HeldTooLong => "another action held the device for too long".to_owned(),
        Step::TurnMissed => "an earlier order of this home held the device for too long".to_owned(),
        Step::PutBack { why, retry_at } => format!("{why}{}", again(Some(*retry_at))),
        Step::AnswerLost { doubt } => match (doubt.cause, &doubt.answered) {
            (DoubtCause::AnswerLost, Some(answered)) => format!(
                "Amps may have taken it, and answered: {answered}; \
                 looking it up before anything is sent again"
            ),
            (DoubtCause::AnswerLost, None) => {
                "the answer was lost; looking it up before anything is sent again".to_owned()
            }
            (DoubtCause::Interrupted, _) => {
                "the program ended meanwhile; looking it up before anything is sent again"
                    .to_owned()
            }
        },
        Step::GivenBack => "not sent yet; the program stops".to_owned(),
        Step::NeverArrived { retry_at } => format!("Amps does not have it{}", again(*retry_at)),
        // Asked for as long as it takes; a row each time would fill the disk.
        Step::StillWaiting { .. } | Step::Resumed => return None,
        Step::Reported { outcome, retry_at } => match outcome.failure() {
            Some(failure) => format!("failed: {failure}{}", again(*retry_at)),
            None => format!("reported as {}", outcome.name()),
        },
        Step::Withdrawn => "called off before it was sent".to_owned(),
        Step::TimePassed => "nothing was heard of it in time".to_owned(),
    })
}

/// As in: `act_9` holds the device; looked up until it is over, until 10:00:00 UTC at the latest.
fn held(hold: &Hold) -> String {
    let actions: Vec<&str> = hold.actions.iter().map(ActionId::as_str).collect();
    let who = match actions.as_slice() {
        [] => "another action holds the device".to_owned(),
        [one] => format!("{one} holds the device"),
        several => format!("{} hold the device", several.join(", ")),
    };
    let until = hold.deadline.strftime("%H:%M:%S UTC");
    format!("{who}; looked up until it is over, until {until} at the latest")
}

fn again(retry_at: Option<Timestamp>) -> String {
    retry_at
        .map(|at| format!("; again at {}", at.strftime("%H:%M:%S UTC")))
        .unwrap_or_default()
}
