//! Any output of cosign is shown as a few plain lines, and gives one of the classes of a failure.

use std::sync::LazyLock;

use super::is_one_plain_line;
use super::sample::TRUSTED_ROOT;
use crate::cosign::diagnosis::{of_key_failure, of_service_failure, shown};
use crate::cosign::recording_services::{PrivateServices, RecordingServices};
use crate::error::{Class, Failure};
use crate::plan::key_ref::KeyRef;
use crate::printable::show;
use crate::sigstore::signing_config::SigningConfig;

static SERVICES: LazyLock<RecordingServices> = LazyLock::new(|| {
    let text = include_bytes!("../../fixtures/sigstore/signing-config-keyless-rekor-v2-timestamp.json");
    let Ok(config) = SigningConfig::parse(text) else { panic!("a good signing config") };
    let private = PrivateServices { config, root: TRUSTED_ROOT.clone(), now: 1_800_000_000 };
    RecordingServices::Private(Box::new(private))
});

pub(super) fn holds(text: &[u8]) {
    let lines = shown(text);
    assert!(lines.lines().count() <= 21);
    for line in lines.lines() {
        is_one_plain_line(line);
        // 1,000 bytes, each of which is shown as at most six characters; a tab as four.
        assert!(line.len() <= 6000);
    }
    // An error of one line is shown, whatever is printed before it.
    let is_one = text.is_ascii() && !text.contains(&b'\n') && text.len() <= 1000;
    let words = String::from_utf8_lossy(text.trim_ascii_end());
    let is_plain = !["Error: ", "error during command execution: ", "parsing plugin response"]
        .iter()
        .any(|word| words.contains(word));
    if is_one && is_plain {
        let noisy = [b"Using payload from: checksums.txt\nError: ", text].concat();
        assert_eq!(shown(&noisy), show(words.as_bytes()).replace(r"\u{9}", "    "));
    }

    let diagnosis = of_key_failure(text);
    assert_eq!(of_key_failure(&text.to_ascii_uppercase()), diagnosis);
    if let (Some(diagnosis), Ok(key)) = (diagnosis, KeyRef::parse("awskms:///alias/release")) {
        is_a_failure(&diagnosis.of(&key, true));
        is_a_failure(&diagnosis.of(&key, false));
    }

    for issuer in [None, Some("https://issuer.example")] {
        assert_eq!(of_service_failure(text, &RecordingServices::NotRecorded, issuer), None);
        let Some(diagnosis) = of_service_failure(text, &SERVICES, issuer) else { continue };
        is_a_failure(&diagnosis.clone().failure(Some("the token is for no service".to_owned())));
        is_a_failure(&diagnosis.failure(None));
    }
}

fn is_a_failure(failure: &Failure) {
    assert!(matches!(failure.class(), Class::NoCosign | Class::NotSigned | Class::Unproven | Class::Broken));
    is_one_plain_line(failure.message());
    if let Some(hint) = failure.way_out() {
        is_one_plain_line(hint);
    }
}
