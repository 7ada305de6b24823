//! The address of a service: encrypted or on this machine, and without credentials. Nothing here
//! connects to it.

use url::{Host, Url};

use super::value::ValueError;
use crate::printable::is_hidden;

/// The address of a log, certificate authority, timestamp authority or OIDC issuer. `https://`, or
/// `http://` on loopback; no user-info. Kept as it was typed: an OIDC issuer is compared letter by
/// letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceUrl {
    typed: String,
    url: Url,
}

impl ServiceUrl {
    /// The address in `value`, or what is wrong with it. User-info is never shown.
    pub(crate) fn parse(value: &str) -> Result<Self, ValueError> {
        const FORM: &str = "write `https://HOST`";
        if value.is_empty() {
            return Err(ValueError::new("the address is empty", FORM));
        }
        if value.chars().any(|c| c.is_whitespace() || is_hidden(c) || c == '\\') {
            return Err(ValueError::new(
                "the address contains blanks, backslashes or control characters",
                FORM,
            ));
        }
        let lower = value.to_ascii_lowercase();
        if !lower.starts_with("https://") && !lower.starts_with("http://") {
            return Err(ValueError::new("the address does not begin with https://", FORM));
        }
        let url = Url::parse(value)
            .map_err(|error| ValueError::new(format!("the address is not a URL: {error}"), FORM))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ValueError::new(
                "the address contains credentials (not shown)",
                "leave out everything before the @",
            ));
        }
        let host = host_and_port(&url);
        if !is_normal(&url, value) {
            return Err(ValueError::new(
                "the host of the address is not in its normal form",
                format!("write `{}://{host}`", url.scheme()),
            ));
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(ValueError::new(
                "plain http:// is for loopback only (localhost, 127.0.0.0/8, [::1])",
                format!("write `https://{host}`"),
            ));
        }
        Ok(Self { typed: value.to_owned(), url })
    }

    /// The address as it was typed.
    pub(crate) fn as_str(&self) -> &str {
        &self.typed
    }

    /// Whether both are one place: the case of the host, the default port and slashes at the end
    /// make no difference.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        let place = |Self { url, .. }: &Self| {
            let path = url.path().trim_end_matches('/').to_owned();
            (url.origin(), path, url.query().map(str::to_owned))
        };
        place(self) == place(other)
    }

    /// The host, with the port if it is not the default one.
    pub(crate) fn host(&self) -> String {
        host_and_port(&self.url)
    }

    /// The host and port to connect to.
    pub(crate) fn host_and_port(&self) -> (String, u16) {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        (host.to_owned(), self.url.port_or_known_default().unwrap_or(443))
    }

    /// Whether connections use TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Whether the service belongs to the public Sigstore.
    pub(crate) fn is_public(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default().trim_end_matches('.');
        host == "sigstore.dev" || host.ends_with(".sigstore.dev")
    }
}

/// As it was typed.
impl std::fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.typed)
    }
}

