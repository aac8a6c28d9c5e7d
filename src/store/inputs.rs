//! Inputs of the home as rows.

use jiff::{SignedDuration, Timestamp};

use crate::clock::moved;
use crate::domain::event::InputReading;
use crate::domain::id::InputName;
use crate::domain::value::{Point, Reading};
use crate::engine::decision::Change;
use crate::engine::state::{State, reading_of};
use crate::store::error::Error;
use crate::store::runs::is_worth_a_row;
use crate::store::writer::Tx;

/// What was written down. The next value of a series may have begun: it is asked for at once.
pub(super) fn load(tx: &Tx<'_>) -> Result<Vec<Change>, Error> {
    let mut statement = tx.prepare("SELECT name, reading, series FROM inputs")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let reading = row.get::<_, Option<String>>(1)?;
        let reading = reading.and_then(|it| serde_json::from_str::<Reading>(&it).ok());
        let series = row.get::<_, Option<String>>(2)?;
        let series: Option<Vec<Point>> = series.and_then(|it| serde_json::from_str(&it).ok());
        let series = series.unwrap_or_default();
        found.push(Change::Input {
            turns_at: (!series.is_empty()).then_some(Timestamp::MIN),
            reading: InputReading {
                input: InputName::new(row.get::<_, String>(0)?),
                taken_at: reading.as_ref().map_or(Timestamp::MIN, |it| it.taken_at),
                value: reading.map(|it| it.value),
                series,
            },
        });
    }
    Ok(found)
}

/// The clock was set. The value of a series is by the clock, and is shown anew.
pub(super) fn move_readings(tx: &Tx<'_>, by: SignedDuration) -> Result<(), Error> {
    for change in load(tx)? {
        if let Change::Input { reading, .. } = change
            && reading.series.is_empty()
            && let Some(mut known) = reading_of(&reading)
        {
            known.taken_at = moved(known.taken_at, by);
            tx.prepare("UPDATE inputs SET reading = ?2 WHERE name = ?1")?
                .execute([reading.input.as_str(), &serde_json::to_string(&known)?])?;
        }
    }
    Ok(())
}

/// What is as it was is not written again.
pub(super) fn save(tx: &Tx<'_>, state: &State, reading: &InputReading) -> Result<(), Error> {
    let name = reading.input.as_str();
    let now = reading_of(reading);
    let before = state.input(&reading.input);
    let is_known = match (before, &now) {
        (Some(before), Some(now)) => !is_worth_a_row(before, now),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !is_known {
        let json = now.as_ref().map(serde_json::to_string).transpose()?;
        tx.prepare(
            "INSERT INTO inputs (name, reading) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET reading = excluded.reading",
        )?
        .execute(rusqlite::params![name, json])?;
    }
    if state.series(&reading.input) != reading.series {
        let json = serde_json::to_string(&reading.series)?;
        tx.prepare(
            "INSERT INTO inputs (name, series) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET series = excluded.series",
        )?
        .execute(rusqlite::params![name, json])?;
    }
    Ok(())
}
