//! One table: an expression, its type, and its value as a message would show it.

use super::*;

/// The type in a word or two, and the value.
fn seen(text: &str, scope: &Scope<'_>, scene: &Scene) -> (String, String) {
    let checked = checked(text, scope).unwrap_or_else(|it| panic!("{text}\n{it}"));
    let value = eval(&checked, scene);
    assert_eq!(value.clone().fit(&checked.kind), value, "{text}");
    assert_eq!(value, eval(&checked, scene), "{text}");
    let shown = value.show(checked.kind.symbol(), &scene.zone);
    (checked.kind.phrase(), shown)
}

#[track_caller]
fn check_table(table: &[(&str, &str, &str)]) {
    let names = names();
    let (scope, scene) = (scope(&names), Scene::new());
    let mut differ = Vec::new();
    for (text, kind, value) in table {
        let seen = seen(text, &scope, &scene);
        if seen != ((*kind).to_owned(), (*value).to_owned()) {
            differ.push(format!("{text}: {seen:?}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

const BOOL: &str = "true or false";
const NUMBER: &str = "a number";

#[test]
fn literals_have_the_type_that_they_look_like() {
    check_table(&[
        ("12", NUMBER, "12"),
        ("0.5", NUMBER, "0.5"),
        ("1e3", NUMBER, "1000"),
        ("80 %", "a number in %", "80 %"),
        ("80%", "a number in %", "80 %"),
        ("7.4 kW", "a number in kW", "7.4 kW"),
        ("7.4kw", "a number in kW", "7.4 kW"),
        ("20 °C", "a number in °C", "20 °C"),
        ("20 C", "a number in °C", "20 °C"),
        ("-16 A", "a number in A", "-16 A"),
        ("\"text\"", "text", "text"),
        ("'it\\'s'", "text", "it's"),
        ("true", BOOL, "true"),
        ("5m", "a duration", "5m"),
        ("1h30m", "a duration", "1h30m"),
        ("1.5 h", "a duration", "1h30m"),
        ("90 seconds", "a duration", "1m30s"),
        ("2 days", "a duration", "2d"),
        ("-5m", "a duration", "-5m"),
        ("22:30", "a time of day", "22:30"),
        ("22:30:15", "a time of day", "22:30:15"),
        ("unknown", "`unknown`", "unknown"),
        (
            "[1, 2 kW, 3 W]",
            "a list of numbers",
            "1 kW, 2 kW, 0.003 kW",
        ),
        ("[]", "a list of values", ""),
    ]);
}

#[test]
fn names_lead_to_what_is_known() {
    check_table(&[
        ("house_battery.level", "a number in %", "80 %"),
        ("house_battery.status", "text", "idle"),
        ("car_charger.isConnected", BOOL, "true"),
        ("family_car.chargeTimeRemaining", "a duration", "1h30m"),
        ("family_car.range", NUMBER, "210"),
        ("input.grid_price", "a number in GBP/kWh", "0.2 GBP/kWh"),
        ("trigger.device", "text", "house_battery"),
        ("trigger.json.kind", "a value of any type", "doorbell"),
        ("number(trigger.json.count) + 1", NUMBER, "4"),
        ("vars.target", "a number in %", "90 %"),
        ("target", "a number in %", "90 %"),
        ("state.count + 1", NUMBER, "3"),
        ("repeat.index", NUMBER, "1"),
        ("wait.trigger.result", "text", "completed"),
        // 15 minutes are not too old, 16 are; a fallback is; what was never read is; the wrong type is.
        ("hall_heating.temperature", "a number in °C", "20 °C"),
        ("car_charger.currentPower", "a number in kW", "unknown"),
        ("car_charger.maxCurrent", "a number in A", "unknown"),
        ("roof.currentPower", "a number in kW", "unknown"),
        ("house_battery.currentMode", "text", "unknown"),
        ("input.silent", NUMBER, "unknown"),
        ("trigger.error_code", "text", "unknown"),
    ]);
}

#[test]
fn operators_bind_as_in_python() {
    check_table(&[
        ("1 + 2 * 3", NUMBER, "7"),
        ("(1 + 2) * 3", NUMBER, "9"),
        ("8 - 4 - 2", NUMBER, "2"),
        ("8 / 4 / 2", NUMBER, "1"),
        ("-2 * -3", NUMBER, "6"),
        ("0.1 + 0.2", NUMBER, "0.3"),
        ("not true or true", BOOL, "true"),
        ("not (true or true)", BOOL, "false"),
        ("true or false and false", BOOL, "true"),
        ("not 1 == 2", BOOL, "true"),
        ("1 if true else 2 if true else 3", NUMBER, "1"),
        ("1 if false else 2 if false else 3", NUMBER, "3"),
        ("\"a\" + \"b\"", "text", "ab"),
    ]);
}

#[test]
fn units_are_converted_and_bare_numbers_take_them() {
    check_table(&[
        ("house_battery.level > 79", BOOL, "true"),
        ("house_battery.capacity >= 13500 Wh", BOOL, "true"),
        ("hall_heating.temperature == 68 °F", BOOL, "true"),
        ("5 + house_battery.level", "a number in %", "85 %"),
        ("1 kW + 200 W", "a number in kW", "1.2 kW"),
        ("house_battery.level * 0.5", "a number in %", "40 %"),
        (
            "house_battery.level * house_battery.capacity",
            "a number in kWh",
            "10.8 kWh",
        ),
        ("50 % * 50 %", "a number in %", "25 %"),
        ("10 kWh / 80 %", "a number in kWh", "12.5 kWh"),
        ("2 kW * 90m", "a number in kWh", "3 kWh"),
        ("90m * 2 kW", "a number in kWh", "3 kWh"),
        ("3 kWh / 2 kW", "a duration", "1h30m"),
        ("3000 Wh / 2 kW", "a duration", "1h30m"),
        ("3 kWh / 90m", "a number in kW", "2 kW"),
        ("230 V * 16 A", "a number in W", "3680 W"),
        ("3.68 kW / 230 V", "a number in A", "16 A"),
        ("input.grid_price * 500 Wh", "a number in GBP", "0.1 GBP"),
        ("input.grid_price < 0.25", BOOL, "true"),
        ("2000 W / 1 kW", NUMBER, "2"),
        ("1h / 15m", NUMBER, "4"),
        ("5m * 3", "a duration", "15m"),
        ("50 % * 1h", "a duration", "30m"),
        ("family_car.chargeTimeRemaining > 1h", BOOL, "true"),
        (
            "1 W if house_battery.level < 10 else 2 kW",
            "a number in W",
            "2000 W",
        ),
        ("7400 W in [7.4 kW, 11 kW]", BOOL, "true"),
        ("7.4 kW in [7400 W]", BOOL, "true"),
        ("number(7400 W)", NUMBER, "7400"),
    ]);
}

#[test]
fn moments_durations_and_times_of_day_go_together() {
    check_table(&[
        ("now() - trigger.at", "a duration", "2m"),
        ("now() + 1h30m", "a moment", "2026-01-11 00:00:00"),
        ("now() - 30m > trigger.at", BOOL, "false"),
        ("now() >= 22:30", BOOL, "true"),
        ("now() > 22:30", BOOL, "false"),
        ("22:00 <= now()", BOOL, "true"),
        ("time(now()) == 22:30", BOOL, "true"),
        ("pause < 15m", BOOL, "true"),
        ("hour(now()) >= 22 or hour(now()) < 6", BOOL, "true"),
        ("hour(07:15) + minute(07:15)", NUMBER, "22"),
        ("date(now() + 2h)", "text", "2026-01-11"),
    ]);
}

#[test]
fn lists_and_texts_are_looked_into() {
    check_table(&[
        (
            "house_battery.status in [\"idle\", \"charging\"]",
            BOOL,
            "true",
        ),
        ("house_battery.status not in [\"charging\"]", BOOL, "true"),
        ("\"att\" in \"battery\"", BOOL, "true"),
        ("1 in []", BOOL, "false"),
        ("1 in [2, unknown]", BOOL, "unknown"),
        ("2 in [2, unknown]", BOOL, "true"),
        ("trigger.json.kind == \"doorbell\"", BOOL, "true"),
        ("trigger.json.kind == 3", BOOL, "false"),
    ]);
}

#[test]
fn unknown_goes_through_everything_but_kleene_and_the_two_that_ask_for_it() {
    let u = "car_charger.currentPower";
    let rows = [
        (format!("{u} > 1 kW"), "unknown"),
        (format!("{u} == {u}"), "unknown"),
        (format!("{u} > 1 kW and false"), "false"),
        (format!("{u} > 1 kW and true"), "unknown"),
        (format!("{u} > 1 kW or true"), "true"),
        (format!("{u} > 1 kW or false"), "unknown"),
        (format!("not {u} > 1 kW"), "unknown"),
        (format!("known({u})"), "false"),
        (format!("default({u}, 2) > 1"), "true"),
        (format!("max({u}, 1) > 1"), "unknown"),
        (format!("(1 if {u} > 1 else 1) == 1"), "unknown"),
        (format!("text({u}) == \"x\""), "unknown"),
        (format!("age({u}) == 16m"), "true"),
        ("age(roof.currentPower) > 1h".to_owned(), "unknown"),
        ("1 / 0 > 0".to_owned(), "unknown"),
        ("mod(1, 0) > 0".to_owned(), "unknown"),
        ("0 / 0 == 0".to_owned(), "unknown"),
        ("1e300 * 1e300 > 0".to_owned(), "unknown"),
        ("now() + 366d * 100000 > now()".to_owned(), "unknown"),
        ("5m / 0 > 1s".to_owned(), "unknown"),
        ("clamp(1, 3, 2) > 0".to_owned(), "unknown"),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(text, value)| (&**text, BOOL, *value))
        .collect();
    check_table(&rows);
}

#[test]
fn every_function_gives_what_the_reference_says() {
    let names = names();
    let (scope, scene) = (scope(&names), Scene::new());
    for spec in functions::ALL {
        let (_, value) = seen(spec.example, &scope, &scene);
        assert_eq!(value, spec.expected, "{}", spec.example);
    }
}

#[test]
fn functions_at_their_edges() {
    check_table(&[
        ("min([3, 1, 2])", NUMBER, "1"),
        ("max([])", "`unknown`", "unknown"),
        ("max(5m, 1h)", "a duration", "1h"),
        ("abs(-5m)", "a duration", "5m"),
        ("round(-2.5)", NUMBER, "-3"),
        ("round(1250, -2)", NUMBER, "1300"),
        ("round(1e300, 15)", NUMBER, "1e300"),
        ("floor(-0.5)", NUMBER, "-1"),
        ("ceil(-0.5)", NUMBER, "0"),
        ("clamp(150 W, 0 kW, 0.1 kW)", "a number in W", "100 W"),
        ("mod(-1, 24)", NUMBER, "23"),
        ("mod(1, -24)", NUMBER, "-23"),
        ("mod(90m, 1h)", "a duration", "30m"),
        ("number(\"1,5\")", NUMBER, "unknown"),
        ("number(\" 12 \")", NUMBER, "12"),
        ("join([], \", \")", "text", ""),
        ("text([1 kW, 2 kW])", "text", "1 kW, 2 kW"),
        ("text(22:30)", "text", "22:30"),
    ]);
}

#[test]
fn series_are_those_of_today_and_the_cheapest_time_is_ahead() {
    let price = "a number in GBP/kWh";
    check_table(&[
        ("lowest(input.grid_price, 1)", price, "0.12 GBP/kWh"),
        ("lowest(input.grid_price, 6)", price, "0.12 GBP/kWh"),
        ("lowest(input.grid_price, 7)", price, "0.2 GBP/kWh"),
        ("lowest(input.grid_price, 99)", price, "0.35 GBP/kWh"),
        ("lowest(input.grid_price, 0)", price, "unknown"),
        ("rank(input.grid_price)", NUMBER, "7"),
        ("percentile(input.grid_price, 0)", price, "0.12 GBP/kWh"),
        ("percentile(input.grid_price, 25 %)", price, "0.12 GBP/kWh"),
        ("percentile(input.grid_price, 26 %)", price, "0.2 GBP/kWh"),
        ("percentile(input.grid_price, 100)", price, "0.35 GBP/kWh"),
        ("percentile(input.grid_price, 101)", price, "unknown"),
        (
            "cheapest(input.grid_price, 1h, 23:59)",
            "a moment",
            "2026-01-10 22:30:00",
        ),
        (
            "cheapest(input.grid_price, 3h, 07:00)",
            "a moment",
            "2026-01-11 01:00:00",
        ),
        (
            "cheapest(input.grid_price, 30m, now() + 30m)",
            "a moment",
            "2026-01-10 22:30:00",
        ),
        (
            "cheapest(input.grid_price, 31m, now() + 30m)",
            "a moment",
            "unknown",
        ),
        (
            "cheapest(input.grid_price, 10h, 23:00)",
            "a moment",
            "unknown",
        ),
        ("lowest(input.silent, 1)", NUMBER, "unknown"),
    ]);
}

#[test]
fn texts_end_where_they_are_too_long() {
    let names = names();
    let (scope, mut scene) = (scope(&names), Scene::new());
    let long = Value::text("z".repeat(4095));
    let key = (Root::Trigger, "device".to_owned());
    scene.fields.insert(key, long);
    for (text, at, past) in [
        ("+", "trigger.device + \"z\"", "trigger.device + \"zz\""),
        (
            "join",
            "join([trigger.device, \"\"], \"z\")",
            "join([trigger.device, \"\"], \"zz\")",
        ),
    ] {
        assert_eq!(seen(at, &scope, &scene).1.len(), 4096, "{text}");
        assert_eq!(seen(past, &scope, &scene).1, "unknown", "{text}");
    }
}

#[test]
fn what_an_expression_depends_on_can_be_listed() {
    let names = names();
    let text = "house_battery.level > 80 and age(input.grid_price) < 1h and now() < cheapest(input.grid_price, 1h, 07:00) and state.count == 1";
    let checked = checked(text, &scope(&names)).unwrap();
    let name = |source: &Source| match source {
        Source::Attribute {
            device,
            attribute,
            max_age,
        } => format!("{}.{attribute} {max_age:?}", device.alias),
        Source::Input { name, max_age } => format!("input.{name} {max_age:?}"),
        Source::Field { root, name } => format!("{}.{name}", root.name()),
    };
    let reads: Vec<String> = checked
        .reads()
        .map(|it| match it {
            Read::Value { source, kind } => format!("{}: {}", name(source), kind.phrase()),
            Read::Age { source } => format!("age of {}", name(source)),
            Read::Series { input } => format!("series {input}"),
            Read::Now => "now".to_owned(),
        })
        .collect();
    assert_eq!(
        reads,
        [
            "house_battery.level 900s: a number in %",
            "age of input.grid_price Some(2700s)",
            "now",
            "series grid_price",
            "state.count: a number",
        ]
    );
}

#[test]
fn a_failure_is_known_where_the_place_has_one() {
    let names = names();
    let scope = scope(&names).with(Root::Failure, failure_fields());
    let mut scene = Scene::new();
    let key = (Root::Failure, "attempts".to_owned());
    scene.fields.insert(key, Value::Number(3.0));
    for (text, expected) in [
        ("failure.attempts >= 3", "true"),
        ("failure.outcome == \"expired\"", "unknown"),
    ] {
        assert_eq!(seen(text, &scope, &scene).1, expected, "{text}");
    }
}
