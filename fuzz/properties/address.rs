//! The address of a service leads where it says, in TLS or not off this machine, and holds no credentials.

use super::is_one_plain_line;
use crate::plan::service::ServiceUrl;

/// What must not be shown.
const SECRET: &str = "S3cretS3cret";

pub(super) fn holds(input: &[u8]) {
    let Ok(value) = std::str::from_utf8(input) else { return };
    match ServiceUrl::parse(value) {
        Ok(url) => leads_there(&url, value),
        Err(misread) => {
            is_one_plain_line(&misread.problem);
            is_one_plain_line(&misread.hint);
        }
    }
    if !value.contains(['/', '?', '#']) {
        for scheme in ["http", "https"] {
            let Err(misread) = ServiceUrl::parse(&format!("{scheme}://{value}:{SECRET}@localhost")) else {
                panic!("{value}");
            };
            assert!(
                ![&misread.problem, &misread.hint].iter().any(|text| text.contains(SECRET)),
                "{misread:?}"
            );
        }
    }
}

fn leads_there(url: &ServiceUrl, typed: &str) {
    assert_eq!((url.as_str(), url.to_string().as_str()), (typed, typed));
    is_one_plain_line(typed);
    assert!(url.is_same_place(url));
    assert!(url.is_encrypted() || url.is_loopback());
    let (host, port) = url.host_and_port();
    assert!(!host.is_empty());
    assert_eq!(url.is_public(), format!(".{}", host.trim_end_matches('.')).ends_with(".sigstore.dev"));
    // To every reader, not only to this one: Go takes what is typed for a name and asks for that.
    let authority = typed.split("//").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
    let shown = [host.clone(), format!("{host}:{port}"), format!("[{host}]"), format!("[{host}]:{port}")];
    let typed_authority = authority.unwrap_or_default().to_lowercase();
    assert!(shown.contains(&typed_authority), "{typed} leads to {host}:{port}");
}
