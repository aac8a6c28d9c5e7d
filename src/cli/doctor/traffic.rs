//! What comes and goes: webhooks, readings, messages, and what waits or was given up.

use crate::cli::check::count;
use crate::cli::devices::Sources;
use crate::cli::doctor::{Finding, Patient, patience};
use crate::cli::status::text;
use crate::config::names::Names;
use crate::domain::value::Origin;
use crate::engine::wait::Wait;
use crate::store::view::{AmpsLinkRow, OpenRun, Unreadable, View};

/// A device is read late when nothing was heard for so many times its `poll`.
const POLLS_MISSED: u32 = 3;

/// And for at least so long: how lately an unchanged value was heard is exact to ten minutes. In seconds.
const LATE_AFTER_MIN: u64 = 1800;

pub(super) fn findings(patient: &Patient<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(view) = &patient.view else {
        return Ok(vec![Finding::warning(
            "database",
            "there is none yet: no engine has run on this home",
            format!(
                "start it with `amps-rules --home {} run`",
                patient.dir.display()
            ),
        )]);
    };
    let mut findings = vec![webhooks(patient, view)?];
    // A database that was not brought up to date yet has no such table.
    if let Ok(amps) = view.amps_link(patient.words.now) {
        findings.push(link(patient, &amps));
    }
    findings.extend(devices(patient, view)?);
    findings.extend(understood_otherwise(view)?);
    findings.extend(messages(view)?);
    findings.push(deadlines(&patient.standing.runs));
    findings.push(dead_letters(view)?);
    findings.extend(patience::findings(patient, view)?);
    Ok(findings)
}

fn webhooks(patient: &Patient<'_>, view: &View) -> Result<Finding, Unreadable> {
    Ok(match view.last_webhook()? {
        Some(event) => {
            let ago = patient.words.ago(event.received_at);
            Finding::ok("webhooks", format!("the last one came {ago} ago"))
        }
        None => Finding::warning(
            "webhooks",
            "none was ever received",
            "`amps-rules webhook send` tests the way to the engine; then give Amps the address, and compare the secret",
        ),
    })
}

fn link(patient: &Patient<'_>, amps: &AmpsLinkRow) -> Finding {
    let text = text::link(amps, &patient.words);
    if amps.silent_since.is_none() {
        if amps.key_refused_since.is_some() {
            let remedy =
                "was the key taken back in Amps, put a new one there; orders wait meanwhile";
            return Finding::problem("amps", text, remedy);
        }
        if amps.pause_until.is_some() {
            let remedy = "orders wait meanwhile; where that is often so, let devices be read more rarely (`poll` in home.yaml)";
            return Finding::warning("amps", text, remedy);
        }
        return Finding::ok("amps", text);
    }
    let remedy = "look whether this machine reaches the internet, and whether the API key is right; orders wait meanwhile";
    Finding::problem("amps", text, remedy)
}

fn devices(patient: &Patient<'_>, view: &View) -> Result<Vec<Finding>, Unreadable> {
    let Some(home) = &patient.loaded.home else {
        return Ok(Vec::new());
    };
    let names = Names::of(home);
    let sources = Sources::read(Some(view), &names, &patient.words, &patient.standing)?;
    let mut findings = Vec::new();
    for device in sources.devices() {
        let poll = home
            .devices
            .iter()
            .find(|(alias, _)| alias.as_str() == device.alias)
            .map(|(_, it)| it.poll);
        let late = poll.unwrap_or_default().saturating_mul(POLLS_MISSED);
        let late = late.as_secs().max(LATE_AFTER_MIN);
        let text = format!("{}: {}", device.alias, device.heard(&patient.words));
        findings.push(match (device.age_seconds, device.origin) {
            (None, _) | (_, None) => Finding::warning(
                "device",
                text,
                "compare its `id` and `type` in home.yaml with your Amps account; the log of the engine says what Amps answers",
            ),
            (_, Some(_)) if device.not_read.is_some() => Finding::warning(
                "device",
                text,
                "what is shown of it grows old: the reason says what is wrong; it is tried again and again",
            ),
            (_, Some(Origin::Fallback)) => Finding::warning(
                "device",
                text,
                "look whether the device is online, and still connected in the Amps app",
            ),
            (Some(age), Some(_)) if late < age => Finding::warning(
                "device",
                text,
                "it should be read more often: look whether the engine runs and reaches Amps",
            ),
            (Some(_), Some(_)) => Finding::ok("device", text),
        });
    }
    Ok(findings)
}

/// Amps reads what is told by the clock in the time zone of the device.
fn understood_otherwise(view: &View) -> Result<Vec<Finding>, Unreadable> {
    let said = view.understood_otherwise()?.into_iter();
    let remedy = "the device may be in another time zone than `timezone` of home.yaml: correct the one that is wrong; \
                  a `start` less than a day ahead, without an `end`, is understood in each";
    let finding = |(alias, what)| Finding::warning("order", format!("{alias}: {what}"), remedy);
    Ok(said.map(finding).collect())
}

fn messages(view: &View) -> Result<Vec<Finding>, Unreadable> {
    let last = view.last_messages()?;
    Ok(last
        .into_iter()
        .map(|it| {
            let notifier = it.notifier;
            match (it.state.as_str(), it.reason) {
                ("sent", _) => Finding::ok("notifier", format!("{notifier}: the last message arrived")),
                (_, None) => Finding::ok("notifier", format!("{notifier}: a message is on its way")),
                (_, Some(reason)) => Finding::warning(
                    "notifier",
                    format!("{notifier}: the last message was not delivered: {reason}"),
                    format!("check `{notifier}` below `notifiers` in home.yaml, and whether it can be reached"),
                ),
            }
        })
        .collect())
}

/// Whatever waits has a deadline: of its own, or that of what it waits for.
fn deadlines(runs: &[OpenRun]) -> Finding {
    let endless: Vec<&str> = runs
        .iter()
        .filter(|it| it.until.is_none() && is_to_have_an_end(it.wait.as_ref()))
        .map(|it| it.id.as_str())
        .collect();
    if endless.is_empty() {
        return Finding::ok("waiting", "nothing waits without a deadline");
    }
    Finding::problem(
        "waiting",
        format!("without a deadline: {}", endless.join(", ")),
        "this is a mistake of amps-rules: please report it; `amps-rules why RUN` tells what it waits for",
    )
}

fn is_to_have_an_end(wait: Option<&Wait>) -> bool {
    match wait {
        // Orders, requests and branches have deadlines of their own; a run on its way waits for nothing.
        None
        | Some(
            Wait::Command { .. }
            | Wait::Cancel { .. }
            | Wait::Setting { .. }
            | Wait::Http { .. }
            | Wait::Branches { .. },
        ) => false,
        Some(
            Wait::Delay
            | Wait::Triggers { .. }
            | Wait::Conditions
            | Wait::Turn
            | Wait::Readings { .. }
            | Wait::Verify { .. }
            | Wait::Device { .. },
        ) => true,
    }
}

fn dead_letters(view: &View) -> Result<Finding, Unreadable> {
    let letters = view.dead_letters_count()?;
    if letters == 0 {
        return Ok(Finding::ok("given up", "nothing"));
    }
    let letters = usize::try_from(letters).unwrap_or(usize::MAX);
    Ok(Finding::warning(
        "given up",
        count(letters, "dead letter"),
        "`amps-rules dead-letters` shows them",
    ))
}
