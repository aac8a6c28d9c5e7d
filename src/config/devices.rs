//! `devices:` of `home.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::home::{DeviceAllowance, DeviceLimits, HomeDevice};
use crate::config::names::is_name;
use crate::config::words;
use crate::document::code;
use crate::document::decode::{Fields, named, text, whole_number, word};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::bounded;
use crate::document::node::{Kind, Node};
use crate::document::source::Span;
use crate::domain::device::{Device, DeviceType};
use crate::domain::id::{DeviceAlias, DeviceId};

const POLL_DEFAULT: Duration = Duration::from_mins(5);
const POLL_MIN: Duration = Duration::from_secs(10);
const POLL_MAX: Duration = Duration::from_hours(24);
pub(super) const ID_CHARACTERS_MAX: usize = 128;

pub(super) const PRIORITY_MAX: u32 = 100;
const MIN_HOLD_MIN: Duration = Duration::from_secs(1);
const MIN_HOLD_MAX: Duration = Duration::from_hours(24);
pub(super) const PER_HOUR_MAX: u32 = 3600;
pub(super) const PER_DAY_MAX: u32 = 10_000;

/// The most devices of a home.
pub(super) const DEVICES_MAX: usize = 1000;

#[derive(Default)]
pub(super) struct Devices {
    pub(super) whole: BTreeMap<DeviceAlias, HomeDevice>,
    pub(super) broken: BTreeSet<DeviceAlias>,
}

impl Devices {
    pub(super) fn names(&self) -> BTreeMap<DeviceAlias, Device> {
        let whole = self.whole.iter();
        whole
            .map(|(alias, it)| (alias.clone(), it.device.clone()))
            .collect()
    }
}

pub(super) fn decode(node: &Node, findings: &mut Findings<'_>) -> Devices {
    let mut devices = Devices::default();
    if node.kind == Kind::Null {
        return devices;
    }
    let mut ids: BTreeMap<DeviceId, Span> = BTreeMap::new();
    let entries = named(node, "lines `NAME: {type: …, id: …}`", findings);
    if entries.len() > DEVICES_MAX {
        let message = format!(
            "the home has {} devices, and {DEVICES_MAX} are allowed",
            entries.len()
        );
        findings.report(code::TOO_MANY, node.head(), message);
    }
    for (name, entry) in entries.into_iter().take(DEVICES_MAX) {
        let is_named = check_name(name, entry.key.span, "a device", findings);
        let alias = DeviceAlias::new(name);
        match device(&alias, &entry.value, &mut ids, findings).filter(|_| is_named) {
            Some(device) => {
                devices.whole.insert(alias, device);
            }
            None => {
                devices.broken.insert(alias);
            }
        }
    }
    devices
}

/// Names are written in one way, so that a rule cannot mistake one for another.
pub(super) fn check_name(name: &str, span: Span, what: &str, findings: &mut Findings<'_>) -> bool {
    let is_fine = is_name(name);
    if !is_fine {
        findings
            .report(
                code::BAD_NAME,
                span,
                format!("`{}` cannot be the name of {what}", shown(name)),
            )
            .help("use small letters, digits and `_`, a letter first: `house_battery`");
    }
    is_fine
}

fn device(
    alias: &DeviceAlias,
    node: &Node,
    ids: &mut BTreeMap<DeviceId, Span>,
    findings: &mut Findings<'_>,
) -> Option<HomeDevice> {
    let fields = Fields::of(node, &words::DEVICE, findings)?;
    let types = DeviceType::ALL.map(|it| (it.name(), it));
    let device_type = fields
        .require("type", findings)
        .and_then(|it| word(it, "a type of device", &types, findings));
    let id = fields
        .require("id", findings)
        .and_then(|it| device_id(it, ids, findings));
    let poll = match fields.get("poll") {
        Some(node) => bounded(node, POLL_MIN, POLL_MAX, findings),
        None => Some(POLL_DEFAULT),
    };
    let priority_floor = fields.maybe("priority_floor", findings, |it, findings| {
        whole_number(it, 0, PRIORITY_MAX, findings)
    });
    let min_hold = fields.maybe("min_hold", findings, |it, findings| {
        bounded(it, MIN_HOLD_MIN, MIN_HOLD_MAX, findings)
    });
    let limits = fields.maybe("limits", findings, limits);
    Some(HomeDevice {
        device: Device {
            alias: alias.clone(),
            device_type: device_type?,
            id: id?,
        },
        poll: poll?,
        allowance: DeviceAllowance {
            priority_floor: priority_floor?.unwrap_or_default(),
            min_hold: min_hold?,
            limits: limits?.unwrap_or_default(),
        },
    })
}

fn limits(node: &Node, findings: &mut Findings<'_>) -> Option<DeviceLimits> {
    let fields = Fields::of(node, &words::DEVICE_LIMITS, findings)?;
    let per_hour = fields.maybe("per_hour", findings, |it, findings| {
        whole_number(it, 1, PER_HOUR_MAX, findings)
    });
    let per_day = fields.maybe("per_day", findings, |it, findings| {
        whole_number(it, 1, PER_DAY_MAX, findings)
    });
    Some(DeviceLimits {
        per_hour: per_hour?,
        per_day: per_day?,
    })
}

fn device_id(
    node: &Node,
    ids: &mut BTreeMap<DeviceId, Span>,
    findings: &mut Findings<'_>,
) -> Option<DeviceId> {
    let written = text(node, "the id of a device", ID_CHARACTERS_MAX, findings)?;
    // The id becomes a part of addresses.
    let allowed = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.' | b':');
    if !written.bytes().all(allowed) || written.starts_with('.') {
        findings
            .report(
                code::BAD_NAME,
                node.span,
                format!("`{}` cannot be the id of a device", shown(written)),
            )
            .help("copy it from the Amps dashboard; it looks like `dev_abc123`");
        return None;
    }
    let id = DeviceId::new(written);
    if let Some(first) = ids.get(&id) {
        let first = findings.source.location(*first);
        findings
            .report(
                code::DUPLICATE_ID,
                node.span,
                format!("two devices have the id `{id}`"),
            )
            .label("again here")
            .also(first, "first here")
            .help("one device has one name; rules use it wherever they need it");
        return None;
    }
    ids.insert(id.clone(), node.span);
    Some(id)
}
