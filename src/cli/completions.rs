//! `completions`: what a shell needs to complete the words of this program.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::{Shell as Dialect, generate};

use crate::cli::Exit;
use crate::cli::arguments::{Arguments, Shell};
use crate::cli::console::Console;

const NAME: &str = "amps-rules";

// For bash, the generator spells a name with a dash in two ways (clap-rs/clap#6421), and then nothing
// behind a subcommand is completed. Once that is mended there is nothing left to replace.
const MISSPELLED: &str = "amps__subcmd__rules";
const SPELLED: &str = "amps__rules";

pub(super) fn completions(shell: Shell, console: &mut Console) -> anyhow::Result<Exit> {
    let dialect = match shell {
        Shell::Bash => Dialect::Bash,
        Shell::Zsh => Dialect::Zsh,
        Shell::Fish => Dialect::Fish,
    };
    // The generator panics when a pipe is closed; memory takes everything.
    let mut script = Vec::new();
    generate(dialect, &mut Arguments::command(), NAME, &mut script);
    let script = String::from_utf8(script)?.replace(MISSPELLED, SPELLED);
    write!(console.out, "{script}")?;
    Ok(Exit::Done)
}
