//! What led to a command, a run or an event, and what came of it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::id::RuleId;
use crate::engine::trace::Trace;
use crate::store::view::{
    CommandStory, EventRow, MessageRow, RunStory, SettingRow, Unreadable, View,
};

/// The most links that are shown on the way up, and of what came of it.
const LINKS_MAX: usize = 100;

/// One of a kind, by its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub(super) enum Thing {
    Event(String),
    Run(String),
    Command(String),
    Setting(String),
}

#[derive(Debug, Serialize)]
pub(super) struct Causes {
    pub(super) asked: Thing,
    /// From the first cause down to what was asked, which is the last.
    pub(super) because: Vec<Link>,
    /// What came of it, each behind what it came of.
    pub(super) led_to: Vec<Link>,
    /// There is more than is shown.
    pub(super) is_cut: bool,
}

#[derive(Debug, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum Link {
    Event(EventRow),
    Run {
        #[serde(flatten)]
        story: RunStory,
        /// The rules whose runs led to it, the first first.
        chain: Vec<RuleId>,
    },
    Command(CommandStory),
    Setting(SettingRow),
    Message(MessageRow),
    /// A rule looked at the event, and no run came of it.
    Refusal(Trace),
}

/// None when nothing has this id.
pub(super) fn of(view: &View, id: &str) -> Result<Option<Causes>, Unreadable> {
    let id = id.to_owned();
    let asked = if view.command(&id)?.is_some() {
        Thing::Command(id)
    } else if view.run(&id)?.is_some() {
        Thing::Run(id)
    } else if view.event_row(&id)?.is_some() {
        Thing::Event(id)
    } else if view.setting_write(&id)?.is_some() {
        Thing::Setting(id)
    } else {
        return Ok(None);
    };
    let mut way = Way {
        view,
        seen: BTreeSet::new(),
        links: Vec::new(),
        is_cut: false,
    };
    let mut thing = Some(asked.clone());
    while let Some(it) = thing {
        thing = way.up(&it)?;
    }
    way.links.reverse();
    let because = std::mem::take(&mut way.links);
    let is_cut = std::mem::take(&mut way.is_cut);
    way.seen = [asked.clone()].into();
    way.down(&asked)?;
    Ok(Some(Causes {
        asked,
        because,
        led_to: way.links,
        is_cut: is_cut || way.is_cut,
    }))
}

struct Way<'v> {
    view: &'v View,
    seen: BTreeSet<Thing>,
    links: Vec<Link>,
    is_cut: bool,
}

impl Way<'_> {
    /// Notes the link; false when there is no room for it.
    fn add(&mut self, link: Link) -> bool {
        self.is_cut |= LINKS_MAX <= self.links.len();
        if !self.is_cut {
            self.links.push(link);
        }
        !self.is_cut
    }

    /// Notes `thing`, and says what led to it.
    fn up(&mut self, thing: &Thing) -> Result<Option<Thing>, Unreadable> {
        if !self.seen.insert(thing.clone()) {
            return Ok(None);
        }
        let Some((link, cause)) = self.look(thing)? else {
            return Ok(None);
        };
        Ok(if self.add(link) { cause } else { None })
    }

    /// The thing itself, and what led to it. None when it is no longer kept.
    fn look(&self, thing: &Thing) -> Result<Option<(Link, Option<Thing>)>, Unreadable> {
        let view = self.view;
        Ok(match thing {
            Thing::Command(id) => view.command(id)?.map(|story| {
                let run = Thing::Run(story.command.run.clone());
                (Link::Command(story), Some(run))
            }),
            Thing::Setting(id) => view.setting_write(id)?.map(|row| {
                let run = Thing::Run(row.run.clone());
                (Link::Setting(row), Some(run))
            }),
            Thing::Run(id) => match view.run(id)? {
                None => None,
                Some(story) => {
                    let cause = Thing::Event(story.run.cause.clone());
                    let chain = view.chain_of(id)?;
                    Some((Link::Run { story, chain }, Some(cause)))
                }
            },
            Thing::Event(id) => match view.event_row(id)? {
                None => None,
                Some(event) => {
                    let behind = match &event.payload {
                        Some(payload) => view.command_behind(payload)?,
                        None => None,
                    };
                    let cause = behind.map(|it| Thing::Command(it.to_string()));
                    Some((Link::Event(event), cause))
                }
            },
        })
    }

    /// Notes what came of `thing`, and of that.
    fn down(&mut self, thing: &Thing) -> Result<(), Unreadable> {
        let next = match thing {
            Thing::Event(id) => self.of_event(id)?,
            Thing::Run(id) => self.of_run(id)?,
            Thing::Command(id) => self.of_command(id)?,
            Thing::Setting(_) => Vec::new(),
        };
        for it in next {
            if self.is_cut || !self.seen.insert(it.clone()) {
                continue;
            }
            let Some((link, _)) = self.look(&it)? else {
                continue;
            };
            if self.add(link) {
                self.down(&it)?;
            }
        }
        Ok(())
    }

    fn of_event(&mut self, id: &str) -> Result<Vec<Thing>, Unreadable> {
        let is_asked = self.links.is_empty();
        if let Some(story) = self.view.event(id)?.filter(|_| is_asked) {
            let refusals = story.traces.into_iter().filter(|it| it.run.is_none());
            for refusal in refusals {
                self.add(Link::Refusal(refusal));
            }
        }
        let runs = self.view.runs_begun_by(id, LINKS_MAX)?;
        Ok(runs.into_iter().map(|it| Thing::Run(it.id)).collect())
    }

    fn of_run(&mut self, id: &str) -> Result<Vec<Thing>, Unreadable> {
        for message in self.view.messages_of(id, LINKS_MAX)? {
            self.add(Link::Message(message));
        }
        let commands = self.view.commands_of(id, LINKS_MAX)?;
        let commands = commands.into_iter().map(|it| Thing::Command(it.id));
        let settings = self.view.settings_of(id, LINKS_MAX)?;
        let settings = settings.into_iter().map(|it| Thing::Setting(it.id));
        Ok(commands.chain(settings).collect())
    }

    /// What told of its end. Our own word on it says no more than that of Amps, unless something came of it.
    fn of_command(&mut self, id: &str) -> Result<Vec<Thing>, Unreadable> {
        let ends = self.view.ends_of(id)?;
        let mut told = Vec::new();
        for (index, end) in ends.iter().enumerate() {
            let is_first = index == 0;
            if is_first || !self.view.runs_begun_by(&end.id, 1)?.is_empty() {
                told.push(Thing::Event(end.id.clone()));
            }
        }
        Ok(told)
    }
}
