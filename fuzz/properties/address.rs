//! The address of a service has the host that it shows, uses TLS off this machine, and contains no
//! credentials.

use super::is_one_plain_line;
use crate::plan::service::ServiceUrl;

/// A secret that no message may show.
const SECRET: &str = "S3cretS3cret";

pub(super) fn holds(input: &[u8]) {
    let Ok(value) = std::str::from_utf8(input) else { return };
    match ServiceUrl::parse(value) {
        Ok(url) => has_the_host_it_shows(&url, value),
        Err(error) => {
            is_one_plain_line(&error.problem);
            is_one_plain_line(&error.hint);
        }
    }
    if !value.contains(['/', '?', '#']) {
        for scheme in ["http", "https"] {
            let Err(error) = ServiceUrl::parse(&format!("{scheme}://{value}:{SECRET}@localhost")) else {
                panic!("{value}");
            };
            assert!(![&error.problem, &error.hint].iter().any(|text| text.contains(SECRET)), "{error:?}");
        }
    }
}

fn has_the_host_it_shows(url: &ServiceUrl, typed: &str) {
    assert_eq!((url.as_str(), url.to_string().as_str()), (typed, typed));
    is_one_plain_line(typed);
    assert!(url.is_same_place(url));
    assert!(url.is_encrypted() || url.is_loopback());
    let (host, port) = url.host_and_port();
    assert!(!host.is_empty());
    assert_eq!(url.is_public(), format!(".{}", host.trim_end_matches('.')).ends_with(".sigstore.dev"));
    // For every parser, not only for this one: Go uses the host as it is typed.
    let authority = typed.split("//").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
    let shown = [host.clone(), format!("{host}:{port}"), format!("[{host}]"), format!("[{host}]:{port}")];
    let typed_authority = authority.unwrap_or_default().to_lowercase();
    assert!(shown.contains(&typed_authority), "{typed} leads to {host}:{port}");
}
