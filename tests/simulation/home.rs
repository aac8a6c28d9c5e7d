//! The home that all days are lived in: read once, as a person's files are.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

use crate::config;
use crate::config::environment::Environment;
use crate::config::home::Home;
use crate::config::names::Names;
use crate::document::source::SourceFile;
use crate::rules::rule::RuleSet;
use crate::store::{Store, database_path};

pub(super) const WEBHOOK_SECRET: &str = "whsec_c2ltdWxhdG9yLW9uLXRoaXMtbWFjaGluZQ==";
pub(super) const API_KEY: &str = "sk_test_simulated";

/// Devices by the ids under which the pretend Amps has them.
pub(super) const BATTERY: &str = "dev_abc123";
pub(super) const CHARGER: &str = "dev_ev001";
pub(super) const HEATING: &str = "dev_hvac01";

const SETTINGS: &str = "\
version: 1
home:
  name: Rose Cottage
  timezone: Europe/London
  location: {latitude: 51.45, longitude: -2.59}
amps:
  base_url: https://amps.invalid
  api_key: !secret amps_api_key
intake:
  listen: 127.0.0.1:0
  secrets: [!secret amps_webhook_secret]
devices:
  house_battery: {type: battery, id: dev_abc123, poll: 10m, limits: {per_hour: 12}}
  car_charger: {type: ev_charger, id: dev_ev001, poll: 20m}
  hall_heating: {type: hvac, id: dev_hvac01, poll: 1h, min_hold: 12m}
notifiers:
  phone: {type: webhook, url: https://phone.invalid/hook}
http_allow: [panel.invalid, prices.invalid]
inputs:
  price: {type: number, unit: GBP/kWh, max_age: 40m, source: {http: {url: https://prices.invalid/now, every: 10m, pointer: /price}}}
";

const RULES: &str = include_str!("rules.yaml");

/// Settings and rules, resolved.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) home: Home,
    pub(super) rules: Arc<RuleSet>,
    /// The rules as somebody edits them, in all the ways that make a difference to what is under way.
    pub(super) editions: Vec<Arc<RuleSet>>,
}

/// Words of the rules, and what is written in their place.
type Edit = &'static [(&'static str, &'static str)];

const EDITS: &[Edit] = &[
    // Steps of runs that are under way.
    &[
        ("delay: 15m", "delay: 25m"),
        ("timeout: 50m", "timeout: 5m"),
        ("count: 3", "count: 2"),
    ],
    // What triggers remember.
    &[
        ("above: 80, reset: 70", "above: 75, reset: 60"),
        ("for: 20m", "for: 10m"),
        ("within: 30m", "within: 20m"),
        ("absent_for: 25m", "absent_for: 5m"),
        ("\"*/15 * * * *\"", "\"*/20 * * * *\""),
    ],
    // Rules that go away, with all that they wait for.
    &[
        ("- id: held", "- id: held-anew"),
        ("rule: held", "rule: held-anew"),
        ("- id: plugged", "- id: plugged-anew"),
        ("- id: side-by-side", "- id: abreast"),
        ("- id: plans", "- id: plans-anew"),
        ("- id: silence", "- id: silent"),
    ],
];

/// The same for every seed.
pub(super) fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| read(RULES))
}

/// The same home with other rules, for as long as the tests run.
pub(super) fn plan_of(rules: &str) -> &'static Plan {
    Box::leak(Box::new(read(rules)))
}

fn read(text: &str) -> Plan {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("home.yaml"), SETTINGS).unwrap();
    let secrets =
        format!("version: 1\namps_api_key: {API_KEY}\namps_webhook_secret: {WEBHOOK_SECRET}\n");
    let path = dir.path().join("secrets.yaml");
    fs::write(&path, secrets).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let loaded = config::load(dir.path(), &Environment::default());
    assert!(loaded.home.is_some(), "{:#?}", loaded.diagnostics);
    let checked = |text: String| {
        let file = SourceFile::new("rules/rules.yaml", text);
        let rules = crate::rules::load(&[file], &loaded.names);
        let errors = rules.diagnostics.iter().filter(|it| it.is_error());
        let errors: Vec<_> = errors.collect();
        assert!(errors.is_empty(), "{errors:#?}");
        Arc::new(rules.rules)
    };
    let edited = |edit: &Edit| {
        edit.iter().fold(text.to_owned(), |text, (before, after)| {
            text.replace(before, after)
        })
    };
    Plan {
        rules: checked(text.to_owned()),
        editions: EDITS.iter().map(|it| checked(edited(it))).collect(),
        home: loaded.home.unwrap(),
    }
}

/// The rules after somebody has edited their text.
pub(super) fn edited(change: impl Fn(&str) -> String) -> RuleSet {
    let text = change(RULES);
    assert_ne!(text, RULES);
    let file = SourceFile::new("rules/rules.yaml", text);
    crate::rules::load(&[file], &Names::of(&plan().home)).rules
}

/// Puts an empty database into `dir`, which every day begins with: made once, since that takes long.
pub(super) fn make_database(dir: &Path) {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    let empty = EMPTY.get_or_init(|| {
        let dir = folder();
        drop(Store::start_here(dir.path(), Vec::new()).unwrap());
        fs::read(database_path(dir.path())).unwrap()
    });
    let path = database_path(dir);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, empty).unwrap();
}

/// A folder for a database: in memory where the machine has such a place.
pub(super) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory).unwrap()
    } else {
        TempDir::new().unwrap()
    }
}
