//! `home.yaml` as a tree to [`Home`], as far as it is whole, and [`Names`] in any case.

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::config::address;
use crate::config::devices;
use crate::config::home::{Allowance, Amps, Dashboard, Home, Intake, Location};
use crate::config::hooks;
use crate::config::inputs;
use crate::config::limits;
use crate::config::names::{Names, Platform};
use crate::config::notifiers;
use crate::config::secrets::{Secrets, is_signing_secret};
use crate::config::words;
use crate::document::code;
use crate::document::decode::{Fields, text, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::bounded;
use crate::document::node::{Kind, Node};
use crate::domain::secret::Secret;

const BASE_URL_DEFAULT: &str = "https://api.amps.ai";
const LISTEN_DEFAULT: &str = "127.0.0.1:8787";
const DASHBOARD_LISTEN_DEFAULT: &str = "127.0.0.1:8788";
const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
const LOOK_UP_AFTER_DEFAULT: Duration = Duration::from_secs(30);
const IN_DOUBT_FOR_DEFAULT: Duration = Duration::from_mins(1);
pub(super) const NAME_CHARACTERS_MAX: usize = 200;

/// The most secrets at a time; more than two is a rotation that nobody finished.
pub(super) const INTAKE_SECRETS_MAX: usize = 8;

/// What `node` says. The home is only to be used when `findings` has no errors.
pub(super) fn home(
    node: &Node,
    dir: &Path,
    secrets: &mut Secrets<'_>,
    findings: &mut Findings<'_>,
) -> (Option<Home>, Names) {
    let Some(fields) = Fields::of(node, &words::FILE, findings) else {
        return (None, Names::default());
    };
    if let Some(node) = fields.require("version", findings) {
        version(node, findings);
    }
    let general = fields
        .require("home", findings)
        .and_then(|it| general(it, findings));
    let amps = fields
        .require("amps", findings)
        .and_then(|it| amps(it, secrets, findings));
    let intake = fields
        .require("intake", findings)
        .and_then(|it| intake(it, secrets, findings));
    let devices = fields.get("devices");
    let devices = devices.map(|it| devices::decode(it, findings));
    let devices = devices.unwrap_or_default();
    let notifiers = fields.get("notifiers");
    let notifiers = notifiers.map(|it| notifiers::decode(it, secrets, findings));
    let notifiers = notifiers.unwrap_or_default();
    let http_allow = fields.get("http_allow");
    let http_allow = http_allow.map(|it| limits::hosts(it, findings));
    let http_allow = http_allow.unwrap_or_default();
    let inputs = fields.get("inputs");
    let inputs = inputs.map(|it| inputs::decode(it, &http_allow, findings));
    let inputs = inputs.unwrap_or_default();
    let hooks = fields.get("hooks");
    let hooks = hooks.map(|it| hooks::decode(it, secrets, findings));
    let hooks = hooks.unwrap_or_default();
    let dashboard = fields.maybe("dashboard", findings, dashboard);
    let limits = fields.maybe("limits", findings, limits::limits);
    let retention = fields.maybe("retention", findings, limits::retention);
    let general = general.unwrap_or_default();
    let names = Names {
        devices: devices.names(),
        broken_devices: devices.broken,
        notifiers: notifiers.names,
        inputs: inputs.whole.clone(),
        broken_inputs: inputs.broken,
        input_places: inputs.places,
        hooks: hooks.keys().cloned().collect(),
        timezone: general.timezone.clone(),
        location: general.location,
        http_allow: http_allow.clone(),
        kept_secrets: secrets.used(),
        allowance: Allowance::of(&devices.whole, limits.flatten().unwrap_or_default()),
        platform: platform(amps.as_ref()),
    };
    let home = || {
        Some(Home {
            dir: dir.to_owned(),
            name: general.name,
            timezone: general.timezone?,
            location: general.location,
            amps: amps?,
            intake: intake?,
            dashboard: dashboard?.unwrap_or_else(default_dashboard),
            devices: devices.whole,
            inputs: inputs.whole,
            hooks,
            notifiers: notifiers.whole,
            limits: limits?.unwrap_or_default(),
            retention: retention?.unwrap_or_default(),
            http_allow,
            keyring: secrets.keyring(dir),
        })
    };
    (home(), names)
}

fn platform(amps: Option<&Amps>) -> Platform {
    amps.map_or(Platform::Unknown, |it| Platform::of(&it.api_key))
}

/// Settings that are checked and do nothing in this version must not look as if they did.
pub(super) fn report_unbuilt(findings: &mut Findings<'_>) {
    let mut unbuilt = std::mem::take(&mut findings.unbuilt);
    unbuilt.sort_by_key(|it| it.span);
    let Some(first) = unbuilt.first() else {
        return;
    };
    let mut names: Vec<&str> = unbuilt.iter().map(|it| it.key).collect();
    names.dedup();
    let names = names.join("`, `");
    findings
        .report(
            code::SETTING_NOT_YET,
            first.span,
            format!("checked, and without effect in this version: `{names}`"),
        )
        .label("the first of them");
}

/// Files of other versions are refused before somebody relies on what they do not do.
pub(super) fn version(node: &Node, findings: &mut Findings<'_>) {
    if node.as_key() != Some("1") {
        findings
            .report(
                code::FILE_VERSION,
                node.span,
                "this program reads files of version 1",
            )
            .help("write `version: 1`");
    }
}

#[derive(Default)]
struct General {
    name: String,
    timezone: Option<TimeZone>,
    location: Option<Location>,
}

fn general(node: &Node, findings: &mut Findings<'_>) -> Option<General> {
    let fields = Fields::of(node, &words::HOME, findings)?;
    let name = match fields.get("name") {
        Some(node) => text(node, "a name", NAME_CHARACTERS_MAX, findings),
        None => Some("Home"),
    };
    let timezone = fields
        .require("timezone", findings)
        .and_then(|it| timezone(it, findings));
    let location = fields.maybe("location", findings, location);
    Some(General {
        name: name.unwrap_or_default().to_owned(),
        timezone,
        location: location.flatten(),
    })
}

fn timezone(node: &Node, findings: &mut Findings<'_>) -> Option<TimeZone> {
    let name = text(node, "a time zone", NAME_CHARACTERS_MAX, findings)?;
    let timezone = TimeZone::get(name).ok();
    if timezone.is_none() {
        findings
            .report(
                code::UNKNOWN_TIMEZONE,
                node.span,
                format!("the time zone `{}` is not known", shown(name)),
            )
            .help("write continent and city, for example `Europe/London`");
    }
    timezone
}

fn location(node: &Node, findings: &mut Findings<'_>) -> Option<Location> {
    let fields = Fields::of(node, &words::LOCATION, findings)?;
    let mut degrees = |key: &str, most: f64| {
        let node = fields.require(key, findings)?;
        let Kind::Number { value, .. } = &node.kind else {
            wrong_type(node, "degrees as a number, like `51.45`", findings);
            return None;
        };
        if value.abs() > most {
            let message = format!("`{key}` is out of bounds: -{most} to {most} is allowed");
            findings.report(code::OUT_OF_RANGE, node.span, message);
            return None;
        }
        Some(*value)
    };
    let (latitude, longitude) = (degrees("latitude", 90.0), degrees("longitude", 180.0));
    Some(Location {
        latitude: latitude?,
        longitude: longitude?,
    })
}

fn dashboard(node: &Node, findings: &mut Findings<'_>) -> Option<Dashboard> {
    let fields = Fields::of(node, &words::DASHBOARD, findings)?;
    let listen = fields.maybe("listen", findings, address::listen)?;
    Some(listen.map_or_else(default_dashboard, |listen| Dashboard { listen }))
}

fn default_dashboard() -> Dashboard {
    let listen = DASHBOARD_LISTEN_DEFAULT.parse();
    Dashboard {
        listen: listen.expect("the default is an address"),
    }
}

fn amps(node: &Node, secrets: &mut Secrets<'_>, findings: &mut Findings<'_>) -> Option<Amps> {
    let fields = Fields::of(node, &words::AMPS, findings)?;
    let second = Duration::from_secs(1);
    let base_url = match fields.get("base_url") {
        Some(node) => address::base_url(node, findings),
        None => Some(BASE_URL_DEFAULT.to_owned()),
    };
    let api_key = fields
        .require("api_key", findings)
        .and_then(|it| secrets.resolve(it, "the API key", findings));
    let request_timeout = match fields.get("request_timeout") {
        Some(node) => bounded(node, second, Duration::from_mins(1), findings),
        None => Some(REQUEST_TIMEOUT_DEFAULT),
    };
    let look_up_after = match fields.get("look_up_after") {
        Some(node) => bounded(node, second, Duration::from_hours(1), findings),
        None => Some(LOOK_UP_AFTER_DEFAULT),
    };
    let in_doubt_for = match fields.get("in_doubt_for") {
        Some(node) => bounded(node, second, Duration::from_hours(1), findings),
        None => Some(IN_DOUBT_FOR_DEFAULT),
    };
    Some(Amps {
        base_url: base_url?,
        api_key: api_key?,
        request_timeout: request_timeout?,
        look_up_after: look_up_after?,
        in_doubt_for: in_doubt_for?,
    })
}

fn intake(node: &Node, secrets: &mut Secrets<'_>, findings: &mut Findings<'_>) -> Option<Intake> {
    let fields = Fields::of(node, &words::INTAKE, findings)?;
    let listen = match fields.get("listen") {
        Some(node) => address::listen(node, findings),
        None => Some(LISTEN_DEFAULT.parse().expect("the default is an address")),
    };
    let secrets = fields
        .require("secrets", findings)
        .and_then(|it| signing_secrets(it, secrets, findings));
    Some(Intake {
        listen: listen?,
        secrets: secrets?,
    })
}

/// One or a list of secrets, any of which may have signed; those that can be used.
pub(super) fn signing_secrets(
    node: &Node,
    secrets: &mut Secrets<'_>,
    findings: &mut Findings<'_>,
) -> Option<Vec<Secret>> {
    if node.kind == Kind::Null {
        wrong_type(node, "a list of `!secret NAME`", findings);
        return None;
    }
    let items = node.items();
    if items.is_empty() {
        findings
            .report(
                code::NOTHING_THERE,
                node.span,
                "`secrets` is empty, and then no webhook could be trusted",
            )
            .help("write `secrets: [!secret amps_webhook_secret]`");
    }
    if items.len() > INTAKE_SECRETS_MAX {
        let message = format!(
            "`secrets` has {} items, and {INTAKE_SECRETS_MAX} are allowed",
            items.len()
        );
        findings.report(code::TOO_MANY, node.head(), message);
        return None;
    }
    let mut usable = Vec::new();
    for item in items {
        let secret = secrets.resolve(item, "a signing secret", findings);
        usable.extend(secret.filter(|it| is_signing_secret(it, item, findings)));
    }
    Some(usable)
}
