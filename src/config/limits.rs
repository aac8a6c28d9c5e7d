//! `limits:`, `retention:` and `http_allow:` of `home.yaml`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::address;
use crate::config::home::{Limits, Retention, RunsPerRule};
use crate::config::words;
use crate::document::code;
use crate::document::decode::{Fields, text, whole_number};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::{DURATION_MAX, bounded};
use crate::document::node::{Kind, Node};

const DAY: Duration = Duration::from_hours(24);
pub(super) const COMMANDS_PER_MINUTE_MAX: u32 = 60_000;
pub(super) const RUNS_MAX: u32 = 1000;
pub(super) const HOSTS_MAX: usize = 100;
pub(super) const HOST_CHARACTERS_MAX: usize = 260;
const MIB: u64 = 1024 * 1024;
const DATABASE_MIN: u64 = 16 * MIB;
const DATABASE_MAX: u64 = 1024 * 1024 * MIB;

pub(super) const SIZES: &[(&str, u64)] = &[
    ("MiB", MIB),
    ("MB", 1_000_000),
    ("GiB", 1024 * MIB),
    ("GB", 1_000_000_000),
    ("TiB", 1024 * 1024 * MIB),
    ("TB", 1_000_000_000_000),
];

impl Default for RunsPerRule {
    fn default() -> Self {
        Self {
            count: 20,
            within: Duration::from_mins(1),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            commands_per_minute: 30,
            runs_per_rule: RunsPerRule::default(),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            traces: 30 * DAY,
            events: 90 * DAY,
            database_max: 512 * MIB,
        }
    }
}

pub(super) fn limits(node: &Node, findings: &mut Findings<'_>) -> Option<Limits> {
    let fields = Fields::of(node, &words::LIMITS, findings)?;
    let standard = Limits::default();
    let commands = fields.maybe("commands_per_minute", findings, |it, findings| {
        whole_number(it, 1, COMMANDS_PER_MINUTE_MAX, findings)
    });
    let runs = fields.maybe("runs_per_rule", findings, runs_per_rule);
    Some(Limits {
        commands_per_minute: commands?.unwrap_or(standard.commands_per_minute),
        runs_per_rule: runs?.unwrap_or(standard.runs_per_rule),
    })
}

fn runs_per_rule(node: &Node, findings: &mut Findings<'_>) -> Option<RunsPerRule> {
    let fields = Fields::of(node, &words::RUNS_PER_RULE, findings)?;
    let standard = RunsPerRule::default();
    let count = fields.maybe("count", findings, |it, findings| {
        whole_number(it, 1, RUNS_MAX, findings)
    });
    let within = fields.maybe("within", findings, |it, findings| {
        bounded(it, Duration::from_secs(1), DAY, findings)
    });
    Some(RunsPerRule {
        count: count?.unwrap_or(standard.count),
        within: within?.unwrap_or(standard.within),
    })
}

pub(super) fn retention(node: &Node, findings: &mut Findings<'_>) -> Option<Retention> {
    let fields = Fields::of(node, &words::RETENTION, findings)?;
    let standard = Retention::default();
    let mut kept = |key: &str| {
        fields.maybe(key, findings, |it, findings| {
            bounded(it, DAY, DURATION_MAX, findings)
        })
    };
    let (traces, events) = (kept("traces"), kept("events"));
    let database_max = fields.maybe("database_max", findings, size);
    Some(Retention {
        traces: traces?.unwrap_or(standard.traces),
        events: events?.unwrap_or(standard.events),
        database_max: database_max?.unwrap_or(standard.database_max),
    })
}

/// `512 MiB`, in bytes.
fn size(node: &Node, findings: &mut Findings<'_>) -> Option<u64> {
    let bytes = node.as_key().and_then(parse_size);
    if bytes.is_none() {
        let found = node
            .as_key()
            .map_or(node.kind.name().to_owned(), |it| format!("`{}`", shown(it)));
        findings
            .report(
                code::BAD_SIZE,
                node.head(),
                format!("expected a size, found {found}"),
            )
            .help("write for example `512 MiB` or `2 GB`");
    }
    let bytes = bytes?;
    if !(DATABASE_MIN..=DATABASE_MAX).contains(&bytes) {
        findings.report(
            code::OUT_OF_RANGE,
            node.head(),
            "the size is out of bounds: from 16 MiB to 1 TiB is allowed",
        );
        return None;
    }
    Some(bytes)
}

fn parse_size(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(split);
    let unit = unit.trim();
    let (_, size) = SIZES.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<u64>().ok()?.checked_mul(*size)
}

/// The hosts that rules may call, in small letters.
pub(super) fn hosts(node: &Node, findings: &mut Findings<'_>) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    if node.kind == Kind::Null {
        return hosts;
    }
    let items = node.items();
    if items.len() > HOSTS_MAX {
        let message = format!(
            "`http_allow` has {} items, and {HOSTS_MAX} are allowed",
            items.len()
        );
        findings.report(code::TOO_MANY, node.head(), message);
    }
    for item in items.iter().take(HOSTS_MAX) {
        let Some(written) = text(item, "a host", HOST_CHARACTERS_MAX, findings) else {
            continue;
        };
        let is_bare = !written.contains("://") && !written.contains(['/', '@', '*']);
        let host = address::host_of(written);
        if is_bare && address::is_host(host) && address::is_port(address::port_of(written)) {
            hosts.insert(written.to_ascii_lowercase());
            continue;
        }
        let diagnostic = findings
            .report(
                code::BAD_ADDRESS,
                item.span,
                format!("`{}` is not a host", shown(written)),
            )
            .help("write the host alone, with its port if it has one: `panel.example`, `10.0.0.7:8080`");
        if written.contains('*') {
            diagnostic.note("each host is named; there is no sign for all of them");
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(parse_size("512 MiB"), Some(536_870_912));
        assert_eq!(parse_size("2GB"), Some(2_000_000_000));
        for text in [
            "512",
            "MiB",
            "5 parsecs",
            "-1 MiB",
            "99999999999999 TiB",
            "1.5 GB",
        ] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
