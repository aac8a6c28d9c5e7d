//! The loop that every stage runs: work until idle, then wait for news, a deadline or the end.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::store::error::Error;
use crate::store::signal::News;

/// What is left to do after a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// There may be more.
    Again,
    /// Nothing until then, unless there is news.
    IdleUntil(Timestamp),
    /// Nothing for so long, unless there is news.
    IdleFor(Duration),
    /// Nothing, unless there is news.
    Idle,
}

impl Next {
    pub(crate) fn at(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Idle, Self::IdleUntil)
    }
}

/// How long a stage waits after the store would not serve it.
const STORE_WAIT: Duration = Duration::from_secs(1);

/// When something is due that waits for a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alarm {
    pub(crate) at: Option<Timestamp>,
    /// How many ticks the engine has dealt with.
    pub(crate) ticks: u64,
}

/// A stage: something that finds its work in the store.
pub(crate) trait Stage: Send {
    const NAME: &'static str;

    /// Does a piece of work, if there is one.
    fn work(&mut self) -> impl Future<Output = Result<Next, Error>> + Send;

    /// Returns when something that is not news calls for work. May be dropped before it does.
    fn called(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Lets `stage` work whenever there is news or a deadline has come, until `stop`.
///
/// A store that cannot be written now is waited for: the rows are still there.
pub(crate) async fn run<S: Stage>(
    stage: &mut S,
    clock: Clock,
    stop: CancellationToken,
    mut news: News,
) {
    while !stop.is_cancelled() {
        // News from now on are about what this round may miss.
        news.mark_unchanged();
        let next = match stage.work().await {
            Ok(next) => next,
            Err(Error::Closed) => return,
            Err(error) => {
                tracing::warn!(stage = S::NAME, %error, "waiting for the store");
                Next::IdleFor(STORE_WAIT)
            }
        };
        if next == Next::Again {
            continue;
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            // An error means that the store has ended.
            changed = news.changed() => if changed.is_err() { return },
            () = stage.called() => {}
            () = wait_for(&clock, next) => {}
        }
    }
}

async fn wait_for(clock: &Clock, next: Next) {
    match next {
        Next::Again => {}
        Next::IdleUntil(moment) => clock.sleep_until(moment).await,
        Next::IdleFor(duration) => clock.sleep(duration).await,
        Next::Idle => std::future::pending().await,
    }
}
