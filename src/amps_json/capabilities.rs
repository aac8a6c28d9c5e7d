//! What a device that was read says it takes: `commands`, `conflictStrategies` and the bounds of `settings`
//! (`amps-api.md` §3.2, §4). Pure.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::amps_json::fields::{self, Object};
use crate::domain::capabilities::{Capabilities, Range, Strategy, Takes};
use crate::domain::catalogue::CommandSpec;
use crate::domain::device::DeviceType;
use crate::domain::legacy;
use crate::domain::setting::Form;
use crate::domain::unit::Unit;

/// What there is to be learned of a read.
pub(crate) enum Said {
    Takes(Capabilities),
    /// It has no word on commands, as those of older generations and of devices that are only read.
    Nothing,
    /// It has one that cannot be the whole truth.
    Unclear,
}

/// What `content` says of a device of this type. Words that the catalogue does not have are left out.
pub(crate) fn read(content: &Object, device_type: DeviceType) -> Said {
    let Some(commands) = fields::child(content, "commands") else {
        return Said::Nothing;
    };
    // With the names of old, the words of today are absent whether they are taken or not.
    if commands.keys().any(|it| legacy::is_action(it)) {
        return Said::Nothing;
    }
    let known = device_type.commands().iter();
    let known: BTreeMap<_, _> = known
        .filter_map(|spec| {
            let entry = commands.get(spec.name)?.as_object()?;
            Some((spec.name.to_owned(), takes(entry, spec)))
        })
        .collect();
    // A device that takes nothing at all is one that the manufacturer's cloud does not see.
    if known.is_empty() {
        return Said::Unclear;
    }
    Said::Takes(Capabilities {
        commands: known,
        strategies: content
            .get("conflictStrategies")
            .and_then(|it| words(it, Strategy::ALL, Strategy::name)),
        settings: settings(content, device_type),
    })
}

fn takes(entry: &Object, spec: &CommandSpec) -> Takes {
    let parameters = fields::child(entry, "parameters").map(|told| {
        let known = spec.parameters.iter().map(|it| it.name);
        ranges(told, known)
    });
    let execution = entry.get("execution");
    let execution = execution.and_then(|it| words(it, Form::ALL, Form::name));
    Takes {
        parameters,
        // An order can always be given in some way.
        execution: execution.filter(|it| !it.is_empty()),
    }
}

/// None where there are none: every device of a type that has settings has some.
fn settings(content: &Object, device_type: DeviceType) -> Option<BTreeMap<String, Range>> {
    let told = fields::child(content, "settings")?;
    let known = device_type.settings().iter().map(|it| it.name);
    Some(ranges(told, known)).filter(|it| !it.is_empty())
}

fn ranges(told: &Object, known: impl Iterator<Item = &'static str>) -> BTreeMap<String, Range> {
    let told =
        known.filter_map(|name| Some((name.to_owned(), range(told.get(name)?.as_object()?))));
    told.collect()
}

fn range(told: &Object) -> Range {
    let bound = |name: &str| told.get(name).and_then(Json::as_f64);
    let (min, max) = (bound("min"), bound("max"));
    // Bounds that nothing fits say nothing.
    let is_sound = min.zip(max).is_none_or(|(min, max)| min <= max);
    Range {
        unit: fields::text(told, "unit").and_then(Unit::parse),
        min: min.filter(|_| is_sound),
        max: max.filter(|_| is_sound),
    }
}

/// Those of `all` that a list names; none where it is no list.
fn words<T: Copy, const N: usize>(
    told: &Json,
    all: [T; N],
    name: impl Fn(T) -> &'static str,
) -> Option<Vec<T>> {
    let told: Vec<&str> = told.as_array()?.iter().filter_map(Json::as_str).collect();
    let named = all.into_iter().filter(|it| told.contains(&name(*it)));
    Some(named.collect())
}
