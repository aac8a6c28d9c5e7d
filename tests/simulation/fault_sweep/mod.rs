//! Each fault at each step of a life of an order, one order at a time: what came of it, in one table for each life.
//!
//! The tables are beside this file; `UPDATE=1 cargo test --lib fault_sweep` writes them anew. Whatever they say: Amps
//! never takes a push of an order while another push of it stands, every order comes to an end, nothing that was called
//! off runs to its end unnoticed, and what is told of a setting is what the device has.

mod called_off;
mod generation_b;
mod immediate;
mod in_the_way;
mod planned;
mod play;
mod row;
mod settings;
mod stage;
mod table;
mod verified;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use play::Play;
use rayon::prelude::*;
use row::Row;

use super::{home, in_virtual_time};

const TABLES: &str = "tests/simulation/fault_sweep";

/// One kind of life, and all that is played on it.
struct Life {
    /// Of its table.
    name: &'static str,
    /// For who reads that.
    about: &'static str,
    /// With one that is called `order`.
    rules: String,
    /// Rules whose runs tell something, too.
    tells: &'static [&'static str],
    plays: Vec<Play>,
}

impl fmt::Display for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.step, self.fault)
    }
}

/// Plays all of it, and compares.
fn sweep(life: &Life) {
    let plan = home::plan_of(&life.rules);
    let act = |play: &Play| in_virtual_time(stage::act(life, plan, play));
    // All that is wrong is of interest, and not only the first.
    let played = life.plays.par_iter();
    let played =
        played.map(|play| catch_unwind(AssertUnwindSafe(|| act(play))).map_err(|why| (play, why)));
    let played: Vec<Result<Row, _>> = played.collect();
    let broken = played.iter().filter_map(|it| it.as_ref().err());
    let said = broken.map(|(play, why)| {
        let why = why
            .downcast_ref::<String>()
            .map_or("panicked", String::as_str);
        format!("{play}: {why}")
    });
    let said: Vec<String> = said.collect();
    assert!(said.is_empty(), "{}: {}", life.name, said.join("\n\n"));
    let rows: Vec<Row> = played.into_iter().flatten().collect();
    let found = table::of(life, &rows);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLES);
    let path = path.join(format!("{}.txt", life.name));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = expected.lines().zip(found.lines());
    let differs = lines.find(|(expected, found)| expected != found);
    assert!(
        expected == found,
        "the table is another one; first: {differs:#?}\nUPDATE=1 writes it anew"
    );
}

#[test]
fn an_order_that_begins_at_once() {
    sweep(&immediate::life());
}

#[test]
fn an_order_that_begins_later() {
    sweep(&planned::life());
    sweep(&planned::windowed());
}

#[test]
fn an_order_that_is_called_off() {
    sweep(&called_off::life());
}

#[test]
fn an_order_that_finds_its_device_taken() {
    sweep(&in_the_way::replaces());
    sweep(&in_the_way::queues());
    sweep(&in_the_way::displaces());
}

#[test]
fn a_setting_that_is_written() {
    sweep(&settings::life());
}

#[test]
fn an_order_that_is_verified() {
    sweep(&verified::life());
}

#[test]
fn an_order_in_the_generation_before() {
    sweep(&generation_b::battery());
    sweep(&generation_b::charger());
    sweep(&generation_b::heating());
}
