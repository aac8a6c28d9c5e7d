//! Every file of `tests/diagnostics/`, cut and stirred: the checker answers, whatever it is given.

use std::fs;

use amps_rules::config;
use amps_rules::document::render::{self, Style};
use amps_rules::document::source::SourceFile;
use amps_rules::rules;

use crate::diagnostics::{cases, environment, home_text, names, sources};

const MUTATIONS: usize = 4000;

const SEED: u64 = 0x00A3_9570_0D15_EA5E;

/// Larger texts only make the same mistakes more slowly.
const BYTES_MAX: usize = 4000;

/// What is most likely to upset somebody who reads YAML.
const PIECES: &[&str] = &[
    "\n",
    "  ",
    "\t",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "!secret x",
    "|\n",
    ">\n",
    "? ",
    "~",
    "{{ x }}",
    "---\n",
    "\u{FEFF}",
    "\0",
    "é",
    "🔋",
    "\u{202E}",
    "\r\n",
    "1e999",
    "-0",
    "99999999999999999999",
    "<<: ",
    "%",
    "id: ",
    "rules:\n",
    "°C",
    "90 %",
];

pub(crate) struct Xorshift(pub(crate) u64);

impl Xorshift {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

pub(crate) fn mutate(bytes: &mut Vec<u8>, random: &mut Xorshift) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(20)).min(bytes.len());
        let piece = PIECES[random.below(PIECES.len())].as_bytes();
        match random.below(5) {
            0 => drop(bytes.drain(at..to)),
            1 => drop(bytes.splice(at..at, piece.iter().copied())),
            2 => drop(bytes.splice(at..to, piece.iter().copied())),
            3 => {
                let copy = bytes[at..to].to_vec();
                let target = random.below(bytes.len() + 1);
                drop(bytes.splice(target..target, copy));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
}

#[test]
fn no_text_upsets_the_checker() {
    let names = names();
    let texts: Vec<Vec<u8>> = ["rules", "home"]
        .iter()
        .flat_map(|it| cases(it))
        .filter(|it| it.is_file())
        .map(|it| fs::read(it).unwrap())
        .filter(|it| it.len() <= BYTES_MAX)
        .collect();
    let mut random = Xorshift(SEED);
    for round in 0..MUTATIONS {
        let mut bytes = texts[random.below(texts.len())].clone();
        mutate(&mut bytes, &mut random);
        let source = SourceFile::from_bytes("rules/a.yaml", &bytes);
        let loaded = rules::load(std::slice::from_ref(&source), &names);
        let sources = [source];
        let text = render::text(&loaded.diagnostics, &sources, Style::Plain);
        let json = render::json(&loaded.diagnostics, &sources);
        // What is left out is said, and what is said has a place in the file.
        let n_errors = loaded.diagnostics.iter().filter(|it| it.is_error()).count();
        let n_broken = loaded.broken.len() + loaded.broken_files.len();
        assert!(n_errors >= n_broken, "round {round}: {text}{json}");
        for diagnostic in &loaded.diagnostics {
            let span = diagnostic.primary.location.span;
            let inside = span.start <= span.end && span.end <= sources[0].text.len();
            assert!(inside, "round {round}: {diagnostic:?}");
        }
    }
}

#[test]
fn the_starter_rules_cut_anywhere_are_answered() {
    let names = names();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/quiet-night.yaml");
    let [source] = &sources(&root)[..] else {
        panic!("it is one file");
    };
    for (at, _) in source.text.char_indices() {
        let cut = SourceFile::new("rules/a.yaml", &source.text[..at]);
        let loaded = rules::load(&[cut], &names);
        let n_loaded = loaded.rules.rules.len();
        let is_said = !loaded.diagnostics.is_empty();
        assert!(is_said || n_loaded == 1, "cut at {at}");
    }
}

#[test]
fn no_text_upsets_the_reader_of_a_home() {
    let dir = tempfile::tempdir().unwrap();
    let texts: Vec<Vec<u8>> = cases("home")
        .iter()
        .filter(|it| it.is_file())
        .map(|it| fs::read(it).unwrap())
        .chain([home_text().into_bytes()])
        .collect();
    let environment = environment();
    let mut random = Xorshift(SEED);
    for round in 0..MUTATIONS / 4 {
        let mut bytes = texts[random.below(texts.len())].clone();
        mutate(&mut bytes, &mut random);
        fs::write(dir.path().join("home.yaml"), &bytes).unwrap();
        let loaded = config::load(dir.path(), &environment);
        let text = render::text(&loaded.diagnostics, &loaded.sources, Style::Plain);
        // Either there is a home or there is a reason, and never a secret of the environment.
        assert_eq!(
            loaded.home.is_none(),
            text.contains("error["),
            "round {round}: {text}"
        );
        assert!(!text.contains("sk_test_1"), "round {round}: {text}");
    }
}
