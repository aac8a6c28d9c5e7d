//! `run`: the engine of a home, until it is told to stop.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::cli::console::Console;
use crate::cli::{Exit, home, runtime};
use crate::clock::Clock;

/// Everything must have stopped by then; what has not is safe in the store.
const STOP_WAIT: Duration = Duration::from_secs(9);

pub(super) fn run(dir: &Path, console: &mut Console) -> anyhow::Result<Exit> {
    let Some(settings) = home::settings(dir, console)? else {
        return Ok(Exit::Usage);
    };
    let rules = home::rules(&settings, console)?;
    let (n_rules, n_devices) = (rules.rules.rules.len(), settings.devices.len());
    let runtime = runtime()?;
    let exit = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut app = App::start(&settings, rules, Clock::System).await?;
        writeln!(
            console.err,
            "{}: {n_rules} rules, {n_devices} devices; webhooks at http://{}/webhooks/amps",
            settings.name,
            app.address(),
        )?;
        let failed = tokio::select! {
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
            error = app.failed() => Some(error),
        };
        match failed {
            None => stop(app, console).await,
            Some(error) => {
                writeln!(console.err, "error: {error:#}")?;
                Ok(Exit::Bug)
            }
        }
    });
    // A request that hangs must not hold up the end.
    runtime.shutdown_background();
    exit
}

async fn stop(app: App, console: &mut Console) -> anyhow::Result<Exit> {
    match tokio::time::timeout(STOP_WAIT, app.stop()).await {
        Ok(stopped) => stopped?,
        Err(_) => {
            tracing::warn!("stopped before everything was done; it goes on at the next start");
        }
    }
    writeln!(console.err, "stopped")?;
    Ok(Exit::Done)
}
