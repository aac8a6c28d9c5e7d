//! Expressions: what they are, what they come to, and what is said of those that are none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use amps_rules::config::names::Names;
use amps_rules::document::diagnostic::Findings;
use amps_rules::document::places::Places;
use amps_rules::document::render::{self, Style};
use amps_rules::document::source::SourceFile;
use amps_rules::domain::device::Device;
use amps_rules::domain::id::DeviceAlias;
use amps_rules::domain::value::Point;
use amps_rules::domain::value::{Origin, Reading, Value as ReadValue};
use amps_rules::rules::expr::check::check;
use amps_rules::rules::expr::eval::{Facts, eval};
use amps_rules::rules::expr::kind::{Kind, Measure};
use amps_rules::rules::expr::parser::parse;
use amps_rules::rules::expr::program::{Checked, Read, Source};
use amps_rules::rules::expr::scope::{
    Fields, Input, Root, Scope, failure_fields, repeat_fields, trigger_fields, wait_fields,
};
use amps_rules::rules::expr::tree::Node;
use amps_rules::rules::expr::value::Value;
use amps_rules::rules::expr::{Excerpt, functions};

use crate::diagnostics::names;

/// What every expression gives that is said to have a value.
mod evaluation;
/// What holds for all expressions, over very many of them.
mod properties;
/// The table of functions that people read.
mod reference;
/// Text with expressions in it.
mod templates;

/// An evening in winter: half past ten in London, a Saturday.
const NOW: &str = "2026-01-10T22:30:00Z";

/// What is known at that moment.
pub(crate) struct Scene {
    now: Timestamp,
    zone: TimeZone,
    readings: BTreeMap<(String, String), Reading>,
    inputs: BTreeMap<String, Reading>,
    series: BTreeMap<String, Vec<Point>>,
    fields: BTreeMap<(Root, String), Value>,
}

impl Facts for Scene {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn attribute(&self, device: &Device, attribute: &str) -> Option<&Reading> {
        let key = (device.alias.to_string(), attribute.to_owned());
        self.readings.get(&key)
    }

    fn input(&self, name: &str) -> Option<&Reading> {
        self.inputs.get(name)
    }

    fn series(&self, name: &str) -> &[Point] {
        self.series.get(name).map_or(&[], Vec::as_slice)
    }

    fn field(&self, root: Root, name: &str) -> Value {
        let value = self.fields.get(&(root, name.to_owned()));
        value.cloned().unwrap_or_default()
    }
}

/// Prices of each hour, from the midnight that began this day: dear in the evening, cheapest tomorrow at two.
fn prices() -> Vec<Point> {
    let midnight: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
    let price = |hour: i64| match hour {
        0..6 => 0.12,
        16..22 => 0.35,
        26..28 => 0.08,
        24..32 => 0.11,
        _ => 0.2,
    };
    let point = |hour| Point {
        start: midnight + SignedDuration::from_hours(hour),
        end: None,
        value: price(hour),
    };
    (0..32).map(point).collect()
}

impl Scene {
    pub(crate) fn new() -> Self {
        let now: Timestamp = NOW.parse().unwrap();
        let reading = |value: ReadValue, minutes: i64, origin| Reading {
            value,
            taken_at: now - SignedDuration::from_mins(minutes),
            origin,
        };
        let number = |value: f64, minutes| reading(ReadValue::Number(value), minutes, Origin::Live);
        let text = |text: &str| reading(ReadValue::Text(text.to_owned()), 4, Origin::Live);
        let flag = |value| reading(ReadValue::Bool(value), 4, Origin::Live);
        let readings = [
            ("house_battery", "level", number(80.0, 4)),
            ("house_battery", "capacity", number(13.5, 4)),
            ("house_battery", "chargeRate", number(-1.2, 4)),
            ("house_battery", "status", text("idle")),
            // A wire that gives something else than the catalogue says.
            ("house_battery", "currentMode", number(3.0, 4)),
            ("car_charger", "isConnected", flag(true)),
            ("car_charger", "isCharging", flag(false)),
            ("car_charger", "currentPower", number(7.4, 16)),
            (
                "car_charger",
                "maxCurrent",
                reading(ReadValue::Number(16.0), 1, Origin::Fallback),
            ),
            ("hall_heating", "temperature", number(20.0, 15)),
            ("family_car", "chargeTimeRemaining", number(90.0, 4)),
            ("family_car", "range", number(210.0, 4)),
        ];
        let fields = [
            (Root::Trigger, "device", Value::text("house_battery")),
            (Root::Trigger, "result", Value::text("failed")),
            (
                Root::Trigger,
                "at",
                Value::Moment(now - SignedDuration::from_mins(2)),
            ),
            (Root::Trigger, "own", Value::Bool(true)),
            (Root::Trigger, "json.kind", Value::text("doorbell")),
            (Root::Trigger, "json.count", Value::Number(3.0)),
            (Root::Vars, "night", Value::Bool(true)),
            (Root::Vars, "target", Value::Number(90.0)),
            (
                Root::Vars,
                "pause",
                Value::Duration(SignedDuration::from_mins(10)),
            ),
            (Root::State, "count", Value::Number(2.0)),
            (Root::Repeat, "index", Value::Number(1.0)),
            (Root::Wait, "completed", Value::Bool(false)),
            (Root::Wait, "trigger.result", Value::text("completed")),
        ];
        let inputs = [
            ("grid_price", number(0.2, 30)),
            ("outside", number(4.5, 3)),
            ("mode", text("eco")),
        ];
        Self {
            now,
            zone: TimeZone::get("Europe/London").unwrap(),
            readings: readings
                .map(|(device, name, it)| ((device.to_owned(), name.to_owned()), it))
                .into(),
            inputs: inputs.map(|(name, it)| (name.to_owned(), it)).into(),
            series: BTreeMap::from([("grid_price".to_owned(), prices())]),
            fields: fields
                .map(|(root, name, it)| ((root, name.to_owned()), it))
                .into(),
        }
    }
}

