//! A room, its heat pump and the weather outside (`amps-api.md` §4.3).

use serde_json::{Value, json};

use crate::simulator::devices::{Order, Refusal, number, quantity, unknown};

/// Degrees an hour that the machine moves the room.
const MACHINE_RATE: f64 = 4.0;

/// Hours in which the room comes 63 % nearer to the weather.
const DRIFT_HOURS: f64 = 8.0;

/// Nearer than this counts as there.
const CLOSE: f64 = 0.05;

/// The setpoints of the device's own schedule.
const SCHEDULE_HEAT: f64 = 20.0;
const SCHEDULE_COOL: f64 = 26.0;

#[derive(Clone, Debug)]
pub struct Hvac {
    pub temperature: f64,
    pub outdoors: f64,
    pub heat_setpoint: f64,
    pub cool_setpoint: f64,
    pub order: Order,
    /// It heats or cools at this moment.
    pub active: bool,
}

impl Default for Hvac {
    fn default() -> Self {
        Self {
            temperature: 20.0,
            outdoors: 8.0,
            heat_setpoint: SCHEDULE_HEAT,
            cool_setpoint: SCHEDULE_COOL,
            order: Order::plain("follow_schedule"),
            active: false,
        }
    }
}

impl Hvac {
    pub(crate) fn obey(&mut self, order: Order) {
        let target = order.parameter("target");
        match order.command.as_str() {
            "heat" => self.heat_setpoint = target.unwrap_or(self.heat_setpoint),
            "cool" => self.cool_setpoint = target.unwrap_or(self.cool_setpoint),
            "auto" => {
                self.heat_setpoint = order
                    .parameter("heatSetpoint")
                    .unwrap_or(self.heat_setpoint);
                self.cool_setpoint = order
                    .parameter("coolSetpoint")
                    .unwrap_or(self.cool_setpoint);
            }
            "follow_schedule" => {
                self.heat_setpoint = SCHEDULE_HEAT;
                self.cool_setpoint = SCHEDULE_COOL;
            }
            _ => {}
        }
        self.order = order;
    }

    pub(crate) fn advance(&mut self, hours: f64) {
        let command = self.order.command.as_str();
        let may_heat = matches!(command, "heat" | "auto" | "follow_schedule");
        let may_cool = matches!(command, "cool" | "auto" | "follow_schedule");
        let step = MACHINE_RATE * hours;
        if may_heat && self.temperature < self.heat_setpoint - CLOSE {
            self.temperature = (self.temperature + step).min(self.heat_setpoint);
            self.active = self.temperature < self.heat_setpoint - CLOSE;
        } else if may_cool && self.temperature > self.cool_setpoint + CLOSE {
            self.temperature = (self.temperature - step).max(self.cool_setpoint);
            self.active = self.temperature > self.cool_setpoint + CLOSE;
        } else {
            let drifted =
                self.outdoors + (self.temperature - self.outdoors) * (-hours / DRIFT_HOURS).exp();
            // The thermostat catches the room at its setpoint.
            let caught = if may_heat && drifted < self.heat_setpoint {
                self.temperature.min(self.heat_setpoint)
            } else if may_cool && drifted > self.cool_setpoint {
                self.temperature.max(self.cool_setpoint)
            } else {
                drifted
            };
            self.temperature = caught;
            self.active = false;
        }
    }

    pub(crate) fn state(&self) -> Value {
        let (mode, hold) = match self.order.command.as_str() {
            "heat" => ("heat", "permanent"),
            "cool" => ("cool", "permanent"),
            "idle" => ("off", "permanent"),
            "follow_schedule" => ("auto", "follow_schedule"),
            _ => ("auto", "permanent"),
        };
        json!({
            "temperature": number(self.temperature),
            "active": self.active,
            "heatSetpoint": number(self.heat_setpoint),
            "coolSetpoint": number(self.cool_setpoint),
            "holdType": hold,
            "mode": mode,
        })
    }

    pub(crate) fn patch(&mut self, key: &str, value: &Value) -> Result<(), Refusal> {
        match key {
            "temperature" => self.temperature = quantity(key, value)?,
            "outdoors" => self.outdoors = quantity(key, value)?,
            _ => return unknown(key, "`temperature` and `outdoors`"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_heated_to_its_setpoint_and_kept_there() {
        let mut hvac = Hvac::default();
        let mut order = Order::plain("heat");
        order.parameters.insert("target".to_owned(), 22.0);
        hvac.obey(order);
        hvac.advance(0.25);
        assert_eq!(hvac.state()["temperature"], 21);
        assert_eq!(hvac.state()["active"], true);
        hvac.advance(3.0);
        hvac.advance(3.0);
        assert_eq!(hvac.state()["temperature"], 22);
        assert_eq!(hvac.state()["active"], false);
    }

    #[test]
    fn a_room_left_alone_takes_the_weather() {
        let mut hvac = Hvac::default();
        hvac.obey(Order::plain("idle"));
        hvac.advance(8.0);
        assert_eq!(hvac.state()["temperature"], 12.41);
        hvac.advance(1000.0);
        assert_eq!(hvac.state()["temperature"], 8);
        assert_eq!(hvac.state()["mode"], "off");
    }
}
