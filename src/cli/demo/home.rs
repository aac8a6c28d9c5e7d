//! The home of the demo: real files in a folder of its own, gone when the demo ends.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use tempfile::TempDir;

use crate::cli::simulator::{API_KEY, WEBHOOK_SECRET};
use crate::config::environment::Environment;
use crate::config::home::Home;
use crate::config::names::Names;
use crate::config::{self};
use crate::document::diagnostic::Diagnostic;
use crate::document::render::{self, Style};
use crate::document::source::SourceFile;
use crate::rules::{self, Loaded};

/// The starter rule that the story is about.
const RULES: &str = include_str!("../../../rules/car-after-battery.yaml");

const SETTINGS: &str = "\
version: 1
home:
  name: Rose Cottage
  timezone: Europe/London
amps:
  base_url: AMPS
  api_key: !secret amps_api_key
  look_up_after: 5s
intake:
  listen: 127.0.0.1:0
  secrets: [!secret amps_webhook_secret]
devices:
  house_battery: {type: battery, id: dev_abc123, poll: 10s}
  car_charger: {type: ev_charger, id: dev_ev001, poll: 10s}
notifiers:
  phone: {type: webhook, url: AMPS/_simulator/phone}
";

#[derive(Debug)]
pub(super) struct DemoHome {
    pub(super) settings: Home,
    _folder: TempDir,
}

/// What `secrets.yaml` holds.
#[derive(Serialize)]
struct Secrets {
    version: u32,
    #[serde(flatten)]
    values: BTreeMap<&'static str, &'static str>,
}

impl DemoHome {
    /// Writes the home, for an Amps at `amps`, and reads it as any other.
    pub(super) fn build(amps: &str) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("amps-rules-demo-").context("failed to make a folder")?;
        let dir = folder.path();
        write(dir, "home.yaml", &SETTINGS.replace("AMPS", amps))?;
        write(dir, "secrets.yaml", &secrets()?)?;
        fs::set_permissions(dir.join("secrets.yaml"), fs::Permissions::from_mode(0o600))?;
        fs::create_dir(dir.join("rules"))?;
        write(dir, "rules/car-after-battery.yaml", RULES)?;
        let loaded = config::load(dir, &Environment::default());
        let settings = loaded
            .home
            .with_context(|| explain("home.yaml", &loaded.diagnostics, &loaded.sources))?;
        Ok(Self {
            settings,
            _folder: folder,
        })
    }

    pub(super) fn rules(&self) -> anyhow::Result<Loaded> {
        let (files, mut diagnostics) = config::rule_files(&self.settings.dir);
        let loaded = rules::load(&files, &Names::of(&self.settings));
        diagnostics.extend(loaded.diagnostics.iter().cloned());
        anyhow::ensure!(
            diagnostics.is_empty(),
            explain("the rules", &diagnostics, &files)
        );
        Ok(loaded)
    }
}

fn secrets() -> anyhow::Result<String> {
    let values = BTreeMap::from([
        ("amps_api_key", API_KEY),
        ("amps_webhook_secret", WEBHOOK_SECRET),
    ]);
    Ok(serde_yaml::to_string(&Secrets { version: 1, values })?)
}

fn write(dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    fs::write(dir.join(name), text).with_context(|| format!("failed to write {name}"))
}

fn explain(what: &str, diagnostics: &[Diagnostic], sources: &[SourceFile]) -> String {
    format!(
        "{what} of the demo:\n{}",
        render::text(diagnostics, sources, Style::Plain)
    )
}
