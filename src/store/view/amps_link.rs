//! Whether Amps answers, and what waits for it.

use jiff::Timestamp;
use serde::Serialize;

use crate::store::view::{Unreadable, View, maybe_moment};

/// The connection to Amps, as far as the engine has noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AmpsLinkRow {
    /// Since when Amps does not answer; none while it does.
    pub silent_since: Option<Timestamp>,
    /// What went wrong last; none while Amps answers.
    pub error: Option<String>,
    /// Since when Amps turns the key away; none while it does not.
    pub key_refused_since: Option<Timestamp>,
    /// Until when Amps wants to be left alone; none while it does not, or since that has passed.
    pub pause_until: Option<Timestamp>,
    /// Commands that want something of Amps: to be sent, or to be looked up.
    pub commands_waiting: u32,
}

impl View {
    /// As it is at `now`.
    pub fn amps_link(&self, now: Timestamp) -> Result<AmpsLinkRow, Unreadable> {
        // A database that was not brought up to date yet does not tell of the key.
        let named = "SELECT 1 FROM pragma_table_info('amps_link') WHERE name = 'key_refused_since'";
        let refused = if self.list(named, [], |_| Ok(()))?.is_empty() {
            "NULL"
        } else {
            "(SELECT key_refused_since FROM amps_link)"
        };
        let sql = format!(
            "SELECT (SELECT silent_since FROM amps_link), (SELECT error FROM amps_link),
             (SELECT count(*) FROM commands WHERE is_open = 1), {refused},
             (SELECT pause_until FROM amps_link)"
        );
        let mut rows = self.list(&sql, [], |row| {
            Ok(AmpsLinkRow {
                silent_since: maybe_moment(row, 0)?,
                error: row.get(1)?,
                key_refused_since: maybe_moment(row, 3)?,
                pause_until: maybe_moment(row, 4)?.filter(|it| now < *it),
                commands_waiting: row.get(2)?,
            })
        })?;
        rows.pop()
            .ok_or_else(|| Unreadable("a count is missing".to_owned()))
    }
}
