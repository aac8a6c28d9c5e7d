//! Words as JSON Schema (2020-12): what editors complete, show and refuse.
//!
//! A schema refuses nothing that the program takes. What it cannot know (names of the home, units that fit, what
//! belongs together by value) it lets pass, and `check` tells.
//!
//! Which keys a block may have is decided by the word that it begins with: by one pair of `if` and `then` for each
//! word, not by `oneOf` or `anyOf` over whole blocks. The YAML language server, on which most editors rest (1.25 was
//! looked at), completes all of them alike: every word where none stands yet, and then the keys of that one. What it
//! says of mistakes differs. Where no block of an `anyOf` fits, it has to guess which was meant, and says of a
//! `notify` with an unknown key that `log` is missing. With `if`, a block is held against its own word alone.
//! The words to decide by stand in an `enum` without their meanings: the server would show all of them at each one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::kind::{Begun, Form, Kind, LineName, Lines, Named, Words, form};
use super::{Key, Need, Together, Word, capitalized};
use crate::document::decode::Reserved;
use crate::document::diagnostic::Findings;
use crate::document::json::json;
use crate::document::reader;
use crate::document::source::SourceFile;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

const HAS_NO_EFFECT: &str = "Checked, and without effect in this version.";

/// Named, so that it is told once. What stands in the braces is for `check`.
const EXPRESSION: Named = Named {
    name: "expression",
    one: "an expression",
    many: "expressions",
    kind: || {
        const {
            Kind::Text(&form(
                "an expression",
                "expressions",
                r"\{\{",
                "write an expression in quotes and braces: `\"{{ … }}\"`",
            ))
        }
    },
    examples: &[],
};

type Object = Map<String, Value>;

/// The schema of a file whose outermost block has the keys of `file`.
pub fn schema(file: &Word) -> Value {
    let mut definitions = Definitions::default();
    let mut schema = definitions.word(file);
    schema.insert("$schema".to_owned(), json!(DIALECT));
    schema.insert("$defs".to_owned(), json!(definitions.named));
    Value::Object(schema)
}

/// What `text`, which is YAML, is in JSON. A secret is to an editor what is written.
fn value(text: &str) -> Option<Value> {
    let source = SourceFile::new("", text);
    let node = reader::read(&mut Findings::new(&source))?;
    json(&node, &|name| Some(json!(format!("!secret {name}"))))
}

/// The kinds that have a name, as far as they have been met.
#[derive(Default)]
struct Definitions {
    named: BTreeMap<&'static str, Value>,
}

impl Definitions {
    /// A block with the keys of `word`.
    fn word(&mut self, word: &Word) -> Object {
        let mut properties = Object::new();
        for key in word.each_key() {
            let schema = self.key(key, word);
            properties.insert(key.name.to_owned(), Value::Object(schema));
        }
        for (name, reserved) in word.reserved() {
            let help = match reserved {
                Reserved::Foreign(help) | Reserved::Elsewhere(help) => help,
                Reserved::Later => "not available in this version",
            };
            properties.insert(name.to_owned(), refused(help));
        }
        let needed = word.each_key().filter(|it| it.need == Need::Required);
        let needed: Vec<_> = needed.map(|it| it.name).collect();
        let mut schema = object(json!({
            "type": "object",
            "title": word.name,
            "description": sentences(&[word.meaning]),
            "properties": properties,
            "additionalProperties": false,
        }));
        if !needed.is_empty() {
            schema.insert("required".to_owned(), json!(needed));
        }
        together(word.together, &mut schema);
        examples(&[word.example], &mut schema);
        schema
    }

    /// The same, of a block that is known to be one: what it is if not, is told once, and not for each word.
    fn begins(&mut self, word: &Word) -> Object {
        let mut schema = self.word(word);
        schema.remove("type");
        // To an editor, examples of what may be anything are values to offer.
        schema.remove("examples");
        schema
    }

    /// What stands behind `key` in a block of `word`.
    fn key(&mut self, key: &Key, word: &Word) -> Object {
        let is_own = matches!(key.kind, Kind::Own);
        let mut schema = if is_own {
            object(json!({"const": word.name}))
        } else {
            self.kind(&key.kind)
        };
        // Where a block begins is where people look for what the block does.
        let begins = is_own || key.name == word.name;
        let meanings = match (begins, is_own) {
            (true, true) => vec![word.meaning],
            (true, false) => vec![word.meaning, key.meaning],
            (false, _) => vec![key.meaning],
        };
        let mut description = sentences(&meanings);
        if !key.works {
            description = format!("{description} {HAS_NO_EFFECT}");
        }
        if begins && !word.example.is_empty() {
            let example = format!("{description}\n\n```yaml\n{}```", word.example);
            schema.insert("markdownDescription".to_owned(), json!(example));
        }
        schema.insert("description".to_owned(), json!(description));
        if let Need::Default(text) = key.need {
            let default = value(text).unwrap_or_else(|| json!(text));
            schema.insert("default".to_owned(), default);
        }
        schema
    }

