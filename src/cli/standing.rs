//! What keeps rules from running now, and what runs wait for: read from the database and the rule files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::lists::DeviceNames;
use crate::cli::settings;
use crate::cli::words::Words;
use crate::clock::later;
use crate::config;
use crate::config::environment::Environment;
use crate::config::names::Names;
use crate::domain::catalogue::AttributeKind;
use crate::domain::device::Device;
use crate::domain::id::{DeviceId, RuleId, RunId};
use crate::engine::call::WaitingCall;
use crate::engine::wait::Wait;
use crate::rules;
use crate::rules::rule::{Mode, Rule};
use crate::store::view::{Lease, OpenRun, PausedRule, SettingRow, Unreadable, View};

/// The rules of a home, and what hangs on them.
pub(super) struct Standing {
    pub(super) rules: BTreeMap<RuleId, KnownRule>,
    pub(super) runs: Vec<OpenRun>,
    pub(super) paused: Vec<PausedRule>,
    pub(super) calls: Vec<WaitingCall>,
    pub(super) leases: Vec<Lease>,
    /// Those that are not written yet.
    pub(super) settings: Vec<SettingRow>,
}

pub(super) struct KnownRule {
    /// As the engine has it; as it is written where the engine does not have it. None when it is broken
    /// and was never right.
    pub(super) rule: Option<Rule>,
    pub(super) file: String,
    pub(super) line: usize,
    /// Its text is broken.
    pub(super) is_broken: bool,
    /// The engine had it when it last ran.
    pub(super) is_in_force: bool,
    /// No file has it any more.
    is_gone: bool,
}

/// Something that keeps a rule from beginning a run, or a run that is under way.
#[derive(Debug, Serialize)]
pub(super) struct Reason {
    /// `not_taken_over`, `removed`, `broken`, `disabled`, `paused`, `cooling_down`, `running`,
    /// `waiting`.
    pub(super) is: &'static str,
    pub(super) text: String,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) run: Option<RunId>,
}

impl Reason {
    fn new(is: &'static str, text: impl Into<String>) -> Self {
        Self {
            is,
            text: text.into(),
            since: None,
            until: None,
            run: None,
        }
    }
}

/// What the home calls its devices, and what it says of rules; as far as its `home.yaml` can be read.
pub(super) fn words(dir: &Path, now: Timestamp) -> (Words, Names) {
    let names = config::load(dir, &Environment::of_process()).names;
    let zone = names.timezone.clone();
    let words = Words {
        zone: zone.unwrap_or_else(jiff::tz::TimeZone::system),
        names: DeviceNames::of_home(&names),
        now,
    };
    (words, names)
}

impl Standing {
    pub(super) fn read(dir: &Path, names: &Names, view: Option<&View>) -> Result<Self, Unreadable> {
        fn or_none<T>(
            view: Option<&View>,
            list: impl Fn(&View) -> Result<Vec<T>, Unreadable>,
        ) -> Result<Vec<T>, Unreadable> {
            view.map_or_else(|| Ok(Vec::new()), list)
        }
        let mut rules = written(dir, names);
        let written: Vec<RuleId> = rules.keys().cloned().collect();
        for stored in or_none(view, View::rules)? {
            let is_gone = !stored.is_broken && !written.contains(&stored.id);
            let rule = stored.rule();
            let line = rule.as_ref().map_or(1, |it| it.place.line);
            let known = rules.entry(stored.id).or_insert(KnownRule {
                rule: None,
                file: stored.file,
                line,
                is_broken: stored.is_broken,
                is_in_force: true,
                is_gone,
            });
            known.rule = rule.or(known.rule.take());
            known.is_in_force = true;
            known.is_broken |= stored.is_broken;
        }
        Ok(Self {
            rules,
            runs: or_none(view, View::open_runs)?,
            paused: or_none(view, View::paused_rules)?,
            calls: or_none(view, View::waiting_calls)?,
            leases: or_none(view, View::leases)?,
            settings: or_none(view, View::open_settings)?,
        })
    }

