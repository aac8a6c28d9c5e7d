//! Laws that hold for every expression, tried on very many. Seeded: a failure comes again.

use jiff::civil::Time;

use amps_rules::document::source::Span;
use amps_rules::domain::unit::Unit;
use amps_rules::rules::expr::tree::{At, NodeKind, Operator, Word};

use super::*;

const SEED: u64 = 0x0E59_2E55_1015_EED1;
const TREES: usize = 3000;
const TEXTS: usize = 3000;
const MUTATIONS: usize = 8000;

struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }
}

const AT: At = At(Span::START);

fn word(text: &str) -> Word {
    let text = text.to_owned();
    Word { text, at: AT }
}

/// Any tree that can be written, whatever its types.
fn tree(random: &mut Xorshift, depth: usize) -> Node {
    let kinds = if depth == 0 { 7 } else { 14 };
    let below = |random: &mut Xorshift| Box::new(tree(random, depth - 1));
    let kind = match random.below(kinds) {
        0 => NodeKind::Unknown,
        1 => NodeKind::Bool(random.below(2) == 0),
        2 => {
            let units = [
                None,
                Some(Unit::Percent),
                Some(Unit::Kilowatt),
                Some(Unit::Celsius),
                Some(Unit::Ampere),
            ];
            let numbers = [0.0, 1.0, 80.0, 0.1, 7.4, 1e-9, 1e300, 123_456_789.25, 1e16];
            NodeKind::Number {
                value: numbers[random.below(numbers.len())],
                unit: units[random.below(units.len())],
            }
        }
        3 => {
            let texts = ["", "idle", "\"", "'", "\\", "a\nb\t", "é🔋", "{{ }}", "not"];
            NodeKind::Text(random.pick(&texts).to_owned())
        }
        4 => {
            let millis = [
                0,
                1,
                999,
                1000,
                90_000,
                5_400_000,
                172_800_000,
                366 * 86_400_000,
            ];
            NodeKind::Duration(SignedDuration::from_millis(
                millis[random.below(millis.len())],
            ))
        }
        5 => NodeKind::Time(Time::constant(22, 30, [0, 15][random.below(2)], 0)),
        6 => {
            let words = ["house_battery", "level", "x", "input", "notify", "ifs", "é"];
            let count = 1 + random.below(3);
            NodeKind::Name((0..count).map(|_| word(random.pick(&words))).collect())
        }
        7 => NodeKind::List((0..random.below(4)).map(|_| *below(random)).collect()),
        8 => NodeKind::Not(below(random)),
        9 => NodeKind::Negate(below(random)),
        10 => NodeKind::If {
            then: below(random),
            condition: below(random),
            otherwise: below(random),
        },
        11 => NodeKind::Call {
            function: word(random.pick(&["min", "now", "anything"])),
            arguments: (0..random.below(4)).map(|_| *below(random)).collect(),
        },
        _ => NodeKind::Binary {
            operator: Operator::ALL[random.below(Operator::ALL.len())],
            at: AT,
            left: below(random),
            right: below(random),
        },
    };
    Node { kind, at: AT }
}

