//! `simulator`: a pretend Amps, with a house of one device of each kind.

use std::io::Write;

use anyhow::Context;
use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::arguments::SimulatorArguments;
use crate::cli::console::Console;
use crate::cli::{Exit, runtime};
use crate::domain::secret::Secret;
use crate::simulator::switches::Switches;
use crate::simulator::{Environment, Settings, Simulator, WebhookTarget};

/// Not secrets: they open nothing but the simulator on this machine.
pub(super) const API_KEY: &str = "sk_test_simulated";
pub(super) const WEBHOOK_SECRET: &str = "whsec_c2ltdWxhdG9yLW9uLXRoaXMtbWFjaGluZQ==";

pub(super) fn simulator(
    arguments: &SimulatorArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let mut switches = Switches::default();
    if let Some(environment) = Environment::of_key(&arguments.api_key) {
        switches.environment = environment;
    }
    let settings = Settings {
        api_key: Secret::new(&arguments.api_key),
        switches: set(&switches, &arguments.switches)?,
        listen: arguments.listen,
        webhook: Some(WebhookTarget {
            url: arguments.webhooks_to.clone(),
            secret: Secret::new(WEBHOOK_SECRET),
            path_per_event: true,
        }),
        ..settings(arguments.speed)?
    };
    runtime()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let devices = settings.devices.clone();
        let running = Simulator::start(settings)
            .await
            .with_context(|| format!("failed to listen on {}", arguments.listen))?;
        writeln!(console.out, "a pretend Amps at {}", running.url())?;
        writeln!(console.out, "  base_url        {}", running.url())?;
        writeln!(console.out, "  api key         {}", arguments.api_key)?;
        writeln!(console.out, "  webhook secret  {WEBHOOK_SECRET}")?;
        writeln!(console.out, "  webhooks to     {}", arguments.webhooks_to)?;
        for device in devices {
            let kind = device.kind.device_type();
            writeln!(
                console.out,
                "  {:<15} {} ({})",
                device.name, device.id, kind
            )?;
        }
        writeln!(
            console.out,
            "faults, devices, what was asked: {}/_simulator/",
            running.url()
        )?;
        console.out.flush()?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        running.stop().await;
        Ok(Exit::Done)
    })
}

/// The switches as the command line sets them: each `NAME=VALUE`, with a value in JSON or as a bare word.
fn set(switches: &Switches, given: &[String]) -> anyhow::Result<Switches> {
    let mut changes = Map::new();
    for one in given {
        let (name, text) = one
            .split_once('=')
            .with_context(|| format!("`{one}` is not `SWITCH=VALUE`"))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        changes.insert(name.to_owned(), value);
    }
    switches.with(&changes).map_err(anyhow::Error::msg)
}

/// The house, `speed` times faster than life. Its ids are new each time, since an engine takes a
/// delivery id that it has seen for a repeat.
pub(super) fn settings(speed: f64) -> anyhow::Result<Settings> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).context("the system has no random numbers")?;
    Ok(Settings {
        api_key: Secret::new(API_KEY),
        speed,
        seed: u64::from_ne_bytes(random),
        ..Settings::house()
    })
}
