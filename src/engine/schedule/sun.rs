//! Sunrise, sunset, dawn and dusk.
//!
//! The place of the sun is that of J. Meeus, *Astronomical Algorithms*, 2nd edition, chapter 25
//! ("Solar coordinates, low accuracy", good to 0.01°), seen from a place on the turning earth by
//! chapters 12 and 13. Rise and set are those of almanacs: the centre of the disc at −0°50′, which is
//! 34′ for the air and 16′ for the radius; dawn and dusk are those of civil twilight, −6°. Heights
//! of the place and of hills around it count for nothing, and neither does the weather.
//!
//! Against an ephemeris (`tests/calendar/sun.txt`), moments are within a few seconds in the places where
//! people live, and within a minute on the days on which the sun hardly rises or hardly sets.
//!
//! Each event belongs to a *solar day*, the 24 hours around the sun's highest place over that
//! meridian. Days of the calendar would not do: in June, Reykjavik's sunset comes after midnight, so
//! that one date has two and another none.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::config::home::Location;
use crate::rules::trigger::SunEvent;

/// The dark or light of a pole lasts half a year; so far is looked for an event.
const DAYS_MAX: u32 = 366;

/// From the sun's highest place to its lowest.
const HALF_DAY: i64 = 12 * 3600;

/// The sun goes a degree in four minutes.
const SECONDS_PER_DEGREE: f64 = 240.0;

const RISE_DEGREES: f64 = -50.0 / 60.0;
const TWILIGHT_DEGREES: f64 = -6.0;

/// 2000-01-01T12:00:00Z, from which Meeus counts.
const J2000: f64 = 946_728_000.0;
const DAY: f64 = 86_400.0;
const CENTURY_DAYS: f64 = 36_525.0;

/// How far the even time of the planets is ahead of that of the turning earth, in seconds. It grows by
/// less than a second a year, in which the sun moves by nothing that could be seen.
const TERRESTRIAL_AHEAD: f64 = 69.0;

/// The first `event` strictly after `after`.
pub(super) fn next(event: SunEvent, location: Location, after: Timestamp) -> Option<Timestamp> {
    let mut day = solar_day(location, after)?.yesterday().ok()?;
    for _ in 0..=DAYS_MAX {
        let at = on(event, location, day);
        if at.is_some_and(|it| after < it) {
            return at;
        }
        day = day.tomorrow().ok()?;
    }
    None
}

/// The events of the solar day at `moment`, of two days before and of two days after, where there are any.
pub(super) fn around(event: SunEvent, location: Location, moment: Timestamp) -> Vec<Timestamp> {
    let today = solar_day(location, moment);
    let day = |n: i64| {
        let day = today?
            .checked_add(SignedDuration::from_hours(24 * n))
            .ok()?;
        on(event, location, day)
    };
    (-2..=2).filter_map(day).collect()
}

/// The date by the mean sun.
fn solar_day(location: Location, moment: Timestamp) -> Option<Date> {
    let ahead = location.longitude * SECONDS_PER_DEGREE;
    let ahead = SignedDuration::try_from_secs_f64(ahead).ok()?;
    let shown = moment.checked_add(ahead).ok()?;
    Some(Offset::UTC.to_datetime(shown).date())
}

/// The first whole second of `event` in the solar day `day`; none when the sun stays above or below.
fn on(event: SunEvent, location: Location, day: Date) -> Option<Timestamp> {
    let (degrees, is_morning) = match event {
        SunEvent::Sunrise => (RISE_DEGREES, true),
        SunEvent::Sunset => (RISE_DEGREES, false),
        SunEvent::Dawn => (TWILIGHT_DEGREES, true),
        SunEvent::Dusk => (TWILIGHT_DEGREES, false),
    };
    let limit = degrees.to_radians().sin();
    let is_up = |second: i64| limit <= Sky::at(seconds(second), location).height(location);
    let noon = noon(location, day)?;
    let (mut begin, mut end) = if is_morning {
        (noon - HALF_DAY, noon)
    } else {
        (noon, noon + HALF_DAY)
    };
    if is_up(begin) == is_morning || is_up(end) != is_morning {
        return None;
    }
    while begin + 1 < end {
        let middle = i64::midpoint(begin, end);
        if is_up(middle) == is_morning {
            end = middle;
        } else {
            begin = middle;
        }
    }
    Timestamp::from_second(end).ok()
}

