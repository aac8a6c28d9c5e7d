//! Templates: pieces, what they make, and how they are stored.

use amps_rules::document::node::Kind as NodeKind;
use amps_rules::rules::expr::template::{Template, template};
use amps_rules::rules::expr::written::value;

use super::*;

fn template_of(text: &str) -> Template {
    let source = SourceFile::new("rules/a.yaml", serde_json::to_string(text).unwrap());
    let mut findings = Findings::new(&source);
    let node = amps_rules::document::reader::read(&mut findings).unwrap();
    let names = names();
    let NodeKind::Text(text) = &node.kind else {
        panic!("{text}");
    };
    let template = template(&node, text, &scope(&names), &mut findings);
    let diagnostics = findings.in_order();
    let said = render::text(&diagnostics, std::slice::from_ref(&source), Style::Plain);
    assert_eq!(said, "");
    template.unwrap()
}

#[test]
fn a_template_shows_values_as_people_read_them() {
    let scene = Scene::new();
    for (text, expected) in [
        ("The car is plugged in.", "The car is plugged in."),
        ("Level {{ house_battery.level }}!", "Level 80 %!"),
        ("{{ house_battery.level }}", "80 %"),
        ("{{ 1 }}{{ 2 }}", "12"),
        ("a {{ \"}}\" }} b", "a }} b"),
        ("{{ \"{{\" }} x }}", "{{ x }}"),
        ("Power: {{ car_charger.currentPower }}", "Power: unknown"),
        (
            "{{ trigger.device }} {{ trigger.result }} at {{ time(now()) }}",
            "house_battery failed at 22:30",
        ),
        (
            "{{ round(house_battery.chargeRate) }}, {{ true }}, {{ 90s }}",
            "-1 kW, true, 1m30s",
        ),
        ("é {{ 'ü' }} 🔋", "é ü 🔋"),
    ] {
        assert_eq!(template_of(text).render(&scene), expected, "{text}");
    }
}

#[test]
fn a_template_is_cut_where_a_message_ends() {
    let scene = Scene::new();
    let text = |n: usize| format!("{}{{{{ 1 }}}}", "é".repeat(n));
    assert_eq!(
        template_of(&text(3999)).render(&scene).chars().count(),
        4000
    );
    let cut = template_of(&text(4000)).render(&scene);
    assert_eq!(cut.chars().count(), 4000);
    assert!(cut.ends_with("é…"), "{cut}");
}

#[test]
fn templates_and_programs_survive_the_store() {
    let plain = template_of("as it is");
    assert_eq!(serde_json::to_string(&plain).unwrap(), "\"as it is\"");
    let text = "{{ house_battery.level * 2 if known(input.grid_price) else min(1h / 5m, 4) }}, {{ now() < cheapest(input.grid_price, 2h, 07:00) }}";
    for template in [plain, template_of(text)] {
        let stored = serde_json::to_string(&template).unwrap();
        assert_eq!(serde_json::from_str::<Template>(&stored).unwrap(), template);
    }
    // The deepest expression there can be is stored flat.
    let names = names();
    let deep = format!("{}true{}", "not ".repeat(62), "");
    let deep = checked(&deep, &scope(&names)).unwrap();
    let stored = serde_json::to_string(&deep).unwrap();
    assert_eq!(serde_json::from_str::<Checked>(&stored).unwrap(), deep);
}

#[test]
fn where_it_stands_is_no_part_of_what_it_means() {
    let a = template_of("x {{ house_battery.level>80 }}");
    let b = template_of("x {{  house_battery.level  >  80  }}");
    assert_eq!(a, b);
    let json = |it: &Template| serde_json::to_string(it).unwrap();
    assert_eq!(json(&a), json(&b));
}

#[test]
fn a_yaml_value_becomes_a_typed_one() {
    let scene = Scene::new();
    for (yaml, kind, expected) in [
        ("12", "a number", "12"),
        ("true", "true or false", "true"),
        ("charging", "text", "charging"),
        ("'{{ house_battery.level }}'", "a number in %", "80 %"),
        ("' {{ 5m }} '", "a duration", "5m"),
        ("'at {{ house_battery.level }}'", "text", "at 80 %"),
        (
            "'{{ car_charger.currentPower }} now'",
            "text",
            "unknown now",
        ),
        (
            "[a, '{{ trigger.device }}']",
            "a list of texts",
            "a, house_battery",
        ),
        (
            "['{{ 1 kW }}', '{{ 5 W }}']",
            "a list of numbers",
            "1 kW, 0.005 kW",
        ),
    ] {
        let source = SourceFile::new("rules/a.yaml", yaml);
        let mut findings = Findings::new(&source);
        let node = amps_rules::document::reader::read(&mut findings).unwrap();
        let names = names();
        let checked = value(&node, &scope(&names), &mut findings).unwrap();
        let shown = eval(&checked, &scene).show(checked.kind.symbol(), &scene.zone);
        assert_eq!(
            (&*checked.kind.phrase(), &*shown),
            (kind, expected),
            "{yaml}"
        );
    }
}

/// The code of what is wrong with the value that `yaml` stands for, or nothing.
fn code(yaml: &str) -> String {
    let source = SourceFile::new("rules/a.yaml", yaml);
    let mut findings = Findings::new(&source);
    let node = amps_rules::document::reader::read(&mut findings).unwrap();
    let names = names();
    let value = value(&node, &scope(&names), &mut findings);
    let first = findings.diagnostics.first();
    assert_eq!(value.is_none(), first.is_some(), "{yaml}");
    first.map_or_else(String::new, |it| it.code.name.to_owned())
}

#[test]
fn values_and_texts_are_bounded() {
    for (at, past, expected) in [
        (
            format!("\"{}\"", "{{ 1 }}".repeat(50)),
            format!("\"{}\"", "{{ 1 }}".repeat(51)),
            "E324",
        ),
        ("x".repeat(4096), "x".repeat(4097), "E307"),
        (
            format!("[{}]", "1,".repeat(1000)),
            format!("[{}]", "1,".repeat(1001)),
            "E502",
        ),
    ] {
        assert_eq!(code(&at), "", "{at}");
        assert_eq!(code(&past), expected, "{past}");
    }
    // An expression that is too long is found for what it is, wherever its end.
    let long = format!("'{{{{ \"{}\" }}}}'", "}".repeat(4080));
    assert_eq!(code(&long), "");
}
