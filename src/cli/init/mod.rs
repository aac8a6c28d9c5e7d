//! `init`: a home to begin with, in a folder that was empty.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;

use crate::cli::Exit;
use crate::cli::console::Console;

/// What is written as it is, by name.
const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("README.md")),
    // Whoever keeps a home in git should not publish what it keeps to itself.
    (".gitignore", "/secrets.yaml\n/state/\n"),
];

/// Starter rules that only send messages: they run from the first day.
const MESSAGES: &[(&str, &str)] = &[
    (
        "rules/remind-me-to-plug-in.yaml",
        include_str!("../../../rules/remind-me-to-plug-in.yaml"),
    ),
    (
        "rules/tell-me.yaml",
        include_str!("../../../rules/tell-me.yaml"),
    ),
    (
        "rules/tell-me-when-it-lasts.yaml",
        include_str!("../../../rules/tell-me-when-it-lasts.yaml"),
    ),
];

/// Starter rules that order devices: nobody's car is to charge, and no hall to go cold, because a program
/// was installed. People switch on what they have read.
const ORDERS: &[(&str, &str)] = &[
    (
        "rules/car-after-battery.yaml",
        include_str!("../../../rules/car-after-battery.yaml"),
    ),
    (
        "rules/car-from-a-full-battery.yaml",
        include_str!("../../../rules/car-from-a-full-battery.yaml"),
    ),
    (
        "rules/charge-battery-overnight.yaml",
        include_str!("../../../rules/charge-battery-overnight.yaml"),
    ),
    (
        "rules/charge-car-overnight.yaml",
        include_str!("../../../rules/charge-car-overnight.yaml"),
    ),
    (
        "rules/cheap-price.yaml",
        include_str!("../../../rules/cheap-price.yaml"),
    ),
    (
        "rules/hold-battery-while-car-charges.yaml",
        include_str!("../../../rules/hold-battery-while-car-charges.yaml"),
    ),
    (
        "rules/keep-a-reserve.yaml",
        include_str!("../../../rules/keep-a-reserve.yaml"),
    ),
    (
        "rules/pause-car-in-the-evening-peak.yaml",
        include_str!("../../../rules/pause-car-in-the-evening-peak.yaml"),
    ),
    (
        "rules/pre-heat.yaml",
        include_str!("../../../rules/pre-heat.yaml"),
    ),
    (
        "rules/quiet-night.yaml",
        include_str!("../../../rules/quiet-night.yaml"),
    ),
    (
        "rules/ready-for-a-storm.yaml",
        include_str!("../../../rules/ready-for-a-storm.yaml"),
    ),
    (
        "rules/retry-a-failed-charge.yaml",
        include_str!("../../../rules/retry-a-failed-charge.yaml"),
    ),
    (
        "rules/stop-at-a-maximum.yaml",
        include_str!("../../../rules/stop-at-a-maximum.yaml"),
    ),
];

const HOME: &str = include_str!("home.yaml");

const SECRETS: &str = include_str!("secrets.yaml");

/// Where the time zone of the machine is not known, there is one to be changed.
const TIMEZONE: &str = "Europe/London";

pub(super) fn init(dir: &Path, console: &mut Console) -> anyhow::Result<Exit> {
    let shown = dir.display();
    let is_free = make(dir).with_context(|| format!("`{shown}` cannot be made a home"))?;
    if !is_free {
        writeln!(
            console.err,
            "error: the folder `{shown}` is not empty, and nothing was written into it\n\
             help: name a folder that is not there yet"
        )?;
        return Ok(Exit::Usage);
    }
    for (name, text) in FILES.iter().chain(MESSAGES) {
        write(dir, name, text, 0o666)?;
    }
    for (name, text) in ORDERS {
        write(dir, name, &switched_off(text), 0o666)?;
    }
    let home = HOME
        .replace("TIMEZONE", &timezone())
        .replace("TOPIC", &topic()?);
    write(dir, "home.yaml", &home, 0o666)?;
    let secrets = SECRETS.replace("HOOK_SECRET", &signing_secret()?);
    write(dir, "secrets.yaml", &secrets, 0o600)?;
    writeln!(console.out, "{}", next_steps(dir))?;
    Ok(Exit::Done)
}

/// Makes the folder, and says whether it is empty.
fn make(dir: &Path) -> io::Result<bool> {
    fs::create_dir_all(dir)?;
    let is_empty = fs::read_dir(dir)?.next().is_none();
    if is_empty {
        fs::create_dir(dir.join("rules"))?;
    }
    Ok(is_empty)
}

fn next_steps(dir: &Path) -> String {
    let shown = dir.display();
    let word = quoted(&shown.to_string());
    format!(
        "`{shown}` is a home now. What is left to do:
  1. put the API key and the signing secret into {shown}/secrets.yaml
  2. put the ids of your devices into {shown}/home.yaml
  3. read the rules in {shown}/rules/: those that send messages run; for the others, remove the
     line `enabled: false` where you want one, and the files that you do not want
  4. amps-rules --home {word} check
  5. amps-rules --home {word} run"
    )
}

/// The rules of a file, each with `enabled: false` where `fmt` wants it: behind what the rule is called.
fn switched_off(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut in_head = false;
    for line in text.lines() {
        let begins = line.starts_with("  - id: ");
        let names = ["    alias: ", "    description: "];
        if in_head && !names.iter().any(|it| line.starts_with(it)) {
            written += "    enabled: false  # remove this line, and the rule runs\n";
            in_head = false;
        }
        in_head |= begins;
        written += line;
        written.push('\n');
    }
    written
}

/// As one word of a shell.
fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "/._-~".contains(it);
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Never over something that is there.
fn write(dir: &Path, name: &str, text: &str, mode: u32) -> anyhow::Result<()> {
    let path = dir.join(name);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("`{}` cannot be written", path.display()))
}

fn timezone() -> String {
    let system = TimeZone::try_system().ok();
    let name = system.as_ref().and_then(|it| it.iana_name());
    // A machine without a zone says UTC, in which nobody lives.
    let name = name.filter(|it| it.contains('/') && !it.starts_with("Etc/"));
    name.unwrap_or(TIMEZONE).to_owned()
}

/// The name of a channel that anybody may read who knows it.
fn topic() -> anyhow::Result<String> {
    let digits = random::<12>()?.map(|it| format!("{it:02x}"));
    Ok(format!("amps-rules-{}", digits.concat()))
}

/// What the sender of a webhook signs with; Standard Webhooks ask for 24 bytes or more.
fn signing_secret() -> anyhow::Result<String> {
    Ok(format!("whsec_{}", STANDARD.encode(random::<32>()?)))
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the system has no random numbers")?;
    Ok(bytes)
}
