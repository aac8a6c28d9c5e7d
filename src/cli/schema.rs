//! `schema`: what editors complete, show and refuse in the files of a home.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use crate::cli::Exit;
use crate::cli::arguments::{SchemaArguments, SchemaKind};
use crate::cli::console::Console;
use crate::rules::catalog::schema;

/// Every kind of file, with the name that its schema has on the disk.
const FILES: [(SchemaKind, &str); 3] = [
    (SchemaKind::Rules, "rules.schema.json"),
    (SchemaKind::Tests, "tests.schema.json"),
    (SchemaKind::Home, "home.schema.json"),
];

pub(super) fn schema(arguments: &SchemaArguments, console: &mut Console) -> anyhow::Result<Exit> {
    let Some(folder) = &arguments.out else {
        write!(console.out, "{}", text(arguments.kind)?)?;
        return Ok(Exit::Done);
    };
    write_all(folder, console)
        .with_context(|| format!("`{}` cannot take the schemas", folder.display()))?;
    Ok(Exit::Done)
}

fn write_all(folder: &Path, console: &mut Console) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    for (kind, name) in FILES {
        let path = folder.join(name);
        fs::write(&path, text(kind)?)?;
        writeln!(console.out, "{}", path.display())?;
    }
    Ok(())
}

fn text(kind: SchemaKind) -> serde_json::Result<String> {
    let schema: Value = match kind {
        SchemaKind::Rules => schema::rules(),
        SchemaKind::Tests => schema::tests(),
        SchemaKind::Home => schema::home(),
    };
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}