/// Whether the host in `value`, of which `url` was made, is in its normal form. Otherwise Go may read
/// another host: `http://2130706433` is 127.0.0.1 here and a name there.
pub(super) fn is_normal(url: &Url, value: &str) -> bool {
    let host = host_and_port(url);
    let default_port = url.port_or_known_default().filter(|_| url.port().is_none());
    let with_port = default_port.map(|port| format!("{host}:{port}"));
    let lower = value.to_ascii_lowercase();
    let authority = lower.split(['/', '?', '#']).nth(2).unwrap_or_default();
    authority == host || Some(authority) == with_port.as_deref()
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_addresses() {
        for (value, host, public) in [
            ("https://rekor.example.com", "rekor.example.com", false),
            ("HTTPS://Rekor.Example.com/", "rekor.example.com", false),
            ("https://example.com:8443/api/v2", "example.com:8443", false),
            ("https://example.com:443", "example.com", false),
            ("https://tsa.example.com?td=sha256", "tsa.example.com", false),
            ("http://localhost:3000", "localhost:3000", false),
            ("http://127.9.9.9", "127.9.9.9", false),
            ("http://[::1]:3000", "[::1]:3000", false),
            ("https://rekor.sigstore.dev", "rekor.sigstore.dev", true),
            ("https://sigstore.dev.", "sigstore.dev.", true),
            ("https://notsigstore.dev", "notsigstore.dev", false),
        ] {
            let url = ServiceUrl::parse(value).expect(value);
            assert_eq!((url.host().as_str(), url.is_public()), (host, public));
            assert_eq!(url.as_str(), value);
        }
    }

    #[test]
    fn host_and_port_to_connect_to() {
        for (value, host, port, encrypted, loopback) in [
            ("https://rekor.example.com", "rekor.example.com", 443, true, false),
            ("https://example.com:8443/api/v2", "example.com", 8443, true, false),
            ("https://[2001:db8::1]", "2001:db8::1", 443, true, false),
            ("https://localhost", "localhost", 443, true, true),
            ("http://localhost:3000", "localhost", 3000, false, true),
            ("http://127.9.9.9", "127.9.9.9", 80, false, true),
            ("http://[::1]:3000", "::1", 3000, false, true),
        ] {
            let url = ServiceUrl::parse(value).expect(value);
            assert_eq!(url.host_and_port(), (host.to_owned(), port));
            assert_eq!((url.is_encrypted(), url.is_loopback()), (encrypted, loopback), "{value}");
            assert_eq!(url.to_string(), value);
        }
    }

    #[test]
    fn the_same_place_under_two_addresses() {
        let place = |value: &str| ServiceUrl::parse(value).expect(value);
        let log = place("https://rekor.example.com/log");
        for same in [
            "https://rekor.example.com/log",
            "https://rekor.example.com/log/",
            "HTTPS://Rekor.Example.Com/log",
            "https://rekor.example.com:443/log",
            "https://rekor.example.com/a/../log",
        ] {
            assert!(log.is_same_place(&place(same)), "{same}");
        }
        for other in [
            "https://rekor.example.com",
            "https://rekor.example.com/Log",
            "https://rekor.example.com:8443/log",
            "https://rekor2.example.com/log",
            "https://rekor.example.com/log?tree=2",
        ] {
            assert!(!log.is_same_place(&place(other)), "{other}");
        }
        assert!(!place("http://localhost").is_same_place(&place("https://localhost")));
        assert!(place("http://localhost").is_same_place(&place("http://localhost:80/")));
    }

    #[test]
    fn bad_addresses() {
        let form = "write `https://HOST`";
        let loopback = "plain http:// is for loopback only (localhost, 127.0.0.0/8, [::1])";
        let credentials = "the address contains credentials (not shown)";
        let blanks = "the address contains blanks, backslashes or control characters";
        let scheme = "the address does not begin with https://";
        let host = "the host of the address is not in its normal form";
        for (value, problem, hint) in [
            ("", "the address is empty", form),
            ("rekor.example.com", scheme, form),
            ("ftp://rekor.example.com", scheme, form),
            ("https:rekor.example.com", scheme, form),
            ("https://", "the address is not a URL: empty host", form),
            ("https://a b", blanks, form),
            ("https://a\n", blanks, form),
            ("https:\\\\a", blanks, form),
            ("http://rekor.example.com:3000", loopback, "write `https://rekor.example.com:3000`"),
            ("http://localhost.example.com", loopback, "write `https://localhost.example.com`"),
            ("http://128.0.0.1", loopback, "write `https://128.0.0.1`"),
            ("http://[2001:db8::1]", loopback, "write `https://[2001:db8::1]`"),
            ("https://user:hunter2@a", credentials, "leave out everything before the @"),
            ("http://hunter2@a", credentials, "leave out everything before the @"),
            ("https://:hunter2@a", credentials, "leave out everything before the @"),
            ("https://@a", host, "write `https://a`"),
            ("https:///a/b", host, "write `https://a`"),
            ("https://a:/b", host, "write `https://a`"),
            ("https://%61:8443", host, "write `https://a:8443`"),
            ("https://größe.example", host, "write `https://xn--gre-6ka8i.example`"),
            ("http://2130706433", host, "write `http://127.0.0.1`"),
            ("http://127.1", host, "write `http://127.0.0.1`"),
            ("http://[::0001]:3000", host, "write `http://[::1]:3000`"),
        ] {
            let error = ServiceUrl::parse(value).expect_err(value);
            assert_eq!((error.problem.as_str(), error.hint.as_str()), (problem, hint));
        }
    }
}
