//! Pages of E3xx and beyond: types, devices, structure and advice.

use super::Frame::{Actions, Conditions, File, Home, Nowhere, Triggers};
use super::{Page, page};

pub(super) const PAGES: &[Page] = &[
    page(
        "E301",
        Actions,
        "A text, a number, a list or a block stands where something else belongs.",
        ["{log: x, enabled: yes}", "{log: x, enabled: true}"],
    ),
    page(
        "E302",
        Actions,
        "A duration says of what: `5` could be seconds or minutes.",
        ["delay: 5", "delay: 5m"],
    ),
    page(
        "E303",
        Triggers,
        "Times of day have two digits each and stand in quotes.",
        [
            "{trigger: time, at: 7:30}",
            "{trigger: time, at: \"07:30\"}",
        ],
    ),
    page(
        "E304",
        Conditions,
        "The number or its unit cannot be read.",
        [
            "{condition: numeric_state, device: house_battery, attribute: level, above: eighty}",
            "{condition: numeric_state, device: house_battery, attribute: level, above: 80 %}",
        ],
    ),
    page(
        "E305",
        Conditions,
        "The unit measures something else than the value: a level is a share, not a power.",
        [
            "{condition: numeric_state, device: house_battery, attribute: level, above: 3 kW}",
            "{condition: numeric_state, device: house_battery, attribute: level, above: 80 %}",
        ],
    ),
    page(
        "E306",
        Actions,
        "The value is outside of what is allowed. The message says what is.",
        [
            "{command: charge, device: house_battery, parameters: {target: 120 %}}",
            "{command: charge, device: house_battery, parameters: {target: 90 %}}",
        ],
    ),
    page(
        "E307",
        Actions,
        "A text is empty, or longer than what receives it can take.",
        ["log: \"\"", "log: the car is here"],
    ),
    page(
        "E308",
        Conditions,
        "Only numbers lie above or below something. Words are compared with `is:`.",
        [
            "{condition: numeric_state, device: house_battery, attribute: status, above: 3}",
            "{condition: state, device: house_battery, attribute: status, is: idle}",
        ],
    ),
    page(
        "E309",
        Actions,
        "What stands in `{{ }}` is calculated where a value or a text stands; names, words and limits are written out.",
        [
            "{command: charge, device: \"{{ trigger.device }}\"}",
            "{command: charge, device: car_charger}",
        ],
    ),
    page(
        "E310",
        Triggers,
        "A pattern has minute, hour, day, month and weekday, and must come at some time.",
        [
            "{trigger: cron, expression: \"0 22 31 2 *\"}",
            "{trigger: cron, expression: \"0 22 28 2 *\"}",
        ],
    ),
    page(
        "E311",
        Home,
        "A size has a number and a unit.",
        [
            "retention: {database_max: 512}",
            "retention: {database_max: 512 MiB}",
        ],
    ),
    page(
        "E320",
        Conditions,
        "The expression ends too early, or has a sign in it that means nothing there.",
        [
            "\"{{ house_battery.level > }}\"",
            "\"{{ house_battery.level > 80 }}\"",
        ],
    ),
    page(
        "E321",
        Actions,
        "What begins with `{{` ends with `}}`.",
        [
            "{log: \"at {{ house_battery.level\"}",
            "{log: \"at {{ house_battery.level }}\"}",
        ],
    ),
    page(
        "E322",
        Conditions,
        "The types of both sides must fit: a number is not compared with a text, and kW not with %.",
        [
            "\"{{ house_battery.level > 'full' }}\"",
            "\"{{ house_battery.level > 80 % }}\"",
        ],
    ),
    page(
        "E323",
        Conditions,
        "A function takes as many values as rules/README.md says.",
        ["\"{{ hour() > 22 }}\"", "\"{{ hour(now()) > 22 }}\""],
    ),
    page(
        "E324",
        Nowhere,
        "An expression has bounds on its length and its depth. Divide it, or write several conditions.",
        ["", ""],
    ),
    page(
        "E325",
        Actions,
        "YAML takes `{` for the beginning of a block, so that an expression stands in quotes.",
        [
            "log: {{ house_battery.level }}",
            "log: \"{{ house_battery.level }}\"",
        ],
    ),
    page(
        "E401",
        Conditions,
        "Devices of this type do not report such a value. The message lists those that they do.",
        [
            "{condition: state, device: house_battery, attribute: charge, is: 3}",
            "{condition: numeric_state, device: house_battery, attribute: level, above: 3}",
        ],
    ),
    page(
        "E402",
        Actions,
        "Devices of this type do not understand the command.",
        [
            "{command: start_charging, device: car_charger}",
            "{command: charge, device: car_charger}",
        ],
    ),
    page(
        "E403",
        Actions,
        "The command has no such parameter.",
        [
            "{command: charge, device: house_battery, parameters: {level: 90 %}}",
            "{command: charge, device: house_battery, parameters: {target: 90 %}}",
        ],
    ),
    page(
        "E404",
        Actions,
        "The device can only be read.",
        [
            "{command: idle, device: roof}",
            "{command: idle, device: house_battery}",
        ],
    ),
    page(
        "E405",
        Actions,
        "Devices of this type have no such setting.",
        [
            "{setting: floor, device: house_battery, value: 20 %}",
            "{setting: discharge_floor, device: house_battery, value: 20 %}",
        ],
    ),
    page(
        "E406",
        Actions,
        "Not every command can begin later, and fewer can end by themselves.",
        [
            "{command: idle, device: car_charger, end: 2h}",
            "{command: charge, device: car_charger, end: 2h}",
        ],
    ),
    page(
        "E501",
        Actions,
        "The list must hold something.",
        [
            "{if: {condition: time, after: \"22:00\"}, then: []}",
            "{if: {condition: time, after: \"22:00\"}, then: {log: late}}",
        ],
    ),
    page(
        "E502",
        Actions,
        "The list holds more than is allowed, or less than it needs.",
        [
            "repeat: {for_each: [], sequence: {log: x}}",
            "repeat: {for_each: [a, b], sequence: {log: x}}",
        ],
    ),
    page(
        "E503",
        Actions,
        "A step begins with one word that says what it does.",
        ["{message: Hello}", "{notify: phone, message: Hello}"],
    ),
    page(
        "E504",
        Conditions,
        "The condition asks nothing, or something that can never be.",
        [
            "{condition: numeric_state, device: house_battery, attribute: level, above: 80, below: 20}",
            "{condition: numeric_state, device: house_battery, attribute: level, above: 20, below: 80}",
        ],
    ),
    page(
        "E505",
        Actions,
        "The key says nothing as long as another one is missing, and nothing is ignored in silence.",
        [
            "{wait_until: {condition: time, after: \"22:00\"}, continue_on_timeout: false}",
            "{wait_until: {condition: time, after: \"22:00\"}, continue_on_timeout: false, timeout: 1h}",
        ],
    ),
    page(
        "E506",
        Actions,
        "Several keys would each say the same thing, and only one of them can.",
        [
            "repeat: {count: 3, until: {condition: time, after: \"22:00\"}, sequence: {log: x}}",
            "repeat: {count: 3, sequence: {log: x}}",
        ],
    ),
    page(
        "E551",
        Nowhere,
        "A test says when things happen: `\"22:30\"`, `\"2026-01-10T23:10:00\"`, and never before the moment it has come to.",
        ["", ""],
    ),
    page(
        "E552",
        Nowhere,
        "An `event:` of a test is a webhook in short, or its whole body as Amps sends it.",
        ["", ""],
    ),
    page(
        "E553",
        Nowhere,
        "`run:` in a test names one of the rules that the test is about.",
        ["", ""],
    ),
    page(
        "E554",
        Nowhere,
        "A test that ends without `expect:` would pass whatever the rules do.",
        ["", ""],
    ),
    page(
        "E555",
        Nowhere,
        "A file `NAME.test.yaml` stands beside `NAME.yaml`, whose rules it tests.",
        ["", ""],
    ),
    page(
        "E556",
        Nowhere,
        "A file of tests names with `home:` the folder of a home that checks out.",
        ["", ""],
    ),
    page(
        "W601",
        File,
        "`completed` comes when the manufacturer has taken the command, minutes after it was given. Ask for the level to know that a battery is full.",
        [
            "version: 1\nrules: [{id: battery-full, triggers: {trigger: command, device: house_battery, command: charge}, actions: {log: x}}]",
            "version: 1\nrules: [{id: battery-full, triggers: {trigger: numeric_state, device: house_battery, attribute: level, above: 98 %}, actions: {log: x}}]",
        ],
    ),
    page(
        "W602",
        Conditions,
        "No device was seen to report this word. The list is not closed, so it may be right.",
        [
            "{condition: state, device: house_battery, attribute: status, is: chraging}",
            "{condition: state, device: house_battery, attribute: status, is: charging}",
        ],
    ),
    page(
        "W603",
        File,
        "All conditions of a list must hold, and these exclude each other, or what was asked just before. Nothing is said of questions that time passes between: a value may change while a run waits for an order.",
        [
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: device, device: car_charger, event: any}, conditions: [{condition: numeric_state, device: house_battery, attribute: level, above: 80 %}, {condition: numeric_state, device: house_battery, attribute: level, below: 20 %}], actions: {log: x}}]",
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: device, device: car_charger, event: any}, conditions: [{condition: numeric_state, device: house_battery, attribute: level, above: 20 %}, {condition: numeric_state, device: house_battery, attribute: level, below: 80 %}], actions: {log: x}}]",
        ],
    ),
    page(
        "W604",
        Conditions,
        "The condition takes in everything that can be, or what was asked just before says the same already.",
        [
            "{condition: numeric_state, device: house_battery, attribute: level, at_least: 0 %}",
            "{condition: numeric_state, device: house_battery, attribute: level, at_least: 20 %}",
        ],
    ),
    page(
        "W606",
        Home,
        "The setting is right, and this version does not act on it yet.",
        [
            "dashboard: {listen: 127.0.0.1:8788}",
            "limits: {commands_per_minute: 30}",
        ],
    ),
    page(
        "W607",
        File,
        "A value that stays near a limit crosses it again and again, and each time the rule starts. `reset` is how far it must go back before the next crossing counts; `for` is how long it must last; `cooldown` bounds how often the rule runs at all. \
         This is said of values that are measured (a level, a power, a temperature; inputs in such units), when the rule orders something or sends a message. A price changes when it changes, and a rule that only logs does no harm: of them nothing is said.",
        [
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: numeric_state, device: house_battery, attribute: level, below: 20 %}, actions: {command: charge, device: house_battery}}]",
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: numeric_state, device: house_battery, attribute: level, below: 20 %, reset: 25 %}, actions: {command: charge, device: house_battery}}]",
        ],
    ),
    page(
        "W608",
        File,
        "Devices pause and start again on their own: a car that charges with the sun stops for each cloud. With `for` the rule starts when the state has lasted; `cooldown` bounds how often the rule runs at all. \
         This is said of what devices do (`status`, `isCharging`, `charging`, `active`, `producing`), when the rule orders something or sends a message. Of `trigger: device` nothing is said: Amps reports a lost connection when somebody has to sign in again, not each time the radio fails.",
        [
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: state, device: car_charger, attribute: isCharging, to: false}, actions: {notify: phone, message: The car is done.}}]",
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: state, device: car_charger, attribute: isCharging, to: false, for: 10m}, actions: {notify: phone, message: The car is done.}}]",
        ],
    ),
    page(
        "W609",
        Nowhere,
        "Commands for EV chargers, heating and cooling work in the sandbox of Amps. With a live API key, Amps answers them with COMMAND_NOT_SUPPORTED until it offers them; the rule's order then fails. Batteries take commands live.",
        ["", ""],
    ),
    page(
        "W610",
        Actions,
        "No run ever comes to these steps: `stop` has ended it before, or the branches above take everything there can be. A value that is unknown fits no branch, so that `default` is still needed for it.",
        [
            "{if: {condition: time, after: \"22:00\"}, then: [{stop: it is late}, {log: good night}]}",
            "{if: {condition: time, after: \"22:00\"}, then: [{log: good night}, {stop: it is late}]}",
        ],
    ),
    page(
        "W611",
        Actions,
        "Of several branches the first that fits is taken. This one fits only when another one above it fits too.",
        [
            "choose: [{conditions: {condition: time, after: \"18:00\"}, sequence: {log: evening}}, {conditions: {condition: time, after: \"22:00\"}, sequence: {log: night}}]",
            "choose: [{conditions: {condition: time, after: \"22:00\"}, sequence: {log: night}}, {conditions: {condition: time, after: \"18:00\"}, sequence: {log: evening}}]",
        ],
    ),
    page(
        "W612",
        Nowhere,
        "home.yaml has an input that no rule asks, so that its values change nothing. It is said when the rules of the whole home are checked.",
        ["", ""],
    ),
    page(
        "W613",
        Actions,
        "A variable has a value that nothing reads. Its name may be misspelled where it is meant.",
        ["{variables: {night: true}}", "{log: x}"],
    ),
    page(
        "W614",
        Triggers,
        "`trigger: webhook` waits for a signed POST to `/hooks/NAME`, and home.yaml says under `hooks:` which names there are and whose signature counts. This name is not there, or it is that of an input, whose value the POST then tells.",
        [
            "{trigger: webhook, name: dorbell}",
            "{trigger: webhook, name: doorbell}",
        ],
    ),
    page(
        "W615",
        Nowhere,
        "A rule asks an input that has no `source:`, and no hook of its name stands under `hooks:` in home.yaml. Nothing can give it a value, so that it stays unknown and the rule does nothing. It is said when the rules of the whole home are checked.",
        ["", ""],
    ),
    page(
        "W616",
        Actions,
        "Only an order that has not begun can be cancelled. One without `start:` begins as soon as the device is free, so that `cancel` comes too late nearly always, and then fails.",
        [
            "{id: tonight, command: idle, device: house_battery, on_failure: {cancel: {step: tonight}}}",
            "{id: tonight, command: idle, device: house_battery, start: \"22:00\", on_failure: {cancel: {step: tonight}}}",
        ],
    ),
    page(
        "W617",
        Actions,
        "`if_unknown: wait` lets a rule that was woken wait for an answer, for 15 minutes at most. It does so in the `conditions:` of the rule, also inside of `and`, `or` and `not`. A run that is under way goes on with what is known: in `if`, `choose`, `repeat` and `wait_until`, an unknown answer counts as no. A step `wait_until` waits until the answer is yes.",
        [
            "{if: {condition: state, device: car_charger, attribute: isConnected, is: true, if_unknown: wait}, then: {log: here}}",
            "{wait_until: {condition: state, device: car_charger, attribute: isConnected, is: true}, timeout: 15m, continue_on_timeout: false}",
        ],
    ),
    page(
        "W701",
        File,
        "What a rule orders wakes a rule, and so on back to the first: each round sends commands to your devices.",
        [
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: command, device: house_battery, command: charge}, actions: {command: charge, device: house_battery}}]",
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: command, device: house_battery, command: charge, source: foreign}, actions: {command: charge, device: house_battery}}]",
        ],
    ),
    page(
        "W702",
        File,
        "One event wakes both rules, and what they ask before their orders can hold together: the conditions of the rules, and those of the branches that are asked at the same moment.",
        [
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: device, device: house_battery, event: connected}, actions: {command: charge, device: house_battery}}, {id: b-rule, triggers: {trigger: device, device: house_battery, event: connected}, actions: {command: discharge, device: house_battery}}]",
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: device, device: house_battery, event: connected}, conditions: {condition: numeric_state, device: house_battery, attribute: level, below: 50 %}, actions: {command: charge, device: house_battery}}, {id: b-rule, triggers: {trigger: device, device: house_battery, event: connected}, conditions: {condition: numeric_state, device: house_battery, attribute: level, above: 50 %}, actions: {command: discharge, device: house_battery}}]",
        ],
    ),
    page(
        "W703",
        File,
        "`enabled: false` keeps a rule from running at all, also when another rule wants it to run. The step does nothing, and the run goes on.",
        [
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: device, device: house_battery, event: connected}, actions: {run_rule: b-rule}}, {id: b-rule, enabled: false, triggers: {trigger: device, device: house_battery, event: disconnected}, actions: {log: here}}]",
            "version: 1\nrules: [{id: a-rule, triggers: {trigger: device, device: house_battery, event: connected}, actions: {run_rule: b-rule}}, {id: b-rule, triggers: {trigger: device, device: house_battery, event: disconnected}, actions: {log: here}}]",
        ],
    ),
];
