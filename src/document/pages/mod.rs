//! A page for each code: what it means, and a wrong and a right example. `explain` prints them.

use super::code::{self, Code};

mod files;
mod rules;

/// What there is to say about a code beyond its title.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub code: &'static str,
    /// Where the examples belong.
    pub frame: Frame,
    pub meaning: &'static str,
    pub wrong: &'static str,
    pub right: &'static str,
}

/// The place of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// It is told rather than shown.
    Nowhere,
    /// A whole rule file.
    File,
    Triggers,
    Conditions,
    Actions,
    /// A part of home.yaml.
    Home,
}

const fn page(
    code: &'static str,
    frame: Frame,
    meaning: &'static str,
    [wrong, right]: [&'static str; 2],
) -> Page {
    Page {
        code,
        frame,
        meaning,
        wrong,
        right,
    }
}

/// Every page, in the order of the codes.
pub fn all() -> impl Iterator<Item = &'static Page> {
    files::PAGES.iter().chain(rules::PAGES)
}

/// The code that `name` names, in whatever case, and its page.
pub fn find(name: &str) -> Option<(Code, &'static Page)> {
    let code = code::ALL
        .iter()
        .find(|it| it.name.eq_ignore_ascii_case(name))?;
    let page = all().find(|it| it.code == code.name)?;
    Some((*code, page))
}
