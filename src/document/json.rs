//! A tree as JSON, which has no word for some of what YAML can say.

use serde_json::{Map, Number, Value};

use super::node::{Kind, Node};

/// What `node` says, with `secret` for the value of a secret; none when something in it has no word in JSON.
pub fn json(node: &Node, secret: &impl Fn(&str) -> Option<Value>) -> Option<Value> {
    Some(match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        // `3` is said as `3`, not as `3.0`.
        Kind::Number { value, text } => match text.parse::<i64>() {
            Ok(whole) => Value::Number(whole.into()),
            Err(_) => Value::Number(Number::from_f64(*value)?),
        },
        Kind::Text(text) => Value::String(text.clone()),
        Kind::List(items) => {
            let items = items.iter().map(|it| json(it, secret));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Kind::Map(entries) => {
            let fields = entries
                .iter()
                .map(|it| Some((it.key.as_key()?.to_owned(), json(&it.value, secret)?)));
            Value::Object(fields.collect::<Option<Map<_, _>>>()?)
        }
        Kind::Secret(name) => secret(name)?,
    })
}
