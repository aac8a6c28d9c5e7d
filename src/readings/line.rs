//! Who is read next, how often, and how long nobody is asked after Amps pushed back. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::config::home::HomeDevice;
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::state::Shown;
use crate::domain::device::Device;
use crate::domain::id::DeviceId;
use crate::domain::value::{Origin, Value};
use crate::engine::decision::ReadRequest;

/// Requests that are under way at once.
const REQUESTS_MAX: usize = 4;

/// At the start, devices are read one after another with this much time between them at most, and keep
/// that distance.
const START_GAP_MAX: Duration = Duration::from_secs(1);

/// The first wait after a failure; each further one is twice as long.
const BACKOFF_FIRST: Duration = Duration::from_secs(15);
const BACKOFF_MAX: Duration = Duration::from_mins(30);

const TOO_MANY_REQUESTS: u16 = 429;

/// What Amps may say with another status when it means "too fast" (`amps-api.md` §7).
const RATE_LIMIT_CODE: &str = "RATE_LIMIT_EXCEEDED";

/// The devices of a home, and when each is read next.
#[derive(Debug)]
pub(super) struct Line {
    devices: Vec<Polled>,
    /// Nobody is asked before that.
    pause: Option<Timestamp>,
    /// How often Amps said "too fast" since it last answered.
    n_pauses: u32,
}

#[derive(Debug)]
struct Polled {
    device: HomeDevice,
    due: Timestamp,
    /// What it said last.
    last: Option<(Origin, BTreeMap<String, Value>)>,
    is_busy: bool,
    /// A rule waits for its values.
    wanted: Option<Wanted>,
    /// In a row.
    n_failures: u32,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    expedite: bool,
    /// Not asked before that, if not for another reason.
    from: Timestamp,
}

/// A request that is to be made.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) device: Device,
    /// Values that Amps has kept for a quarter of an hour are too old.
    pub(super) expedite: bool,
}

/// What there is to tell.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    Read {
        shown: Box<Shown>,
        /// It says something else than the last one did.
        is_new: bool,
    },
    /// A rule waits for it, and it did not answer.
    NotRead(DeviceId),
}

impl Line {
    pub(super) fn new(devices: Vec<HomeDevice>, now: Timestamp) -> Self {
        let n_devices = u32::try_from(devices.len()).unwrap_or(u32::MAX).max(1);
        let shortest = devices.iter().map(|it| it.poll).min().unwrap_or_default();
        let gap = START_GAP_MAX.min(shortest / n_devices);
        let mut due = now;
        let devices = devices.into_iter().map(|device| {
            let polled = Polled {
                device,
                due,
                last: None,
                is_busy: false,
                wanted: None,
                n_failures: 0,
            };
            due = later(due, gap);
            polled
        });
        Self {
            devices: devices.collect(),
            pause: None,
            n_pauses: 0,
        }
    }

    /// When the next request is to be made; none while that hangs on something else than the time.
    pub(super) fn due(&self) -> Option<Timestamp> {
        if self.is_full() {
            return None;
        }
        let idle = self.devices.iter().filter(|it| !it.is_busy);
        let due = idle.map(Polled::next_at).min()?;
        Some(self.pause.map_or(due, |pause| due.max(pause)))
    }

    fn is_full(&self) -> bool {
        REQUESTS_MAX <= self.devices.iter().filter(|it| it.is_busy).count()
    }

