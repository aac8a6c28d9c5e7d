//! `completions`: what a shell needs to complete the words of this program.

use clap::CommandFactory;
use clap_complete::{Shell as Dialect, generate};

use crate::cli::Exit;
use crate::cli::arguments::{Arguments, Shell};
use crate::cli::console::Console;

pub(super) fn completions(shell: Shell, console: &mut Console) -> anyhow::Result<Exit> {
    let dialect = match shell {
        Shell::Bash => Dialect::Bash,
        Shell::Zsh => Dialect::Zsh,
        Shell::Fish => Dialect::Fish,
    };
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    // The generator panics when a pipe is closed; memory takes everything.
    let mut script = Vec::new();
    generate(dialect, &mut command, name, &mut script);
    console.out.write_all(&script)?;
    Ok(Exit::Done)
}
