//! Seeded days of a home in virtual time: whatever happens, and in whatever order, the invariants hold.
//!
//! The stages, the store and the rules are the real ones, on a real SQLite file. What lies outside is pretended:
//! Amps (the simulator, without a network), the network between, the clocks, and the hand that pulls the plug.
//! Each seed is a day in which chance orders, fails, loses, delays, repeats, kills and fills the disk; then come
//! some quiet hours after which everything must be over.
//!
//! ```text
//! SIMULATION_SEEDS=1000 cargo test --lib simulation -- --nocapture     the first thousand
//! SIMULATION_SEED=17 cargo test --lib simulation -- --nocapture        that one
//! ```

mod chance;
mod clock;
mod day;
mod engine;
mod fault_sweep;
mod findings;
mod home;
mod invariants;
mod network;
mod replayed;
mod script;
mod yielding;

use std::ops::Range;
use std::time::Duration;

use day::Day;
use rayon::prelude::*;

/// Seeds that are lived through when nobody asks for others.
const SEEDS: u64 = 6;

/// Between two things that happen.
const PAUSE_MAX: Duration = Duration::from_mins(22);

const THINGS_PER_DAY: u32 = 120;

/// Enough for kills, losses and waits of all kinds.
const SOME_THINGS: u32 = 40;

/// What came of a day.
#[derive(Clone, Copy, Debug, Default)]
struct Lived {
    steps: u64,
    looks: u64,
    pushes: u64,
    webhooks: u64,
    hours: u64,
}

impl Lived {
    fn and(self, other: &Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            looks: self.looks + other.looks,
            pushes: self.pushes + other.pushes,
            webhooks: self.webhooks + other.webhooks,
            hours: self.hours + other.hours,
        }
    }
}

async fn live(day: &mut Day, n_things: u32) -> Result<Lived, String> {
    let begin = day.now();
    for nth in 0..n_things {
        let pause = day.chance.between(Duration::ZERO, PAUSE_MAX);
        day.pass(pause).await;
        script::happen(day).await;
        if nth % 8 == 0 {
            day.look_into_tables();
        }
        if let Some(report) = day.findings.report() {
            return Err(report);
        }
    }
    day.calm_down().await;
    if let Some(report) = day.findings.report() {
        return Err(report);
    }
    let lived = day.now().duration_since(begin).as_hours();
    let n_pushes = day.network.lock().pushes.len() as u64;
    Ok(Lived {
        steps: day.n_steps,
        looks: day.n_looks,
        pushes: n_pushes,
        webhooks: day.n_acknowledged() as u64,
        hours: u64::try_from(lived).unwrap(),
    })
}

#[expect(clippy::disallowed_methods, reason = "the one setting of this suite")]
fn seeds() -> Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    match (number("SIMULATION_SEED"), number("SIMULATION_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, many) => 0..many.unwrap_or(SEEDS),
    }
}

/// Time passes only when somebody lets it.
fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(work)
}

/// Without that, what a seed has found could not be looked into.
#[test]
fn a_seed_is_the_same_day_each_time() {
    let [first, again] = [(); 2].map(|()| {
        in_virtual_time(async {
            let mut day = Day::new(0);
            live(&mut day, SOME_THINGS)
                .await
                .map(|_| day.all_steps())
                .unwrap()
        })
    });
    assert!(!first.is_empty());
    assert!(first == again, "{}", invariants::difference(&first, &again));
}

/// The whole day of `seed`, or what went wrong in it and how to live it again.
fn live_through(seed: u64) -> Result<Lived, String> {
    let mut day = Day::new(seed);
    in_virtual_time(live(&mut day, THINGS_PER_DAY)).map_err(|report| {
        let kept = day.dir.keep();
        format!(
            "seed {seed}: {report}\n\
             once more with: SIMULATION_SEED={seed} cargo test --lib simulation\n\
             its database is kept in {}",
            kept.display()
        )
    })
}

#[test]
fn whatever_happens_in_a_day_the_invariants_hold() {
    let days: Vec<_> = seeds().into_par_iter().map(live_through).collect();
    let found = days.iter().filter_map(|it| it.as_ref().err());
    let found: Vec<_> = found.map(String::as_str).collect();
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    let total = days.iter().flatten().fold(Lived::default(), Lived::and);
    assert!(
        0 < total.pushes && 0 < total.webhooks,
        "nothing happened: {total:?}"
    );
    tell(&total);
}

#[expect(clippy::print_stdout, reason = "for whoever asks with `--nocapture`")]
fn tell(total: &Lived) {
    let days = total.hours / 24;
    println!("{days} days: {total:?}");
}