    /// The next request, if one is to be made now: one that a rule waits for first.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Reading> {
        if self.is_full() || self.pause.is_some_and(|pause| now < pause) {
            return None;
        }
        let idle = self.devices.iter_mut().filter(|it| !it.is_busy);
        let is_waited_for = |it: &Polled| it.wanted.is_some_and(|it| it.from <= now);
        let next = idle.min_by_key(|it| (!is_waited_for(it), it.next_at()))?;
        if now < next.next_at() {
            return None;
        }
        next.is_busy = true;
        Some(Reading {
            device: next.device.device.clone(),
            expedite: next.wanted.is_some_and(|it| it.expedite),
        })
    }

    /// A rule waits for the values of a device.
    pub(super) fn want(&mut self, request: &ReadRequest, now: Timestamp) -> Option<News> {
        let is_paused = self.pause.is_some_and(|pause| now < pause);
        let Some(polled) = self.find(&request.device).filter(|_| !is_paused) else {
            return Some(News::NotRead(request.device.clone()));
        };
        let (asked, from) = (request.expedite, later(now, request.wait));
        polled.wanted = Some(match polled.wanted {
            Some(before) => Wanted {
                expedite: asked || before.expedite,
                from: from.min(before.from),
            },
            None => Wanted {
                expedite: asked,
                from,
            },
        });
        None
    }

    fn find(&mut self, device: &DeviceId) -> Option<&mut Polled> {
        let mut devices = self.devices.iter_mut();
        devices.find(|it| it.device.device.id == *device)
    }

    /// What came of a request.
    pub(super) fn take(
        &mut self,
        reading: &Reading,
        answer: Answer<Shown>,
        now: Timestamp,
    ) -> Option<News> {
        let refusal = match answer {
            Answer::Ok(shown) => {
                if self.pause.is_none_or(|pause| pause <= now) {
                    self.n_pauses = 0;
                }
                return self.find(&reading.device.id)?.answered(reading, shown, now);
            }
            Answer::Refused(refusal) => {
                tracing::warn!(device = %reading.device.alias, ?refusal, "cannot be read");
                Some(refusal)
            }
            Answer::NotSent { reason } | Answer::Lost { reason, .. } => {
                tracing::warn!(device = %reading.device.alias, reason, "cannot be read");
                None
            }
        };
        let asked = refusal.as_ref().and_then(|it| it.retry_after);
        if refusal.as_ref().is_some_and(is_too_fast) {
            let wait = asked.unwrap_or(backoff(self.n_pauses));
            self.n_pauses = self.n_pauses.saturating_add(1);
            self.pause = Some(later(now, wait));
        }
        self.find(&reading.device.id)?.failed(asked, now)
    }
}

impl Polled {
    fn next_at(&self) -> Timestamp {
        self.wanted.map_or(self.due, |it| it.from.min(self.due))
    }

    fn answered(&mut self, reading: &Reading, shown: Shown, now: Timestamp) -> Option<News> {
        self.is_busy = false;
        self.n_failures = 0;
        self.due = later(now, self.device.poll);
        // A rule began to wait for younger values meanwhile; they are asked for next.
        if self.wanted.is_some_and(|it| it.expedite) && !reading.expedite {
            return None;
        }
        self.wanted = None;
        let readings = &shown.readings;
        let said = Some((readings.origin, readings.values.clone()));
        let is_new = said != self.last;
        self.last = said;
        let shown = Box::new(shown);
        Some(News::Read { shown, is_new })
    }

    fn failed(&mut self, asked: Option<Duration>, now: Timestamp) -> Option<News> {
        self.is_busy = false;
        let wait = asked.unwrap_or_default().max(backoff(self.n_failures));
        self.n_failures = self.n_failures.saturating_add(1);
        self.due = later(now, wait.max(self.device.poll));
        let device = self.device.device.id.clone();
        self.wanted.take().map(|_| News::NotRead(device))
    }
}

fn is_too_fast(refusal: &Refusal) -> bool {
    refusal.status == TOO_MANY_REQUESTS || refusal.code.as_deref() == Some(RATE_LIMIT_CODE)
}

