//! The table of a life, as its file has it.

use std::fmt::Write;

use super::Life;
use super::row::Row;

const COLUMNS: &str = "\
what befalls it | how the order ended | seconds from its beginning | pushes that Amps took | its story, with moments in
seconds from its beginning
";

pub(super) fn of(life: &Life, rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> &str| {
        let widths = rows.iter().map(|it| of(it).chars().count());
        widths.max().unwrap_or(0)
    };
    let (fault, outcome) = (width(|it| &it.fault), width(|it| &it.outcome));
    let mut text = format!(
        "Each fault at each step of a life: {}.\n{COLUMNS}",
        life.about
    );
    let mut step = "";
    for row in rows {
        if row.step != step {
            step = row.step;
            writeln!(text, "\n## {step}\n").unwrap();
        }
        let columns = format!(
            "{:fault$} | {:outcome$} | {:5} | {} | {}",
            row.fault, row.outcome, row.took, row.n_accepted, row.told
        );
        writeln!(text, "{}", columns.trim_end()).unwrap();
    }
    text
}
