//! The release of a cosign is shown as one line, whatever cosign prints.

use super::is_one_plain_line;
use crate::cosign::capability::release;

pub(super) fn holds(text: &[u8]) {
    let shown = release(text);
    is_one_plain_line(&shown);
    // The text before and after the line does not matter.
    let around = [b"a banner\n\n", text, b"\nPlatform: linux/amd64\n"].concat();
    assert_eq!(release(&around), shown);
    if !String::from_utf8_lossy(text).contains("GitVersion:") {
        assert_eq!(shown, "unknown");
    }
    if std::str::from_utf8(text).is_ok_and(|text| text.chars().all(|letter| letter.is_ascii_graphic())) {
        let line = [b"GitVersion:  ", text].concat();
        let escaped = String::from_utf8_lossy(text).replace('\\', "\\\\");
        assert_eq!(release(&line), if escaped.is_empty() { "unknown" } else { &escaped });
    }
}