/// How long to wait after so many failures before this one.
pub(super) fn backoff(n_before: u32) -> Duration {
    let factor = 2_u32.saturating_pow(n_before);
    BACKOFF_FIRST.saturating_mul(factor).min(BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::home::DeviceAllowance;
    use crate::domain::device::DeviceType;
    use crate::domain::event::Readings;
    use crate::domain::id::DeviceAlias;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn line(n_devices: usize) -> Line {
        let device = |number| HomeDevice {
            device: Device {
                alias: DeviceAlias::new(format!("battery_{number}")),
                device_type: DeviceType::Battery,
                id: DeviceId::new(format!("dev_{number}")),
            },
            poll: Duration::from_mins(1),
            allowance: DeviceAllowance::default(),
        };
        Line::new((0..n_devices).map(device).collect(), at(0))
    }

    fn wanted(number: usize) -> ReadRequest {
        ReadRequest {
            device: DeviceId::new(format!("dev_{number}")),
            expedite: true,
            wait: Duration::ZERO,
        }
    }

    fn refused(status: u16, retry_after: Option<u64>) -> Answer<Shown> {
        Answer::Refused(Refusal {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            ..Refusal::default()
        })
    }

    fn said(reading: &Reading) -> Answer<Shown> {
        let readings = Readings {
            device: reading.device.id.clone(),
            taken_at: at(0),
            origin: Origin::Live,
            values: BTreeMap::new(),
        };
        Answer::Ok(Shown {
            readings,
            declaration: None,
        })
    }

    /// The second from which on the only device is read next.
    fn due(line: &Line) -> Option<i64> {
        line.due().map(Timestamp::as_second)
    }

    #[test]
    fn who_was_asked_a_moment_ago_is_asked_when_that_is_over() {
        let mut line = line(1);
        let reading = line.next(at(0)).unwrap();
        let lost = Answer::NotSent {
            reason: "no route".to_owned(),
        };
        line.take(&reading, lost, at(0));
        assert_eq!(line.due(), Some(at(60)));
        let request = ReadRequest {
            wait: Duration::from_secs(10),
            ..wanted(0)
        };
        assert_eq!(line.want(&request, at(5)), None);
        assert_eq!(line.due(), Some(at(15)));
        assert!(line.next(at(14)).is_none());
        assert!(line.next(at(15)).unwrap().expedite);
    }

    #[test]
    fn devices_are_read_one_after_another_at_the_start_and_keep_their_distance() {
        let mut line = line(3);
        for second in 0..3 {
            assert_eq!(due(&line), Some(second));
            let reading = line.next(at(second)).unwrap();
            assert!(line.next(at(second)).is_none());
            assert!(line.take(&reading, said(&reading), at(second)).is_some());
        }
        assert_eq!(due(&line), Some(60));
    }

    #[test]
    fn a_device_is_asked_once_at_a_time_and_only_some_at_once() {
        let mut line = line(REQUESTS_MAX + 1);
        let under_way: Vec<Reading> = std::iter::from_fn(|| line.next(at(30))).collect();
        assert_eq!(under_way.len(), REQUESTS_MAX);
        assert_eq!(due(&line), None);
        // It is being read already, and the answer is not young enough for who asks now.
        assert_eq!(line.want(&wanted(0), at(30)), None);
        let first = &under_way[0];
        assert_eq!(line.take(first, said(first), at(30)), None);
        let again = line.next(at(30)).unwrap();
        assert_eq!((again.device.id.as_str(), again.expedite), ("dev_0", true));
        assert!(matches!(
            line.take(&again, said(&again), at(30)),
            Some(News::Read { is_new: true, .. })
        ));
    }

    #[test]
    fn the_wait_after_a_failure_doubles_and_is_bounded() {
        let mut line = line(1);
        let mut second = 0;
        let mut waits = Vec::new();
        for _ in 0..10 {
            let reading = line.next(at(second)).unwrap();
            line.take(&reading, refused(503, None), at(second));
            waits.push(due(&line).unwrap() - second);
            second = due(&line).unwrap();
        }
        assert_eq!(waits, [60, 60, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
        let reading = line.next(at(second)).unwrap();
        line.take(&reading, said(&reading), at(second));
        assert_eq!(due(&line), Some(second + 60));
    }

    #[test]
    fn too_many_requests_let_everybody_wait_as_long_as_amps_says() {
        let mut line = line(2);
        let reading = line.next(at(0)).unwrap();
        assert_eq!(line.take(&reading, refused(429, Some(90)), at(0)), None);
        assert_eq!(due(&line), Some(90));
        assert!(line.next(at(89)).is_none());
        let unread = Some(News::NotRead(DeviceId::new("dev_1")));
        assert_eq!(line.want(&wanted(1), at(89)), unread);
        assert_eq!(line.want(&wanted(1), at(90)), None);
        assert!(line.next(at(90)).is_some_and(|it| it.expedite));
    }

    #[test]
    fn who_waits_for_a_device_that_cannot_be_read_is_told() {
        let mut line = line(1);
        line.want(&wanted(0), at(0));
        let reading = line.next(at(0)).unwrap();
        let lost = Answer::Lost {
            reason: "no answer in time".to_owned(),
            is_answered: false,
        };
        let unread = Some(News::NotRead(DeviceId::new("dev_0")));
        assert_eq!(line.take(&reading, lost, at(10)), unread);
    }
}
