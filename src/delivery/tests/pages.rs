//! A look-up reads page after page, up to a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::SignedDuration;

use super::{WAITS, amps, at, open_at};
use crate::clock::{Clock, later};
use crate::delivery::{Delivery, PAGE_ACTIONS, PAGES_MAX, Read};
use crate::device_api::DeviceApi;
use crate::device_api::gate::Gate;
use crate::device_api::pace::Rate;
use crate::http_client::pretend::Asked;
use crate::http_client::{Body, Exchange, HttpClient};
use crate::store::Store;

/// Longer than the two clocks may be apart.
const QUESTION_TAKES: Duration = Duration::from_secs(8);

/// A delivery whose Amps has so many full pages of actions on each device, none of them ours.
fn with_pages(dir: &std::path::Path, n_pages: u32, n_asked: &Arc<AtomicU32>) -> Delivery {
    let n_asked = Arc::clone(n_asked);
    let client = HttpClient::pretend(move |asked: Asked| {
        n_asked.fetch_add(1, Ordering::Relaxed);
        let offset = asked.query.iter().find(|(name, _)| name == "offset");
        let page = offset.unwrap().1.parse::<u32>().unwrap() / PAGE_ACTIONS;
        let item =
            serde_json::json!({"id": "act_9", "command": "idle", "createdAt": at(0).to_string()});
        let items = vec![item; PAGE_ACTIONS as usize];
        let pagination = serde_json::json!({"hasMore": page + 1 < n_pages});
        let body = serde_json::json!({"items": items, "pagination": pagination});
        let exchange = Exchange::Answered {
            status: 200,
            retry_after: None,
            date: Some(at(1)),
            body: Body::Whole(body.to_string().into_bytes()),
        };
        std::future::ready(exchange)
    });
    let amps = amps("https://amps.invalid".to_owned());
    let (clock, _winder) = Clock::simulated(at(1));
    let api = DeviceApi::through(client, &amps).unwrap();
    Delivery {
        store: Store::start(dir, Vec::new()).unwrap().store,
        api: Gate::new(api, Rate::of(30), clock.clone()),
        clock,
        waits: WAITS,
    }
}

#[tokio::test]
async fn a_look_up_reads_ten_pages_and_concludes_nothing_from_a_part() {
    let dir = tempfile::tempdir().unwrap();
    for (n_pages, is_known, n_read) in [
        (1, true, 1),
        (PAGES_MAX, true, PAGES_MAX),
        (PAGES_MAX + 1, false, PAGES_MAX),
    ] {
        let n_asked = Arc::default();
        let delivery = with_pages(dir.path(), n_pages, &n_asked);
        let read = Read {
            open: open_at(at(0)),
            set: SignedDuration::ZERO,
            declared: None,
        };
        let listed = delivery.list_since(&read).await;
        assert_eq!(listed.is_ok(), is_known, "{n_pages}");
        assert_eq!(n_asked.load(Ordering::Relaxed), n_read, "{n_pages}");
        if let Ok(listed) = listed {
            assert_eq!((listed.candidates, listed.is_unclear), (Vec::new(), false));
        }
    }
}

/// Amps looks at its clock when the question has arrived: the push is not older for a long way there.
#[tokio::test]
async fn a_push_of_the_moment_of_the_order_is_found_however_long_the_question_takes() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, winder) = Clock::simulated(at(0));
    let winder = Arc::new(winder);
    let client = HttpClient::pretend(move |_asked: Asked| {
        let item = serde_json::json!({
            "id": "act_1",
            "deviceId": "dev_1",
            "command": "charge",
            "createdAt": at(0).to_string(),
        });
        let body = serde_json::json!({"items": [item], "pagination": {"hasMore": false}});
        winder.advance(QUESTION_TAKES);
        std::future::ready(Exchange::Answered {
            status: 200,
            retry_after: None,
            date: Some(later(at(0), QUESTION_TAKES)),
            body: Body::Whole(body.to_string().into_bytes()),
        })
    });
    let api = DeviceApi::through(client, &amps("https://amps.invalid".to_owned())).unwrap();
    let delivery = Delivery {
        store: Store::start(dir.path(), Vec::new()).unwrap().store,
        api: Gate::new(api, Rate::of(30), clock.clone()),
        clock,
        waits: WAITS,
    };
    let read = Read {
        open: open_at(at(0)),
        set: SignedDuration::ZERO,
        declared: None,
    };
    let listed = delivery.list_since(&read).await.unwrap();
    assert_eq!(listed.candidates.len(), 1);
}
