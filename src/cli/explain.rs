//! `explain`: the page of a code.

use std::io::Write;

use crate::cli::Exit;
use crate::cli::arguments::ExplainArguments;
use crate::cli::console::Console;
use crate::document::code;
use crate::document::pages::{self, Frame};
use crate::document::suggest::closest;

pub(super) fn explain(arguments: &ExplainArguments, console: &mut Console) -> anyhow::Result<Exit> {
    let Some((code, page)) = pages::find(&arguments.code) else {
        writeln!(console.err, "error: there is no code `{}`", arguments.code)?;
        let near = closest(&arguments.code, code::ALL.iter().map(|it| it.name));
        match near {
            Some(near) => writeln!(console.err, "help: did you mean `{near}`?")?,
            None => writeln!(console.err, "help: codes look like `E204` or `W601`")?,
        }
        return Ok(Exit::Usage);
    };
    writeln!(
        console.out,
        "{}: {}\n\n{}",
        code.name, code.title, page.meaning
    )?;
    let place = match page.frame {
        Frame::Nowhere | Frame::File => "",
        Frame::Triggers => ", in `triggers:`",
        Frame::Conditions => ", in `conditions:`",
        Frame::Actions => ", in `actions:`",
        Frame::Home => ", in home.yaml",
    };
    for (word, example) in [("Wrong", page.wrong), ("Right", page.right)] {
        writeln!(console.out, "\n{word}{place}:\n")?;
        for line in example.lines() {
            writeln!(console.out, "    {line}")?;
        }
    }
    Ok(Exit::Done)
}