    fn kind(&mut self, kind: &Kind) -> Object {
        let schema = match kind {
            // The number as text is right too, and nothing to offer.
            Kind::Version => json!({"anyOf": [{"const": 1}, {"type": "string", "pattern": "^1$"}]}),
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Whole { least, most } => return whole(*least, *most),
            Kind::Number { most: None } => json!({"type": "number"}),
            Kind::Number { most: Some(most) } => {
                json!({"type": "number", "minimum": -i64::from(*most), "maximum": most})
            }
            Kind::Text(form) => return text(form),
            Kind::Word(words) => return choice(*words),
            Kind::Own | Kind::Anything => json!({}),
            Kind::Block(word) => return self.word(word),
            Kind::Begun(begun) => return self.begun(begun),
            Kind::Lines(lines) => return self.lines(lines),
            Kind::Open(keys) => {
                let keys: Vec<_> = keys.iter().map(|it| json!({"required": [it]})).collect();
                json!({"type": "object", "anyOf": keys})
            }
            Kind::List { of, least, most } => return self.list(of, *least, *most),
            Kind::OneOrMany { of, least, most } => {
                json!({"anyOf": [self.kind(of), self.list(of, *least, *most)]})
            }
            Kind::Either(kinds) => {
                let kinds: Vec<_> = kinds.iter().map(|it| self.kind(it)).collect();
                json!({"anyOf": kinds})
            }
            Kind::Expression => return self.named(&EXPRESSION),
            Kind::Templated { of, .. } => return self.kind(of),
            Kind::Named(named) => return self.named(named),
            Kind::Nothing => json!({"type": "null"}),
        };
        object(schema)
    }

    /// A kind that can stand inside itself is told once, and pointed to.
    fn named(&mut self, named: &Named) -> Object {
        if !self.named.contains_key(named.name) {
            self.named.insert(named.name, Value::Null);
            let mut schema = self.kind(&(named.kind)());
            schema.insert("title".to_owned(), json!(named.one));
            examples(named.examples, &mut schema);
            self.named.insert(named.name, Value::Object(schema));
        }
        object(json!({"$ref": format!("#/$defs/{}", named.name)}))
    }

    fn list(&mut self, of: &Kind, least: usize, most: usize) -> Object {
        let items = self.kind(of);
        object(json!({"type": "array", "items": items, "minItems": least, "maxItems": most}))
    }

    fn lines(&mut self, lines: &Lines) -> Object {
        let value = self.kind(&lines.value);
        let mut schema = match lines.name {
            LineName::Text(form) => {
                let names = text(form);
                json!({"propertyNames": names, "additionalProperties": value})
            }
            LineName::Word(words) => {
                let lines = words.each().into_iter().map(|(name, meaning)| {
                    let mut value = value.clone();
                    if let Some(meaning) = meaning {
                        value.insert("description".to_owned(), json!(meaning));
                    }
                    (name.to_owned(), Value::Object(value))
                });
                let lines: Object = lines.collect();
                json!({"properties": lines, "additionalProperties": false})
            }
        };
        schema["type"] = json!("object");
        schema["minProperties"] = json!(lines.least);
        if let Some(most) = lines.most {
            schema["maxProperties"] = json!(most);
        }
        object(schema)
    }

    fn begun(&mut self, begun: &Begun) -> Object {
        let mut properties = Object::new();
        for (name, help) in begun.foreign {
            properties.insert((*name).to_owned(), refused(help));
        }
        let (mut beginnings, mut decisions) = (Vec::new(), Vec::new());
        // Nothing is what stands there before the first letter, and then every word is to be offered.
        let mut is_block = object(json!({"type": ["object", "null"]}));
        if let Some((key, words)) = begun.named {
            let names: Vec<_> = words.iter().map(|it| it.name).collect();
            properties.insert(key.to_owned(), json!({"enum": names}));
            beginnings.push(key);
            for word in words {
                let mut is_it = is_block.clone();
                is_it.insert("required".to_owned(), json!([key]));
                is_it.insert("properties".to_owned(), json!({key: {"const": word.name}}));
                decisions.push(json!({"if": is_it, "then": self.begins(word)}));
            }
            is_block.insert("not".to_owned(), json!({"required": [key]}));
        }
        for word in begun.keys {
            let mut is_it = is_block.clone();
            is_it.insert("required".to_owned(), json!([word.name]));
            beginnings.push(word.name);
            decisions.push(json!({"if": is_it, "then": self.begins(word)}));
        }
        decisions.push(one_of_them(&beginnings));
        object(json!({"type": "object", "properties": properties, "allOf": decisions}))
    }
}

