//! What can stand behind the keys of `home.yaml`.

use crate::config::address::ADDRESS_CHARACTERS_MAX;
use crate::config::devices::ID_CHARACTERS_MAX;
use crate::config::hooks;
use crate::config::inputs::{KEY_CHARACTERS_MAX, POINTER_CHARACTERS_MAX, UNIT_CHARACTERS_MAX};
use crate::config::limits::{HOST_CHARACTERS_MAX, SIZES};
use crate::config::names::NAME_CHARACTERS_MAX;
use crate::document::vocabulary::kind::{Form, Kind, Pattern, Words};
use crate::domain::device::DeviceType;

/// Some text; nothing but blanks is none.
pub(crate) const SOME_TEXT: Pattern = Pattern::Fixed(r"\S");

pub(crate) const SOME_TEXT_HELP: &str = "write some text";

pub(super) const TITLE: Kind = Kind::Text(&Form {
    one: "text",
    many: "texts",
    pattern: SOME_TEXT,
    help: SOME_TEXT_HELP,
    characters_max: Some(super::decode::NAME_CHARACTERS_MAX),
    examples: &[],
});

/// What [`is_name`](crate::config::names::is_name) takes.
pub(crate) static NAME: Form = Form {
    one: "a name",
    many: "names",
    pattern: Pattern::Fixed("^[a-z][a-z0-9_]*$"),
    help: "use small letters, digits and `_`, a letter first: `house_battery`",
    characters_max: Some(NAME_CHARACTERS_MAX),
    examples: &[],
};

pub(super) const TIMEZONE: Kind = Kind::Text(&Form {
    one: "continent and city",
    many: "time zones",
    pattern: SOME_TEXT,
    help: "write continent and city, for example `Europe/London`",
    characters_max: Some(super::decode::NAME_CHARACTERS_MAX),
    examples: &["Europe/London", "America/New_York"],
});

/// An address without a user name or password.
pub(crate) const URL: Kind = Kind::Text(&Form {
    one: "an address",
    many: "addresses",
    pattern: Pattern::Fixed(r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#\\@]+([/?#\\]\S*)?$"),
    help: "write for example `https://ntfy.sh/rose-cottage-7f3`, without a password in it",
    characters_max: Some(ADDRESS_CHARACTERS_MAX),
    examples: &[],
});

pub(super) const BASE_URL: Kind = Kind::Text(&Form {
    one: "an address",
    many: "addresses",
    pattern: Pattern::Fixed(r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#\\@]+([/\\][^\s?#]*)?$"),
    help: "write for example `https://api.amps.ai`",
    characters_max: Some(ADDRESS_CHARACTERS_MAX),
    examples: &[],
});

pub(super) const LISTEN: Kind = Kind::Text(&Form {
    one: "an address",
    many: "addresses",
    pattern: Pattern::Fixed(r"^(localhost|[0-9.]+|\[[0-9A-Fa-f:.%]+\]):[0-9]{1,5}$"),
    help: "write for example `127.0.0.1:8787`, or `0.0.0.0:8787` for every network",
    characters_max: Some(ADDRESS_CHARACTERS_MAX),
    examples: &[],
});

pub(super) const HOST: Kind = Kind::Text(&Form {
    one: "a host",
    many: "hosts",
    pattern: Pattern::Fixed(r"^[^\s/@*]+$"),
    help: "write the host alone, with its port if it has one: `panel.example`, `10.0.0.7:8080`",
    characters_max: Some(HOST_CHARACTERS_MAX),
    examples: &["panel.example"],
});

/// To an editor, a secret is the text that stands there.
pub(super) const SECRET: Kind = Kind::Text(&Form {
    one: "`!secret NAME`",
    many: "`!secret NAME`",
    pattern: SOME_TEXT,
    help: "write `!secret NAME`",
    characters_max: None,
    examples: &[],
});

pub(super) const SIZE: Kind = Kind::Text(&Form {
    one: "a size, like `512 MiB`",
    many: "sizes, like `512 MiB`",
    pattern: Pattern::Made(|| {
        let units: Vec<_> = SIZES.iter().map(|(unit, _)| *unit).collect();
        format!(r"^[0-9]+\s*({})\s*$", units.join("|"))
    }),
    help: "write for example `512 MiB` or `2 GB`",
    characters_max: None,
    examples: &[],
});

pub(super) const UNIT: Kind = Kind::Text(&Form {
    one: "a unit, also one of your own like `GBP/kWh`",
    many: "units",
    pattern: SOME_TEXT,
    help: SOME_TEXT_HELP,
    characters_max: Some(UNIT_CHARACTERS_MAX),
    examples: &["GBP/kWh", "kW"],
});

/// Where in JSON a value stands.
pub(super) const POINTER: Kind = Kind::Text(&Form {
    one: "a JSON pointer like `/results/0/value`",
    many: "JSON pointers",
    pattern: Pattern::Fixed("^/"),
    help: "write the way to the value, a `/` before each part: `/results/0/value`",
    characters_max: Some(POINTER_CHARACTERS_MAX),
    examples: &["/results/0/value"],
});

pub(super) const SERIES_KEY: Kind = Kind::Text(&Form {
    one: "text",
    many: "texts",
    pattern: SOME_TEXT,
    help: SOME_TEXT_HELP,
    characters_max: Some(KEY_CHARACTERS_MAX),
    examples: &[],
});

/// What the name of a hook may be: it becomes a part of an address.
pub(super) static HOOK_NAME: Form = Form {
    one: "a name",
    many: "names",
    pattern: Pattern::Fixed("^[a-z0-9_-]+$"),
    help: "it becomes a part of an address: use small letters, digits, `-` and `_`",
    characters_max: Some(hooks::NAME_CHARACTERS_MAX),
    examples: &[],
};

pub(super) const DEVICE_ID: Kind = Kind::Text(&Form {
    one: "text, like `dev_abc123`",
    many: "ids",
    pattern: Pattern::Fixed("^[A-Za-z0-9_:-][A-Za-z0-9_.:-]*$"),
    help: "copy it from the Amps dashboard; it looks like `dev_abc123`",
    characters_max: Some(ID_CHARACTERS_MAX),
    examples: &["dev_abc123"],
});

struct DeviceTypes;

impl Words for DeviceTypes {
    fn each(&self) -> Vec<(&'static str, Option<String>)> {
        let types = DeviceType::ALL.into_iter();
        types.map(|it| (it.name(), None)).collect()
    }
}

pub(crate) const DEVICE_TYPE: Kind = Kind::Word(&DeviceTypes);
