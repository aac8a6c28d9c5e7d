//! `demo`: the main job in front of your eyes, on this machine alone.
//!
//! A pretend Amps and an engine with a home of its own speak real, signed HTTP over loopback. The
//! story: the battery has been charged, so the car starts to charge, and the phone hears of it.

mod home;
mod narrator;

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::App;
use crate::cli::arguments::DemoArguments;
use crate::cli::console::Console;
use crate::cli::demo::home::DemoHome;
use crate::cli::demo::narrator::Narrator;
use crate::cli::{Exit, runtime, simulator};
use crate::clock::{Clock, later};
use crate::domain::secret::Secret;
use crate::simulator::{Running, Simulator, WebhookTarget};
use crate::store::view::View;
use crate::store::view::timeline::Cursor;

/// How often the timeline looks for news.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// The story takes two completions of ten seconds at the speed it is told, and a slow machine some more.
const STORY_SECONDS: f64 = 30.0;
const SLACK: Duration = Duration::from_secs(20);

pub(super) fn demo(arguments: &DemoArguments, console: &mut Console) -> anyhow::Result<Exit> {
    runtime()?.block_on(async {
        let amps = Simulator::start(simulator::settings(arguments.speed)?)
            .await
            .context("failed to listen on 127.0.0.1")?;
        let home = DemoHome::build(&amps.url())?;
        let app = App::start(&home.settings, home.rules()?, Clock::System).await?;
        let webhooks = format!("http://{}/webhooks/amps", app.address());
        amps.set_target(WebhookTarget {
            url: webhooks.clone(),
            secret: Secret::new(simulator::WEBHOOK_SECRET),
            path_per_event: true,
        })?;
        let narrator = Narrator::new(&home.settings, Clock::System.now());
        Narrator::introduce(&amps.url(), &webhooks, arguments.speed, console)?;
        let exit = Story {
            arguments,
            amps: &amps,
            home: &home,
        }
        .tell(narrator, console)
        .await;
        app.stop().await?;
        amps.stop().await;
        exit
    })
}

struct Story<'a> {
    arguments: &'a DemoArguments,
    amps: &'a Running,
    home: &'a DemoHome,
}

impl Story<'_> {
    async fn tell(&self, mut narrator: Narrator, console: &mut Console) -> anyhow::Result<Exit> {
        let clock = Clock::System;
        let mut ends = Ends::new()?;
        let view = View::open(&self.home.settings.dir)?.context("the engine has no database")?;
        let mut cursor = Cursor::default();
        narrator.outside(
            "the owner's app tells the battery to charge to 90 %",
            clock.now(),
            console,
        )?;
        let target = json!({"target": {"value": 90, "unit": "percent"}});
        let order = json!({"command": "charge", "parameters": target});
        self.amps
            .control("POST", "/devices/dev_abc123/actions", &order)?;

        let patience = Duration::from_secs_f64(STORY_SECONDS / self.arguments.speed) + SLACK;
        let deadline = later(clock.now(), patience);
        while !narrator.has_told_all() && clock.now() < deadline {
            self.look(&view, &mut cursor, &mut narrator, console)?;
            tokio::select! {
                () = clock.sleep(LOOK_EVERY) => {}
                () = ends.come() => return Ok(Exit::Done),
            }
        }
        if !self.conclude(&narrator, console)? {
            return Ok(Exit::Findings);
        }
        if self.arguments.once {
            return Ok(Exit::Done);
        }
        Narrator::go_on(&self.amps.url(), console)?;
        loop {
            self.look(&view, &mut cursor, &mut narrator, console)?;
            tokio::select! {
                () = clock.sleep(LOOK_EVERY) => {}
                () = ends.come() => return Ok(Exit::Done),
            }
        }
    }

    /// Tells what has happened since the last look.
    fn look(
        &self,
        view: &View,
        cursor: &mut Cursor,
        narrator: &mut Narrator,
        console: &mut Console,
    ) -> anyhow::Result<()> {
        for moment in view.since(cursor)? {
            narrator.tell(&moment, console)?;
        }
        let phone = self.amps.control("GET", "/phone", &Value::Null)?;
        narrator.phone(&phone, Clock::System.now(), console)?;
        Ok(())
    }

    /// Says how the story ended, by what the charger itself says; true when it ended as told.
    fn conclude(&self, narrator: &Narrator, console: &mut Console) -> anyhow::Result<bool> {
        let devices = self.amps.control("GET", "/devices", &Value::Null)?;
        let mut devices = devices["devices"].as_array().into_iter().flatten();
        let state = devices
            .find(|it| it["id"] == "dev_ev001")
            .map(|it| &it["state"]);
        let is_charging = state.is_some_and(|it| it["isCharging"] == true);
        if narrator.has_told_all() && is_charging {
            let power = state
                .and_then(|it| it["currentPower"].as_f64())
                .unwrap_or_default();
            Narrator::well(&format!("the car is charging with {power} kW"), console)?;
            return Ok(true);
        }
        let found = if is_charging {
            "is charging"
        } else {
            "is not charging"
        };
        writeln!(
            console.err,
            "error: the story did not end as told: the car {found}"
        )?;
        Ok(false)
    }
}

/// Ctrl-C, or a request of the system to end.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn come(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
