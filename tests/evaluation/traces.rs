//! What traces hold: the values that were asked, with age and origin, and which trigger nearly fired.

use amps_rules::engine::trace::Trace;
use serde_json::{Value as Json, json};

use super::*;

/// The only trace that `payload` leaves.
fn trace(engine: &mut Engine, payload: Payload) -> Trace {
    let mut traces = traces(engine, payload);
    assert_eq!(traces.len(), 1);
    traces.remove(0)
}

fn traces(engine: &mut Engine, payload: Payload) -> Vec<Trace> {
    let event = Event {
        id: EventId::new(format!("msg_{}", engine.now)),
        source: Source::Webhook,
        received_at: engine.now,
        payload,
    };
    let input = Input {
        event: &event,
        own: None,
        settled: None,
    };
    taken(&engine.rules, &mut engine.state, input, engine.now).traces
}

fn level(engine: &Engine, level: f64, origin: Origin) -> Payload {
    Payload::Readings(Readings {
        device: DeviceId::new("dev_b"),
        taken_at: engine.now,
        origin,
        values: BTreeMap::from([("level".to_owned(), Value::Number(level))]),
    })
}

fn values(trace: &Trace) -> Vec<Json> {
    let values = trace
        .conditions
        .iter()
        .map(|it| json!(it)["values"].clone());
    values.collect()
}

#[test]
fn each_value_has_its_age_and_origin_also_inside_of_blocks_and_expressions() {
    let mut engine = Engine::with(&telling(&format!(
        "{ON_CHARGED}    conditions:
      - or:
          - {{condition: numeric_state, device: house_battery, attribute: level, below: 20}}
          - {{condition: state, device: house_battery, attribute: status, is: idle}}
      - \"{{{{ trigger.result == 'completed' and house_battery.level > 10 }}}}\"
"
    )));
    engine.reads("level", Value::Number(12.0), Origin::Cache);
    engine.reads("status", Value::Text("charging".to_owned()), Origin::Live);
    engine.pass(2);
    let trace = trace(&mut engine, report("charge", Outcome::Completed));
    let level = json!({
        "name": "house_battery.level", "value": "12 %", "taken_at": "2026-01-10T22:30:00Z",
        "age_seconds": 120, "origin": "cache",
    });
    let status = json!({
        "name": "house_battery.status", "value": "charging", "taken_at": "2026-01-10T22:30:00Z",
        "age_seconds": 120, "origin": "live",
    });
    let result = json!({
        "name": "trigger.result", "value": "completed", "taken_at": null,
        "age_seconds": null, "origin": "event",
    });
    assert_eq!(
        values(&trace),
        [json!([level, status]), json!([result, level])]
    );
}

#[test]
fn what_began_to_be_so_and_did_not_stay_so_leaves_a_mark() {
    let mut engine = Engine::with(&telling(
        "    triggers: {trigger: numeric_state, device: house_battery, attribute: level, above: 80 %, for: 10m}\n",
    ));
    let mut marks = Vec::new();
    for number in [50.0, 90.0, 91.0, 70.0, 71.0] {
        let payload = level(&engine, number, Origin::Live);
        for trace in traces(&mut engine, payload) {
            let misses = trace.misses.iter();
            marks.extend(misses.map(|it| format!("{number}: {}", it.because)));
            assert_eq!(trace.misses[0].place.line, 4);
        }
        engine.pass(1);
    }
    assert_eq!(
        marks,
        [
            "90: it has to stay so for a while",
            "70: 70 is on this side of the limit"
        ]
    );
}
