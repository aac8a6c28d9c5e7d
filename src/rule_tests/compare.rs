//! What was expected beside what happened, aligned, so that the first difference can be seen.

use crate::rule_tests::expected::{Expected, Happened, Kind};
use crate::rule_tests::report::Row;
use crate::rule_tests::test::Expectation;

const NOTHING: &str = "nothing";

/// One row for each thing, kind by kind. Everything is as expected when every row is.
pub(super) fn compare(expectation: &Expectation, happened: &[Happened]) -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let expected: Vec<_> = expectation
            .items
            .iter()
            .filter(|it| it.kind() == kind)
            .collect();
        // Logs and runs reach nobody; they are compared where the test speaks of them.
        if expected.is_empty() && kind.is_inner() {
            continue;
        }
        let happened: Vec<_> = happened.iter().filter(|it| it.kind() == kind).collect();
        // Runs of several rules go on side by side.
        rows.extend(if expectation.in_any_order || kind == Kind::Run {
            in_any_order(&expected, &happened)
        } else {
            in_order(&expected, &happened)
        });
    }
    let is_empty = |side: fn(&Row) -> &Option<String>| rows.iter().all(|it| side(it).is_none());
    let (no_expected, no_happened) = (is_empty(|it| &it.expected), is_empty(|it| &it.happened));
    if let Some(first) = rows.first_mut() {
        if no_expected {
            first.expected = Some(NOTHING.to_owned());
        }
        if no_happened {
            first.happened = Some(NOTHING.to_owned());
        }
    }
    rows
}

/// The longest part that fits in order stands side by side; what lies between is different.
fn in_order(expected: &[&Expected], happened: &[&Happened]) -> Vec<Row> {
    let (n, m) = (expected.len(), happened.len());
    // `longest[i][j]`: how much of what follows from `i` and `j` on fits.
    let mut longest = vec![vec![0_usize; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            longest[i][j] = if expected[i].fits(happened[j]) {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let mut rows = Vec::new();
    let (mut i, mut j) = (0, 0);
    let (mut i_gap, mut j_gap) = (0, 0);
    while i < n && j < m {
        if expected[i].fits(happened[j]) {
            rows.extend(different(&expected[i_gap..i], &happened[j_gap..j]));
            rows.push(same(expected[i], happened[j]));
            (i, j) = (i + 1, j + 1);
            (i_gap, j_gap) = (i, j);
        } else if longest[i][j + 1] <= longest[i + 1][j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    rows.extend(different(&expected[i_gap..], &happened[j_gap..]));
    rows
}

/// As many pairs as can be made, whatever the order.
fn in_any_order(expected: &[&Expected], happened: &[&Happened]) -> Vec<Row> {
    // Which of `expected` each of `happened` belongs to.
    let mut owners: Vec<Option<usize>> = vec![None; happened.len()];
    for index in 0..expected.len() {
        let mut asked = vec![false; happened.len()];
        find_partner(index, expected, happened, &mut owners, &mut asked);
    }
    let partner = |index: usize| owners.iter().position(|it| *it == Some(index));
    let mut rows = Vec::new();
    let mut alone = Vec::new();
    for (index, expected) in expected.iter().enumerate() {
        match partner(index) {
            Some(found) => rows.push(same(expected, happened[found])),
            None => alone.push(*expected),
        }
    }
    let left = happened.iter().zip(&owners).filter(|(_, it)| it.is_none());
    let left: Vec<_> = left.map(|(it, _)| *it).collect();
    rows.extend(different(&alone, &left));
    rows
}

/// Finds one for `index`, moving others to another one of theirs where that helps.
fn find_partner(
    index: usize,
    expected: &[&Expected],
    happened: &[&Happened],
    owners: &mut [Option<usize>],
    asked: &mut [bool],
) -> bool {
    for candidate in 0..happened.len() {
        if asked[candidate] || !expected[index].fits(happened[candidate]) {
            continue;
        }
        asked[candidate] = true;
        let is_free = match owners[candidate] {
            None => true,
            Some(owner) => find_partner(owner, expected, happened, owners, asked),
        };
        if is_free {
            owners[candidate] = Some(index);
            return true;
        }
    }
    false
}

fn same(expected: &Expected, happened: &Happened) -> Row {
    Row {
        expected: Some(expected.to_string()),
        happened: Some(happened.to_string()),
        is_same: true,
    }
}

fn different(expected: &[&Expected], happened: &[&Happened]) -> Vec<Row> {
    let rows = 0..expected.len().max(happened.len());
    rows.map(|index| Row {
        expected: expected.get(index).map(ToString::to_string),
        happened: happened.get(index).map(ToString::to_string),
        is_same: false,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Expected {
        Expected::Log(text.to_owned())
    }

    fn logged(text: &str) -> Happened {
        Happened::Log(text.to_owned())
    }

    /// Rows as `=expected|happened`, or `!…` where they differ.
    fn rows(expected: &[&str], happened: &[&str], in_any_order: bool) -> Vec<String> {
        let expectation = Expectation {
            items: expected.iter().map(|it| log(it)).collect(),
            in_any_order,
        };
        let happened: Vec<_> = happened.iter().map(|it| logged(it)).collect();
        let side = |it: &Option<String>| it.as_deref().unwrap_or("-").replace("log: ", "");
        compare(&expectation, &happened)
            .iter()
            .map(|row| {
                let mark = if row.is_same { '=' } else { '!' };
                format!("{mark}{}|{}", side(&row.expected), side(&row.happened))
            })
            .collect()
    }

    #[test]
    fn what_fits_in_order_stands_side_by_side() {
        assert_eq!(rows(&["a", "b"], &["a", "b"], false), ["=a|a", "=b|b"]);
        assert_eq!(rows(&["a", "b"], &["b"], false), ["!a|-", "=b|b"]);
        assert_eq!(rows(&["b"], &["a", "b"], false), ["!-|a", "=b|b"]);
        assert_eq!(
            rows(&["a", "b"], &["b", "a"], false),
            ["!a|-", "=b|b", "!-|a"]
        );
        assert_eq!(rows(&["a"], &["c"], false), ["!a|c"]);
        assert_eq!(rows(&["a"], &[], false), ["!a|nothing"]);
    }

    #[test]
    fn in_any_order_everything_finds_its_partner() {
        assert_eq!(rows(&["a", "b"], &["b", "a"], true), ["=a|a", "=b|b"]);
        assert_eq!(rows(&["a", "c"], &["b", "a"], true), ["=a|a", "!c|b"]);
    }

    #[test]
    fn logs_that_nobody_asks_for_are_not_compared() {
        assert_eq!(rows(&[], &["a"], false), [""; 0]);
    }
}
