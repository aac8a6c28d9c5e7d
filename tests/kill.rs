//! Killed again and again under load: what was acknowledged is not lost, and nothing is ordered twice.
//!
//! A few seconds by default; `KILL_TEST_SECONDS=120 cargo test --test suite kill -- --nocapture` for longer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use amps_rules::clock::{Clock, later};
use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::{self, Key};
use amps_rules::store::database_path;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use crate::home::{House, WEBHOOK_SECRET, battery_charged, client, until};

const RULES: &str = "\
version: 1
rules:
  - id: order
    mode: parallel
    max: 100
    triggers: {trigger: command, device: house_battery, command: charge}
    actions:
      - {delay: 150ms}
      - parallel:
          - [{delay: 100ms}, {log: one}]
          - {command: charge, device: car_charger, retry: {attempts: 3, backoff: 1s}}
  - id: waits
    mode: parallel
    max: 100
    triggers: {trigger: command, device: house_battery, command: discharge}
    actions:
      - wait_for_trigger: {trigger: command, device: house_battery, command: charge}
        timeout: 3s
      - repeat: {count: 3, sequence: {delay: 80ms}}
      - {notify: phone, message: it came or not}
  - id: in-line
    mode: queued
    max: 100
    triggers: {trigger: command, device: house_battery, command: idle}
    actions:
      - wait_until: {condition: command, device: car_charger, state: idle}
        timeout: 2s
      - {delay: 50ms}
";

/// So much in so little time is otherwise taken for a mistake.
const LIMITS: &str = "\
limits:
  commands_per_minute: 60000
  runs_per_rule: {count: 1000, within: 1s}
";

const SECONDS: u64 = 4;
const LIFE_MIN_MS: u64 = 250;
const LIFE_MAX_MS: u64 = 2500;
const WEBHOOKS_APART: Duration = Duration::from_millis(120);

/// `SplitMix64`.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (drawn ^ (drawn >> 31)) % end
    }
}

/// What was seen from outside.
#[derive(Default)]
struct Seen {
    acknowledged: BTreeSet<String>,
    n_sent: u32,
    /// The actions that Amps made of our pushes.
    actions: BTreeSet<String>,
}

impl Seen {
    /// Amps remembers some requests only.
    fn look(&mut self, house: &House) {
        let accepted = house.pushes().into_iter();
        self.actions
            .extend(accepted.filter_map(|it| it.accepted_action));
    }
}

#[expect(clippy::disallowed_methods, reason = "the one setting of this suite")]
fn seconds() -> u64 {
    let setting = std::env::var("KILL_TEST_SECONDS").ok();
    setting.and_then(|it| it.parse().ok()).unwrap_or(SECONDS)
}

