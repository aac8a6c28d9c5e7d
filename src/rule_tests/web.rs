//! Requests of rules over HTTP, as the store's outbox and its stage treat them, without network or disk.
//!
//! A request is under way until the test answers it, or its `timeout` is over.

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::http::{HttpOver, HttpRequest, Progress, Reply};
use crate::domain::id::RunId;
use crate::rule_tests::outbox::reread;

#[derive(Debug, Default)]
pub(super) struct Web {
    /// In the order in which they were asked for.
    open: Vec<Open>,
    /// Attempts that left and nobody has looked at.
    sent: Vec<(HttpRequest, u32)>,
}

#[derive(Debug)]
struct Open {
    request: HttpRequest,
    attempts: u32,
    stands: Stands,
}

#[derive(Clone, Copy, Debug)]
enum Stands {
    /// Sent then.
    Queued(Timestamp),
    /// No answer by then is none.
    UnderWay(Timestamp),
}

/// What the answer of a test came to.
#[derive(Debug)]
pub(super) enum Heard {
    Over(HttpOver),
    /// It is sent again.
    Again,
    /// None such is under way; the first that fits is sent then.
    Nobody(Option<Timestamp>),
}

impl Web {
    /// Sends `request` at once.
    pub(super) fn enqueue(&mut self, request: &HttpRequest, now: Timestamp) {
        self.open.push(Open {
            request: request.clone(),
            attempts: 0,
            stands: Stands::Queued(now),
        });
        self.send_due(now);
    }

    /// Sends what has become due.
    pub(super) fn send_due(&mut self, now: Timestamp) {
        for open in &mut self.open {
            if matches!(open.stands, Stands::Queued(due) if due <= now) {
                open.attempts += 1;
                open.stands = Stands::UnderWay(later(now, open.request.timeout));
                self.sent.push((open.request.clone(), open.attempts));
            }
        }
    }

    /// Gives up what would be sent again and nobody waits for any more.
    pub(super) fn drop_unwanted(&mut self, is_wanted: impl Fn(&RunId) -> bool) {
        self.open.retain(|it| match it.stands {
            Stands::Queued(_) => is_wanted(&it.request.run),
            Stands::UnderWay(_) => true,
        });
    }

    /// Ends the wait for answers that did not come in time, up to the first request that is over with that.
    pub(super) fn time_over(&mut self, now: Timestamp) -> Option<HttpOver> {
        let is_over = |it: &Open| matches!(it.stands, Stands::UnderWay(until) if until <= now);
        while let Some(index) = self.open.iter().position(is_over) {
            let reason = "no answer in time".to_owned();
            if let Some(over) = self.reply(index, Reply::NoAnswer { reason }, now) {
                return Some(over);
            }
        }
        None
    }

    /// Answers the request that has been under way for longest, to `url` where one is given.
    pub(super) fn answer(&mut self, url: Option<&str>, reply: Reply, now: Timestamp) -> Heard {
        let fits = |it: &&Open| url.is_none_or(|url| it.request.url == url);
        let is_it = |it: &Open| fits(&it) && matches!(it.stands, Stands::UnderWay(_));
        let Some(index) = self.open.iter().position(is_it) else {
            let mut queued = self.open.iter().filter(fits).map(|it| it.stands);
            return Heard::Nobody(queued.find_map(|it| match it {
                Stands::Queued(due) => Some(due),
                Stands::UnderWay(_) => None,
            }));
        };
        self.reply(index, reply, now)
            .map_or(Heard::Again, Heard::Over)
    }

    fn reply(&mut self, index: usize, reply: Reply, now: Timestamp) -> Option<HttpOver> {
        let open = &self.open[index];
        let progress = open.request.after(reply, open.attempts, now);
        self.progress(index, progress)
    }

    fn progress(&mut self, index: usize, progress: Progress) -> Option<HttpOver> {
        match progress {
            Progress::Again { at, .. } => {
                self.open[index].stands = Stands::Queued(at);
                None
            }
            Progress::Over(result) => {
                let Open {
                    request, attempts, ..
                } = self.open.remove(index);
                Some(request.over(result, attempts))
            }
        }
    }

    /// When something happens by itself: another attempt, or the end of waiting.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let dues = self.open.iter().map(|it| match it.stands {
            Stands::Queued(due) => due,
            Stands::UnderWay(until) => until,
        });
        dues.min()
    }

    pub(super) fn take_sent(&mut self) -> Vec<(HttpRequest, u32)> {
        std::mem::take(&mut self.sent)
    }

    /// The program was stopped and started: what was under way may have arrived or not. Returns what is over.
    pub(super) fn restart(&mut self, now: Timestamp) -> Vec<HttpOver> {
        let mut overs = Vec::new();
        for index in (0..self.open.len()).rev() {
            let open = &mut self.open[index];
            open.request = reread(&open.request);
            if let Stands::UnderWay(_) = open.stands {
                let progress = open.request.after_interruption(now);
                if let Progress::Again { .. } = progress {
                    open.attempts -= 1;
                }
                overs.extend(self.progress(index, progress));
            }
        }
        overs.reverse();
        overs
    }
}
