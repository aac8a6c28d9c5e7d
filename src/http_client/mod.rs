//! HTTP as a client: one bounded request, and what became of it.
//!
//! A request is made once: no redirect is followed, nothing is sent again, and no proxy is taken from the
//! environment, so that a secret goes where the settings say and nowhere else.
//! What to make of an answer is the caller's business.

pub(crate) mod address;
#[cfg(test)]
pub(crate) mod pretend;
pub(crate) mod tls;

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Client, RequestBuilder, Response, redirect, retry};
use tracing::debug;

use crate::domain::http::Method;
use crate::domain::secret::Secret;
use crate::http_client::address::Address;

/// The most of an answer's body that is read; a longer one counts as cut.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The longest wait that an answer can ask for.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Half the timeout is for connecting, so that running out of it is known to have happened before anything left.
const CONNECT_SHARE: u32 = 2;

/// Load balancers commonly hang up after a minute; letting go earlier keeps a push from racing that.
const POOL_IDLE_MAX: Duration = Duration::from_secs(30);

const USER_AGENT: &str = concat!("amps-rules/", env!("CARGO_PKG_VERSION"));

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Sends requests and keeps connections for the next ones. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient(Transport);

#[derive(Clone, Debug)]
enum Transport {
    Network(Client),
    /// Nothing leaves: a function answers.
    #[cfg(test)]
    Pretend(pretend::Outside),
}

/// A header of a request, known to be fit for one.
#[derive(Clone, Debug)]
pub(crate) struct Header(HeaderName, HeaderValue);

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// A status came back, whatever it says.
    Answered {
        status: u16,
        /// What `Retry-After` says in seconds, at most an hour. A date is not read: it would need
        /// two clocks to agree.
        retry_after: Option<Duration>,
        /// What the other side's clock showed, in whole seconds.
        date: Option<Timestamp>,
        body: Body,
    },
    /// Not a byte of the request left.
    NotSent { reason: String },
    /// Sent, at least in part, and no status came back.
    Lost { reason: String },
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    Whole(Vec<u8>),
    /// It broke off, or it was longer than is read.
    Cut {
        reason: String,
    },
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up")]
pub struct Unbuildable(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Exchange {
    /// What the other side's clock showed, if it answered and said so.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        match self {
            Self::Answered { date, .. } => *date,
            Self::NotSent { .. } | Self::Lost { .. } => None,
        }
    }
}

impl HttpClient {
    /// A client whose requests take at most `timeout`, the answer included.
    pub(crate) fn try_new(timeout: Duration) -> Result<Self, Unbuildable> {
        let tls = tls::config().map_err(|error| Unbuildable(error.into()))?;
        Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(USER_AGENT)
            .timeout(timeout)
            .connect_timeout(timeout / CONNECT_SHARE)
            .pool_idle_timeout(POOL_IDLE_MAX)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .build()
            .map(|client| Self(Transport::Network(client)))
            .map_err(|error| Unbuildable(error.into()))
    }

    pub(crate) async fn get(&self, address: &Address, headers: &[Header]) -> Exchange {
        match &self.0 {
            Transport::Network(client) => {
                let request = client.get(address.as_url().clone());
                exchange(with_headers(request, headers), address).await
            }
            #[cfg(test)]
            Transport::Pretend(outside) => outside.ask("GET", address, Vec::new()).await,
        }
    }

    /// Sends what a rule asks for; `headers` come before what is usual, and `body` is JSON.
    pub(crate) async fn call(
        &self,
        method: Method,
        address: &Address,
        headers: &[Header],
        body: Option<Vec<u8>>,
    ) -> Exchange {
        #[cfg_attr(
            not(test),
            expect(clippy::infallible_destructuring_match, reason = "tests pretend")
        )]
        let client = match &self.0 {
            Transport::Network(client) => client,
            #[cfg(test)]
            Transport::Pretend(outside) => {
                let body = body.unwrap_or_default();
                return outside.ask(method.name(), address, body).await;
            }
        };
        let mut all = HeaderMap::from_iter([(ACCEPT, JSON)]);
        if body.is_some() {
            all.insert(CONTENT_TYPE, JSON);
        }
        for Header(name, value) in headers {
            all.insert(name, value.clone());
        }
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let request = client
            .request(method, address.as_url().clone())
            .headers(all);
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        exchange(request, address).await
    }

    /// Sends `body`, which is JSON.
    pub(crate) async fn post(
        &self,
        address: &Address,
        headers: &[Header],
        body: Vec<u8>,
    ) -> Exchange {
        match &self.0 {
            Transport::Network(client) => {
                let request = client.post(address.as_url().clone());
                let request = request.header(CONTENT_TYPE, JSON).body(body);
                exchange(with_headers(request, headers), address).await
            }
            #[cfg(test)]
            Transport::Pretend(outside) => outside.ask("POST", address, body).await,
        }
    }
}

