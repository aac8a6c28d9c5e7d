//! Panels on the roof, read only (`amps-api.md` §4.4).

use std::f64::consts::PI;

use serde_json::{Value, json};

use crate::simulator::devices::{Refusal, number, quantity, unknown};

/// The sandbox's day: nothing from 18 to 6 o'clock UTC, the peak between (`amps-api.md` §6).
const SUNRISE_HOUR: f64 = 6.0;
const SUNSET_HOUR: f64 = 18.0;

#[derive(Clone, Debug)]
pub struct SolarInverter {
    pub peak_kw: f64,
    pub energy_total_kwh: f64,
    /// Power that somebody set by hand; the sun is ignored then.
    pub pinned_kw: Option<f64>,
    /// Power at this moment.
    pub power_kw: f64,
}

impl Default for SolarInverter {
    fn default() -> Self {
        Self {
            peak_kw: 6.5,
            energy_total_kwh: 12_480.0,
            pinned_kw: None,
            power_kw: 0.0,
        }
    }
}

impl SolarInverter {
    /// Lives for `hours`, until it is `hour_of_day` UTC.
    pub(crate) fn advance(&mut self, hours: f64, hour_of_day: f64) {
        let day = (hour_of_day - SUNRISE_HOUR) / (SUNSET_HOUR - SUNRISE_HOUR);
        let sun = if (0.0..=1.0).contains(&day) {
            (self.peak_kw * (PI * day).sin()).max(0.0)
        } else {
            0.0
        };
        self.power_kw = self.pinned_kw.unwrap_or(sun);
        self.energy_total_kwh += self.power_kw * hours;
    }

    pub(crate) fn state(&self) -> Value {
        let producing = self.power_kw > 0.0;
        json!({
            // Only `producing` is documented; the other word is ours.
            "status": if producing { "producing" } else { "idle" },
            "currentPower": number(self.power_kw),
            "producing": producing,
            "energyTotal": number(self.energy_total_kwh),
        })
    }

    pub(crate) fn patch(&mut self, key: &str, value: &Value) -> Result<(), Refusal> {
        match (key, value) {
            ("currentPower", Value::Null) => self.pinned_kw = None,
            ("currentPower", _) => {
                let power = quantity(key, value)?;
                if power < 0.0 {
                    return Err("`currentPower` is not negative".to_owned());
                }
                self.pinned_kw = Some(power);
            }
            _ => return unknown(key, "`currentPower` (null: the sun decides again)"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_follow_the_sun_until_somebody_pins_them() {
        let mut inverter = SolarInverter::default();
        inverter.advance(0.0, 12.0);
        assert_eq!(inverter.state()["currentPower"], 6.5);
        inverter.advance(0.0, 3.0);
        assert_eq!(inverter.state()["producing"], false);
        inverter.patch("currentPower", &json!(4)).unwrap();
        inverter.advance(0.5, 3.0);
        assert_eq!(inverter.state()["currentPower"], 4);
        assert_eq!(inverter.state()["energyTotal"], 12_482);
    }
}
