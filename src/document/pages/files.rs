//! Pages of E1xx and E2xx: files and names.

use super::Frame::{Actions, Conditions, File, Home, Nowhere, Triggers};
use super::{Page, page};

pub(super) const PAGES: &[Page] = &[
    page(
        "E101",
        Nowhere,
        "Rule files are UTF-8 text. Another encoding makes letters like `é` unreadable.",
        [
            "a file saved as \"ANSI\", \"Latin-1\" or UTF-16",
            "the same file saved again as \"UTF-8\"",
        ],
    ),
    page(
        "E102",
        Nowhere,
        "Some editors put an invisible mark, a BOM, in front of the text. YAML does not need it, and it hides the first key.",
        [
            "a file saved as \"UTF-8 with BOM\"",
            "the same file saved as \"UTF-8\"",
        ],
    ),
    page(
        "E103",
        Nowhere,
        "YAML is indented with spaces. A tab looks the same and is none.",
        [
            "a line that begins with a tab",
            "a line that begins with two spaces for each level",
        ],
    ),
    page(
        "E104",
        Nowhere,
        "What was downloaded is the web page around the file, not the file.",
        [
            "<!doctype html>",
            "the file itself, on GitHub behind the button \"Raw\"",
        ],
    ),
    page(
        "E105",
        Nowhere,
        "A file may have 1 MiB. Larger ones are a mistake more often than a wish.",
        [
            "one file of two million bytes",
            "several files below `rules/`",
        ],
    ),
    page(
        "E106",
        Nowhere,
        "One file is one YAML document. A line `---` in the middle begins another.",
        ["version: 1\n---\nversion: 1", "version: 1"],
    ),
    page(
        "E107",
        Nowhere,
        "The text holds a character that nobody can see, mostly from copying out of a chat or a PDF.",
        ["a line pasted from a PDF", "the line, typed anew"],
    ),
    page(
        "E108",
        Nowhere,
        "The text cannot be read as YAML from this place on. The cause is often the line above: a missing space after a colon, a dash, an indentation.",
        ["alias: Car: at night", "alias: \"Car: at night\""],
    ),
    page(
        "E109",
        Nowhere,
        "A quote or a bracket was opened, and its partner is missing.",
        ["alias: \"Car", "alias: \"Car\""],
    ),
    page(
        "E110",
        Nowhere,
        "`*name` repeats what `&name` marked above it. Text that begins with `*` needs quotes.",
        ["actions: *steps", "actions: &steps [{log: x}]"],
    ),
    page(
        "E111",
        Nowhere,
        "The file is nested deeper than anybody can read, or repeats itself without end.",
        ["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]", "a flat list"],
    ),
    page(
        "E112",
        Nowhere,
        "The file holds nothing, or comments alone.",
        ["# rules will come", "version: 1\nrules: […]"],
    ),
    page(
        "E113",
        Actions,
        "The only tag is `!secret`, and it belongs in home.yaml.",
        ["log: !important x", "log: \"!important x\""],
    ),
    page(
        "E114",
        Nowhere,
        "The file is not there, is a link that leads out of the home, or may not be read by the user that the engine runs as.",
        ["a link to /etc", "a file below `rules/`"],
    ),
    page(
        "E115",
        Nowhere,
        "A home may have 1000 rule files.",
        ["one file for each rule", "several rules in one file"],
    ),
    page(
        "E116",
        File,
        "The file says that it is written for another version of the language.",
        [
            "version: 2\nrules: [{id: a, triggers: {trigger: device, device: roof, event: any}, actions: {log: x}}]",
            "version: 1\nrules: [{id: a, triggers: {trigger: device, device: roof, event: any}, actions: {log: x}}]",
        ],
    ),
    page(
        "E117",
        Nowhere,
        "Everybody on this machine could read the secrets.",
        ["a secrets.yaml with mode 0644", "chmod 600 secrets.yaml"],
    ),
    page(
        "E118",
        Nowhere,
        "After two hundred problems the rest is not shown. Mostly one of them explains the others.",
        [
            "a file with the wrong indentation everywhere",
            "the first problem, put right",
        ],
    ),
    page(
        "E119",
        Actions,
        "Word processors and phones write “curly” quotes, which would become a part of the text.",
        ["log: “hello”", "log: \"hello\""],
    ),
    page(
        "E120",
        Nowhere,
        "Lines end with LF or CRLF. A CR alone, which very old computers used, is shown by editors as one long line.",
        [
            "a file with the line ends \"CR\"",
            "the same file saved with \"LF\"",
        ],
    ),
    page(
        "E201",
        Actions,
        "The key is not known at this place: it is misspelled, or belongs elsewhere. The message lists those that are known.",
        ["{log: x, levle: warning}", "{log: x, level: warning}"],
    ),
    page(
        "E202",
        Actions,
        "A block has each key once. Of two, nobody knows which one counts.",
        ["{log: x, log: y}", "{log: x}"],
    ),
    page(
        "E203",
        Actions,
        "The block cannot do without this key.",
        ["{notify: phone}", "{notify: phone, message: Hello}"],
    ),
    page(
        "E204",
        Triggers,
        "Rules use the names that home.yaml gives to devices. This one is not among them.",
        [
            "{trigger: device, device: car_chargr, event: any}",
            "{trigger: device, device: car_charger, event: any}",
        ],
    ),
    page(
        "E205",
        Actions,
        "home.yaml names no such notifier.",
        [
            "{notify: fone, message: Hello}",
            "{notify: phone, message: Hello}",
        ],
    ),
    page(
        "E206",
        File,
        "Ids tell rules, steps and devices apart, so each is used once.",
        [
            "version: 1\nrules:\n  - {id: a, triggers: {trigger: device, device: roof, event: any}, actions: {log: x}}\n  - {id: a, triggers: {trigger: device, device: roof, event: any}, actions: {log: y}}",
            "version: 1\nrules:\n  - {id: a, triggers: {trigger: device, device: roof, event: any}, actions: {log: x}}\n  - {id: b, triggers: {trigger: device, device: roof, event: any}, actions: {log: y}}",
        ],
    ),
    page(
        "E207",
        Actions,
        "Names are written in one way, so that none is taken for another: ids with `-`, everything else with `_`, all in small letters.",
        ["variables: {Night: 1}", "variables: {night: 1}"],
    ),
    page(
        "E208",
        Actions,
        "The text was written for Home Assistant, where this word means what another one means here.",
        [
            "{service: notify.phone, data: {message: Hello}}",
            "{notify: phone, message: Hello}",
        ],
    ),
    page(
        "E209",
        File,
        "The word is a part of the language that this version cannot read.",
        [
            "version: 1\nrules: [{id: a, triggers: {trigger: device, device: roof, event: any}, actions: {log: x}}]\ndefaults: []",
            "version: 1\nrules: [{id: a, triggers: {trigger: device, device: roof, event: any}, actions: {log: x}}]",
        ],
    ),
    page(
        "E210",
        Triggers,
        "Only certain words can stand here. The message lists them.",
        [
            "{trigger: device, device: roof, event: lost}",
            "{trigger: device, device: roof, event: disconnected}",
        ],
    ),
    page(
        "E211",
        Nowhere,
        "A `!secret NAME` was found neither in the environment, nor in the credentials of systemd, nor in secrets.yaml.",
        ["api_key: !secret amps_key", "amps_key: …, in secrets.yaml"],
    ),
    page(
        "E212",
        Nowhere,
        "A secret in home.yaml is shown to everybody who gets to see the file.",
        ["api_key: sk_live_…", "api_key: !secret amps_api_key"],
    ),
    page(
        "E213",
        Nowhere,
        "The secret was found, and is not what it should be: empty, of several lines, or no signing secret.",
        [
            "a signing secret that was cut off",
            "the whole secret, with `whsec_`",
        ],
    ),
    page(
        "E214",
        Home,
        "Time zones are named by continent and city.",
        [
            "home: {timezone: London}",
            "home: {timezone: Europe/London}",
        ],
    ),
    page(
        "E215",
        Home,
        "The address cannot be used: a part is missing, or it would tell secrets.",
        [
            "http_allow: \"https://panel.example/\"",
            "http_allow: panel.example",
        ],
    ),
    page(
        "E216",
        Triggers,
        "home.yaml names no such input.",
        [
            "{trigger: state, input: gird_price}",
            "{trigger: state, input: grid_price}",
        ],
    ),
    page(
        "E217",
        Conditions,
        "`condition: trigger` names the `id:` of a trigger of the same rule.",
        [
            "{condition: trigger, id: unplugged}",
            "{condition: trigger, id: plugged-in}",
        ],
    ),
    page(
        "E218",
        Conditions,
        "Rules are named by their `id:`, and no rule of the home has this one.",
        [
            "{condition: rule, rule: car, running: true}",
            "{condition: rule, rule: a-rule, running: true}",
        ],
    ),
    page(
        "E219",
        Actions,
        "A step is named by its `id:`, and no step of the rule has this one.",
        ["cancel: {step: charge}", "cancel: {device: car_charger}"],
    ),
    page(
        "E220",
        Actions,
        "Rules reach only the hosts that `http_allow:` of home.yaml names, so that a copied rule cannot call anywhere.",
        [
            "http: {url: \"https://elsewhere.example/\"}",
            "http: {url: \"https://panel.example/\"}",
        ],
    ),
    page(
        "E221",
        Triggers,
        "Sunrise and sunset depend on the place. Add `location: {latitude: …, longitude: …}` below `home:`.",
        [
            "{trigger: sun, event: sunset}",
            "{trigger: time, at: \"18:00\"}",
        ],
    ),
    page(
        "E222",
        Actions,
        "`cancel: {step: …}` calls off what a step ordered, and the step with this `id:` is no `command`.",
        [
            "{id: tonight, if: {condition: time, after: \"22:00\"}, then: {cancel: {step: tonight}}}",
            "{id: tonight, command: idle, device: house_battery, start: \"22:00\", on_failure: {cancel: {step: tonight}}}",
        ],
    ),
    page(
        "E230",
        Conditions,
        "An expression names devices by their names in home.yaml, with a point and what they report behind, and what the trigger saw.",
        [
            "\"{{ trigger.devise == 'car_charger' }}\"",
            "\"{{ trigger.device == 'car_charger' }}\"",
        ],
    ),
    page(
        "E231",
        Conditions,
        "The functions are listed in rules/README.md.",
        ["\"{{ hours(now()) > 22 }}\"", "\"{{ hour(now()) > 22 }}\""],
    ),
];