/// The second at which the sun passes the meridian on `day`.
fn noon(location: Location, day: Date) -> Option<i64> {
    let midday = day.to_datetime(Time::constant(12, 0, 0, 0));
    let mean = Offset::UTC.to_timestamp(midday).ok()?.as_second();
    let mut noon = seconds(mean) - location.longitude * SECONDS_PER_DEGREE;
    // The sun is up to 17 minutes early or late. It gains or loses less than a second in those, so
    // that what is left after the second turn is nothing.
    for _ in 0..2 {
        noon -= Sky::at(noon, location).hour_angle() * SECONDS_PER_DEGREE;
    }
    let noon = SignedDuration::try_from_secs_f64(noon).ok()?;
    Some(noon.as_secs())
}

/// Exact for every second of the calendar.
fn seconds(second: i64) -> f64 {
    SignedDuration::from_secs(second).as_secs_f64()
}

/// The direction of the sun, as the unit vector that points at it.
struct Sky {
    /// Towards the north pole of the sky.
    north: f64,
    /// Towards where the meridian meets the equator of the sky.
    south: f64,
    west: f64,
}

impl Sky {
    /// At `second` of Unix time, over the meridian of `location`.
    fn at(second: f64, location: Location) -> Self {
        let days = (second - J2000) / DAY;
        let t = (days + TERRESTRIAL_AHEAD / DAY) / CENTURY_DAYS;

        let mean_longitude = 280.466_46 + t * (36_000.769_83 + t * 0.000_303_2);
        let anomaly = (357.529_11 + t * (35_999.050_29 - t * 0.000_153_7)).to_radians();
        let centre = (1.914_602 - t * (0.004_817 + t * 0.000_014)) * anomaly.sin()
            + (0.019_993 - t * 0.000_101) * (2.0 * anomaly).sin()
            + 0.000_289 * (3.0 * anomaly).sin();
        let (node_sin, node_cos) = (125.04 - 1934.136 * t).to_radians().sin_cos();
        let nutation = -0.004_78 * node_sin;
        let aberration = -0.005_69;
        let longitude = (mean_longitude + centre + nutation + aberration).to_radians();
        let obliquity = (23.439_291 - t * 0.013_004_2 + 0.002_56 * node_cos).to_radians();

        let (longitude_sin, longitude_cos) = longitude.sin_cos();
        let (obliquity_sin, obliquity_cos) = obliquity.sin_cos();
        let sidereal = 280.460_618_37
            + 360.985_647_366_29 * days
            + nutation * obliquity_cos
            + location.longitude;
        let (sidereal_sin, sidereal_cos) = sidereal.to_radians().sin_cos();
        // In the plane of the equator, towards the equinox and a quarter turn on.
        let (x, y) = (longitude_cos, obliquity_cos * longitude_sin);
        Self {
            north: obliquity_sin * longitude_sin,
            south: sidereal_cos * x + sidereal_sin * y,
            west: sidereal_sin * x - sidereal_cos * y,
        }
    }

    /// The sine of the angle above the horizon.
    fn height(&self, location: Location) -> f64 {
        let (sin, cos) = location.latitude.to_radians().sin_cos();
        sin * self.north + cos * self.south
    }

    /// How far the sun is past the meridian, in degrees.
    fn hour_angle(&self) -> f64 {
        self.west.atan2(self.south).to_degrees()
    }
}
