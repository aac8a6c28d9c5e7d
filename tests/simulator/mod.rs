//! The pretend Amps over real HTTP, on a clock that the tests wind.
//!
//! Names of tests begin with the section of `amps-api.md` (or `webhooks.md`) that they hold.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amps_rules::clock::{Clock, Winder};
use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::{Key, Rejection, verify};
use amps_rules::simulator::{Running, Settings, Simulator, WebhookTarget};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

mod codes;
mod faults;
mod generation_b;
mod profile;
mod pushes;
mod reads;
mod switches;
mod validation;
mod webhooks;

const KEY: &str = "sk_test_simulated";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const START: &str = "2026-06-10T08:00:00Z";

const BATTERY: &str = "/battery/dev_abc123";
const CHARGER: &str = "/ev-charger/dev_ev001";
const HVAC: &str = "/hvac/dev_hvac01";

/// Looks of `eventually`, a few milliseconds apart.
const LOOKS_MAX: usize = 2000;

/// A simulator, its clock and a client.
struct House {
    simulator: Running,
    winder: Winder,
    http: reqwest::Client,
}

/// A status and a body.
type Answer = (u16, Value);

impl House {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (clock, winder) = Clock::simulated(START.parse().unwrap());
        let mut settings = Settings::house();
        settings.clock = clock;
        change(&mut settings);
        Self {
            simulator: Simulator::start(settings).await.unwrap(),
            winder,
            http: client(),
        }
    }

    /// A house whose webhooks go to the endpoint.
    async fn heard(change: impl FnOnce(&mut Settings)) -> (Self, Endpoint) {
        let endpoint = Endpoint::start().await;
        let url = endpoint.url.clone();
        let house = Self::with(|settings| {
            settings.webhook = Some(WebhookTarget {
                url,
                secret: Secret::new(SECRET),
                path_per_event: false,
            });
            change(settings);
        })
        .await;
        (house, endpoint)
    }

    fn wind(&self, seconds: f64) {
        self.winder.advance(Duration::from_secs_f64(seconds));
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        let url = self.simulator.url() + path;
        self.http.request(method, url)
    }

    async fn get(&self, path: &str) -> Answer {
        answer(self.request("GET", path).header("x-api-key", KEY)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request("POST", path).header("x-api-key", KEY);
        answer(request.body(body.to_string())).await
    }

    /// `data` of a read that goes well.
    async fn data(&self, path: &str) -> Value {
        let (status, mut body) = self.get(path).await;
        assert_eq!(status, 200, "{body}");
        body["data"].take()
    }

    /// `state` of a device.
    async fn state(&self, path: &str) -> Value {
        self.data(path).await["state"].take()
    }

    /// Pushes what has to be taken; returns the id of the action.
    async fn push(&self, path: &str, body: Value) -> String {
        let (status, body) = self.post(path, body).await;
        assert_eq!(status, 202, "{body}");
        body["data"]["id"].as_str().unwrap().to_owned()
    }

    async fn action(&self, id: &str) -> Value {
        self.data(&format!("/actions/{id}")).await
    }

    /// A control request over HTTP that goes well.
    async fn control(&self, path: &str, body: Value) -> Value {
        let path = format!("/_simulator{path}");
        let request = self.request("POST", &path).body(body.to_string());
        let (status, body) = answer(request).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// The webhooks that were sent, once `enough` says so of them.
    async fn webhooks(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        eventually(async || {
            let request = self.request("GET", "/_simulator/webhooks");
            let (_, body) = answer(request).await;
            let webhooks = body["webhooks"].as_array().unwrap().clone();
            enough(&webhooks).then_some(webhooks)
        })
        .await
    }
}

/// What was asked of a webhook endpoint.
#[derive(Clone, Debug)]
struct Received {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn id(&self) -> &str {
        self.header("svix-id")
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// What intake would say at `now`.
    fn verified(&self, now: &str) -> Result<String, Rejection> {
        let key = Key::parse(&Secret::new(SECRET)).unwrap();
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
        let now: Timestamp = now.parse().unwrap();
        verify(headers, &self.body, &[key], now).map(|id| id.as_str().to_owned())
    }
}

#[derive(Clone, Default)]
struct Inbox {
    received: Arc<Mutex<Vec<Received>>>,
    /// What is answered next; 200 when there is nothing.
    answers: Arc<Mutex<VecDeque<Planned>>>,
}

/// A status and headers.
type Planned = (u16, Vec<(&'static str, String)>);

/// A webhook endpoint.
struct Endpoint {
    url: String,
    inbox: Inbox,
}

impl Endpoint {
    async fn start() -> Self {
        let inbox = Inbox::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inbox }
    }

    fn answer_next(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (*name, (*value).to_owned()));
        let mut answers = self.inbox.answers.lock().unwrap();
        answers.push_back((status, headers.collect()));
    }

    fn received(&self) -> Vec<Received> {
        self.inbox.received.lock().unwrap().clone()
    }

    /// The first `n` webhooks, once they are there.
    async fn first(&self, n: usize) -> Vec<Received> {
        eventually(async || Some(self.received()).filter(|it| it.len() >= n)).await
    }
}

async fn receive(
    State(inbox): State<Inbox>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    inbox.received.lock().unwrap().push(Received {
        path: uri.path().to_owned(),
        headers,
        body,
    });
    let next = inbox.answers.lock().unwrap().pop_front();
    let (status, headers) = next.unwrap_or((200, Vec::new()));
    let mut response = StatusCode::from_u16(status).unwrap().into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// What `look` finds, looking until it finds something.
async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS_MAX {
        if let Some(found) = look().await {
            return found;
        }
        Clock::System.sleep(Duration::from_millis(3)).await;
    }
    panic!("not found in time");
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .unwrap()
}

fn command(name: &str) -> Value {
    json!({"action": {"command": name}})
}

/// `body` of an error without what differs from run to run.
fn error(body: &Value) -> (&str, &Value) {
    (
        body["error"]["code"].as_str().unwrap(),
        &body["error"]["details"],
    )
}
