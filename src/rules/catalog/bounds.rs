//! How much a rule may say: the bounds that readers hold and editors are told.

use std::time::Duration;

pub(in crate::rules) const TRIGGERS_MAX: usize = 100;
pub(in crate::rules) const CONDITIONS_MAX: usize = 100;
pub(in crate::rules) const STEPS_MAX: usize = 200;

/// The most ways of `choose`.
pub(in crate::rules) const WAYS_MAX: usize = 100;

/// The most branches of `parallel`.
pub(in crate::rules) const BRANCHES_MAX: usize = 20;

/// The most things that one key can list: devices, commands, words.
pub(in crate::rules) const ITEMS_MAX: usize = 1000;

pub(in crate::rules) const ID_CHARACTERS_MAX: usize = 64;
pub(in crate::rules) const ALIAS_CHARACTERS_MAX: usize = 200;
pub(in crate::rules) const DESCRIPTION_CHARACTERS_MAX: usize = 4000;

/// Of a name, of whatever it may be.
pub(in crate::rules) const WORD_CHARACTERS_MAX: usize = 128;

pub(in crate::rules) const MESSAGE_CHARACTERS_MAX: usize = 4000;
pub(in crate::rules) const TITLE_CHARACTERS_MAX: usize = 250;

/// Of a value that is text.
pub(in crate::rules) const VALUE_CHARACTERS_MAX: usize = 200;

/// Of the name of a webhook, which is a part of an address.
pub(in crate::rules) const WEBHOOK_CHARACTERS_MAX: usize = 64;

/// Of a cron pattern.
pub(in crate::rules) const PATTERN_CHARACTERS_MAX: usize = 200;

pub(in crate::rules) const HEADERS_MAX: usize = 50;
pub(crate) const HEADER_CHARACTERS_MAX: usize = 2000;

/// Runs at once, of a rule that is `queued` or `parallel`.
pub(in crate::rules) const RUNS_MIN: u32 = 2;
pub(in crate::rules) const RUNS_MAX: u32 = 100;

pub(in crate::rules) const PRIORITY_MAX: u32 = 100;

/// The most rounds that a `repeat` may ask for.
pub(in crate::rules) const ROUNDS_MAX: u32 = 1000;

/// Of an order that begins later: Amps plans no further ahead (`amps-api.md` §3.3).
pub(crate) const PLANNED_AHEAD_MAX: Duration = Duration::from_hours(30 * 24);

/// How often the trigger inside of `count` fires.
pub(in crate::rules) const COUNT_MIN: u32 = 2;
pub(in crate::rules) const COUNT_MAX: u32 = 1000;
