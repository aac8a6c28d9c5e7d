//! What can stand behind the keys of rules and their tests.

use crate::config::kinds::{NAME, SOME_TEXT};
use crate::document::vocabulary::durations::{DURATION, TIME};
use crate::document::vocabulary::kind::{
    Begun, Form, Kind, LineName, Lines, Named, Pattern, form, one_or_many, templated,
};
use crate::domain::unit::Unit;
use crate::rules::catalog::bounds::{
    ALIAS_CHARACTERS_MAX, BRANCHES_MAX, CONDITIONS_MAX, DESCRIPTION_CHARACTERS_MAX,
    HEADER_CHARACTERS_MAX, HEADERS_MAX, ID_CHARACTERS_MAX, ITEMS_MAX, MESSAGE_CHARACTERS_MAX,
    PATTERN_CHARACTERS_MAX, STEPS_MAX, TITLE_CHARACTERS_MAX, TRIGGERS_MAX, VALUE_CHARACTERS_MAX,
    WAYS_MAX, WEBHOOK_CHARACTERS_MAX, WORD_CHARACTERS_MAX,
};
use crate::rules::catalog::choices::{STATES, STATES_WITHIN};
use crate::rules::catalog::device_words::PARAMETERS;
use crate::rules::catalog::{
    FOREIGN_STEPS, WRITE_CONDITION, WRITE_TRIGGER, actions, blocks, conditions, triggers,
};

/// Text that is used as it stands.
pub(super) const fn plain(characters_max: usize) -> Form {
    let pattern = r"^(?![\s\S]*\{[{%])[\s\S]*\S";
    let help = "write a fixed text: a template in `{{ }}` is not taken here";
    Form {
        characters_max: Some(characters_max),
        ..form("text", "texts", pattern, help)
    }
}

/// Text in which there may be expressions, or of which only people make something.
pub(super) const fn free(characters_max: usize) -> Form {
    Form {
        pattern: SOME_TEXT,
        help: "write some text",
        ..plain(characters_max)
    }
}

pub(super) const ALIAS: Kind = Kind::Text(&plain(ALIAS_CHARACTERS_MAX));
pub(super) const DESCRIPTION: Kind = Kind::Text(&free(DESCRIPTION_CHARACTERS_MAX));
pub(super) const MESSAGE: Kind = templated(&Kind::Text(&free(MESSAGE_CHARACTERS_MAX)));
pub(super) const TITLE: Kind = templated(&Kind::Text(&free(TITLE_CHARACTERS_MAX)));

const fn kebab(one: &'static str, many: &'static str) -> Form {
    let pattern = "^[a-z0-9]+(-[a-z0-9]+)*$";
    Form {
        characters_max: Some(ID_CHARACTERS_MAX),
        ..form(
            one,
            many,
            pattern,
            "use small letters and digits, with `-` between words",
        )
    }
}

pub(super) const ID: Kind = Kind::Text(&kebab("small letters, digits and `-`", "ids"));
pub(super) const RULE: Kind = Kind::Text(&kebab("the id of a rule", "ids of rules"));
pub(super) const STEP: Kind = Kind::Text(&kebab("the `id` of a step of this rule", "ids of steps"));

/// Words that people make up.
pub(super) const WORD: Kind = Kind::Text(&plain(WORD_CHARACTERS_MAX));

const fn words(many: &'static str) -> Form {
    Form {
        many,
        ..plain(WORD_CHARACTERS_MAX)
    }
}

pub(super) const TRIGGER_IDS: Kind = one_or_many(&Kind::Text(&words("ids of triggers")), ITEMS_MAX);
pub(super) const ERROR_CODES: Kind = one_or_many(&Kind::Text(&words("codes")), ITEMS_MAX);

const fn name(one: &'static str, many: &'static str) -> Form {
    Form {
        one,
        many,
        pattern: NAME.pattern,
        help: NAME.help,
        characters_max: NAME.characters_max,
        examples: &[],
    }
}

