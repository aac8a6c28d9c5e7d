//! A house battery (`amps-api.md` §4.1).

use serde_json::{Value, json};

use crate::simulator::devices::{Order, Refusal, number, quantity, share, unknown};

/// Volts by which the rate settings, which are in amperes, become power. Our assumption.
const VOLTS: f64 = 230.0;

#[derive(Clone, Debug)]
pub struct Battery {
    pub capacity_kwh: f64,
    pub level: f64,
    pub max_charge_kw: f64,
    pub max_discharge_kw: f64,
    pub order: Order,
    pub safety_reserve: f64,
    pub discharge_floor: f64,
    pub charge_ceiling: f64,
    pub export_limit_watts: f64,
    pub max_charge_amps: f64,
    pub max_discharge_amps: f64,
    /// Power at this moment, negative while it discharges.
    pub rate_kw: f64,
}

impl Default for Battery {
    fn default() -> Self {
        Self {
            capacity_kwh: 10.0,
            level: 62.0,
            max_charge_kw: 5.0,
            max_discharge_kw: 5.0,
            order: Order::plain("idle"),
            safety_reserve: 5.0,
            discharge_floor: 10.0,
            charge_ceiling: 100.0,
            export_limit_watts: 5000.0,
            max_charge_amps: 32.0,
            max_discharge_amps: 32.0,
            rate_kw: 0.0,
        }
    }
}

impl Battery {
    /// Lives for `hours` while the rest of the house leaves `surplus_kw` over.
    pub(crate) fn advance(&mut self, hours: f64, surplus_kw: f64) {
        let wanted = self.wanted_kw(surplus_kw);
        let limit = if wanted > 0.0 {
            self.upper_limit()
        } else {
            self.lower_limit()
        };
        let room = limit - self.level;
        // Past its limit already, a battery waits; it does not go back.
        if wanted == 0.0 || room * wanted <= 0.0 {
            self.rate_kw = 0.0;
            return;
        }
        let change = wanted * hours / self.capacity_kwh * 100.0;
        if change.abs() < room.abs() {
            self.level += change;
            self.rate_kw = wanted;
        } else {
            self.level = limit;
            self.rate_kw = 0.0;
        }
    }

    fn wanted_kw(&self, surplus_kw: f64) -> f64 {
        let asked = self.order.parameter("power").unwrap_or(f64::INFINITY);
        let charge = self
            .max_charge_kw
            .min(self.max_charge_amps * VOLTS / 1000.0);
        let discharge = self
            .max_discharge_kw
            .min(self.max_discharge_amps * VOLTS / 1000.0);
        match self.order.command.as_str() {
            "charge" => charge.min(asked),
            "discharge" => -discharge.min(asked),
            "auto.balanced" => surplus_kw.clamp(-discharge, charge),
            "auto.reserve" => charge,
            "auto.export" => -discharge.min(self.export_limit_watts / 1000.0),
            _ => 0.0,
        }
    }

    fn upper_limit(&self) -> f64 {
        let target = self.order.parameter("target").unwrap_or(100.0);
        target.min(self.charge_ceiling)
    }

    fn lower_limit(&self) -> f64 {
        let target = self.order.parameter("target").unwrap_or(0.0);
        let reserve = self.order.parameter("reserve").unwrap_or(0.0);
        target
            .max(reserve)
            .max(self.discharge_floor)
            .max(self.safety_reserve)
    }

    pub(crate) fn state(&self) -> Value {
        let status = if self.rate_kw > 0.0 {
            "charging"
        } else if self.rate_kw < 0.0 {
            "discharging"
        } else {
            "idle"
        };
        json!({
            "status": status,
            "capacity": number(self.capacity_kwh),
            "level": number(self.level),
            "chargeRate": number(self.rate_kw),
            "dischargeLimit": number(self.discharge_floor),
            "currentMode": self.order.command,
        })
    }

    pub(crate) fn patch(&mut self, key: &str, value: &Value) -> Result<(), Refusal> {
        match key {
            "level" => self.level = share(key, value)?,
            "capacity" => {
                self.capacity_kwh = quantity(key, value)?;
                if self.capacity_kwh <= 0.0 {
                    return Err("`capacity` is more than nothing".to_owned());
                }
            }
            _ => return unknown(key, "`level` and `capacity`"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(command: &str, parameters: &[(&str, f64)]) -> Battery {
        let mut order = Order::plain(command);
        order.parameters = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        Battery {
            order,
            level: 50.0,
            ..Battery::default()
        }
    }

    #[test]
    fn a_battery_charges_to_its_target_and_stops_there() {
        let mut battery = told("charge", &[("target", 60.0), ("power", 2.0)]);
        battery.advance(0.25, 0.0);
        assert_eq!(battery.state()["level"], 55);
        assert_eq!(battery.state()["chargeRate"], 2);
        battery.advance(1.0, 0.0);
        assert_eq!(battery.state()["level"], 60);
        assert_eq!(battery.state()["status"], "idle");
    }

    #[test]
    fn a_battery_discharges_to_the_highest_of_its_floors() {
        let mut battery = told("discharge", &[("target", 20.0), ("reserve", 30.0)]);
        battery.advance(0.1, 0.0);
        assert_eq!(battery.state()["chargeRate"], -5);
        battery.advance(9.0, 0.0);
        assert_eq!(battery.state()["level"], 30);
    }

    #[test]
    fn a_battery_above_its_target_does_not_go_back() {
        let mut battery = told("charge", &[("target", 40.0)]);
        battery.advance(1.0, 0.0);
        assert_eq!(battery.state()["level"], 50);
    }

    #[test]
    fn balance_follows_the_surplus_in_both_directions() {
        let mut battery = told("auto.balanced", &[]);
        battery.advance(0.5, 1.5);
        assert_eq!(battery.state()["status"], "charging");
        assert_eq!(battery.state()["level"], 57.5);
        battery.advance(0.5, -0.5);
        assert_eq!(battery.state()["status"], "discharging");
        assert_eq!(battery.state()["level"], 55);
    }
}
