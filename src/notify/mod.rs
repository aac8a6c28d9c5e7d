//! Messages to people, over HTTP.
//!
//! A message goes out once for each call; whether and when to try again is for the caller, and a message whose
//! answer was lost may then arrive twice. The address of a notifier is a secret in practice (whoever knows an
//! ntfy topic can read it), so that what is told of a failure names the host alone.

mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::home::Notifier;
use crate::domain::id::{NotificationId, NotifierName};
use crate::domain::secret::Secret;
use crate::http_client::address::Address;
use crate::http_client::{Exchange, Header, HttpClient, Unbuildable};
use crate::rules::rule::Level;

/// How long one message may take, the answer included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The notifiers of a home. Cheap to clone; connections are shared.
#[derive(Clone, Debug, Default)]
pub struct Notifiers(BTreeMap<NotifierName, Target>);

/// Something to tell, to one notifier.
#[expect(
    clippy::struct_field_names,
    reason = "the word of the rule language and of every receiver"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same each time the message is sent, so that a receiver can drop repeats.
    pub id: NotificationId,
    pub notifier: NotifierName,
    pub title: Option<String>,
    pub message: String,
    pub level: Level,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Delivered,
    /// It may work later: after `after`, where the receiver said so.
    Retry {
        reason: String,
        after: Option<Duration>,
    },
    /// It would fail again.
    GiveUp {
        reason: String,
    },
}

/// Why the notifiers cannot be used as they are set up.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("the address of notifier `{notifier}` {what}")]
    Address {
        notifier: NotifierName,
        what: &'static str,
    },
    #[error("the token of notifier `{notifier}` has characters that no HTTP header can have")]
    Token { notifier: NotifierName },
    #[error(transparent)]
    Client(#[from] Unbuildable),
}

/// Where the messages of one notifier go, and in what form.
#[derive(Clone, Debug)]
struct Target {
    client: HttpClient,
    address: Address,
    authorization: Option<Header>,
    format: Format,
}

#[derive(Clone, Debug)]
enum Format {
    Ntfy { topic: Secret },
    Webhook,
}

impl Notifiers {
    pub fn try_new(notifiers: &BTreeMap<NotifierName, Notifier>) -> Result<Self, Unusable> {
        if notifiers.is_empty() {
            return Ok(Self::default());
        }
        Self::through(&HttpClient::try_new(REQUEST_TIMEOUT)?, notifiers)
    }

    /// The same through a client that is there.
    pub(crate) fn through(
        client: &HttpClient,
        notifiers: &BTreeMap<NotifierName, Notifier>,
    ) -> Result<Self, Unusable> {
        let targets = notifiers.iter().map(|(name, notifier)| {
            let target = Target::try_new(client.clone(), name, notifier)?;
            Ok((name.clone(), target))
        });
        targets.collect::<Result<_, _>>().map(Self)
    }

    pub async fn send(&self, message: &Message) -> Sent {
        match self.0.get(&message.notifier) {
            Some(target) => target.send(message).await,
            None => Sent::GiveUp {
                reason: format!("there is no notifier `{}`", message.notifier),
            },
        }
    }
}

impl Target {
    fn try_new(
        client: HttpClient,
        name: &NotifierName,
        notifier: &Notifier,
    ) -> Result<Self, Unusable> {
        let (Notifier::Ntfy { url, token } | Notifier::Webhook { url, token }) = notifier;
        let wrong_address = |what| Unusable::Address {
            notifier: name.clone(),
            what,
        };
        let address =
            Address::parse(url).ok_or(wrong_address("is not an http or https address"))?;
        let (address, format) = match notifier {
            Notifier::Ntfy { .. } => {
                let (server, topic) = address
                    .split_last()
                    .ok_or(wrong_address("does not end in a topic"))?;
                let topic = Secret::new(topic);
                (server, Format::Ntfy { topic })
            }
            Notifier::Webhook { .. } => (address, Format::Webhook),
        };
        let authorization = token.as_ref().map(|token| {
            Header::bearer(token).ok_or_else(|| Unusable::Token {
                notifier: name.clone(),
            })
        });
        Ok(Self {
            client,
            address,
            authorization: authorization.transpose()?,
            format,
        })
    }

    async fn send(&self, message: &Message) -> Sent {
        let mut headers: Vec<_> = self.authorization.iter().cloned().collect();
        let body = match &self.format {
            Format::Ntfy { topic } => wire::ntfy(topic, message),
            Format::Webhook => {
                headers.extend(Header::plain("webhook-id", message.id.as_str()));
                wire::webhook(message)
            }
        };
        let exchange = self.client.post(&self.address, &headers, body).await;
        self.verdict(exchange)
    }

    fn verdict(&self, exchange: Exchange) -> Sent {
        let host = self.address.host();
        match exchange {
            Exchange::Answered {
                status: 200..=299, ..
            } => Sent::Delivered,
            Exchange::Answered {
                status,
                retry_after,
                ..
            } => {
                let reason = format!("{host} answered with status {status}");
                match status {
                    429 | 500.. => Sent::Retry {
                        reason,
                        after: retry_after,
                    },
                    _ => Sent::GiveUp { reason },
                }
            }
            Exchange::NotSent { reason } | Exchange::Lost { reason } => Sent::Retry {
                reason: format!("{host}: {reason}"),
                after: None,
            },
        }
    }
}
