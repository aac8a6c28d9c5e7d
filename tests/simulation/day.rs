//! One day of a home: what chance does to it, and the time that passes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::chance::Chance;
use super::engine::Engine;
use super::findings::Findings;
use super::home::{self, API_KEY, Plan, WEBHOOK_SECRET};
use super::invariants::{self, Ends};
use super::network::{Between, Network, open_for_reading};
use crate::clock::{Clock, Winder, earlier, later};
use crate::domain::secret::Secret;
use crate::rules::rule::RuleSet;
use crate::simulator::in_memory::InMemory;
use crate::simulator::webhooks::Parcel;
use crate::simulator::{Settings, WebhookTarget};
use crate::store::database_path;

/// Before the engine is started again that could not be started.
const START_WAIT: Duration = Duration::from_secs(10);

/// Waits of Svix before it comes again; then it comes no more.
const COMES_AGAIN: &[Duration] = &[
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
];

/// So often may something be due at one moment; more is a loop that waits for nothing.
const STEPS_AT_ONCE_MAX: u32 = 3000;

/// To compare memory and tables takes far longer than a step, and a difference stays: so often is soon enough.
const COMPARED_LOOKS: u64 = 5;

/// What became due on a full disk is dealt with so soon after there is room again.
const GRACE: Duration = Duration::from_secs(2);

/// What begins in this much of the quiet time has to be over at its end as well.
const QUIET: Duration = Duration::from_mins(40);

/// Nothing of the home waits longer than this.
pub(super) const LONGEST_WAIT: Duration = Duration::from_mins(200);

pub(super) struct Day {
    pub(super) plan: &'static Plan,
    /// As the files have them.
    rules: Arc<RuleSet>,
    pub(super) dir: TempDir,
    pub(super) chance: Chance,
    pub(super) findings: Findings,
    pub(super) network: Network,
    pub(super) amps: InMemory,
    /// Amps' clock is right; that of the home may be off.
    clock: Clock,
    winder: Winder,
    home_clock: Clock,
    home_winder: Winder,
    pub(super) engine: Option<Engine>,
    pub(super) start_at: Timestamp,
    letters: Vec<Letter>,
    acknowledged: BTreeSet<String>,
    ends: Ends,
    pub(super) is_disk_full: bool,
    /// The disk has had room since.
    room_since: Timestamp,
    /// Of the database, when it was last looked at.
    version: i64,
    pub(super) n_steps: u64,
    pub(super) n_looks: u64,
}

/// A webhook on its way.
struct Letter {
    parcel: Parcel,
    due: Timestamp,
    n_failed: usize,
    /// The attempt that is under way.
    answer: Option<oneshot::Receiver<StatusCode>>,
}

impl Day {
    pub(super) fn new(seed: u64) -> Self {
        Self::of(home::plan(), seed)
    }

