//! Addresses of requests. Their paths can be secret, so that an address prints as its host alone.

use std::fmt;

use reqwest::Url;

/// An `http` or `https` address.
#[derive(Clone)]
pub(crate) struct Address(Url);

impl Address {
    /// None when `text` is no such address.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        // Of these two schemes, the parser takes none without a host.
        matches!(url.scheme(), "http" | "https").then_some(Self(url))
    }

    /// The address `segments` below this one; what a segment cannot hold is escaped.
    pub(crate) fn below(&self, segments: &[&str]) -> Self {
        let mut url = self.0.clone();
        url.path_segments_mut()
            .expect("an http address has a path")
            .pop_if_empty()
            .extend(segments);
        Self(url)
    }

    pub(crate) fn with_query(self, pairs: &[(&str, &str)]) -> Self {
        let mut url = self.0;
        url.query_pairs_mut().extend_pairs(pairs);
        Self(url)
    }

    /// The address above this one, and the last segment of its path; none when there is no such segment.
    pub(crate) fn split_last(&self) -> Option<(Self, String)> {
        let mut segments = self.0.path_segments()?;
        let last = segments.rfind(|it| !it.is_empty())?.to_owned();
        let mut url = self.0.clone();
        url.path_segments_mut()
            .expect("an http address has a path")
            .pop_if_empty()
            .pop()
            .push("");
        Some((Self(url), last))
    }

    pub(crate) fn host(&self) -> &str {
        self.0.host_str().expect("an http address has a host")
    }

    /// Whether it leads to `authority`: a host with a port, or with the usual one.
    pub(crate) fn is_at(&self, authority: &str) -> bool {
        let Ok(other) = Url::parse(&format!("{}://{authority}/", self.0.scheme())) else {
            return false;
        };
        let place = |url: &Url| {
            (
                url.host_str().map(str::to_owned),
                url.port_or_known_default(),
            )
        };
        let has_name = !self.0.username().is_empty() || self.0.password().is_some();
        !has_name && place(&self.0) == place(&other)
    }

    pub(super) fn as_url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}…)", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn segments_are_escaped_and_query_values_too() {
        let below = address("https://api.amps.ai/v/").below(&["battery", "dev/1?a#ü"]);
        assert_eq!(
            below.with_query(&[("deviceId", "a&b")]).as_url().as_str(),
            "https://api.amps.ai/v/battery/dev%2F1%3Fa%23%C3%BC?deviceId=a%26b"
        );
    }

    #[test]
    fn the_last_segment_comes_off_and_the_rest_stays() {
        for (text, above) in [
            ("https://ntfy.sh/my-home", "https://ntfy.sh/"),
            ("https://ntfy.sh/my-home/", "https://ntfy.sh/"),
            (
                "http://pi:8080/ntfy/my-home?a=1",
                "http://pi:8080/ntfy/?a=1",
            ),
        ] {
            let (rest, last) = address(text).split_last().unwrap();
            assert_eq!((rest.as_url().as_str(), last.as_str()), (above, "my-home"));
        }
        assert!(address("https://ntfy.sh").split_last().is_none());
    }

    #[test]
    fn an_address_is_at_its_host_and_port_and_nowhere_else() {
        for (url, authority, expected) in [
            ("https://panel.example/a", "panel.example", true),
            ("https://PANEL.example/", "panel.example", true),
            ("https://panel.example:443/", "panel.example", true),
            ("http://panel.example:8080/", "panel.example:8080", true),
            ("http://[::1]:8080/", "[::1]:8080", true),
            ("http://panel.example:8080/", "panel.example", false),
            (
                "https://panel.example.evil.example/",
                "panel.example",
                false,
            ),
            (
                "https://panel.example@evil.example/",
                "panel.example",
                false,
            ),
            ("https://a:b@panel.example/", "panel.example", false),
            (
                "https://evil.example\\@panel.example/",
                "panel.example",
                false,
            ),
        ] {
            assert_eq!(address(url).is_at(authority), expected, "{url}");
        }
    }

    #[test]
    fn only_the_host_is_printed() {
        let printed = format!("{:?}", address("https://user:word@ntfy.sh/topic?auth=1"));
        assert_eq!(printed, "Address(ntfy.sh…)");
    }

    #[test]
    fn other_schemes_and_loose_text_are_no_addresses() {
        for text in [
            "ftp://host/",
            "file:///etc",
            "ntfy.sh/topic",
            "https://",
            "",
        ] {
            assert!(Address::parse(text).is_none(), "{text}");
        }
    }
}