pub(super) const DEVICE: Kind = Kind::Text(&name("the name of a device", "names of devices"));
pub(super) const INPUT: Kind = Kind::Text(&name("an input of home.yaml", "inputs"));
pub(super) const NOTIFIER: Kind = Kind::Text(&name("a notifier", "notifiers"));
pub(super) const NOTIFIERS: Kind = one_or_many(&NOTIFIER, ITEMS_MAX);
pub(super) const VARIABLE: Kind = Kind::Text(&name("a name", "names"));

/// All of a type, or by their names.
pub(super) const DEVICES: Kind = Kind::Named(&Named {
    name: "devices",
    one: "a name, a list of names, or `{type: battery}`",
    many: "devices",
    kind: || {
        const {
            Kind::Either(&[
                one_or_many(&DEVICE, ITEMS_MAX),
                Kind::Block(&triggers::DEVICE_TYPE),
            ])
        }
    },
    examples: &[
        "house_battery",
        "[house_battery, car_charger]",
        "{type: battery}",
    ],
});

pub(super) const WEBHOOK: Kind = Kind::Text(&Form {
    one: "small letters, digits, `-` and `_`",
    many: "names",
    pattern: Pattern::Fixed("^[a-z0-9_-]+$"),
    help: "it becomes a part of an address: use small letters, digits, `-` and `_`",
    characters_max: Some(WEBHOOK_CHARACTERS_MAX),
    examples: &[],
});

pub(super) const CRON: Kind = Kind::Text(&Form {
    one: "five fields (minute, hour, day, month, weekday), or six with seconds first",
    many: "patterns",
    pattern: Pattern::Fixed(r"^\s*[^\s@]\S*(\s+\S+){4,5}\s*$"),
    help: "write minute, hour, day, month and weekday: `30 22 * * mon-fri`",
    characters_max: Some(PATTERN_CHARACTERS_MAX),
    examples: &["\"*/15 6-22 * * mon-fri\"", "\"30 22 * * *\""],
});

/// A bare number of which the readers know the unit.
const NUMBER: &str = r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?";

const fn number_with_unit(pattern: fn() -> String) -> Form {
    let help = "write for example `80 %` or `7.4 kW`";
    Form {
        pattern: Pattern::Made(pattern),
        ..form("a number with its unit", "numbers", "", help)
    }
}

/// In the units that devices and the language know.
pub(super) const QUANTITY: Kind = Kind::Named(&Named {
    name: "quantity",
    one: "a number with its unit",
    many: "numbers with their units",
    kind: || {
        const {
            Kind::Either(&[
                Kind::Number { most: None },
                Kind::Text(&number_with_unit(|| {
                    let units: Vec<_> = Unit::spellings().collect();
                    format!(r"^\s*{NUMBER}\s*({})?\s*$", units.join("|"))
                })),
                Kind::Block(&blocks::QUANTITY),
            ])
        }
    },
    examples: &["80 %", "7.4 kW", "20 °C"],
});

/// Also in a unit that an input has for itself.
pub(super) const MEASURE: Kind = Kind::Named(&Named {
    name: "measure",
    one: "a number with its unit",
    many: "numbers with their units",
    kind: || {
        const {
            Kind::Either(&[
                Kind::Number { most: None },
                Kind::Text(&number_with_unit(|| {
                    format!(r"^\s*{NUMBER}([eE][-+]?[0-9]+)?\s*([^0-9\s.,{{][\s\S]*)?$")
                })),
                Kind::Block(&blocks::QUANTITY),
            ])
        }
    },
    examples: &["80 %", "7.4 kW", "0.2 GBP/kWh"],
});

