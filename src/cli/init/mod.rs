//! `init`: a home to begin with, in a folder that was empty.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use jiff::tz::TimeZone;

use crate::cli::Exit;
use crate::cli::console::Console;

/// What is written, by name. A rule that is not here is not a starter rule.
const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("README.md")),
    // Whoever keeps a home in git should not publish what it keeps to itself.
    (".gitignore", "/secrets.yaml\n/state/\n"),
    (
        "rules/car-after-battery.yaml",
        include_str!("../../../rules/car-after-battery.yaml"),
    ),
    (
        "rules/hold-battery-while-car-charges.yaml",
        include_str!("../../../rules/hold-battery-while-car-charges.yaml"),
    ),
    (
        "rules/quiet-night.yaml",
        include_str!("../../../rules/quiet-night.yaml"),
    ),
    (
        "rules/tell-me.yaml",
        include_str!("../../../rules/tell-me.yaml"),
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
    for (name, text) in FILES {
        write(dir, name, text, 0o666)?;
    }
    let home = HOME
        .replace("TIMEZONE", &timezone())
        .replace("TOPIC", &topic()?);
    write(dir, "home.yaml", &home, 0o666)?;
    write(dir, "secrets.yaml", SECRETS, 0o600)?;
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
  3. read the rules in {shown}/rules/: all of them run; remove those that you do not want
  4. amps-rules --home {word} check
  5. amps-rules --home {word} run"
    )
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
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).context("the system has no random numbers")?;
    let digits = bytes.map(|it| format!("{it:02x}"));
    Ok(format!("amps-rules-{}", digits.concat()))
}
