//! Can the clock be right? A Raspberry Pi has none that runs without power.

use jiff::{SignedDuration, Timestamp};

/// 2026-01-01T00:00:00Z. This program did not exist before.
pub const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// So far may a clock be put back without suspicion: that is how clocks are kept right.
pub const PUT_BACK_MAX: SignedDuration = SignedDuration::from_mins(1);

/// Whether `now` can be the time: not before this program was written, and not before `last_seen`, the
/// last moment that was stored.
///
/// While it cannot, triggers by the time are held: a Pi that starts without a network begins where it
/// was switched off, or in the year of its system, and would fire at the wrong moments. It answers
/// for what can be known from two numbers only. A clock that was far ahead when `last_seen` was stored
/// makes every right time look wrong; then the caller needs a better witness, such as the date in the
/// answers of a server, and stores that as last seen.
pub fn is_sane(now: Timestamp, last_seen: Option<Timestamp>) -> bool {
    let is_put_back = |last_seen: Timestamp| PUT_BACK_MAX < last_seen.duration_since(now);
    EARLIEST <= now && !last_seen.is_some_and(is_put_back)
}
