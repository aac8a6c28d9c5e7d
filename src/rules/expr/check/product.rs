//! What comes of multiplying and dividing: the arithmetic of units.
//!
//! Percent are hundredths of what they meet, power times time is energy, a price per kWh times energy is money.

use crate::domain::unit::{Dimension, Unit};
use crate::rules::expr::kind::{Conversion, Kind, Measure};
use crate::rules::expr::tree::Operator;

/// The kind of a product, and what is done before and after to get it.
pub(super) struct Product {
    pub(super) kind: Kind,
    pub(super) left: Option<Conversion>,
    pub(super) right: Option<Conversion>,
    pub(super) after: Option<Conversion>,
}

impl Product {
    fn plain(kind: Kind) -> Self {
        Self {
            kind,
            left: None,
            right: None,
            after: None,
        }
    }

    fn unit(unit: Unit) -> Self {
        Self::plain(Kind::Number(Measure::Unit(unit)))
    }

    fn mirrored(self) -> Self {
        Self {
            left: self.right,
            right: self.left,
            ..self
        }
    }

    fn with_right(self, right: Conversion) -> Self {
        Self {
            right: Some(right),
            ..self
        }
    }

    fn with_after(self, after: Conversion) -> Self {
        Self {
            after: Some(after),
            ..self
        }
    }
}

/// Of `left` and `right`; none when it has no meaning.
pub(super) fn of(operator: Operator, left: &Kind, right: &Kind) -> Option<Product> {
    if *left == Kind::Unknown || *right == Kind::Unknown {
        return Some(Product::plain(Kind::Unknown));
    }
    if operator == Operator::Divide {
        return quotient(left, right);
    }
    one_way(left, right).or_else(|| one_way(right, left).map(Product::mirrored))
}

const PERCENT: Kind = Kind::Number(Measure::Unit(Unit::Percent));
const HOURS: Conversion = Conversion::FromDuration(Unit::Hour);

/// `left * right`, where the order does not matter and only one is looked for.
fn one_way(left: &Kind, right: &Kind) -> Option<Product> {
    let is_quantity = |it: &Kind| matches!(it, Kind::Number(_) | Kind::Duration);
    if *left == Kind::PLAIN && is_quantity(right) {
        return Some(Product::plain(right.clone()));
    }
    if *left == PERCENT && is_quantity(right) && *right != Kind::PLAIN {
        return Some(Product::plain(right.clone()).with_after(Conversion::Scale(0.01)));
    }
    let (Kind::Number(left), right) = (left, right) else {
        return None;
    };
    match (left, right) {
        (Measure::Unit(Unit::Kilowatt), Kind::Duration) => {
            Some(Product::unit(Unit::KilowattHour).with_right(HOURS))
        }
        (Measure::Unit(Unit::Watt), Kind::Duration) => {
            Some(Product::unit(Unit::WattHour).with_right(HOURS))
        }
        (Measure::Unit(Unit::Volt), Kind::Number(Measure::Unit(Unit::Ampere))) => {
            Some(Product::unit(Unit::Watt))
        }
        (Measure::Own(price), Kind::Number(Measure::Unit(from))) => {
            let (money, per) = price.split_once('/')?;
            let (from, to) = (*from, Unit::parse(per.trim())?);
            from.convert(1.0, to)?;
            let kind = Kind::Number(Measure::Own(money.trim().to_owned()));
            Some(Product::plain(kind).with_right(Conversion::Unit { from, to }))
        }
        _ => None,
    }
}

fn quotient(left: &Kind, right: &Kind) -> Option<Product> {
    if *right == Kind::PLAIN && matches!(left, Kind::Number(_) | Kind::Duration) {
        return Some(Product::plain(left.clone()));
    }
    match (left, right) {
        (Kind::Duration, Kind::Duration) => Some(Product::plain(Kind::PLAIN)),
        // `5 / 3 kW` has no unit that we know: a bare number takes a unit in sums only.
        (Kind::Number(Measure::Plain) | Kind::Duration, right) => {
            (*right == PERCENT).then(|| of_share(left))
        }
        (Kind::Number(a), Kind::Number(b)) => match left.join(right) {
            Some((_, conversion)) if !is_temperature(a) => Some(Product {
                right: conversion,
                ..Product::plain(Kind::PLAIN)
            }),
            _ => of_units(a, b).or_else(|| (*right == PERCENT).then(|| of_share(left))),
        },
        (Kind::Number(Measure::Unit(Unit::KilowattHour)), Kind::Duration) => {
            Some(Product::unit(Unit::Kilowatt).with_right(HOURS))
        }
        (Kind::Number(Measure::Unit(Unit::WattHour)), Kind::Duration) => {
            Some(Product::unit(Unit::Watt).with_right(HOURS))
        }
        _ => None,
    }
}

fn of_share(left: &Kind) -> Product {
    Product::plain(left.clone()).with_after(Conversion::Scale(100.0))
}

fn is_temperature(measure: &Measure) -> bool {
    matches!(measure, Measure::Unit(unit) if unit.dimension() == Dimension::Temperature)
}

fn of_units(left: &Measure, right: &Measure) -> Option<Product> {
    let (Measure::Unit(left), Measure::Unit(right)) = (left, right) else {
        return None;
    };
    let converted = |from: Unit, to: Unit| (from != to).then_some(Conversion::Unit { from, to });
    match (left, right.dimension()) {
        (Unit::KilowattHour | Unit::WattHour, Dimension::Power) => {
            let to = if *left == Unit::KilowattHour {
                Unit::Kilowatt
            } else {
                Unit::Watt
            };
            Some(Product {
                right: converted(*right, to),
                after: Some(Conversion::ToDuration(Unit::Hour)),
                ..Product::plain(Kind::Duration)
            })
        }
        (Unit::Kilowatt | Unit::Watt, Dimension::Voltage | Dimension::Current) => {
            let unit = if right.dimension() == Dimension::Voltage {
                Unit::Ampere
            } else {
                Unit::Volt
            };
            Some(Product {
                left: converted(*left, Unit::Watt),
                ..Product::unit(unit)
            })
        }
        _ => None,
    }
}