/// An object, which `value` is.
fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            unreachable!("{value} is written above, in braces")
        }
    }
}

/// Refuses a block that has none of these keys. `anyOf` would do, and of it editors name the first alone.
fn one_of_them(keys: &[&str]) -> Value {
    if let [key] = keys {
        return json!({"required": [key]});
    }
    let required: Vec<_> = keys.iter().map(|it| json!({"required": [it]})).collect();
    let help = format!("begin with one of `{}`", keys.join("`, `"));
    json!({
        "if": {"type": "object", "not": {"anyOf": required}},
        "then": {"enum": [], "errorMessage": help},
    })
}

fn whole(least: u32, most: Option<u32>) -> Object {
    let mut schema = object(json!({"type": "integer", "minimum": least}));
    if let Some(most) = most {
        schema.insert("maximum".to_owned(), json!(most));
    }
    schema
}

fn text(form: &Form) -> Object {
    let mut schema = object(json!({
        "type": "string",
        "pattern": form.pattern.text(),
        // Not of the standard: said by editors that know it, instead of the pattern.
        "patternErrorMessage": form.help,
    }));
    if let Some(most) = form.characters_max {
        schema.insert("maxLength".to_owned(), json!(most));
    }
    examples(form.examples, &mut schema);
    schema
}

fn choice(words: &dyn Words) -> Object {
    let words = words.each();
    if words.iter().all(|(_, meaning)| meaning.is_none()) {
        let words: Vec<_> = words.into_iter().map(|(word, _)| word).collect();
        return object(json!({"type": "string", "enum": words}));
    }
    let words = words
        .into_iter()
        .map(|(word, meaning)| json!({"const": word, "description": meaning}));
    object(json!({"anyOf": words.collect::<Vec<_>>()}))
}

/// A key that is known to be wrong, with what to write instead, for editors that show it.
fn refused(help: &str) -> Value {
    json!({"enum": [], "errorMessage": help, "description": sentence(help), "doNotSuggest": true})
}

fn together(groups: &[Together], schema: &mut Object) {
    let mut all = Vec::new();
    let mut beside: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let required = |sets: &[&[&str]]| -> Vec<Value> {
        sets.iter().map(|it| json!({"required": it})).collect()
    };
    for group in groups {
        match group {
            Together::Some(sets) => all.push(json!({"anyOf": required(sets)})),
            // What is no block has all keys that are required of blocks.
            Together::One(sets) => all.push(json!({
                "if": {"type": "object"},
                "then": {"oneOf": required(sets)},
            })),
            Together::Beside(key, other) => beside.entry(key).or_default().push(other),
        }
        if let Together::Some(sets) | Together::One(sets) = group {
            for (key, others) in sets.iter().flat_map(|it| each_with_others(it)) {
                beside.entry(key).or_default().extend(others);
            }
        }
    }
    if !all.is_empty() {
        schema.insert("allOf".to_owned(), json!(all));
    }
    beside.retain(|_, others| !others.is_empty());
    if !beside.is_empty() {
        schema.insert("dependentRequired".to_owned(), json!(beside));
    }
}

/// Each key of a set, with those that must stand beside it.
fn each_with_others<'k>(set: &'k [&'k str]) -> impl Iterator<Item = (&'k str, Vec<&'k str>)> {
    set.iter().map(|key| {
        let others = set.iter().filter(|it| *it != key);
        (*key, others.copied().collect())
    })
}

fn examples(texts: &[&str], schema: &mut Object) {
    let texts = texts.iter().filter(|it| !it.is_empty());
    let values: Vec<_> = texts.filter_map(|it| value(it)).collect();
    if !values.is_empty() {
        schema.insert("examples".to_owned(), json!(values));
    }
}

fn sentences(texts: &[&str]) -> String {
    let sentences: Vec<String> = texts.iter().map(|it| sentence(it)).collect();
    sentences.join(" ")
}

fn sentence(text: &str) -> String {
    let text = capitalized(text);
    if text.ends_with('.') {
        text
    } else {
        text + "."
    }
}
