//! `webhook send`: signs a body as Amps would and posts it to this home, to see what the home makes of it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::arguments::SendArguments;
use crate::cli::console::Console;
use crate::cli::{Exit, home, runtime};
use crate::clock::Clock;
use crate::config::home::Home;
use crate::domain::device::Device;
use crate::domain::id::DeviceAlias;
use crate::http_client::address::Address;
use crate::http_client::{Body, Exchange, Header, HttpClient};
use crate::intake::signature::{self, Key};

const REQUEST_WAIT: Duration = Duration::from_secs(15);

const EVENTS: [&str; 5] = [
    "push.completed",
    "push.failed",
    "device.connected",
    "device.reconnected",
    "device.disconnected",
];

pub(super) fn send(
    dir: &Path,
    arguments: &SendArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let Some(home) = home::settings(dir, console)? else {
        return Ok(Exit::Usage);
    };
    let now = Clock::System.now();
    let id = arguments.id.clone().map_or_else(|| random("msg_"), Ok)?;
    let body = match &arguments.file {
        Some(file) => {
            fs::read(file).with_context(|| format!("failed to read {}", file.display()))?
        }
        None => made_up(&home, arguments, now)?.to_string().into_bytes(),
    };
    let secret = home
        .intake
        .secrets
        .first()
        .context("the home has no webhook secret")?;
    let key = Key::parse(secret).context("the webhook secret of the home is not usable")?;
    let signature = signature::sign(&key, &id, now.as_second(), &body);
    let url = address(&home, arguments.event.as_deref());
    let address = Address::parse(&url).context("the address of the intake is not usable")?;
    let headers = [
        ("svix-id", id.clone()),
        ("svix-timestamp", now.as_second().to_string()),
        ("svix-signature", signature),
    ]
    .map(|(name, value)| Header::plain(name, &value));
    let headers: Option<Vec<_>> = headers.into_iter().collect();
    let headers = headers.context("the id has characters that no header can have")?;
    let client = HttpClient::try_new(REQUEST_WAIT)?;
    let exchange = runtime()?.block_on(client.post(&address, &headers, body));
    report(&id, &url, exchange, console)
}

fn report(id: &str, url: &str, exchange: Exchange, console: &mut Console) -> anyhow::Result<Exit> {
    match exchange {
        Exchange::Answered { status: 200, .. } => {
            writeln!(
                console.out,
                "{id} was taken in; see `amps-rules events show {id}`"
            )?;
            Ok(Exit::Done)
        }
        Exchange::Answered { status, body, .. } => {
            let said = match body {
                Body::Whole(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
                Body::Cut { reason } => reason,
            };
            writeln!(console.err, "error: {url} answered {status}: {said}")?;
            Ok(Exit::Findings)
        }
        Exchange::NotSent { reason } | Exchange::Lost { reason } => {
            writeln!(
                console.err,
                "error: the engine cannot be reached at {url}: {reason}\nhelp: start it with `amps-rules run`"
            )?;
            Ok(Exit::Unreachable)
        }
    }
}

fn address(home: &Home, event: Option<&str>) -> String {
    let suffix = event.map(|event| format!("/{event}")).unwrap_or_default();
    format!("http://{}/webhooks/amps{suffix}", home.intake.listen)
}

/// A body of the newest generation (`webhooks.md` §1.3).
fn made_up(home: &Home, arguments: &SendArguments, now: Timestamp) -> anyhow::Result<Value> {
    let event = arguments.event.as_deref().unwrap_or("push.completed");
    let device = device(home, arguments.device.as_deref())?;
    let at = format!("{now:.3}");
    let mut body = json!({"deviceId": device.id, "deviceType": device.device_type});
    let fields = match event {
        "push.completed" => json!({
            "actionId": random("act_")?, "command": "charge", "parameters": null,
            "result": {"success": true}, "completedAt": at,
        }),
        "push.failed" => json!({
            "actionId": random("act_")?, "command": "charge", "parameters": null,
            "result": {"success": false}, "failedAt": at,
            "errorCode": "DEVICE_OFFLINE", "errorMessage": "The device did not answer.",
        }),
        "device.connected" | "device.reconnected" | "device.disconnected" => {
            json!({"timestamp": at})
        }
        other => bail!(
            "`{other}` cannot be made up; one of {} can, and --file sends anything",
            EVENTS.join(", ")
        ),
    };
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    Ok(body)
}

fn device(home: &Home, alias: Option<&str>) -> anyhow::Result<Device> {
    let found = match alias {
        Some(alias) => home.devices.get(&DeviceAlias::new(alias)),
        None => home.devices.values().next(),
    };
    found
        .map(|it| it.device.clone())
        .with_context(|| match alias {
            Some(alias) => format!("no device of this home is called `{alias}`"),
            None => "the home has no device that a body could speak of".to_owned(),
        })
}

fn random(prefix: &str) -> anyhow::Result<String> {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes).context("the system has no random numbers")?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}
