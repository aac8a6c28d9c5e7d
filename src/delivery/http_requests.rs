//! Outbox to hosts: sends what rules ask for, and writes down what came of it.
//!
//! When the program dies while an attempt is under way, the next start sends it again only where that does no
//! harm, or where the rule asks for it.

use crate::clock::Clock;
use crate::delivery::asking::Ask;
use crate::delivery::hosts::Hosts;
use crate::domain::http::{HttpResult, Progress};
use crate::store::http_requests::Claimed;

/// Asks hosts for rules.
#[derive(Debug)]
pub(crate) struct HttpRequests {
    pub(crate) hosts: Hosts,
}

impl Ask for HttpRequests {
    type Row = Claimed;
    /// A slow host must not keep the others waiting.
    const UNDER_WAY_MAX: usize = 8;
    const ROWS: &'static str = "requests of rules";
    const OTHERWISE: &'static str = "the next start takes it as lost";

    fn ask(
        &mut self,
        row: &Claimed,
        clock: &Clock,
    ) -> impl Future<Output = (Progress, u32)> + Send + use<> {
        let ready = self.hosts.prepare(&row.request);
        let (Claimed { request, attempts }, clock) = (row.clone(), clock.clone());
        async move {
            let (progress, attempts) = match ready {
                // It never left.
                Err(failure) => (Progress::Over(HttpResult::Failed(failure)), attempts - 1),
                Ok(ready) => {
                    let reply = ready.send(&request).await;
                    (request.after(reply, attempts, clock.now()), attempts)
                }
            };
            let failure = failure(&progress);
            tracing::info!(request = %request.id, host = request.host, failure, "asked");
            (progress, attempts)
        }
    }
}

fn failure(progress: &Progress) -> Option<&str> {
    match progress {
        Progress::Again { failure, .. } | Progress::Over(HttpResult::Failed(failure)) => {
            Some(&failure.message)
        }
        Progress::Over(HttpResult::Answered { .. }) => None,
    }
}
