//! One attempt of a rule's request: only to hosts that home.yaml names, with the secrets of its headers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::home::Home;
use crate::config::keyring::Keyring;
use crate::domain::http::{
    BAD_REQUEST, HOST_NOT_ALLOWED, HeaderText, HttpRequest, Reply, UNKNOWN_SECRET,
};
use crate::domain::lifecycle::Failure;
use crate::http_client::address::Address;
use crate::http_client::{Body, Exchange, Header, HttpClient};

/// Clients that are kept, one for each timeout; connecting takes its share of that.
const CLIENTS_MAX: usize = 16;

/// The hosts that rules may call.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// In small letters, some with a port.
    allowed: BTreeSet<String>,
    keyring: Keyring,
    clients: BTreeMap<Duration, HttpClient>,
}

/// A request that is ready to leave.
pub(crate) struct Ready {
    client: HttpClient,
    address: Address,
    headers: Vec<Header>,
    body: Option<Vec<u8>>,
}

impl Hosts {
    pub(crate) fn of(home: &Home) -> Self {
        Self {
            allowed: home.http_allow.clone(),
            keyring: home.keyring.clone(),
            clients: BTreeMap::new(),
        }
    }

    /// The same, where requests of this timeout go through a client that is there.
    #[cfg(test)]
    pub(crate) fn through(client: HttpClient, timeout: Duration, home: &Home) -> Self {
        Self {
            clients: BTreeMap::from([(timeout, client)]),
            ..Self::of(home)
        }
    }

    /// What there is to send for `request`; why nothing may be sent, ever.
    pub(crate) fn prepare(&mut self, request: &HttpRequest) -> Result<Ready, Failure> {
        let refused = |code: &str, message: String| Failure::new(Some(code), message);
        let address = Address::parse(&request.url)
            .ok_or_else(|| refused(BAD_REQUEST, "the address of the request is none".to_owned()))?;
        if !self.allowed.iter().any(|it| address.is_at(it)) {
            let host = address.host();
            let message = format!("rules may not call {host}: `http_allow` does not name it");
            return Err(refused(HOST_NOT_ALLOWED, message));
        }
        let mut headers = Vec::new();
        for (name, text) in &request.headers {
            let header = match text {
                HeaderText::Text(text) => Header::named(name, text),
                HeaderText::Secret { secret } => {
                    let found = self.keyring.find(secret).ok_or_else(|| {
                        refused(
                            UNKNOWN_SECRET,
                            format!("the secret `{secret}` is not found"),
                        )
                    })?;
                    Header::named(name, found.expose())
                }
            };
            let header = header.ok_or_else(|| {
                refused(
                    BAD_REQUEST,
                    format!("the header `{name}` has characters that no header can have"),
                )
            })?;
            headers.push(header);
        }
        Ok(Ready {
            client: self.client(request.timeout)?,
            address,
            headers,
            body: request.json.as_ref().map(|it| it.to_string().into_bytes()),
        })
    }

    fn client(&mut self, timeout: Duration) -> Result<HttpClient, Failure> {
        if let Some(client) = self.clients.get(&timeout) {
            return Ok(client.clone());
        }
        let client = HttpClient::try_new(timeout)
            .map_err(|error| Failure::new(Some(BAD_REQUEST), error.to_string()))?;
        if CLIENTS_MAX <= self.clients.len() {
            self.clients.clear();
        }
        self.clients.insert(timeout, client.clone());
        Ok(client)
    }
}

impl Ready {
    /// Sends it, once.
    pub(crate) async fn send(self, request: &HttpRequest) -> Reply {
        let sent = self
            .client
            .call(request.method, &self.address, &self.headers, self.body);
        match sent.await {
            Exchange::Answered {
                status,
                retry_after,
                body,
                ..
            } => match body {
                Body::Whole(body) => Reply::Answered {
                    status,
                    retry_after,
                    body,
                },
                // What it says is of no interest, or it is no success anyway.
                Body::Cut { .. } if !request.is_saved || !matches!(status, 200..=299) => {
                    Reply::Answered {
                        status,
                        retry_after,
                        body: Vec::new(),
                    }
                }
                Body::Cut { reason } => Reply::NoAnswer { reason },
            },
            Exchange::NotSent { reason } => Reply::NotReached { reason },
            Exchange::Lost { reason } => Reply::NoAnswer { reason },
        }
    }
}