#[test]
fn what_is_printed_is_parsed_to_the_same_tree() {
    let mut random = Xorshift(SEED);
    for round in 0..TREES {
        let tree = tree(&mut random, 5);
        let text = tree.to_string();
        if text.len() <= 4096 {
            match parsed(&text) {
                Ok(again) => assert_eq!(again, tree, "round {round}: {text}"),
                Err(said) => assert!(said.contains("E324"), "round {round}: {text}\n{said}"),
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Bool,
    Share,
    Power,
    Plain,
    Text,
    Duration,
    Moment,
    Time,
}

const SORTS: [Sort; 8] = [
    Sort::Bool,
    Sort::Share,
    Sort::Power,
    Sort::Plain,
    Sort::Text,
    Sort::Duration,
    Sort::Moment,
    Sort::Time,
];

fn atom(random: &mut Xorshift, sort: Sort) -> String {
    let atoms: &[&str] = match sort {
        Sort::Bool => &[
            "true",
            "false",
            "car_charger.isCharging",
            "night",
            "trigger.own",
        ],
        Sort::Share => &["80 %", "house_battery.level", "target", "-5 %"],
        Sort::Power => &[
            "7.4 kW",
            "500 W",
            "car_charger.currentPower",
            "roof.currentPower",
        ],
        Sort::Plain => &[
            "0",
            "3",
            "1e300",
            "family_car.range",
            "state.count",
            "unknown",
        ],
        Sort::Text => &[
            "\"a\"",
            "house_battery.status",
            "trigger.error_code",
            "input.mode",
        ],
        Sort::Duration => &[
            "5m",
            "0s",
            "pause",
            "family_car.chargeTimeRemaining",
            "366d",
        ],
        Sort::Moment => &["now()", "trigger.at"],
        Sort::Time => &["22:30", "00:00", "time(now())"],
    };
    random.pick(atoms).to_owned()
}

/// An expression of this sort, with everything that has no meaning: zeros, unknowns, what is too large.
fn typed(random: &mut Xorshift, sort: Sort, depth: usize) -> String {
    if depth == 0 {
        return atom(random, sort);
    }
    let of = |random: &mut Xorshift, sort| typed(random, sort, depth - 1);
    let (a, b) = (of(random, sort), of(random, sort));
    match random.below(10) {
        0 => return format!("({a} if {} else {b})", of(random, Sort::Bool)),
        1 => return format!("default({a}, {b})"),
        2 if sort != Sort::Bool
            && sort != Sort::Text
            && sort != Sort::Moment
            && sort != Sort::Time =>
        {
            let function = random.pick(&["min", "max", "mod"]);
            return format!("{function}({a}, {b})");
        }
        _ => {}
    }
    match sort {
        Sort::Bool => {
            let other = SORTS[1 + random.below(7)];
            let (x, y) = (of(random, other), of(random, other));
            let ordered = other != Sort::Text;
            match random.below(5) {
                0 => format!("({a} and {b})"),
                1 => format!("({a} or not {b})"),
                2 => format!("({x} in [{y}, {x}])"),
                3 if ordered => format!("({x} {} {y})", random.pick(&["<", "<=", ">", ">="])),
                _ => format!("({x} {} {y})", random.pick(&["==", "!="])),
            }
        }
        Sort::Share | Sort::Power | Sort::Duration => {
            let factor = of(random, Sort::Plain);
            match random.below(4) {
                0 => format!("({a} {} {b})", random.pick(&["+", "-"])),
                1 => format!("({a} {} {factor})", random.pick(&["*", "/"])),
                2 => format!("abs(-{a})"),
                _ => format!("({} * {a})", of(random, Sort::Share)),
            }
        }
        Sort::Plain => match random.below(5) {
            0 => format!("({a} {} {b})", random.pick(&["+", "-", "*", "/"])),
            1 => format!(
                "({} / {})",
                of(random, Sort::Power),
                of(random, Sort::Power)
            ),
            2 => format!("hour({})", of(random, Sort::Moment)),
            3 => format!("round({a}, {b})"),
            _ => format!("number({})", of(random, Sort::Text)),
        },
        Sort::Text => match random.below(4) {
            0 => format!("({a} + {b})"),
            1 => format!("text({})", of(random, Sort::Power)),
            2 => format!("upper({a})"),
            _ => format!("join([{a}, {b}], {a})"),
        },
        Sort::Moment => {
            let by = of(random, Sort::Duration);
            format!("({a} {} {by})", random.pick(&["+", "-"]))
        }
        Sort::Time => format!("time({})", of(random, Sort::Moment)),
    }
}

#[test]
fn what_the_checker_accepts_is_calculated_without_surprise() {
    // A surprise stops the test: the evaluator asserts that the checker keeps its word.
    let names = names();
    let (scope, scene) = (scope(&names), Scene::new());
    let mut random = Xorshift(SEED);
    let mut n_known = 0;
    for round in 0..TEXTS {
        let depth = random.below(5);
        let sort = SORTS[random.below(SORTS.len())];
        let text = typed(&mut random, sort, depth);
        match checked(&text, &scope) {
            Ok(checked) => {
                let value = eval(&checked, &scene);
                assert_eq!(value, eval(&checked, &scene), "round {round}: {text}");
                assert_eq!(
                    value.clone().fit(&checked.kind),
                    value,
                    "round {round}: {text}"
                );
                n_known += usize::from(value != Value::Unknown);
            }
            // What was written is of one type; all that can be wrong with it is its size, or that it compares with `unknown`.
            Err(said) => {
                let is_expected = said.contains("E324") || said.contains("`unknown`");
                assert!(is_expected, "round {round}: {text}\n{said}");
            }
        }
    }
    assert!(n_known > TEXTS / 4, "{n_known}");
}

const PIECES: &[&str] = &[
    " ",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "<",
    "not ",
    " in ",
    " if ",
    " else ",
    " and ",
    "\"",
    "'",
    "\\",
    "é",
    "🔋",
    "°C",
    " kW",
    "5m",
    "22:30",
    "1e999",
    "0",
    "now()",
    "unknown",
    "house_battery.",
    "input.",
    "{{",
    "}}",
    "|",
    "\n",
    "\u{202E}",
    "9999999999999999999d",
];

#[test]
fn no_text_upsets_the_language() {
    let names = names();
    let (scope, scene) = (scope(&names), Scene::new());
    let mut random = Xorshift(SEED);
    let files = crate::diagnostics::cases("expressions").into_iter();
    let broken: String = files.map(|it| fs::read_to_string(it).unwrap()).collect();
    let broken = broken.split("{{").filter_map(|it| it.split("}}").next());
    let examples = functions::ALL.iter().map(|it| it.example);
    let examples: Vec<&str> = examples.chain(broken).collect();
    let mut n_accepted = 0;
    for round in 0..MUTATIONS {
        let mut text: Vec<char> = random.pick(&examples).chars().collect();
        for _ in 0..=random.below(3) {
            let at = random.below(text.len() + 1);
            let to = (at + random.below(4)).min(text.len());
            let piece: Vec<char> = random.pick(PIECES).chars().collect();
            match random.below(3) {
                0 => drop(text.drain(at..to)),
                1 => drop(text.splice(at..at, piece)),
                _ => drop(text.splice(at..to, piece)),
            }
        }
        let text: String = text.into_iter().collect();
        let Ok(tree) = parsed(&text) else {
            continue;
        };
        let printed = tree.to_string();
        assert_eq!(
            parsed(&printed).as_ref(),
            Ok(&tree),
            "round {round}: {text}"
        );
        if let Ok(checked) = checked(&text, &scope) {
            n_accepted += 1;
            let value = eval(&checked, &scene);
            assert_eq!(
                value.clone().fit(&checked.kind),
                value,
                "round {round}: {text}"
            );
        }
    }
    assert!(n_accepted > MUTATIONS / 50, "{n_accepted}");
}

/// The code of what is wrong with `text`, or nothing.
fn code(text: &str, scope: &Scope<'_>) -> String {
    let said = checked(text, scope).err().unwrap_or_default();
    said.get(6..10).unwrap_or_default().to_owned()
}

#[test]
fn an_expression_is_bounded() {
    let names = names();
    let scope = scope(&names);
    let at_and_past = |make: &dyn Fn(usize) -> String, bound: usize, n_past: usize| {
        let (at, past) = (make(bound), make(bound + n_past));
        assert_eq!(code(&at, &scope), "", "{at}");
        assert_eq!(code(&past, &scope), "E324", "{past}");
    };
    at_and_past(&|n| format!("\"{}\"", "x".repeat(n - 2)), 4096, 1);
    // One for the value itself.
    at_and_past(&|n| format!("{}true", "not ".repeat(n - 1)), 64, 1);
    at_and_past(
        &|n| format!("{}1{}", "(".repeat(n - 1), ")".repeat(n - 1)),
        64,
        1,
    );
    at_and_past(&|n| format!("1{}", "+1".repeat(n - 1)), 64, 1);
    at_and_past(&|n| format!("1 in [{}]", vec!["1"; n].join(",")), 100, 1);
    at_and_past(&|n| format!("min({})", vec!["1"; n].join(",")), 20, 1);
    // Each list of a hundred is 101 parts, the outer one another.
    let lists = vec![format!("[{}]", vec!["1"; 100].join(",")); 4].join(",");
    let text = |n: usize| format!("[{lists},[{}]]", vec!["1"; n - 406].join(","));
    at_and_past(&text, 500, 1);
    for text in [
        "(",
        "[",
        "-",
        "not ",
        "1+",
        "f(",
        "\"",
        "1 if 1 else ",
        "a.",
    ] {
        let text = text.repeat(4096 / text.len());
        assert!(!code(&text, &scope).is_empty());
    }
}
