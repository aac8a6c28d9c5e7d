//! A setting that a rule writes, for people: what it is, and where it stands.

use crate::cli::words::Words;
use crate::domain::writing::Stage;
use crate::store::view::SettingRow;

/// `max_charge_rate of car_charger to be 7 kW`
pub(super) fn what(row: &SettingRow) -> String {
    format!("{} of {} to be {}", row.setting, row.device, row.value)
}

/// What it waits for, or how it ended.
pub(super) fn standing(row: &SettingRow, words: &Words) -> String {
    let reason = row.reason.as_ref().map(|it| format!(": {it}"));
    let reason = reason.unwrap_or_default();
    match (row.state.as_str(), &row.next) {
        ("over", _) => row
            .reason
            .clone()
            .unwrap_or_else(|| "it is over".to_owned()),
        ("dropped", _) => "nobody waits for it any more".to_owned(),
        (_, Stage::Write) => match row.due_at {
            Some(at) if words.now < at => format!("written at {}{reason}", words.time(at)),
            Some(_) | None => format!("being written{reason}"),
        },
        (
            _,
            Stage::Read {
                deadline, shown, ..
            },
        ) => {
            let shown = shown.as_ref().map(|it| format!(", which shows {it}"));
            let shown = shown.unwrap_or_default();
            let until = words.time(*deadline);
            format!("Amps has it; the device{shown} is read until {until}")
        }
    }
}
