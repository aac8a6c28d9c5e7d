//! What editors know of each kind of file, from the same words.

use serde_json::Value;

use crate::config;
use crate::document::vocabulary::schema::schema;
use crate::rules::catalog::{file, test_files};

/// Of files below `rules/`, which may hold tests too.
pub fn rules() -> Value {
    schema(&file::FILE)
}

/// Of files of tests alone.
pub fn tests() -> Value {
    schema(&test_files::FILE)
}

/// Of `home.yaml`.
pub fn home() -> Value {
    schema(&config::words::FILE)
}
