//! What lies between the engine and Amps: requests are lost on the way there, on the way back, or late.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::chance::Chance;
use super::findings::Findings;
use crate::clock::Clock;
use crate::http_client::pretend::Asked;
use crate::http_client::{Body, Exchange};
use crate::simulator::in_memory::{Answered, InMemory, Kept};

/// Shorter than the engine waits before it takes a push for lost for good (`in_doubt_for`).
const LATE_MAX: Duration = Duration::from_secs(20);

/// As the engine waits for an answer (`request_timeout`).
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Every hop takes a moment.
const HOP: Duration = Duration::from_millis(40);

#[derive(Clone)]
pub(super) struct Network(Arc<Mutex<Between>>);

pub(super) struct Between {
    pub(super) amps: InMemory,
    /// Amps' clock, which is right.
    pub(super) clock: Clock,
    pub(super) chance: Chance,
    pub(super) findings: Findings,
    /// Looks into the database as it is on the disk.
    pub(super) database: Connection,
    /// Nothing goes wrong any more.
    pub(super) is_calm: bool,
    /// Nothing gets through before.
    pub(super) outage_until: Timestamp,
    /// Pushes under way that may still arrive.
    pub(super) n_under_way: usize,
    /// Each push that Amps took.
    pub(super) pushes: Vec<Push>,
    pub(super) n_messages: u64,
    /// Requests of rules that came to the panel, where coming twice does harm.
    pub(super) harmful: BTreeSet<String>,
    /// What befalls certain requests in place of chance, when somebody says so; the first that fits counts.
    pub(super) scripts: Vec<Script>,
    /// The moment to pull the plug has come, as a script says.
    pub(super) is_time_to_kill: bool,
    /// Writes of settings that Amps took.
    pub(super) n_settings: usize,
}

/// A fault for certain requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    pub(super) at: At,
    pub(super) fate: Fate,
    /// For so many of them, the first ones.
    pub(super) times: u32,
    /// How much later than usual what is late arrives.
    pub(super) late: Duration,
    pub(super) n_struck: u32,
}

/// Which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Push,
    /// The list of actions, in which a lost push is looked for.
    List,
    /// One action.
    Action,
    /// The wish that an action is called off.
    Cancel,
    /// The write of a setting.
    Setting,
    /// What a device says.
    Read,
}

impl At {
    fn of(asked: &Asked) -> Option<Self> {
        if asked.host != "amps.invalid" {
            return None;
        }
        let path: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        match (asked.method, path.as_slice()) {
            ("POST", ["actions", _, "cancel"]) => Some(Self::Cancel),
            ("POST", [_, _, "settings"]) => Some(Self::Setting),
            ("POST", [_, _]) => Some(Self::Push),
            ("GET", ["actions"] | [_, _, "actions"]) => Some(Self::List),
            ("GET", ["actions", _]) => Some(Self::Action),
            ("GET", [_, _]) => Some(Self::Read),
            _ => None,
        }
    }
}

