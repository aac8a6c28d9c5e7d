//! How durations and times of day are written, for those who list words.

use super::kind::{Form, Kind, Named, Pattern};
use super::{Word, optional, word};
use crate::document::duration::UNITS;

/// What [`duration`](crate::document::duration::duration) reads.
pub const DURATION: Kind = Kind::Named(&Named {
    name: "duration",
    one: "a duration",
    many: "durations",
    kind: || const { Kind::Either(&[Kind::Text(&WRITTEN), Kind::Block(&MAP)]) },
    examples: &["90s", "5m", "1h30m", "2d"],
});

/// A duration that may be before.
pub const OFFSET: Kind = Kind::Named(&Named {
    name: "offset",
    one: "a duration, `-30m` for before",
    many: "durations, `-30m` for before",
    kind: || const { Kind::Either(&[Kind::Text(&WRITTEN_OFFSET), Kind::Block(&MAP)]) },
    examples: &["30m", "-30m"],
});

/// What [`time_of_day`](crate::document::duration::time_of_day) reads.
pub const TIME: Kind = Kind::Named(&Named {
    name: "time",
    one: "a time like `\"22:30\"`",
    many: "times like `\"22:30\"`",
    kind: || Kind::Text(&WRITTEN_TIME),
    examples: &["\"22:30\""],
});

/// Home Assistant's map.
pub(in crate::document) static MAP: Word = Word {
    keys: &[&[
        optional("days", COUNT, "24 hours each"),
        optional("hours", COUNT, "60 minutes each"),
        optional("minutes", COUNT, "60 seconds each"),
        optional("seconds", COUNT, "1000 milliseconds each"),
        optional("milliseconds", COUNT, "the rest"),
    ]],
    example: "minutes: 5\n",
    ..word("a duration", "a duration", "all of it together")
};

const COUNT: Kind = Kind::Whole {
    least: 0,
    most: None,
};

static WRITTEN: Form = Form {
    one: "a duration",
    many: "durations",
    pattern: Pattern::Made(|| format!("^({})$", pattern())),
    help: "write for example `90s`, `5m`, `1h30m`, `2d` or `\"00:05:00\"`",
    characters_max: None,
    examples: &[],
};

static WRITTEN_OFFSET: Form = Form {
    one: "a duration",
    many: "durations",
    pattern: Pattern::Made(|| format!(r"^\s*-?({})\s*$", pattern())),
    help: "write for example `30m`, or `-30m` for before",
    characters_max: None,
    examples: &[],
};

static WRITTEN_TIME: Form = Form {
    one: "a time",
    many: "times",
    pattern: Pattern::Fixed("^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"),
    help: "write it in quotes, from `\"00:00\"` to `\"23:59:59\"`",
    characters_max: None,
    examples: &[],
};

/// Each unit at most once, the largest first; or hours, minutes and seconds between colons.
fn pattern() -> String {
    let units = UNITS.chunk_by(|one, other| one.1 == other.1).rev();
    let parts = units.map(|units| {
        let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
        format!(r"([0-9]+\s*({})\s*)?", names.join("|"))
    });
    let parts = parts.collect::<Vec<_>>().concat();
    let sixty = "0{0,2}[0-5]?[0-9]";
    format!(r"\s*(?=[0-9]){parts}|[0-9]{{1,4}}:{sixty}:{sixty}")
}
