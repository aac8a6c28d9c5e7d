//! The functions of the language: one table, from which the checker, the evaluator and the reference work.

use serde::{Deserialize, Serialize};

use super::ARGUMENTS_MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    Min,
    Max,
    Abs,
    Round,
    Floor,
    Ceil,
    Clamp,
    Mod,
    Now,
    Hour,
    Minute,
    Weekday,
    Date,
    Time,
    Age,
    Known,
    Default,
    Text,
    Number,
    Contains,
    Lower,
    Upper,
    Join,
    Lowest,
    Rank,
    Percentile,
    Cheapest,
}

/// All there is to know of a function.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub function: Function,
    pub name: &'static str,
    pub parameters: &'static [Parameter],
    pub gives: Gives,
    pub meaning: &'static str,
    /// An expression, and how its value is shown at half past ten on the evening of the reference.
    pub example: &'static str,
    pub expected: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub want: Want,
    pub how_often: HowOften,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowOften {
    Once,
    /// May be left out.
    Optional,
    /// As often as one likes; the last parameter.
    Repeated,
}

/// What may stand for a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A number in any unit or a duration, all of one call of one dimension.
    Quantity,
    Number,
    /// A number without a unit.
    Plain,
    /// A number without a unit, or in percent.
    Share,
    /// What can be made a number.
    Numeric,
    Text,
    /// A list of texts.
    Texts,
    Moment,
    Duration,
    /// A moment, or a time of day.
    Clock,
    Anything,
    /// Of one type with the first.
    Alike,
    /// The name of an attribute or an input, for when it was read.
    Reading,
    /// The name of an input that has a series.
    Series,
}

/// The type of what a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// What its parameters have in common.
    Same,
    Plain,
    Bool,
    Text,
    Moment,
    Duration,
    Time,
    /// In the unit of the series.
    OfSeries,
}

const fn once(name: &'static str, want: Want) -> Parameter {
    Parameter {
        name,
        want,
        how_often: HowOften::Once,
    }
}

const fn optional(name: &'static str, want: Want) -> Parameter {
    Parameter {
        name,
        want,
        how_often: HowOften::Optional,
    }
}

const fn repeated(name: &'static str, want: Want) -> Parameter {
    Parameter {
        name,
        want,
        how_often: HowOften::Repeated,
    }
}

macro_rules! functions {
    ($($function:ident $name:literal [$($parameter:expr),*] $gives:ident $meaning:literal, $example:literal => $expected:literal;)*) => {
        /// Every function, in the order of the reference.
        pub const ALL: &[Spec] = &[$(Spec {
            function: Function::$function,
            name: $name,
            parameters: &[$($parameter),*],
            gives: Gives::$gives,
            meaning: $meaning,
            example: $example,
            expected: $expected,
        }),*];
    };
}

