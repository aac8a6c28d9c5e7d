//! What devices report and understand, for those who write without looking it up: the words of every type together.

use crate::document::vocabulary::kind::{Kind, Named, Words, one_or_many};
use crate::domain::device::DeviceType;
use crate::rules::catalog::bounds::ITEMS_MAX;

type NameAndMeaning = (&'static str, &'static str);

/// Words of the devices of one type, for every type.
pub(super) struct OfDevices(fn(DeviceType) -> Vec<NameAndMeaning>);

impl Words for OfDevices {
    fn each(&self) -> Vec<(&'static str, Option<String>)> {
        let mut words: Vec<(&'static str, Option<String>)> = Vec::new();
        for device_type in DeviceType::ALL {
            for (name, meaning) in (self.0)(device_type) {
                let meaning = format!("`{device_type}`: {meaning}.");
                match words.iter_mut().find(|(word, _)| *word == name) {
                    Some((_, Some(known))) if known.contains(&meaning) => {}
                    Some((_, Some(known))) => {
                        known.push(' ');
                        known.push_str(&meaning);
                    }
                    Some((_, None)) | None => words.push((name, Some(meaning))),
                }
            }
        }
        words
    }
}

pub(super) static ATTRIBUTES: OfDevices = OfDevices(|of| {
    let attributes = of.attributes().iter();
    attributes.map(|it| (it.name, it.meaning)).collect()
});

static COMMANDS_OF_DEVICES: OfDevices = OfDevices(|of| {
    let commands = of.commands().iter();
    commands.map(|it| (it.name, it.meaning)).collect()
});

static SETTINGS: OfDevices = OfDevices(|of| {
    let settings = of.settings().iter();
    settings.map(|it| (it.name, it.meaning)).collect()
});

pub(super) static PARAMETERS: OfDevices = OfDevices(|of| {
    let parameters = of.commands().iter().flat_map(|it| it.parameters);
    parameters.map(|it| (it.name, it.meaning)).collect()
});

pub(super) const ATTRIBUTE: Kind = Kind::Named(&Named {
    name: "attribute",
    one: "a value that the device reports",
    many: "values that the device reports",
    kind: || Kind::Word(&ATTRIBUTES),
    examples: &[],
});

pub(super) const COMMAND: Kind = Kind::Named(&Named {
    name: "command",
    one: "a command of the device",
    many: "commands",
    kind: || Kind::Word(&COMMANDS_OF_DEVICES),
    examples: &[],
});

pub(super) const COMMANDS: Kind = one_or_many(&COMMAND, ITEMS_MAX);

pub(super) const SETTING: Kind = Kind::Named(&Named {
    name: "setting",
    one: "a setting of the device",
    many: "settings",
    kind: || Kind::Word(&SETTINGS),
    examples: &[],
});