/// A push that Amps took.
#[derive(Clone, Debug)]
pub(super) struct Push {
    pub(super) command: String,
    pub(super) action: String,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    NotSent,
    LostBefore,
    LostAfter,
    LateBefore,
    LateAfter,
    Refused(u16, &'static str),
    /// Carried out, and answered with an error.
    RefusedAfter(u16, &'static str),
    /// The plug is pulled before it arrives.
    KilledBefore,
    /// The plug is pulled when it is carried out, and not answered yet.
    KilledAfter,
}

pub(super) fn open_for_reading(path: &std::path::Path) -> Connection {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    connection.busy_timeout(Duration::from_secs(1)).unwrap();
    connection
}

impl Network {
    pub(super) fn new(between: Between) -> Self {
        Self(Arc::new(Mutex::new(between)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Between> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries one request there and its answer back. What is under way arrives even when nobody waits
    /// for its answer any more.
    pub(super) async fn ask(self, asked: Asked) -> Exchange {
        let (fate, late, clock) = self.fate(&asked);
        let lost = |reason: &str| Exchange::Lost {
            reason: reason.to_owned(),
        };
        if fate == Fate::NotSent {
            return Exchange::NotSent {
                reason: "no route".to_owned(),
            };
        }
        let intent = match asked.host.as_str() {
            "panel.invalid" => self.request_of(&asked),
            _ => self.command_of(&asked),
        };
        let (reply, answer) = oneshot::channel();
        self.lock().n_under_way += 1;
        let there = clock.clone();
        let network = self.clone();
        tokio::spawn(async move {
            there.sleep(HOP).await;
            if fate == Fate::LateBefore {
                there.sleep(late).await;
            }
            let answered = network.arrive(fate, asked, intent).await;
            network.lock().n_under_way -= 1;
            if matches!(fate, Fate::KilledBefore | Fate::KilledAfter) {
                network.lock().is_time_to_kill = true;
            }
            if matches!(
                fate,
                Fate::LateAfter | Fate::KilledBefore | Fate::KilledAfter
            ) {
                there.sleep(late).await;
            }
            if let Some(answered) = answered.filter(|_| fate != Fate::LostAfter) {
                drop(reply.send(answered));
            }
        });
        tokio::select! {
            biased;
            answered = answer => match answered {
                Ok(answered) => Exchange::Answered {
                    status: answered.status,
                    retry_after: answered.retry_after,
                    date: Some(clock.now()),
                    body: Body::Whole(answered.body),
                },
                Err(_) => lost("the connection broke"),
            },
            () = clock.sleep(PATIENCE) => lost("no answer in time"),
        }
    }

    fn fate(&self, asked: &Asked) -> (Fate, Duration, Clock) {
        let mut between = self.lock();
        let clock = between.clock.clone();
        let at = At::of(asked);
        let fits = |it: &&mut Script| Some(it.at) == at && it.n_struck < it.times;
        if let Some(script) = between.scripts.iter_mut().find(fits) {
            script.n_struck += 1;
            return (script.fate, script.late, clock);
        }
        let late = between.chance.between(Duration::ZERO, LATE_MAX);
        let percent = between.chance.below(100);
        if between.is_calm {
            return (Fate::Answered, late, clock);
        }
        if clock.now() < between.outage_until {
            let fate = between.chance.one_of(&[Fate::NotSent, Fate::LostBefore]);
            return (*fate, late, clock);
        }
        let fate = match percent {
            0..4 => Fate::NotSent,
            4..8 => Fate::LostBefore,
            8..14 => Fate::LostAfter,
            14..17 => Fate::LateBefore,
            17..20 => Fate::LateAfter,
            20..22 => Fate::Refused(503, "SERVICE_UNAVAILABLE"),
            22..24 => Fate::Refused(429, "RATE_LIMITED"),
            24..25 => Fate::Refused(500, ""),
            25..26 => Fate::RefusedAfter(500, "INTERNAL_ERROR"),
            26..27 => Fate::RefusedAfter(503, "SERVICE_UNAVAILABLE"),
            _ => Fate::Answered,
        };
        (fate, late, clock)
    }

    /// The command whose push this is: its intent must be on the disk.
    fn command_of(&self, asked: &Asked) -> Option<String> {
        let device = device_of(asked)?;
        let between = self.lock();
        let found = between
            .database
            .prepare_cached("SELECT id FROM commands WHERE device_id = ?1 AND state = 'sending'")
            .unwrap()
            .query_row([device], |row| row.get(0))
            .optional()
            .unwrap();
        if found.is_none() {
            between.findings.add(format!(
                "a push to {device} left without an intent on the disk"
            ));
        }
        found
    }

    /// The request of a rule that this is: its intent must be on the disk, too.
    fn request_of(&self, asked: &Asked) -> Option<String> {
        let between = self.lock();
        let found = between
            .database
            .prepare_cached(
                "SELECT id FROM http_requests
                 WHERE state = 'sending' AND json_extract(request, '$.method') = ?1",
            )
            .unwrap()
            .query_row([asked.method], |row| row.get(0))
            .optional()
            .unwrap();
        if found.is_none() {
            let asked = format!("{} {}", asked.method, asked.path);
            between
                .findings
                .add(format!("{asked} left without an intent on the disk"));
        }
        found
    }

    /// The panel may be asked twice, and told once.
    fn panel(&self, asked: &Asked, request: Option<String>) -> Answered {
        let mut between = self.lock();
        if let ("POST", Some(request)) = (asked.method, request)
            && !between.harmful.insert(request.clone())
        {
            between.findings.add(format!("{request} came twice"));
        }
        Answered {
            status: 200,
            retry_after: None,
            body: br#"{"mode": "evening"}"#.to_vec(),
        }
    }

    async fn arrive(&self, fate: Fate, asked: Asked, intent: Option<String>) -> Option<Answered> {
        if matches!(fate, Fate::LostBefore | Fate::KilledBefore) {
            return None;
        }
        if let Fate::Refused(status, code) = fate {
            return Some(refused(status, code));
        }
        if asked.host == "phone.invalid" {
            self.lock().n_messages += 1;
            return Some(refused(200, ""));
        }
        if asked.host == "prices.invalid" {
            let price = self.lock().chance.below(40);
            return Some(Answered {
                status: 200,
                retry_after: None,
                body: json!({ "price": price }).to_string().into_bytes(),
            });
        }
        if asked.host == "panel.invalid" {
            return Some(self.panel(&asked, intent));
        }
        let amps = self.lock().amps.clone();
        let is_setting = At::of(&asked) == Some(At::Setting);
        let request = (asked.method, asked.path.as_str());
        let answered = amps.ask(request, asked.query, asked.body).await?;
        let is_taken = (200..=299).contains(&answered.status);
        self.lock().n_settings += usize::from(is_setting && is_taken);
        if let (200..=299, Some(command)) = (answered.status, intent) {
            self.took(command, &answered, &amps);
        }
        if let Fate::RefusedAfter(status, code) = fate {
            return Some(refused(status, code));
        }
        Some(answered)
    }

    /// Amps took a push: it may only be the first, or follow ones that failed.
    fn took(&self, command: String, answered: &Answered, amps: &InMemory) {
        let body: Value = serde_json::from_slice(&answered.body).unwrap();
        // Generation B has no envelope.
        let action = body["data"]["id"].as_str().or(body["actionId"].as_str());
        let action = action.unwrap().to_owned();
        let mut between = self.lock();
        let actions = amps.actions();
        for earlier in between.pushes.iter().filter(|it| it.command == command) {
            let state = actions.iter().find(|it| it.id == earlier.action);
            let has_failed = state.is_none_or(Kept::has_failed);
            if !has_failed {
                between.findings.add(format!(
                    "{command} was sent twice: {} stands, and {action} came",
                    earlier.action
                ));
            }
        }
        between.pushes.push(Push { command, action });
    }
}

/// The device that a push goes to; none when it is no push, as it is for `/battery/ID/settings`.
fn device_of(asked: &Asked) -> Option<&str> {
    let is_to_amps = asked.method == "POST" && asked.host == "amps.invalid";
    let mut path = asked.path.trim_start_matches('/').split('/');
    match (path.next(), path.next(), path.next()) {
        (Some(_type), Some(device), None) if is_to_amps => Some(device),
        _ => None,
    }
}

fn refused(status: u16, code: &str) -> Answered {
    let error = json!({"error": {"code": code, "message": "not now"}});
    Answered {
        status,
        retry_after: None,
        body: if code.is_empty() {
            b"not now".to_vec()
        } else {
            error.to_string().into_bytes()
        },
    }
}