    /// What keeps `rule` from running now. `last` is when a run of it began last.
    pub(super) fn reasons(
        &self,
        id: &RuleId,
        last: Option<Timestamp>,
        words: &Words,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if let Some(known) = self.rules.get(id) {
            reasons.extend(known.reasons());
        }
        for paused in self.paused.iter().filter(|it| it.rule == *id) {
            let (since, why) = (words.time(paused.since), &paused.reason);
            reasons.push(Reason {
                since: Some(paused.since),
                ..Reason::new(
                    "paused",
                    format!("paused since {since}: {why}; `amps-rules resume {id}` lets it go on"),
                )
            });
        }
        let rule = self.rules.get(id).and_then(|it| it.rule.as_ref());
        reasons.extend(rule.and_then(|it| cooling_down(it, last, words)));
        let of_rule = |it: &&OpenRun| it.rule == *id && it.parent.is_none();
        for run in self.runs.iter().filter(of_rule) {
            let since = words.time(run.started_at);
            let blocks = match rule.map(|it| it.settings.mode) {
                Some(Mode::Single) => "; one run at a time",
                Some(Mode::Restart | Mode::Queued(_) | Mode::Parallel(_)) | None => "",
            };
            let waits = self.waits(run, words);
            reasons.push(Reason {
                since: Some(run.started_at),
                until: run.until,
                run: Some(run.id.clone()),
                ..Reason::new(
                    "running",
                    format!("running since {since} ({}){blocks}: {waits}", run.id),
                )
            });
        }
        for call in self.calls.iter().filter(|it| it.rule == *id) {
            let until = words.time(call.until);
            let what = if call.devices.is_empty() {
                "a condition cannot be answered yet".to_owned()
            } else {
                format!("reads {} first", devices(&call.devices, words))
            };
            reasons.push(Reason {
                since: Some(call.since),
                until: Some(call.until),
                run: Some(call.id.clone()),
                ..Reason::new(
                    "waiting",
                    format!("woken and not decided: {what}, until {until} at most"),
                )
            });
        }
        reasons
    }

    /// What `run` waits for.
    pub(super) fn waits(&self, run: &OpenRun, words: &Words) -> String {
        let until = run
            .until
            .map(|it| format!(", until {} at most", words.time(it)));
        let until = until.unwrap_or_default();
        let device = run.device.as_ref();
        let device = device.map_or("a device", |it| it.alias.as_str());
        let what = match &run.wait {
            None => "on its way".to_owned(),
            Some(Wait::Command { command, .. }) => {
                format!("waits for the end of its order to {device} ({command})")
            }
            Some(Wait::Http { request }) => {
                return format!("waits for the answer to its request ({request})");
            }
            Some(Wait::Verify { .. }) => format!("waits for {device} to show what was ordered"),
            Some(Wait::Cancel { open }) => {
                return format!("waits for {} orders to be called off", open.len());
            }
            Some(Wait::Setting { write }) => {
                let mut open = self.settings.iter();
                return match open.find(|it| it.id == write.as_str()) {
                    Some(row) => {
                        let (what, standing) =
                            (settings::what(row), settings::standing(row, words));
                        format!("waits for {what} ({write}): {standing}")
                    }
                    None => format!("waits for a setting of {device} to be written ({write})"),
                };
            }
            Some(Wait::Delay) => {
                let at = run.until.map(|it| words.time(it));
                return format!("waits until {}", at.as_deref().unwrap_or("its time comes"));
            }
            Some(Wait::Triggers { .. }) => "waits for something to happen".to_owned(),
            Some(Wait::Conditions) => "waits for its conditions to hold".to_owned(),
            Some(Wait::Branches { open, .. }) => {
                return format!("waits for {} branches of it", open.len());
            }
            Some(Wait::Turn) => "in line behind another run of the rule".to_owned(),
            Some(Wait::Readings { devices: of }) => {
                format!("waits for fresh values of {}", devices(of, words))
            }
            Some(Wait::Device { device: id, .. }) => match self.holder(run, id, words) {
                Some(holder) => format!("in line for {device} behind {holder}"),
                None => format!("waits until {device} takes an order"),
            },
        };
        what + &until
    }