    pub(super) fn of(plan: &'static Plan, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let days = i64::try_from(chance.below(700)).unwrap();
        let minutes = i64::try_from(chance.below(24 * 60)).unwrap();
        let start: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let start =
            start + SignedDuration::from_hours(24 * days) + SignedDuration::from_mins(minutes);
        let (clock, winder) = Clock::simulated(start);
        let (home_clock, home_winder) = Clock::simulated(start);
        let settings = Settings {
            api_key: Secret::new(API_KEY),
            clock: clock.clone(),
            seed,
            ..Settings::house()
        };
        let target = WebhookTarget {
            url: "https://home.invalid/webhooks/amps".to_owned(),
            secret: Secret::new(WEBHOOK_SECRET),
            path_per_event: false,
        };
        let amps = InMemory::new(settings, target).unwrap();
        let dir = home::folder();
        let findings = Findings::default();
        // A connection that only reads cannot make it.
        home::make_database(dir.path());
        let network = Network::new(Between {
            amps: amps.clone(),
            clock: clock.clone(),
            chance: Chance::new(chance.draw()),
            findings: findings.clone(),
            database: open_for_reading(&database_path(dir.path())),
            is_calm: false,
            outage_until: start,
            n_under_way: 0,
            pushes: Vec::new(),
            n_messages: 0,
            harmful: BTreeSet::new(),
            scripts: Vec::new(),
            is_time_to_kill: false,
            n_settings: 0,
        });
        Self {
            plan,
            rules: Arc::clone(&plan.rules),
            dir,
            chance,
            findings,
            network,
            amps,
            clock,
            winder,
            home_clock,
            home_winder,
            engine: None,
            start_at: start,
            letters: Vec::new(),
            acknowledged: BTreeSet::new(),
            ends: Ends::default(),
            is_disk_full: false,
            room_since: start,
            version: 0,
            n_steps: 0,
            n_looks: 0,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn home_now(&self) -> Timestamp {
        self.home_clock.now()
    }

    pub(super) fn told(&self, what: &str) {
        self.findings.happened(format!("{} {what}", self.now()));
    }

    pub(super) fn control(&self, path: &str, body: &Value) {
        // What the pretend Amps refuses, such as an order while another one runs, has not happened.
        drop(self.amps.control(path, body));
    }

    /// Nobody hears of it; it is started again after `down_for`.
    pub(super) async fn kill(&mut self, down_for: Duration) {
        if let Some(engine) = self.engine.take() {
            self.told(&format!("killed, for {down_for:?}"));
            engine.kill().await;
        }
        self.start_at = later(self.now(), down_for);
    }

    /// Somebody sets the clock of the home so far ahead of the right time, or behind.
    pub(super) fn set_clock(&mut self, ahead: SignedDuration) {
        self.told(&format!("the clock of the home is {ahead:#} ahead"));
        let before = self.home_now().duration_since(self.now());
        self.home_winder.set_wall(ahead - before);
    }

    /// Somebody edits the files, and what they say then comes into force.
    pub(super) async fn edit(&mut self) {
        let n_editions = u64::try_from(self.plan.editions.len()).unwrap();
        let edition = usize::try_from(self.chance.below(n_editions + 1)).unwrap();
        self.told(&format!("edition {edition} of the rules"));
        let edited = self.plan.editions.get(edition);
        self.rules = Arc::clone(edited.unwrap_or(&self.plan.rules));
        if let Some(engine) = &self.engine {
            let rules = Arc::clone(&self.rules);
            if let Err(error) = engine.put_in_force(rules, &self.home_clock).await {
                self.told(&format!("they do not come into force: {error}"));
            }
        }
    }

    async fn start(&mut self) {
        // A program that starts goes by the wall.
        if let Some(by) = self.home_clock.set_by() {
            self.home_clock.take_over(self.home_clock.taken_over() + by);
        }
        let home = (&self.home_clock, &self.network);
        let started = {
            let rules = (self.plan, Arc::clone(&self.rules));
            Engine::start(rules, self.dir.path(), home, &self.findings).await
        };
        match started {
            Ok(engine) => {
                self.told("started");
                self.engine = Some(engine);
                self.is_disk_full = false;
                self.room_since = self.now();
            }
            Err(error) => {
                self.told(&format!("could not be started: {error}"));
                self.start_at = later(self.now(), START_WAIT);
            }
        }
    }

    /// No room for another page, or as much as there is.
    pub(super) async fn fill_disk(&mut self, is_full: bool) {
        let pages = if is_full { 1 } else { u32::MAX - 1 };
        if let Some(engine) = &self.engine {
            self.told(if is_full {
                "the disk is full"
            } else {
                "there is room again"
            });
            let done = engine.store.write(move |tx| tx.limit_pages(pages)).await;
            self.is_disk_full = is_full && done.is_ok();
            self.room_since = self.now();
        }
    }

    /// Lets `duration` pass, with everything that it brings.
    pub(super) async fn pass(&mut self, duration: Duration) {
        let end = later(self.now(), duration);
        let mut n_at_once = 0;
        loop {
            self.settle().await;
            if self.findings.are_there() || self.is_time_to_kill() {
                return;
            }
            let Some(next) = self.next_moment().filter(|it| *it <= end) else {
                break;
            };
            n_at_once = if self.now() < next { 0 } else { n_at_once + 1 };
            if STEPS_AT_ONCE_MAX < n_at_once {
                self.findings
                    .add("it does things without end, and no time passes");
                return;
            }
            self.wind_to(next.max(self.now()));
            self.step().await;
        }
        self.wind_to(end);
        self.settle().await;
    }

    /// A script says so, which somebody follows who waits for it.
    fn is_time_to_kill(&self) -> bool {
        self.network.lock().is_time_to_kill
    }

    fn wind_to(&self, moment: Timestamp) {
        // Clocks show whole microseconds, as rows have them.
        let whole = Duration::from_nanos(999);
        let moment = later(moment, whole).as_microsecond();
        let moment = Timestamp::from_microsecond(moment).unwrap();
        let passed = moment.duration_since(self.now());
        let passed = Duration::try_from(passed).unwrap_or_default();
        self.winder.advance(passed);
        self.home_winder.advance(passed);
    }

    fn next_moment(&self) -> Option<Timestamp> {
        let ahead = self.home_clock.now().duration_since(self.now());
        let home = self.home_winder.next_sleeper();
        let starts = self.engine.is_none().then_some(self.start_at);
        let letters = self.letters.iter().filter(|it| it.answer.is_none());
        let letter = letters.map(|it| it.due).min();
        let moments = [
            self.winder.next_sleeper(),
            home.and_then(|it| it.checked_sub(ahead).ok()),
            self.amps.next_due(),
            letter,
            starts,
        ];
        moments.into_iter().flatten().min()
    }

    /// Returns when nobody can go on before time passes.
    async fn settle(&mut self) {
        // Time that stands still goes on only when every task waits for it.
        #[expect(
            clippy::disallowed_methods,
            reason = "this is not a wait: no time passes"
        )]
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    async fn step(&mut self) {
        self.n_steps += 1;
        if self.engine.is_none() && self.start_at <= self.now() {
            self.start().await;
        }
        self.take_letters();
        self.deliver_letters();
        self.settle().await;
        self.note_answers();
        self.look().await;
    }

    /// What must be true after every step. A step that wrote nothing has changed nothing.
    async fn look(&mut self) {
        let Some(engine) = self.engine.as_ref().filter(|_| !self.is_disk_full) else {
            return;
        };
        let has_room = later(self.room_since, GRACE) <= self.now();
        if has_room {
            invariants::check_alarm(engine, &self.home_clock, &self.findings);
        }
        let version = invariants::version(&self.network.lock().database);
        if version == self.version {
            return;
        }
        self.version = version;
        self.n_looks += 1;
        let is_compared = self.n_looks.is_multiple_of(COMPARED_LOOKS);
        invariants::check(engine, is_compared, &self.findings).await;
        invariants::check_open(&self.network.lock().database, &self.findings);
    }

    /// Webhooks that Amps lets go: on time, late, twice, or lost on the way.
    fn take_letters(&mut self) {
        let now = self.now();
        for parcel in self.amps.tick() {
            let is_calm = self.network.lock().is_calm;
            let percent = if is_calm { 100 } else { self.chance.below(100) };
            if percent < 4 {
                self.told(&format!("the webhook {} is lost", parcel.id));
                continue;
            }
            let longest = if percent < 16 {
                Duration::from_mins(40)
            } else {
                Duration::from_secs(2)
            };
            let late = self.chance.between(Duration::ZERO, longest);
            let letter = |due| Letter {
                parcel: parcel.clone(),
                due,
                n_failed: 0,
                answer: None,
            };
            if percent > 90 && !is_calm {
                let again = self.chance.between(Duration::ZERO, Duration::from_hours(1));
                self.letters.push(letter(later(now, again)));
            }
            self.letters.push(letter(later(now, late)));
        }
    }

    fn deliver_letters(&mut self) {
        let now = self.now();
        for letter in &mut self.letters {
            if letter.answer.is_some() || now < letter.due {
                continue;
            }
            let (reply, answer) = oneshot::channel();
            letter.answer = Some(answer);
            let Some(engine) = &mut self.engine else {
                continue;
            };
            let sent = self.amps.sent(&letter.parcel);
            let intake = engine.intake.clone();
            engine.tasks.spawn(async move {
                let status = intake.answer(sent.headers, sent.body.into_bytes()).await;
                let _gone = reply.send(status);
            });
        }
    }

    fn note_answers(&mut self) {
        let now = self.now();
        for mut letter in std::mem::take(&mut self.letters) {
            let Some(answer) = &mut letter.answer else {
                self.letters.push(letter);
                continue;
            };
            match answer.try_recv() {
                Ok(StatusCode::OK) => {
                    self.acknowledged.insert(letter.parcel.id.clone());
                }
                Err(oneshot::error::TryRecvError::Empty) => {
                    self.letters.push(letter);
                    continue;
                }
                Ok(_) | Err(oneshot::error::TryRecvError::Closed) => {
                    if let Some(wait) = COMES_AGAIN.get(letter.n_failed) {
                        self.letters.push(Letter {
                            due: later(now, *wait),
                            n_failed: letter.n_failed + 1,
                            answer: None,
                            parcel: letter.parcel.clone(),
                        });
                    }
                }
            }
            self.amps.attempted(&letter.parcel.id);
        }
    }

    /// What the tables say; now and then, since it looks at all of them.
    pub(super) fn look_into_tables(&mut self) {
        let between = self.network.lock();
        invariants::check_tables(&between.database, &mut self.ends, &self.findings);
    }

    /// Nothing goes wrong for so long that all must be over.
    pub(super) async fn calm_down(&mut self) {
        self.told("all is calm now");
        self.network.lock().is_calm = true;
        self.amps.forget_faults();
        for device in [home::BATTERY, home::CHARGER, home::HEATING] {
            self.control(&format!("/devices/{device}"), &json!({"offline": false}));
        }
        self.fill_disk(false).await;
        self.set_clock(SignedDuration::ZERO);
        self.pass(LONGEST_WAIT + QUIET).await;
        self.look_into_tables();
        let between = self.network.lock();
        let limit = (
            earlier(self.home_now(), LONGEST_WAIT),
            between.pushes.as_slice(),
        );
        invariants::check_end(&between.database, limit, &self.findings);
        let kept = invariants::texts(&between.database, "SELECT id FROM events", []);
        let kept: BTreeSet<_> = kept.into_iter().collect();
        for lost in self.acknowledged.difference(&kept) {
            self.findings
                .add(format!("{lost} was acknowledged and is lost"));
        }
    }

    /// Each step of each order, and when.
    pub(super) fn all_steps(&self) -> Vec<String> {
        let steps =
            "SELECT format('%d %s %s', at, command_id, detail) FROM command_steps ORDER BY rowid";
        invariants::texts(&self.network.lock().database, steps, [])
    }

    pub(super) fn n_acknowledged(&self) -> usize {
        self.acknowledged.len()
    }
}
