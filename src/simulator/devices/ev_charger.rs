//! A charger and the car that may be plugged into it (`amps-api.md` §4.2).

use serde_json::{Value, json};

use crate::simulator::devices::{Order, Refusal, flag, number, share, unknown};

#[derive(Clone, Debug)]
pub struct EvCharger {
    pub max_power_kw: f64,
    pub max_current_amps: f64,
    /// The setting `max_charge_rate`, in kW here.
    pub rate_limit_kw: f64,
    pub order: Order,
    pub plugged: bool,
    pub car: Car,
    /// Power into the car at this moment.
    pub power_kw: f64,
}

/// The car, which a vehicle device reports on.
#[derive(Clone, Debug)]
pub struct Car {
    pub capacity_kwh: f64,
    pub level: f64,
    /// The level at which the car itself stops.
    pub limit: f64,
    pub max_power_kw: f64,
}

impl Default for EvCharger {
    fn default() -> Self {
        Self {
            max_power_kw: 11.0,
            max_current_amps: 32.0,
            rate_limit_kw: 11.0,
            order: Order::plain("idle"),
            plugged: true,
            car: Car::default(),
            power_kw: 0.0,
        }
    }
}

impl Default for Car {
    fn default() -> Self {
        Self {
            capacity_kwh: 60.0,
            level: 48.0,
            limit: 80.0,
            max_power_kw: 11.0,
        }
    }
}

impl EvCharger {
    /// In the older generation the limit is an order, which leaves the one before in force.
    pub(crate) fn obey(&mut self, order: Order) {
        match order.parameter("maxPower") {
            Some(power) => self.rate_limit_kw = power,
            None => self.order = order,
        }
    }

    pub(crate) fn advance(&mut self, hours: f64) {
        let wanted = if self.plugged && self.order.command == "charge" {
            self.rate_limit_kw
                .min(self.max_power_kw)
                .min(self.car.max_power_kw)
        } else {
            0.0
        };
        let room = self.car.limit - self.car.level;
        let change = wanted * hours / self.car.capacity_kwh * 100.0;
        if wanted <= 0.0 || room <= 0.0 {
            self.power_kw = 0.0;
        } else if change < room {
            self.car.level += change;
            self.power_kw = wanted;
        } else {
            self.car.level = self.car.limit;
            self.power_kw = 0.0;
        }
    }

    pub(crate) fn state(&self) -> Value {
        let charging = self.power_kw > 0.0;
        json!({
            "status": if charging { "charging" } else { "available" },
            "isConnected": self.plugged,
            "isCharging": charging,
            "currentPower": number(self.power_kw),
            "maxCurrent": number(self.max_current_amps),
            "powerRateLimit": number(self.rate_limit_kw),
        })
    }

    pub(crate) fn patch(&mut self, key: &str, value: &Value) -> Result<(), Refusal> {
        match key {
            "plugged" => self.plugged = flag(key, value)?,
            "level" => self.car.level = share(key, value)?,
            "limit" => self.car.limit = share(key, value)?,
            _ => return unknown(key, "`plugged`, `level` and `limit` of the car"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugged_car_fills_to_its_limit_and_an_unplugged_one_does_not() {
        let mut charger = EvCharger {
            order: Order::plain("charge"),
            ..EvCharger::default()
        };
        charger.advance(1.2);
        assert_eq!(number(charger.car.level), 70);
        assert_eq!(charger.state()["currentPower"], 11);
        charger.plugged = false;
        charger.advance(1.0);
        assert_eq!(number(charger.car.level), 70);
        charger.plugged = true;
        charger.advance(5.0);
        assert_eq!(number(charger.car.level), 80);
        assert_eq!(charger.state()["isCharging"], false);
    }
}
