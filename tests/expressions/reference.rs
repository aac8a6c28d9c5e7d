//! The functions in `rules/README.md` are those of the language. `UPDATE=1` writes them there.

use amps_rules::rules::expr::functions::HowOften;

use super::*;

const BEGIN: &str = "<!-- functions: written by the suite `expressions` -->\n";
const END: &str = "<!-- end of functions -->\n";

fn table() -> String {
    let mut table = "| function | gives | meaning | example |\n|---|---|---|---|\n".to_owned();
    for spec in functions::ALL {
        let takes: Vec<String> = spec
            .parameters
            .iter()
            .map(|it| {
                let optional = if it.how_often == HowOften::Optional {
                    ", may be left out"
                } else {
                    ""
                };
                format!("`{}` {}{optional}", it.name, it.want.phrase())
            })
            .collect();
        let takes = if takes.is_empty() {
            String::new()
        } else {
            format!(" ({})", takes.join("; "))
        };
        let row = format!(
            "| `{}` | {} | {}{takes} | `{}` is `{}` |\n",
            spec.signature(),
            spec.gives.phrase(),
            spec.meaning,
            spec.example,
            spec.expected
        );
        table.push_str(&row);
    }
    table
}

#[test]
fn the_reference_lists_the_functions_as_they_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/README.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        let updated = format!("{before}{BEGIN}{}{END}{after}", table());
        return fs::write(path, updated).unwrap();
    }
    assert_eq!(written, table());
}