impl Header {
    /// None when `text` has characters that no header can have.
    pub(crate) fn plain(name: &'static str, text: &str) -> Option<Self> {
        let value = HeaderValue::from_str(text).ok()?;
        Some(Self(HeaderName::from_static(name), value))
    }

    /// A header that does not print its value; none when the secret is not fit for one.
    pub(crate) fn secret(name: &'static str, secret: &Secret) -> Option<Self> {
        Self::hidden(HeaderName::from_static(name), secret.expose())
    }

    /// A header as a rule names it, which does not print its value; none when name or text are not fit for one.
    pub(crate) fn named(name: &str, text: &str) -> Option<Self> {
        Self::hidden(HeaderName::from_bytes(name.as_bytes()).ok()?, text)
    }

    /// `Authorization: Bearer …`; none when the token is not fit for a header.
    pub(crate) fn bearer(token: &Secret) -> Option<Self> {
        Self::hidden(AUTHORIZATION, &format!("Bearer {}", token.expose()))
    }

    fn hidden(name: HeaderName, text: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(Self(name, value))
    }
}

fn with_headers(request: RequestBuilder, headers: &[Header]) -> RequestBuilder {
    let request = request.header(ACCEPT, JSON);
    headers
        .iter()
        .fold(request, |request, Header(name, value)| {
            request.header(name, value)
        })
}

async fn exchange(request: RequestBuilder, address: &Address) -> Exchange {
    let host = address.host();
    match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            debug!(host, status, "request answered");
            Exchange::Answered {
                status,
                retry_after: retry_after(&response),
                date: date(&response),
                body: body(response).await,
            }
        }
        Err(error) => {
            let left = may_have_left(&error);
            let reason = reason(error);
            debug!(host, left, reason, "request not answered");
            if left {
                Exchange::Lost { reason }
            } else {
                Exchange::NotSent { reason }
            }
        }
    }
}

/// Whether a byte of the request may have left.
///
/// Looking a name up, connecting and the TLS handshake come before the first byte, and `is_connect` is said of
/// errors in these alone. Everything later counts as left, also a kept connection that turns out to be closed:
/// hyper sends a request that it had not begun to write over another connection by itself, so that what it
/// reports was begun.
fn may_have_left(error: &reqwest::Error) -> bool {
    !(error.is_connect() || error.is_builder())
}

/// The innermost cause: the outer ones say that a request failed, and one of them quotes the address.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return String::from("no answer in time");
    }
    let error = error.without_url();
    let Some(mut cause) = error.source() else {
        return error.to_string();
    };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

async fn body(mut response: Response) -> Body {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > BODY_BYTES_MAX => {
                return Body::Cut {
                    reason: format!("the answer is longer than {BODY_BYTES_MAX} bytes"),
                };
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Body::Whole(bytes),
            Err(error) => {
                return Body::Cut {
                    reason: reason(error),
                };
            }
        }
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds(text.trim())
}

fn date(response: &Response) -> Option<Timestamp> {
    let text = response.headers().get(DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|it| it.timestamp())
}

/// A number of seconds, with or without a fraction.
fn seconds(text: &str) -> Option<Duration> {
    // Floating point would also read `inf`, `nan` and `1e9`.
    if !text.bytes().all(|it| it.is_ascii_digit() || it == b'.') {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    let bounded = seconds.min(RETRY_AFTER_MAX.as_secs_f64());
    Some(Duration::from_secs_f64(bounded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_and_never_longer_than_an_hour() {
        let cases = [
            ("7", Some(Duration::from_secs(7))),
            ("0", Some(Duration::ZERO)),
            ("1.5", Some(Duration::from_millis(1500))),
            ("3600", Some(RETRY_AFTER_MAX)),
            ("3601", Some(RETRY_AFTER_MAX)),
            ("99999999999999999999999999", Some(RETRY_AFTER_MAX)),
            ("-1", None),
            ("1e3", None),
            ("inf", None),
            (".", None),
            ("", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_header_with_a_secret_does_not_print_it() {
        let header = Header::bearer(&Secret::new("tk_1")).unwrap();
        assert_eq!(
            format!("{header:?}"),
            r#"Header("authorization", Sensitive)"#
        );
    }
}