    /// Who has the device that `run` waits for.
    fn holder(&self, run: &OpenRun, device: &DeviceId, words: &Words) -> Option<String> {
        let has = |it: &&OpenRun| {
            let is_device = it.device.as_ref().is_some_and(|it| it.id == *device);
            is_device && it.id != run.id && matches!(it.wait, Some(Wait::Command { .. }))
        };
        if let Some(holder) = self.runs.iter().find(has) {
            return Some(format!("rule {} ({})", holder.rule, holder.id));
        }
        let kept = self.lease(device, words.now)?;
        let until = words.time(kept.until);
        Some(format!("rule {}, which keeps it until {until}", kept.rule))
    }

    /// The rule that keeps the device now.
    pub(super) fn lease(&self, device: &DeviceId, now: Timestamp) -> Option<&Lease> {
        let mut leases = self.leases.iter();
        leases.find(|it| it.device == *device && now < it.until)
    }
}

fn devices(ids: &BTreeSet<DeviceId>, words: &Words) -> String {
    let names: Vec<&str> = ids.iter().map(|it| words.names.name(it)).collect();
    names.join(", ")
}

/// The rules of the files, broken ones among them.
fn written(dir: &Path, names: &Names) -> BTreeMap<RuleId, KnownRule> {
    let (files, _) = config::rule_files(dir);
    let loaded = rules::load(&files, names);
    let broken = loaded.broken.into_iter().filter_map(|it| {
        let known = KnownRule {
            rule: None,
            file: it.place.file,
            line: it.place.line,
            is_broken: true,
            is_in_force: false,
            is_gone: false,
        };
        Some((it.id?, known))
    });
    let good = loaded.rules.rules.into_iter().map(|rule| {
        let id = rule.id.clone();
        let known = KnownRule {
            file: rule.place.file.clone(),
            line: rule.place.line,
            is_broken: false,
            is_in_force: false,
            is_gone: false,
            rule: Some(rule),
        };
        (id, known)
    });
    // A good rule wins over another one of the same name, which is broken for that.
    broken.chain(good).collect()
}

impl KnownRule {
    fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let place = format!("{}:{}", self.file, self.line);
        if self.is_broken && self.rule.is_some() && self.is_in_force {
            let text = format!(
                "its text is broken ({place}), and it stays as it was when it was last right; `amps-rules check` tells more"
            );
            reasons.push(Reason::new("broken", text));
        } else if self.is_broken {
            let text = format!("its text is broken ({place}); `amps-rules check` tells more");
            reasons.push(Reason::new("broken", text));
        } else if self.is_gone {
            let text = "no file has it any more; the next start or reload removes it";
            reasons.push(Reason::new("removed", text));
        } else if !self.is_in_force {
            let text =
                "the engine has not taken it over yet: `amps-rules reload`, or start the engine";
            reasons.push(Reason::new("not_taken_over", text));
        }
        let Some(rule) = &self.rule else {
            return reasons;
        };
        if !rule.enabled {
            let text = format!("switched off (`enabled: false`, {place})");
            reasons.push(Reason::new("disabled", text));
        }
        reasons
    }
}

fn cooling_down(rule: &Rule, last: Option<Timestamp>, words: &Words) -> Option<Reason> {
    let until = later(last?, rule.settings.cooldown?);
    // Each value of `per:` cools down for itself; which one comes next, nobody knows.
    if until <= words.now || rule.settings.per.is_some() {
        return None;
    }
    let text = format!("cooling down until {} (`cooldown`)", words.time(until));
    Some(Reason {
        since: last,
        until: Some(until),
        ..Reason::new("cooling_down", text)
    })
}

/// The unit of a number, with a space before it; empty for what has none.
pub(super) fn unit(device: &Device, attribute: &str) -> String {
    let kind = device.device_type.attribute(attribute).map(|it| it.kind);
    match kind {
        Some(AttributeKind::Number(Some(unit))) => format!(" {}", unit.symbol()),
        Some(AttributeKind::Number(None) | AttributeKind::Bool | AttributeKind::Text(_)) | None => {
            String::new()
        }
    }
}
