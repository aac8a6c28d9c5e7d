//! Who may ask Amps next: not too often with one key, nor about one device, and each device in its turn. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{earlier, later};
use crate::domain::id::DeviceId;

/// Requests a second that a home's key may make, at least. The documents have no number (`amps-api.md` §7);
/// a household needs less than one.
const KEY_PER_SECOND: u32 = 20;

/// Requests that the key may make at once after a quiet time: as many seconds' worth.
const KEY_BURST_SECONDS: u32 = 2;

/// Requests a second about one device, at least.
const DEVICE_PER_SECOND: u32 = 2;

/// Requests about one device at once after a quiet time: a push, and all pages of a look-up.
const DEVICE_BURST: u32 = 12;

/// What an order costs at most when all is well: a push, a look-up, a reading.
const REQUESTS_PER_COMMAND: u32 = 3;

/// Devices whose pace is remembered; more, and those that have been quiet are forgotten.
const DEVICES_MAX: usize = 1000;

/// How many requests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    key: Flow,
    device: Flow,
}

/// So much time for each, and so many at once after a quiet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    each: Duration,
    burst: u32,
}

impl Rate {
    /// For a home that allows its rules so many orders a minute.
    pub(crate) fn of(commands_per_minute: u32) -> Self {
        let needed = commands_per_minute.saturating_mul(REQUESTS_PER_COMMAND) / 60;
        let key = needed.max(KEY_PER_SECOND);
        let device = needed.max(DEVICE_PER_SECOND);
        Self {
            key: Flow {
                each: Duration::from_secs(1) / key,
                burst: key * KEY_BURST_SECONDS,
            },
            device: Flow {
                each: Duration::from_secs(1) / device,
                burst: DEVICE_BURST.max(device),
            },
        }
    }
}

/// A place in the line.
pub(super) type Ticket = u64;

/// Whether the holder of a ticket may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    /// Not before.
    At(Timestamp),
    /// Somebody else comes first.
    Behind,
}

#[derive(Debug)]
pub(super) struct Pace {
    rate: Rate,
    key: Bucket,
    devices: BTreeMap<DeviceId, Bucket>,
    waiting: BTreeMap<Ticket, DeviceId>,
    n_tickets: Ticket,
}

/// How much of a flow has been used: up to when, were the requests made one after another.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    used_until: Timestamp,
}

impl Bucket {
    const FULL: Self = Self {
        used_until: Timestamp::MIN,
    };

    fn free_at(self, flow: Flow) -> Timestamp {
        earlier(self.used_until, flow.each * flow.burst.saturating_sub(1))
    }

