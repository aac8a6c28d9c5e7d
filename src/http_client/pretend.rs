//! A world outside that a test makes up: requests are answered by a function, and no byte leaves.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::http_client::address::Address;
use crate::http_client::{Exchange, HttpClient, Transport};

/// A request as it would have left.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

type Answering = Pin<Box<dyn Future<Output = Exchange> + Send>>;

/// Who answers.
#[derive(Clone)]
pub(crate) struct Outside(Arc<dyn Fn(Asked) -> Answering + Send + Sync>);

impl Outside {
    pub(super) async fn ask(
        &self,
        method: &'static str,
        address: &Address,
        body: Vec<u8>,
    ) -> Exchange {
        let url = address.as_url();
        let query = url.query_pairs();
        let asked = Asked {
            method,
            host: address.host().to_owned(),
            path: url.path().to_owned(),
            query: query
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            body,
        };
        (self.0)(asked).await
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside")
    }
}

impl HttpClient {
    /// A client whose requests `answer` answers.
    pub(crate) fn pretend<A>(answer: impl Fn(Asked) -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Exchange> + Send + 'static,
    {
        let boxed = move |asked| -> Answering { Box::pin(answer(asked)) };
        Self(Transport::Pretend(Outside(Arc::new(boxed))))
    }
}
