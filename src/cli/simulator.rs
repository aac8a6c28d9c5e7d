//! `simulator`: a pretend Amps, with a house of one device of each kind.

use std::io::Write;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::arguments::SimulatorArguments;
use crate::cli::console::Console;
use crate::cli::{Exit, runtime};
use crate::domain::secret::Secret;
use crate::simulator::{Settings, Simulator, WebhookTarget};

/// Not secrets: they open nothing but the simulator on this machine.
pub(super) const API_KEY: &str = "sk_test_simulated";
pub(super) const WEBHOOK_SECRET: &str = "whsec_c2ltdWxhdG9yLW9uLXRoaXMtbWFjaGluZQ==";

pub(super) fn simulator(
    arguments: &SimulatorArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let settings = Settings {
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
        writeln!(console.out, "  api key         {API_KEY}")?;
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
