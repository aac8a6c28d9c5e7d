//! One page of a list (`amps-api.md` §2, §3.1).

use serde_json::{Value, json};

use crate::simulator::envelope::{ApiError, Request};

const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 50;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    offset: usize,
    limit: usize,
}

impl Page {
    pub(crate) fn of(request: &Request) -> Result<Self, ApiError> {
        let number = |name: &str, default| match request.parameter(name) {
            None => Ok(default),
            Some(text) => text.parse::<usize>().map_err(|_| {
                ApiError::invalid(format!("`{name}` must be a whole number, not negative"))
            }),
        };
        let limit = number("limit", LIMIT_DEFAULT)?;
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(ApiError::invalid("`limit` must be from 1 to 50"));
        }
        Ok(Self {
            offset: number("offset", 0)?,
            limit,
        })
    }

    /// `data` of the list: the items of this page, and where it stands.
    pub(crate) fn cut(self, items: Vec<Value>) -> Value {
        let total = items.len();
        let items: Vec<Value> = items
            .into_iter()
            .skip(self.offset)
            .take(self.limit)
            .collect();
        let seen = self.offset.saturating_add(items.len());
        json!({
            "pagination": {
                "limit": self.limit,
                "offset": self.offset,
                "total": total,
                "hasMore": seen < total,
            },
            "items": items,
        })
    }
}