    fn take(&mut self, flow: Flow, now: Timestamp) {
        self.used_until = later(self.used_until.max(now), flow.each);
    }
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            key: Bucket::FULL,
            devices: BTreeMap::new(),
            waiting: BTreeMap::new(),
            n_tickets: 0,
        }
    }

    /// Takes a place in the line for a request about `device`.
    pub(super) fn stand_in_line(&mut self, device: &DeviceId) -> Ticket {
        self.n_tickets += 1;
        self.waiting.insert(self.n_tickets, device.clone());
        self.n_tickets
    }

    /// Leaves the line.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// Whether the holder of `ticket` may ask now.
    pub(super) fn peek(&self, ticket: Ticket, now: Timestamp) -> Turn {
        let key_free = self.key.free_at(self.rate.key);
        if now < key_free {
            return Turn::At(key_free);
        }
        let Some(device) = self.waiting.get(&ticket) else {
            return Turn::Now;
        };
        let device_free = self.bucket(device).free_at(self.rate.device);
        if now < device_free {
            return Turn::At(device_free);
        }
        if self.first(now) == Some(ticket) {
            Turn::Now
        } else {
            Turn::Behind
        }
    }

    /// The holder of `ticket` asks, and leaves the line.
    pub(super) fn take(&mut self, ticket: Ticket, now: Timestamp) {
        let Some(device) = self.waiting.remove(&ticket) else {
            return;
        };
        self.key.take(self.rate.key, now);
        if self.devices.len() >= DEVICES_MAX {
            self.devices.retain(|_, it| now < it.used_until);
        }
        let flow = self.rate.device;
        let bucket = self.devices.entry(device).or_insert(Bucket::FULL);
        bucket.take(flow, now);
    }

    /// After an outage: nothing is left of what could have been used meanwhile.
    pub(super) fn spend_all(&mut self, now: Timestamp) {
        let Flow { each, burst } = self.rate.key;
        let used_until = later(now, each * burst.saturating_sub(1));
        self.key = Bucket { used_until };
    }

    fn bucket(&self, device: &DeviceId) -> Bucket {
        self.devices.get(device).copied().unwrap_or(Bucket::FULL)
    }

    /// Of those that may ask, the one whose device has used least; among equals, who came first.
    fn first(&self, now: Timestamp) -> Option<Ticket> {
        let of_device = |(ticket, device): (&Ticket, &DeviceId)| (self.bucket(device), *ticket);
        let free = self
            .waiting
            .iter()
            .map(of_device)
            .filter(|(bucket, _)| bucket.free_at(self.rate.device) <= now);
        let first = free.min_by_key(|(bucket, ticket)| (bucket.used_until.max(now), *ticket));
        first.map(|(_, ticket)| ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    fn device(name: &str) -> DeviceId {
        DeviceId::new(name)
    }

    /// Asks at once, and leaves the line when it may not.
    fn ask(pace: &mut Pace, name: &str, now: i64) -> Turn {
        let ticket = pace.stand_in_line(&device(name));
        let turn = ask_with(pace, ticket, now);
        pace.leave(ticket);
        turn
    }

    fn ask_with(pace: &mut Pace, ticket: Ticket, now: i64) -> Turn {
        let turn = pace.peek(ticket, at(now));
        if turn == Turn::Now {
            pace.take(ticket, at(now));
        }
        turn
    }

    #[test]
    fn a_device_has_twelve_requests_at_once_and_then_two_a_second() {
        let mut pace = Pace::new(Rate::of(30));
        for _ in 0..DEVICE_BURST {
            assert_eq!(ask(&mut pace, "one", 0), Turn::Now);
        }
        assert_eq!(ask(&mut pace, "one", 0), Turn::At(at(500)));
        assert_eq!(ask(&mut pace, "one", 499), Turn::At(at(500)));
        assert_eq!(ask(&mut pace, "other", 499), Turn::Now);
        assert_eq!(ask(&mut pace, "one", 500), Turn::Now);
        assert_eq!(ask(&mut pace, "one", 500), Turn::At(at(1000)));
    }

    #[test]
    fn a_key_has_forty_requests_at_once_and_then_twenty_a_second() {
        let mut pace = Pace::new(Rate::of(30));
        for n in 0..40 {
            assert_eq!(ask(&mut pace, &format!("dev_{n}"), 0), Turn::Now);
        }
        assert_eq!(ask(&mut pace, "more", 0), Turn::At(at(50)));
        assert_eq!(ask(&mut pace, "more", 49), Turn::At(at(50)));
        assert_eq!(ask(&mut pace, "more", 50), Turn::Now);
        assert_eq!(ask(&mut pace, "more", 50), Turn::At(at(100)));
    }

    #[test]
    fn a_home_that_allows_many_orders_has_room_for_them() {
        let most = Rate::of(60_000);
        assert_eq!(
            (most.key.each, most.device.each),
            (Duration::from_secs(1) / 3000, Duration::from_secs(1) / 3000)
        );
        let usual = Rate::of(30);
        assert_eq!(
            (usual.key.each, usual.device.each),
            (Duration::from_millis(50), Duration::from_millis(500))
        );
    }

    #[test]
    fn a_device_with_one_request_does_not_stand_behind_one_with_many() {
        let mut pace = Pace::new(Rate::of(30));
        ask(&mut pace, "busy", 0);
        let busy: Vec<_> = (0..5)
            .map(|_| pace.stand_in_line(&device("busy")))
            .collect();
        let quiet = pace.stand_in_line(&device("quiet"));
        assert_eq!(ask_with(&mut pace, busy[0], 0), Turn::Behind);
        assert_eq!(ask_with(&mut pace, quiet, 0), Turn::Now);
        assert_eq!(ask_with(&mut pace, busy[1], 0), Turn::Behind);
        assert_eq!(ask_with(&mut pace, busy[0], 0), Turn::Now);
    }

    #[test]
    fn who_cannot_ask_yet_holds_nobody_up() {
        let mut pace = Pace::new(Rate::of(30));
        for _ in 0..DEVICE_BURST {
            ask(&mut pace, "busy", 0);
        }
        let busy = pace.stand_in_line(&device("busy"));
        let quiet = pace.stand_in_line(&device("quiet"));
        assert_eq!(ask_with(&mut pace, quiet, 0), Turn::Now);
        assert_eq!(ask_with(&mut pace, busy, 0), Turn::At(at(500)));
    }

    #[test]
    fn after_an_outage_there_is_no_burst() {
        let mut pace = Pace::new(Rate::of(30));
        pace.spend_all(at(0));
        assert_eq!(ask(&mut pace, "one", 0), Turn::Now);
        assert_eq!(ask(&mut pace, "other", 0), Turn::At(at(50)));
        assert_eq!(ask(&mut pace, "other", 50), Turn::Now);
    }

    #[test]
    fn quiet_devices_are_forgotten_and_busy_ones_are_not() {
        let mut pace = Pace::new(Rate::of(60_000));
        for n in 0..DEVICES_MAX {
            ask(&mut pace, &format!("dev_{n}"), 0);
        }
        assert_eq!(pace.devices.len(), DEVICES_MAX);
        ask(&mut pace, "one_more", 1000);
        assert_eq!(pace.devices.len(), 1);
    }
}
