//! Whether Amps is to be asked at all now: not while it wants a pause, and by one request at a time while it
//! does not answer. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::http_client::RETRY_AFTER_MAX;

/// Requests in a row that nothing was heard of before Amps counts as not answering.
const SILENCES_MAX: u32 = 3;

/// How long nobody asks an Amps that does not answer; doubled each time, up to the most.
const PROBE_WAIT: Duration = Duration::from_secs(5);
const PROBE_WAIT_MAX: Duration = Duration::from_mins(5);

/// How long nobody asks after "too fast" without a word on how long; doubled each time, up to the most.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_mins(5);

/// What a request came to, as far as Amps itself goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Whatever it said.
    Answer,
    /// It wants fewer requests, and may say for how long.
    TooFast(Option<Duration>),
    /// Nothing, or nothing of its own.
    Silence(String),
}

/// What somebody finds who wants to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entrance {
    Open,
    /// It was shut; the answer to this one request decides.
    Probe,
    /// The answer to somebody else's request decides.
    Probing {
        why: String,
    },
    /// Until then.
    Shut {
        until: Timestamp,
        why: String,
    },
}

/// Amps does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// When nothing was heard for the first time.
    pub(crate) since: Timestamp,
    /// What went wrong last.
    pub(crate) error: String,
}

#[derive(Debug, Default)]
pub(super) struct Door {
    /// Nobody asks before that.
    pause_until: Option<Timestamp>,
    /// "Too fast", in a row.
    n_pauses: u32,
    silence: Option<Silence>,
}

#[derive(Debug)]
struct Silence {
    outage: Outage,
    /// In a row.
    n: u32,
    probe_at: Timestamp,
    /// When nothing was heard last.
    last_at: Timestamp,
    is_probing: bool,
}

impl Silence {
    fn is_outage(&self) -> bool {
        SILENCES_MAX <= self.n
    }
}

impl Door {
    /// As an earlier life of the program left it: the first request after the pause finds out whether an outage is
    /// over.
    pub(super) fn restored(
        outage: Option<Outage>,
        pause_until: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        // Meanwhile the clock may have been set.
        let longest = later(now, RETRY_AFTER_MAX);
        Self {
            pause_until: pause_until.map(|it| it.min(longest)),
            n_pauses: u32::from(pause_until.is_some()),
            silence: outage.map(|outage| Silence {
                probe_at: outage.since,
                last_at: outage.since,
                outage,
                n: SILENCES_MAX,
                is_probing: false,
            }),
        }
    }

    /// Until when Amps wants to be left alone; may have passed.
    pub(super) fn pause_until(&self) -> Option<Timestamp> {
        self.pause_until
    }

    /// None while it answers, or has been silent only now and then.
    pub(super) fn outage(&self) -> Option<&Outage> {
        let silence = self.silence.as_ref().filter(|it| it.is_outage());
        silence.map(|it| &it.outage)
    }

    /// When somebody may ask whether an outage is over; none while somebody does, and where there is none.
    pub(super) fn probe_at(&self) -> Option<Timestamp> {
        let silence = self.silence.as_ref().filter(|it| it.is_outage())?;
        let pause = self.pause_until.unwrap_or(Timestamp::MIN);
        (!silence.is_probing).then_some(silence.probe_at.max(pause))
    }

    /// As [`Self::look`] for a request that cannot wait for the next probe: it may be one itself, a moment after the
    /// last.
    pub(super) fn look_in_a_hurry(&self, now: Timestamp) -> Entrance {
        let may_probe =
            (self.silence.as_ref()).is_some_and(|it| later(it.last_at, PROBE_WAIT) <= now);
        match self.look(now) {
            Entrance::Shut { .. } if may_probe && self.pause_until.is_none_or(|it| it <= now) => {
                Entrance::Probe
            }
            entrance @ (Entrance::Open
            | Entrance::Probe
            | Entrance::Probing { .. }
            | Entrance::Shut { .. }) => entrance,
        }
    }