/// What a device or an input can report.
pub(super) const VALUE: Kind = Kind::Named(&Named {
    name: "value",
    one: "a value",
    many: "values",
    kind: || {
        const {
            Kind::Either(&[
                Kind::Boolean,
                Kind::Number { most: None },
                Kind::Text(&Form {
                    characters_max: Some(VALUE_CHARACTERS_MAX),
                    ..form("text", "texts", r"^[\s\S]", "write some text")
                }),
                Kind::Block(&blocks::QUANTITY),
            ])
        }
    },
    examples: &[],
});

pub(super) const VALUES: Kind = one_or_many(&VALUE, ITEMS_MAX);

/// What variables hold.
pub(super) const LITERAL: Kind = Kind::Named(&Named {
    name: "literal",
    one: "a value",
    many: "values",
    kind: || {
        const {
            Kind::Either(&[
                Kind::Boolean,
                Kind::Number { most: None },
                Kind::Text(&form("text", "texts", "", "")),
                Kind::Nothing,
                LITERALS,
            ])
        }
    },
    examples: &["80 %", "5m", "[1, 2]"],
});

const LITERALS: Kind = Kind::List {
    of: &LITERAL,
    least: 0,
    most: ITEMS_MAX,
};

pub(super) const PER: Kind = Kind::Named(&Named {
    name: "per",
    one: "an expression, like `trigger.device`; the braces may be left out",
    many: "expressions",
    kind: || const { Kind::Either(&[Kind::Expression, LITERAL]) },
    examples: &["trigger.device"],
});

pub(super) const EACH: Kind = Kind::Either(&[
    Kind::List {
        of: &LITERAL,
        least: 1,
        most: ITEMS_MAX,
    },
    Kind::Expression,
]);

/// From now on, or by the clock.
pub(super) const MOMENT: Kind = Kind::Either(&[DURATION, TIME, Kind::Expression]);

/// Lines `NAME: value`, as many as one likes.
const fn lines(name: LineName, value: Kind) -> Lines {
    Lines {
        told: "lines `NAME: value`",
        name,
        value,
        least: 0,
        most: None,
    }
}

const VARIABLE_LINES: Lines = lines(LineName::Text(&name("a name", "names")), LITERAL);

pub(super) const VARIABLES: Kind = templated(&Kind::Lines(&VARIABLE_LINES));

/// An address whose host is written out.
pub(super) const TEMPLATED_URL: Kind = Kind::Templated {
    of: &Kind::Text(&Form {
        one: "an address",
        many: "addresses",
        pattern: Pattern::Fixed(
            r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#\\@]+([/?#\\]\S*(\{\{[\s\S]*)?)?$",
        ),
        help: "write for example `https://panel.example/api/lights`, and expressions behind the host only",
        characters_max: None,
        examples: &[],
    }),
    told: "behind the host also with expressions",
};

/// What the body of a request can be.
pub(super) const JSON: Kind = templated(&Kind::Anything);

/// At least one line.
pub(super) const SOME_VARIABLES: Kind = templated(&Kind::Lines(&Lines {
    least: 1,
    ..VARIABLE_LINES
}));

pub(super) const REMEMBERED: Kind = templated(&Kind::Lines(&Lines {
    told: "lines `state.NAME: value`",
    name: LineName::Text(&form(
        "a name",
        "names",
        r"^state\.[a-z][a-z0-9_]*$",
        "write `state.NAME: value`, the name in small letters, digits and `_`",
    )),
    value: LITERAL,
    least: 1,
    most: None,
}));

/// With units, as they are.
pub(super) const PARAMETER_LINES: Kind = Kind::Lines(&lines(LineName::Word(&PARAMETERS), QUANTITY));

const COMPUTED_LINES: Lines = Lines {
    value: Kind::Either(&[QUANTITY, Kind::Expression]),
    ..lines(LineName::Word(&PARAMETERS), QUANTITY)
};

pub(super) const TEMPLATED_PARAMETERS: Kind = templated(&Kind::Lines(&COMPUTED_LINES));

