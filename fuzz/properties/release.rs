//! A `release.json` has one form: what is read is what would be written. Versions have an order.

use crate::release::{Label, Ordered, Release};

pub(super) fn holds(text: &[u8]) {
    if let Some(release) = Release::parse(text) {
        assert_eq!(release.to_json().as_bytes(), text);
        for label in [&release.name, &release.version] {
            assert_eq!(Label::new(&label.to_string()).as_ref(), Some(label));
        }
    }
    let text = String::from_utf8_lossy(text);
    let (one, other) = text.split_once('\n').unwrap_or((&text, "1.2.3"));
    let (Some(first), Some(second)) = (Ordered::parse(one), Ordered::parse(other)) else { return };
    assert!(first.is_at_least(&first));
    assert!(first.is_at_least(&second) || second.is_at_least(&first));
    // What is ignored does not change the order.
    if !one.starts_with('v') {
        assert_eq!(Ordered::parse(&format!("v0{one}")), Some(first));
    }
}
