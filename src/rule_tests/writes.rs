//! Settings that rules write, as the store's outbox and its stage treat them, without network or disk.
//!
//! Amps takes every write at once; whether the device shows it, the test says.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::id::{DeviceId, RunId};
use crate::domain::lifecycle::Failure;
use crate::domain::writing::{
    Progress, Reply, SHOWN_WITHIN, SettingWrite, Stage, WriteOver, WriteResult,
};
use crate::rule_tests::outbox::reread;

#[derive(Debug, Default)]
pub(super) struct Writes {
    /// In the order in which they were asked for; one at a time for each setting.
    open: Vec<Open>,
    /// Writes that left and nobody has looked at.
    sent: Vec<(SettingWrite, u32)>,
}

#[derive(Debug)]
struct Open {
    write: SettingWrite,
    attempts: u32,
    stage: Stage,
    due: Timestamp,
}

/// What a test says of a write.
#[derive(Clone, Debug)]
pub(super) enum WriteEnd {
    Confirmed,
    Failed(Failure),
}

impl Writes {
    pub(super) fn enqueue(&mut self, write: &SettingWrite, now: Timestamp) {
        self.open.push(Open {
            write: write.clone(),
            attempts: 0,
            stage: Stage::Write,
            due: now,
        });
        self.send_due(now);
    }

    /// Sends what has become due.
    pub(super) fn send_due(&mut self, now: Timestamp) {
        for index in 0..self.open.len() {
            let (earlier, rest) = self.open.split_at_mut(index);
            let open = &mut rest[0];
            let is_same = |it: &Open| {
                it.write.device.id == open.write.device.id && it.write.setting == open.write.setting
            };
            if open.stage == Stage::Write && open.due <= now && !earlier.iter().any(is_same) {
                open.attempts += 1;
                open.due = later(now, SHOWN_WITHIN);
                open.stage = Stage::Read {
                    since: now,
                    deadline: open.due,
                    shown: None,
                    silent_since: None,
                    doubt: None,
                };
                self.sent.push((open.write.clone(), open.attempts));
            }
        }
    }

    /// Gives up what would be written again and nobody waits for any more.
    pub(super) fn drop_unwanted(&mut self, is_wanted: impl Fn(&RunId) -> bool) {
        self.open
            .retain(|it| it.stage != Stage::Write || is_wanted(&it.write.run));
    }

    /// Ends the write of `setting` that is under way, or tells when the one that there is is written.
    pub(super) fn end(
        &mut self,
        (device, setting): (&DeviceId, &str),
        end: &WriteEnd,
        now: Timestamp,
    ) -> Result<Option<WriteOver>, Option<Timestamp>> {
        let mut of_setting = self.open.iter();
        let index = of_setting
            .position(|it| it.write.device.id == *device && it.write.setting == setting)
            .ok_or(None)?;
        let open = &self.open[index];
        if open.stage == Stage::Write {
            return Err(Some(open.due));
        }
        let progress = match end {
            WriteEnd::Confirmed => Progress::Over(WriteResult::Confirmed),
            WriteEnd::Failed(failure) => {
                let reply = Reply::Refused {
                    failure: failure.clone(),
                    may_pass: failure.may_pass(),
                    after: None,
                };
                let standing = (&open.stage, open.attempts);
                open.write.after(standing, reply, now, now)
            }
        };
        let over = self.progress(index, progress);
        self.send_due(now);
        Ok(over)
    }

    /// Ends the wait for what the devices do not show in time, up to the first write that is over with that.
    pub(super) fn time_over(&mut self, now: Timestamp) -> Option<WriteOver> {
        let is_over = |it: &Open| it.stage != Stage::Write && it.due <= now;
        while let Some(index) = self.open.iter().position(is_over) {
            let open = &self.open[index];
            let standing = (&open.stage, open.attempts);
            let progress = open.write.after(standing, Reply::NotShown, now, now);
            if let Some(over) = self.progress(index, progress) {
                self.send_due(now);
                return Some(over);
            }
        }
        None
    }

    fn progress(&mut self, index: usize, progress: Progress) -> Option<WriteOver> {
        match progress {
            Progress::Again { at, stage, .. } => {
                self.open[index].due = at;
                self.open[index].stage = stage;
                None
            }
            Progress::Over(result) => {
                let Open {
                    write, attempts, ..
                } = self.open.remove(index);
                Some(write.over(result, attempts))
            }
        }
    }

    /// When something happens by itself.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let mut seen = BTreeSet::new();
        let firsts = self
            .open
            .iter()
            .filter(|it| seen.insert((&it.write.device.id, &it.write.setting)));
        firsts.map(|it| it.due).min()
    }

    pub(super) fn take_sent(&mut self) -> Vec<(SettingWrite, u32)> {
        std::mem::take(&mut self.sent)
    }

    /// What is left after the program was stopped and started: what the rows hold.
    pub(super) fn restart(&mut self) {
        for open in &mut self.open {
            open.write = reread(&open.write);
            open.stage = reread(&open.stage);
        }
    }
}