fn rows(house: &House, sql: &str) -> Vec<String> {
    let path = database_path(house.dir.path());
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// One webhook; true when it was acknowledged.
async fn send(client: &reqwest::Client, url: &str, number: u32) -> bool {
    let command = ["charge", "discharge", "idle"][number as usize % 3];
    let mut body = battery_charged(&format!("act_{number}"));
    body["command"] = json!(command);
    let (id, body) = (format!("msg_{number}"), body.to_string());
    let now = Clock::System.now().as_second();
    let key = Key::parse(&Secret::new(WEBHOOK_SECRET)).unwrap();
    let answer = client
        .post(url)
        .header("svix-id", &id)
        .header("svix-timestamp", now)
        .header(
            "svix-signature",
            signature::sign(&key, &id, now, body.as_bytes()),
        )
        .body(body)
        .send()
        .await;
    answer.is_ok_and(|it| it.status() == 200)
}

/// The engine lives for a while under load.
async fn live(house: &House, outside: &mut Seen, for_ms: u64) {
    let client = client();
    let end = later(Clock::System.now(), Duration::from_millis(for_ms));
    while Clock::System.now() < end {
        outside.n_sent += 1;
        let number = outside.n_sent;
        if send(&client, &house.engine().webhooks, number).await {
            outside.acknowledged.insert(format!("msg_{number}"));
        }
        Clock::System.sleep(WEBHOOKS_APART).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_under_load() {
    let mut house = House::without_engine(RULES).await;
    house.edit("home.yaml", |it| it + LIMITS);
    let mut outside = Seen::default();
    let seed = Clock::System.now().as_microsecond().unsigned_abs();
    let mut chance = Chance(seed);
    let end = later(Clock::System.now(), Duration::from_secs(seconds()));
    let mut kills = 0;
    while Clock::System.now() < end {
        house.start_engine();
        let life = LIFE_MIN_MS + chance.below(LIFE_MAX_MS - LIFE_MIN_MS);
        // Not only between two webhooks: the last one may be under way.
        live(&house, &mut outside, life).await;
        let last = outside.n_sent + 1;
        let url = house.engine().webhooks.clone();
        let sending = tokio::spawn(async move { send(&client(), &url, last).await });
        Clock::System
            .sleep(Duration::from_millis(chance.below(120)))
            .await;
        house.kill_engine();
        outside.n_sent = last;
        if sending.await.unwrap() {
            outside.acknowledged.insert(format!("msg_{last}"));
        }
        kills += 1;
        outside.look(&house);
    }
    house.start_engine();
    all_is_over(&house).await;
    outside.look(&house);
    check(&house, &outside, seed);
    tell(&outside, kills, seed);
}

async fn all_is_over(house: &House) {
    until("every run and every command is over", || {
        let open = rows(
            house,
            "SELECT id FROM runs WHERE state = 'running' UNION ALL SELECT id FROM commands WHERE is_open = 1",
        );
        open.is_empty().then_some(())
    })
    .await;
}

fn check(house: &House, outside: &Seen, seed: u64) {
    let kept: BTreeSet<_> = rows(house, "SELECT id FROM events").into_iter().collect();
    let lost: Vec<_> = outside.acknowledged.difference(&kept).collect();
    assert!(
        lost.is_empty(),
        "acknowledged and lost: {lost:?}, seed {seed}"
    );
    // Nothing fails at this Amps, so that one push is enough for each command.
    let mut owners: BTreeMap<String, usize> = BTreeMap::new();
    for command in rows(house, "SELECT id FROM commands") {
        owners.insert(command, 0);
    }
    let steps = "SELECT DISTINCT command_id || ' ' || action_id FROM command_steps WHERE action_id IS NOT NULL";
    for step in rows(house, steps) {
        let (command, action) = step.split_once(' ').unwrap();
        assert!(
            outside.actions.contains(action),
            "{step} is no push, seed {seed}"
        );
        *owners.get_mut(command).unwrap() += 1;
    }
    let wrong: Vec<_> = owners.iter().filter(|(_, n)| **n != 1).collect();
    assert!(
        wrong.is_empty(),
        "commands with other than one push: {wrong:?}, seed {seed}"
    );
    assert_eq!(
        outside.actions.len(),
        owners.len(),
        "pushes and commands, seed {seed}"
    );
    let charged = "SELECT id FROM events WHERE kind = 'report' AND id LIKE 'msg_%' AND payload LIKE '%\"command\":\"charge\"%' AND payload LIKE '%dev_abc123%'";
    let ordered = "SELECT cause FROM runs WHERE rule = 'order' AND parent IS NULL";
    let sorted = |sql| rows(house, sql).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(
        sorted(charged),
        sorted(ordered),
        "each charge orders once, seed {seed}"
    );
    let ended = rows(
        house,
        "SELECT id || ' ' || state || ' ' || coalesce(reason, '') FROM runs WHERE state <> 'completed'",
    );
    assert!(ended.is_empty(), "{ended:?}, seed {seed}");
}

#[expect(clippy::print_stdout, reason = "for whoever asks with `--nocapture`")]
fn tell(outside: &Seen, kills: u32, seed: u64) {
    println!(
        "{kills} kills, {} of {} webhooks acknowledged, {} pushes, seed {seed}",
        outside.acknowledged.len(),
        outside.n_sent,
        outside.actions.len()
    );
}