/// What the expressions of these tests may name.
pub(crate) fn scope(names: &Names) -> Scope<'_> {
    let kinds = |fields: &[(&str, Kind)]| -> Fields {
        let field = |(name, kind): &(&str, Kind)| ((*name).to_owned(), kind.clone().into());
        fields.iter().map(field).collect()
    };
    let mut trigger = trigger_fields(&["command".into(), "device".into()]);
    trigger.extend(kinds(&[("json", Kind::Any)]));
    let percent = names.devices[&DeviceAlias::new("house_battery")]
        .device_type
        .attribute("level")
        .unwrap();
    let (percent, _) = Kind::of_attribute(percent.kind);
    let variables = [
        ("night", Kind::Bool),
        ("target", percent),
        ("pause", Kind::Duration),
        ("names", Kind::List(Box::new(Kind::Text))),
    ];
    let mut scope = Scope::of_home(names)
        .with(Root::Trigger, trigger.clone())
        .with(Root::Vars, kinds(&variables))
        .with(Root::State, kinds(&[("count", Kind::PLAIN)]))
        .with(Root::Wait, wait_fields(trigger))
        .with(Root::Repeat, repeat_fields(Some(Kind::Text)));
    let own = |unit: &str| Kind::Number(Measure::Own(unit.to_owned()));
    let input = |kind, has_series| Input {
        kind,
        conversion: None,
        max_age: Some(std::time::Duration::from_mins(45)),
        has_series,
    };
    let inputs = [
        ("grid_price", input(own("GBP/kWh"), true)),
        ("outside", input(own("degrees"), false)),
        ("mode", input(Kind::Text, false)),
        ("silent", input(Kind::PLAIN, true)),
    ];
    scope.inputs = inputs.map(|(name, it)| (name.to_owned(), it)).into();
    scope
}

/// The tree of `text`, or all that is wrong with it.
pub(crate) fn parsed(text: &str) -> Result<Node, String> {
    let source = SourceFile::new("rules/a.yaml", text);
    let mut findings = Findings::new(&source);
    let places = Places::of_file(&source);
    let tree = parse(Excerpt::whole(text, &places), &mut findings);
    let diagnostics = findings.in_order();
    tree.ok_or_else(|| render::text(&diagnostics, &[source], Style::Plain))
}

/// The checked form of `text`, or all that is wrong with it.
pub(crate) fn checked(text: &str, scope: &Scope<'_>) -> Result<Checked, String> {
    let source = SourceFile::new("rules/a.yaml", text);
    let mut findings = Findings::new(&source);
    let places = Places::of_file(&source);
    let tree = parse(Excerpt::whole(text, &places), &mut findings);
    let checked = tree.and_then(|it| check(&it, scope, &mut findings));
    let diagnostics = findings.in_order();
    checked.ok_or_else(|| render::text(&diagnostics, &[source], Style::Plain))
}

/// The texts that a case of `diagnostics/expressions` holds, each as the value of a variable.
pub(crate) fn seen(case: &Path, names: &Names) -> String {
    let name = format!("rules/{}", case.file_name().unwrap().to_str().unwrap());
    let source = SourceFile::from_bytes(&name, &fs::read(case).unwrap());
    let mut findings = Findings::new(&source);
    let scope = scope(names);
    let node = amps_rules::document::reader::read(&mut findings).unwrap();
    for item in node.items() {
        let mark = findings.mark();
        let value = amps_rules::rules::expr::written::value(item, &scope, &mut findings);
        assert_eq!(
            value.is_none(),
            findings.has_errors_since(mark),
            "{}",
            source.slice(item.span)
        );
    }
    let diagnostics = findings.in_order();
    render::text(&diagnostics, &[source], Style::Plain)
}
