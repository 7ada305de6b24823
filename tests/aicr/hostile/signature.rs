//! A18, A19: signatures with and without log entries and timestamps.

use super::attacks::borrowed;
use super::{VERIFY, attacked, test_dir};
use crate::sandbox::{KEY_SHA256, SMALL_SHA256};

/// A18, A19: the flags of the verifier decide what a signature needs, and the bundle does not.
#[test]
fn log_entries_and_timestamps() {
    let sandbox = test_dir();
    let flag = "hint: add --insecure-ignore-tlog if it was signed with --tlog-upload=false";
    let root = "hint: add --trusted-root FILE with the log's key, or --insecure-ignore-tlog to leave the entry unchecked";
    let none = format!(
        "error: B is not accepted: there is no transparency log entry, and this command line requires one\n{flag}\n"
    );
    let unknown = format!(
        "error: B is not accepted: without --trusted-root its transparency log entry cannot be checked\n{root}\n"
    );
    for (name, log, timestamp, without_root) in [
        ("key.json", "none", "none", &none),
        ("key-timestamp.json", "none", "unchecked", &none),
        ("key-rekor-v1.json", "unchecked", "none", &unknown),
        ("key-rekor-v2-timestamp.json", "unchecked", "unchecked", &unknown),
    ] {
        attacked(&sandbox, |s| borrowed(s, name));
        let key = format!("key sha256\n    {KEY_SHA256}\n  log {log}, timestamp {timestamp}");
        sandbox
            .aicr(VERIFY)
            .stdout(&format!(
                "accepted B\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n  {key}\n"
            ))
            .succeeds();
        sandbox.aicr("verify B --key cosign.pub").stdout("rejected B\n").stderr(without_root).exits(5);
    }
}
