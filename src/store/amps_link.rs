//! What is known of the connection to Amps, over a restart.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

/// As the row has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AmpsLink {
    /// Tells the key that Amps last answered to from another one, and not what it is.
    pub(crate) key_print: Option<String>,
    /// Since when Amps does not answer, and what went wrong last; none while it answers.
    pub(crate) outage: Option<(Timestamp, String)>,
    /// Since when Amps turns the key away; none while it does not.
    pub(crate) key_refused_since: Option<Timestamp>,
    /// Until when Amps wants to be left alone; may have passed.
    pub(crate) pause_until: Option<Timestamp>,
    /// How Amps answered last: `flat` or `envelope`.
    pub(crate) generation: Option<String>,
}

pub(crate) fn load(tx: &Tx<'_>) -> Result<AmpsLink, Error> {
    let found = tx
        .prepare(
            "SELECT key_print, silent_since, error, pause_until, generation, key_refused_since
             FROM amps_link",
        )?
        .query_row([], |row| {
            let since: Option<i64> = row.get(1)?;
            let error: Option<String> = row.get(2)?;
            Ok(AmpsLink {
                key_print: row.get(0)?,
                outage: since.map(|since| (moment(since), error.unwrap_or_default())),
                pause_until: row.get::<_, Option<i64>>(3)?.map(moment),
                generation: row.get(4)?,
                key_refused_since: row.get::<_, Option<i64>>(5)?.map(moment),
            })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

pub(crate) fn save(tx: &Tx<'_>, link: &AmpsLink) -> Result<(), Error> {
    let (since, error) = match &link.outage {
        Some((since, error)) => (Some(stamp(*since)), Some(error.as_str())),
        None => (None, None),
    };
    tx.prepare(
        "INSERT INTO amps_link (only_row, key_print, silent_since, error, pause_until, generation, key_refused_since)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (only_row) DO UPDATE SET key_print = excluded.key_print,
             silent_since = excluded.silent_since, error = excluded.error,
             pause_until = excluded.pause_until, generation = excluded.generation,
             key_refused_since = excluded.key_refused_since",
    )?
    .execute(rusqlite::params![
        link.key_print,
        since,
        error,
        link.pause_until.map(stamp),
        link.generation,
        link.key_refused_since.map(stamp)
    ])?;
    Ok(())
}
