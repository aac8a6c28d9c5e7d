//! The order in which follow-ups are decided: each in its turn; but what is to be done at once comes before all
//! others, with everything that follows from it.

use std::collections::VecDeque;

use crate::engine::decision::FollowUp;

/// Lines of follow-ups, the one that comes first the last. What follows from one of them stands at the end of its line.
#[derive(Debug)]
pub(super) struct Turns(Vec<VecDeque<FollowUp>>);

impl Turns {
    pub(super) fn new() -> Self {
        Self(vec![VecDeque::new()])
    }

    /// What follows from the one that came last: each of `at_once` comes next, in a line of its own.
    pub(super) fn add(
        &mut self,
        at_once: Vec<FollowUp>,
        follow_ups: impl IntoIterator<Item = FollowUp>,
    ) {
        if let Some(line) = self.0.last_mut() {
            line.extend(follow_ups);
        }
        let lines = at_once.into_iter().rev();
        self.0.extend(lines.map(|it| VecDeque::from([it])));
    }

    pub(super) fn next(&mut self) -> Option<FollowUp> {
        while 1 < self.0.len() && self.0.last().is_some_and(VecDeque::is_empty) {
            self.0.pop();
        }
        self.0.last_mut()?.pop_front()
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::RunId;

    fn asks(names: &[&str]) -> Vec<FollowUp> {
        let ask = |it: &&str| FollowUp::Ask(RunId::new(*it));
        names.iter().map(ask).collect()
    }

    #[test]
    fn what_is_done_at_once_comes_first_with_all_that_follows_from_it() {
        let mut turns = Turns::new();
        turns.add(asks(&["1", "4"]), asks(&["6", "7"]));
        assert_eq!(turns.count(), 4);
        let mut seen = Vec::new();
        while let Some(FollowUp::Ask(run)) = turns.next() {
            match run.as_str() {
                "1" => turns.add(asks(&["2"]), asks(&["3"])),
                "4" => turns.add(Vec::new(), asks(&["5"])),
                "6" => turns.add(Vec::new(), asks(&["8"])),
                _ => {}
            }
            seen.push(run.as_str().to_owned());
        }
        assert_eq!(seen, ["1", "2", "3", "4", "5", "6", "7", "8"]);
        assert_eq!(turns.count(), 0);
    }
}
