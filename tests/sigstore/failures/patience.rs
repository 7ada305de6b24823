//! Services that accept connections and never answer, until cosign itself gives up.

use std::process::Child;

use super::nothing_is_left;
use crate::loopback::newest;
use crate::site::{FULCIO, REKOR_1, REKOR_2, Site, TSA};

#[test]
fn cosign_gives_up_by_itself() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    for service in ["rekor1", "rekor2", "tsa", "fulcio"] {
        site.order(&format!("replace {service} hang"));
    }
    let root = "--trusted-root site/trusted-root.json --timeout 5m";
    // All at once: cosign gives up the first after a minute and a half, the others after half a
    // minute.
    let started: Vec<(&str, Child)> = [
        ("the transparency log at localhost:3000", format!("--signing-key cosign.key --rekor-url {REKOR_1}")),
        ("the transparency log at localhost:3003", format!("--signing-key cosign.key --rekor-url {REKOR_2}")),
        (
            "the timestamp authority at localhost:3004",
            format!("--signing-key cosign.key --tlog-upload=false --timestamp-server-url {TSA}"),
        ),
        (
            "the certificate authority at localhost:5555",
            format!("--keyless --identity-token token --fulcio-url {FULCIO} --rekor-url {REKOR_1}"),
        ),
    ]
    .into_iter()
    .enumerate()
    .map(|(place, (who, words))| {
        let words = format!("bundle dist --output B.{place} --quiet {words} {root}");
        (who, site.aicr(&words).env("AICR_COSIGN", &newest()).start())
    })
    .collect();
    for (who, run) in started {
        let output = run.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let said = said.lines().filter(|line| !line.starts_with("notice: ")).collect::<Vec<_>>().join("\n");
        let start = format!(
            "error: {who} could not be reached in time\n    signing {}",
            site.path("tmp/aicr-").display()
        );
        assert!(output.status.code() == Some(6) && said.starts_with(&start), "{said}");
        assert!(said.ends_with("\nhint: check the address, and that the server is running"), "{said}");
    }
    nothing_is_left(&site);
}