const HEADER_LINES: Kind = Kind::Lines(&Lines {
    told: "lines `NAME: text` or `NAME: !secret NAME`",
    name: LineName::Text(&form(
        "the name of a header",
        "names of headers",
        "^[A-Za-z0-9-]*$",
        "use letters, digits and `-`",
    )),
    value: Kind::Text(&free(HEADER_CHARACTERS_MAX)),
    least: 0,
    most: Some(HEADERS_MAX),
});

pub(super) const HEADERS: Kind = templated(&HEADER_LINES);

/// Of a request, as they were sent.
pub(super) const SENT_HEADERS: Kind = HEADER_LINES;

/// Of our own orders to a device.
pub(super) const COMMAND_STATE: Kind = Kind::Named(&Named {
    name: "command_state",
    one: "`idle`, `pending`, or one of `completed_within`, `failed_within`, `sent_within` with a duration",
    many: "states of commands",
    kind: || {
        const {
            Kind::Either(&[
                Kind::Word(&STATES),
                Kind::Lines(&Lines {
                    told: "a line `WORD: duration`",
                    name: LineName::Word(&STATES_WITHIN),
                    value: DURATION,
                    least: 1,
                    most: Some(1),
                }),
            ])
        }
    },
    examples: &["idle", "{completed_within: 10m}"],
});

pub(super) const TRIGGER: Kind = Kind::Named(&Named {
    name: "trigger",
    one: "a trigger",
    many: "triggers",
    kind: || {
        const {
            Kind::Begun(&Begun {
                named: Some(("trigger", triggers::ALL)),
                keys: &[],
                foreign: &[("platform", WRITE_TRIGGER)],
            })
        }
    },
    examples: &[],
});

pub(super) const TRIGGERS: Kind = one_or_many(&TRIGGER, TRIGGERS_MAX);
pub(super) const TRIGGERS_TOGETHER: Kind = Kind::List {
    of: &TRIGGER,
    least: 2,
    most: TRIGGERS_MAX,
};

const CONDITION: Kind = Kind::Named(&Named {
    name: "condition",
    one: "a condition",
    many: "conditions",
    kind: || {
        const {
            Kind::Either(&[
                Kind::Begun(&Begun {
                    named: Some(("condition", conditions::ALL)),
                    keys: conditions::KEYS,
                    foreign: &[("platform", WRITE_CONDITION)],
                }),
                Kind::Expression,
                Kind::Boolean,
            ])
        }
    },
    examples: &[],
});

pub(super) const CONDITIONS: Kind = one_or_many(&CONDITION, CONDITIONS_MAX);

/// Home Assistant writes the empty list out, and it asks nothing.
pub(super) const CONDITIONS_OR_NONE: Kind = Kind::OneOrMany {
    of: &CONDITION,
    least: 0,
    most: CONDITIONS_MAX,
};

const ACTION: Kind = Kind::Named(&Named {
    name: "action",
    one: "an action",
    many: "actions",
    kind: || {
        const {
            Kind::Begun(&Begun {
                named: None,
                keys: actions::ALL,
                foreign: FOREIGN_STEPS,
            })
        }
    },
    examples: &[],
});

pub(super) const ACTIONS: Kind = one_or_many(&ACTION, STEPS_MAX);

const WAY: Kind = Kind::Named(&Named {
    name: "way",
    one: "a way of `choose`",
    many: "`conditions` with `sequence`",
    kind: || Kind::Block(&blocks::CHOICE),
    examples: &[],
});

pub(super) const WAYS: Kind = one_or_many(&WAY, WAYS_MAX);

const BRANCH: Kind = Kind::Named(&Named {
    name: "branch",
    one: "an action or a list of actions",
    many: "actions or of lists of actions",
    kind: || const { Kind::Either(&[ACTIONS, Kind::Block(&blocks::BRANCH)]) },
    examples: &[],
});

pub(super) const BRANCHES: Kind = one_or_many(&BRANCH, BRANCHES_MAX);