functions! {
    Min "min" [once("a", Want::Quantity), repeated("b", Want::Quantity)] Same
        "the least of them; also of one list", "min(3 kW, 1200 W)" => "1.2 kW";
    Max "max" [once("a", Want::Quantity), repeated("b", Want::Quantity)] Same
        "the greatest of them; also of one list", "max(house_battery.level, 20 %)" => "80 %";
    Abs "abs" [once("x", Want::Quantity)] Same
        "without its sign", "abs(-3 kW)" => "3 kW";
    Round "round" [once("x", Want::Number), optional("digits", Want::Plain)] Same
        "to the nearest whole number, or to so many digits behind the point; a half goes away from zero", "round(2.567, 1)" => "2.6";
    Floor "floor" [once("x", Want::Number)] Same
        "the next whole number below", "floor(2.7)" => "2";
    Ceil "ceil" [once("x", Want::Number)] Same
        "the next whole number above", "ceil(2.1)" => "3";
    Clamp "clamp" [once("x", Want::Quantity), once("low", Want::Quantity), once("high", Want::Quantity)] Same
        "`x`, but no less than `low` and no more than `high`", "clamp(120 %, 0 %, 100 %)" => "100 %";
    Mod "mod" [once("a", Want::Quantity), once("b", Want::Quantity)] Same
        "what remains of `a` when `b` is taken away as often as possible; it has the sign of `b`", "mod(17, 5)" => "2";
    Now "now" [] Moment
        "this moment", "now()" => "2026-01-10 22:30:00";
    Hour "hour" [once("t", Want::Clock)] Plain
        "the hour, 0 to 23, in the home's zone", "hour(now())" => "22";
    Minute "minute" [once("t", Want::Clock)] Plain
        "the minute, 0 to 59", "minute(now())" => "30";
    Weekday "weekday" [once("t", Want::Moment)] Text
        "the day of the week: `mon` `tue` `wed` `thu` `fri` `sat` `sun`", "weekday(now()) in [\"sat\", \"sun\"]" => "true";
    Date "date" [once("t", Want::Moment)] Text
        "the date in the home's zone, year first", "date(now())" => "2026-01-10";
    Time "time" [once("t", Want::Moment)] Time
        "the time of day in the home's zone", "time(now())" => "22:30";
    Age "age" [once("x", Want::Reading)] Duration
        "how long ago the attribute or input had this value, also when that is too long ago to count as known", "age(house_battery.level)" => "4m";
    Known "known" [once("x", Want::Anything)] Bool
        "whether there is a value; never unknown itself", "known(car_charger.currentPower)" => "false";
    Default "default" [once("x", Want::Anything), once("d", Want::Alike)] Same
        "`x`, or `d` when `x` is unknown", "default(car_charger.currentPower, 0 kW)" => "0 kW";
    Text "text" [once("x", Want::Anything)] Text
        "as a message shows it, with its unit", "text(house_battery.level)" => "80 %";
    Number "number" [once("s", Want::Numeric)] Plain
        "the number that a text says, or a number without its unit; unknown when it says none", "number(\"12.5\")" => "12.5";
    Contains "contains" [once("text", Want::Text), once("part", Want::Text)] Bool
        "whether `part` stands in `text`, letter for letter", "contains(\"auto.reserve\", \"reserve\")" => "true";
    Lower "lower" [once("text", Want::Text)] Text
        "in small letters", "lower(\"ECO\")" => "eco";
    Upper "upper" [once("text", Want::Text)] Text
        "in capital letters", "upper(\"eco\")" => "ECO";
    Join "join" [once("list", Want::Texts), once("separator", Want::Text)] Text
        "the texts of a list, with `separator` between them", "join([\"car\", \"house\"], \" and \")" => "car and house";
    Lowest "lowest" [once("series", Want::Series), once("n", Want::Plain)] OfSeries
        "the n-th lowest value of today: at most this in the n cheapest parts of the day", "lowest(input.grid_price, 3)" => "0.12 GBP/kWh";
    Rank "rank" [once("series", Want::Series)] Plain
        "the place of the present value among those of today; 1 is the lowest", "rank(input.grid_price)" => "7";
    Percentile "percentile" [once("series", Want::Series), once("p", Want::Share)] OfSeries
        "the value that `p` percent of today's values do not exceed", "percentile(input.grid_price, 50 %)" => "0.2 GBP/kWh";
    Cheapest "cheapest" [once("series", Want::Series), once("duration", Want::Duration), once("before", Want::Clock)] Moment
        "when to begin what takes so long and must end before then, so that it costs least; a time of day is the next one", "cheapest(input.grid_price, 2h, 07:00)" => "2026-01-11 02:00:00";
}

/// The function of this name.
pub fn find(name: &str) -> Option<&'static Spec> {
    ALL.iter().find(|it| it.name == name)
}

impl Spec {
    /// As it is called: `round(x, digits?)`.
    pub fn signature(&self) -> String {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|it| match it.how_often {
                HowOften::Once => it.name.to_owned(),
                HowOften::Optional => format!("{}?", it.name),
                HowOften::Repeated => format!("{}, …", it.name),
            })
            .collect();
        format!("{}({})", self.name, parameters.join(", "))
    }

    /// The fewest and the most values it takes.
    pub fn counts(&self) -> (usize, usize) {
        let is_once = |it: &&Parameter| it.how_often == HowOften::Once;
        let least = self.parameters.iter().filter(is_once).count();
        let most = match self.parameters.last().map(|it| it.how_often) {
            Some(HowOften::Repeated) => ARGUMENTS_MAX,
            Some(HowOften::Once | HowOften::Optional) | None => self.parameters.len(),
        };
        (least, most)
    }

    /// What stands for the value at `position`.
    pub(super) fn parameter(&self, position: usize) -> Option<&'static Parameter> {
        self.parameters.get(position).or_else(|| {
            let last = self.parameters.last();
            last.filter(|it| it.how_often == HowOften::Repeated)
        })
    }
}

impl Want {
    /// As in "`hour` takes a moment".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Quantity => "a number or a duration",
            Self::Number => "a number",
            Self::Plain => "a number without a unit",
            Self::Share => "a number of percent",
            Self::Numeric => "a text or a number",
            Self::Text => "text",
            Self::Texts => "a list of texts",
            Self::Moment => "a moment",
            Self::Duration => "a duration",
            Self::Clock => "a moment or a time of day",
            Self::Anything => "any value",
            Self::Alike => "a value of the same type",
            Self::Reading => "the name of an attribute or an input",
            Self::Series => "the name of an input with a series",
        }
    }
}

impl Gives {
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Same => "the same type",
            Self::Plain => "a number",
            Self::Bool => "true or false",
            Self::Text => "text",
            Self::Moment => "a moment",
            Self::Duration => "a duration",
            Self::Time => "a time of day",
            Self::OfSeries => "a number in the unit of the series",
        }
    }
}