    pub(super) fn look(&self, now: Timestamp) -> Entrance {
        if let Some(until) = self.pause_until.filter(|it| now < *it) {
            let why = "Amps asks for fewer requests".to_owned();
            return Entrance::Shut { until, why };
        }
        let Some(silence) = self.silence.as_ref().filter(|it| it.is_outage()) else {
            return Entrance::Open;
        };
        let why = format!("Amps does not answer: {}", silence.outage.error);
        let until = silence.probe_at;
        if silence.is_probing {
            Entrance::Probing { why }
        } else if now < until {
            Entrance::Shut { until, why }
        } else {
            Entrance::Probe
        }
    }

    /// The request that decides is about to leave.
    pub(super) fn begin_probe(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.is_probing = true;
        }
    }

    /// The probe came to nothing that could be heard: it was given up on our side.
    pub(super) fn forget_probe(&mut self) {
        if let Some(silence) = &mut self.silence {
            silence.is_probing = false;
        }
    }

    /// Takes in what a request came to. True when an outage is over with it.
    pub(super) fn hear(&mut self, heard: Heard, is_probe: bool, now: Timestamp) -> bool {
        match heard {
            Heard::Silence(error) => {
                self.silent(error, is_probe, now);
                return false;
            }
            Heard::TooFast(asked) => self.pause(asked, now),
            Heard::Answer => {
                if self.pause_until.is_none_or(|it| it <= now) {
                    self.pause_until = None;
                    self.n_pauses = 0;
                }
            }
        }
        self.silence.take().is_some_and(|it| it.is_outage())
    }

    fn pause(&mut self, asked: Option<Duration>, now: Timestamp) {
        // The others that were under way say the same, and do not make it longer.
        if self.pause_until.is_none_or(|it| it <= now) {
            self.n_pauses = self.n_pauses.saturating_add(1);
        }
        let wait = asked.unwrap_or_else(|| doubled(PAUSE, PAUSE_MAX, self.n_pauses - 1));
        let until = later(now, wait);
        self.pause_until = Some(self.pause_until.map_or(until, |it| it.max(until)));
    }

    fn silent(&mut self, error: String, is_probe: bool, now: Timestamp) {
        let silence = self.silence.get_or_insert_with(|| Silence {
            outage: Outage {
                since: now,
                error: String::new(),
            },
            n: 0,
            probe_at: now,
            last_at: now,
            is_probing: false,
        });
        silence.outage.error = error;
        // What was under way when it began says nothing new.
        if silence.is_outage() && !is_probe {
            return;
        }
        silence.n = silence.n.saturating_add(1);
        silence.is_probing = false;
        silence.last_at = now;
        let n_before = silence.n.saturating_sub(SILENCES_MAX);
        silence.probe_at = later(now, doubled(PROBE_WAIT, PROBE_WAIT_MAX, n_before));
    }
}

