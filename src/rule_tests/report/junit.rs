//! The report as `JUnit` XML, which every CI reads.

use crate::rule_tests::report::{Report, TestReport, text};

/// A `testsuite` for each file, a `testcase` for each test. No times: the clock of a test is not ours.
pub fn junit(report: &Report) -> String {
    let suites: String = report.by_file().map(suite).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"amps-rules\" tests=\"{}\" failures=\"{}\">
{suites}</testsuites>
",
        report.tests.len(),
        report.n_failed(),
    )
}

fn suite(tests: &[TestReport]) -> String {
    let file = escaped(tests.first().map_or("", |it| it.place.file.as_str()));
    let n_failed = tests.iter().filter(|it| it.failure.is_some()).count();
    let n_tests = tests.len();
    let cases: String = tests.iter().map(|it| case(it, &file)).collect();
    format!(
        "  <testsuite name=\"{file}\" tests=\"{n_tests}\" failures=\"{n_failed}\" errors=\"0\" skipped=\"0\">
{cases}  </testsuite>
"
    )
}

fn case(test: &TestReport, file: &str) -> String {
    let (name, line) = (escaped(&test.name), test.place.line);
    let head = format!(
        "    <testcase classname=\"{file}\" name=\"{name}\" file=\"{file}\" line=\"{line}\""
    );
    let Some(failure) = &test.failure else {
        return format!("{head}/>\n");
    };
    let problem = escaped(&failure.problem);
    let story = escaped(&text::failure(failure));
    format!(
        "{head}>
      <failure message=\"{problem}\">
{story}</failure>
    </testcase>
"
    )
}

/// For text and attributes. What XML cannot hold at all becomes the character for that.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {
                escaped.push('\u{FFFD}');
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_means_something_by_is_escaped_and_what_it_cannot_hold_replaced() {
        assert_eq!(
            escaped("a & \"b\" <c> 'd'\u{1b}[31m\n"),
            "a &amp; &quot;b&quot; &lt;c&gt; &apos;d&apos;\u{FFFD}[31m\n"
        );
        assert_eq!(escaped("]]>"), "]]&gt;");
    }
}