fn doubled(first: Duration, most: Duration, times: u32) -> Duration {
    let factor = 2_u32.saturating_pow(times);
    first.saturating_mul(factor).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn silence() -> Heard {
        Heard::Silence("no route".to_owned())
    }

    /// Looks, and begins what there is to be seen.
    fn knock(door: &mut Door, now: i64) -> Entrance {
        let entrance = door.look(at(now));
        if entrance == Entrance::Probe {
            door.begin_probe();
        }
        entrance
    }

    fn shut(until: i64) -> Entrance {
        Entrance::Shut {
            until: at(until),
            why: "Amps does not answer: no route".to_owned(),
        }
    }

    #[test]
    fn two_silences_in_a_row_are_none_and_three_are_an_outage() {
        let mut door = Door::default();
        door.hear(silence(), false, at(1));
        door.hear(silence(), false, at(2));
        assert_eq!((knock(&mut door, 2), door.outage()), (Entrance::Open, None));
        door.hear(silence(), false, at(3));
        assert_eq!(knock(&mut door, 3), shut(8));
        let outage = Outage {
            since: at(1),
            error: "no route".to_owned(),
        };
        assert_eq!(door.outage(), Some(&outage));
    }

    #[test]
    fn an_answer_in_between_begins_the_count_anew() {
        let mut door = Door::default();
        for _ in 0..5 {
            door.hear(silence(), false, at(1));
            door.hear(silence(), false, at(2));
            assert!(!door.hear(Heard::Answer, false, at(3)));
        }
        assert_eq!(knock(&mut door, 3), Entrance::Open);
    }

    #[test]
    fn one_request_asks_whether_it_is_over_and_the_waits_double_up_to_five_minutes() {
        let mut door = Door::default();
        for _ in 0..3 {
            door.hear(silence(), false, at(0));
        }
        let mut waits = Vec::new();
        let mut now = 0;
        for _ in 0..8 {
            let Entrance::Shut { until, .. } = knock(&mut door, now) else {
                panic!("it is shut");
            };
            waits.push(until.as_second() - now);
            now = until.as_second();
            assert_eq!(knock(&mut door, now - 1), shut(now));
            assert_eq!(knock(&mut door, now), Entrance::Probe);
            let why = "Amps does not answer: no route".to_owned();
            assert_eq!(knock(&mut door, now), Entrance::Probing { why });
            // One that was under way for long changes nothing.
            door.hear(silence(), false, at(now));
            door.hear(silence(), true, at(now));
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(knock(&mut door, now + 300), Entrance::Probe);
        assert!(door.hear(Heard::Answer, true, at(now + 300)));
        assert_eq!(knock(&mut door, now + 300), Entrance::Open);
        assert_eq!(door.outage(), None);
    }

    #[test]
    fn who_is_in_a_hurry_may_ask_a_moment_after_the_last_who_did() {
        let mut door = Door::default();
        for n in 0..6 {
            door.hear(silence(), 2 < n, at(n));
        }
        assert_eq!(knock(&mut door, 6), shut(45));
        assert_eq!(door.probe_at(), Some(at(45)));
        assert_eq!(door.look_in_a_hurry(at(9)), shut(45));
        assert_eq!(door.look_in_a_hurry(at(10)), Entrance::Probe);
        door.begin_probe();
        assert_eq!(door.probe_at(), None);
        door.hear(silence(), true, at(10));
        assert_eq!(door.look_in_a_hurry(at(14)), shut(90));
        door.hear(Heard::TooFast(Some(Duration::from_mins(1))), false, at(14));
        let why = "Amps asks for fewer requests".to_owned();
        let until = at(74);
        assert_eq!(door.look_in_a_hurry(at(20)), Entrance::Shut { until, why });
    }

    #[test]
    fn a_probe_that_was_given_up_lets_the_next_one_ask() {
        let outage = Outage {
            since: at(0),
            error: "no route".to_owned(),
        };
        let mut door = Door::restored(Some(outage), None, at(0));
        assert_eq!(knock(&mut door, 60), Entrance::Probe);
        door.forget_probe();
        assert_eq!(knock(&mut door, 60), Entrance::Probe);
    }

    #[test]
    fn a_pause_of_before_holds_for_as_long_as_a_pause_can_be() {
        for (until, holds_until) in [(600, 600), (9000, 3600)] {
            let mut door = Door::restored(None, Some(at(until)), at(0));
            let why = "Amps asks for fewer requests".to_owned();
            let shut = Entrance::Shut {
                until: at(holds_until),
                why,
            };
            assert_eq!(knock(&mut door, holds_until - 1), shut);
            assert_eq!(knock(&mut door, holds_until), Entrance::Open);
        }
    }

    #[test]
    fn a_pause_is_as_long_as_amps_says_or_doubles_each_time() {
        let mut door = Door::default();
        let until = |door: &mut Door, now| {
            let Entrance::Shut { until, why } = knock(door, now) else {
                panic!("it is open at {now}");
            };
            assert_eq!(why, "Amps asks for fewer requests");
            until.as_second()
        };
        door.hear(Heard::TooFast(Some(Duration::from_secs(7))), false, at(0));
        assert_eq!(until(&mut door, 6), 7);
        assert_eq!(knock(&mut door, 7), Entrance::Open);
        door.hear(Heard::TooFast(None), false, at(10));
        // Said by those that were under way as well: it is one pause.
        door.hear(Heard::TooFast(None), false, at(10));
        assert_eq!(until(&mut door, 10), 14);
        let mut now = 14;
        for wait in [8, 16, 32, 64, 128, 256, 300, 300] {
            door.hear(Heard::TooFast(None), false, at(now));
            assert_eq!(until(&mut door, now), now + wait);
            now += wait;
        }
        door.hear(Heard::Answer, false, at(now));
        door.hear(Heard::TooFast(None), false, at(now));
        assert_eq!(until(&mut door, now), now + 2);
    }
}
